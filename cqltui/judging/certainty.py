"""Answers of an ensemble: how far its members differ, whether that tells which bets are lost, and what confidence is
worth. The last two are read from the evaluation on the test rows, of which nothing is believed."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from cqltui.campaign.model import TaskSpec
from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE, NOT_YET, at, figure_at, policy_at
from cqltui.judging.outcomes import Answer, Left, Params, Scope, TaskOutcome, average, by_configuration, deviation, rank
from cqltui.judging.spread import q_deviation
from cqltui.judging.wording import configuration_title, finite, percent, rows_of, shown
from cqltui.state.plain import plain
from trainer.config import ACTIONS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Member(Struct, frozen=True, eq=False):
    """What is kept of a seed."""

    q: "npt.NDArray[np.floating] | None"
    """[N, A], of the validation rows."""
    last: float | None
    """The metric's last value."""
    task: TaskSpec


def member_of(task: TaskSpec, left: Left, params: Params) -> Member:
    """Of `q_spread`: the Q values and the metric's last value."""
    return Member(left.q_heldout, left.final(params["metric"]), task)


def q_spread(scope: Scope, params: Params) -> Answer:
    """Tell how far the seeds of the most repeated configuration differ, in Q and in a metric."""
    found: list[tuple[Member, TaskOutcome]] = scope.figures()
    groups: list[list[Member]] = [*by_configuration(found).values()]
    members = max(groups, key=len, default=[])
    if len(members) < 2:
        return Answer(("no configuration of the phase has two seeds",))
    task, metric = members[0].task, params["metric"]
    lines = [f"{len(members)} seeds of {configuration_title(task.algorithm, task.trainer)}"]
    figures: dict[str, Any] = {"members": len(members), "metric": metric}
    said, figures["q"] = _q_values([member.q for member in members if member.q is not None])
    lines.append(said)
    on_test = figure_at(at(scope.evaluation), "ensemble", "q_std")
    if on_test is not None:
        lines.append(f"Q on the test rows, {_weights(scope)}: standard deviation over members {on_test:.4f}")
    figures["test_q_std"] = on_test
    values = sorted(
        (member.last for member in members if member.last is not None and math.isfinite(member.last)),
        key=lambda value: rank(value, metric),
    )
    if len(values) < 2:
        lines.append(f"{metric} was measured of {len(values)} of them")
        figures["values"] = None
    else:
        told = {"best": values[0], "mean": average(values), "worst": values[-1], "std": deviation(values)}
        figures["values"] = {name: finite(value) for name, value in told.items()}
        each = ", ".join(f"{name} {value:.4f}" for name, value in told.items())
        lines.append(f"{rows_of(task.algorithm, metric)}: {each}")
    return Answer(tuple(lines), figures)


def _weights(scope: Scope) -> str:
    """Return which weights of its members the evaluated ensemble has."""
    chosen = at(scope.evaluation, "choices").get("ensemble")
    which = at(chosen[0]).get("which") if isinstance(chosen, list) and chosen else None
    return "the evaluated ensemble's weights" + (f" ({plain(which, 20)})" if isinstance(which, str) else "")


def _q_values(members: "list[npt.NDArray[np.floating]]") -> tuple[str, dict[str, Any] | None]:
    if len(members) < 2 or any(q.shape != members[0].shape for q in members) or not members[0].size:
        return f"Q of the same validation rows is known of {len(members)} members; it needs two or more", None
    rows, actions = members[0].shape
    means = [float(q.astype(float).mean()) for q in members]
    deviations = q_deviation(members)
    by_action = [float(value) for value in deviations.mean(axis=0)]
    names = ACTIONS if actions == len(ACTIONS) else tuple(f"action {number}" for number in range(actions))
    whole = float(deviations.mean())
    of_means = deviation(means) if all(map(math.isfinite, means)) else math.nan
    each = ", ".join(f"{name} {shown(value)}" for name, value in zip(names, by_action, strict=True))
    said = (
        f"Q on {rows:,} validation rows after the last epoch: members' means {shown(min(means))} to "
        f"{shown(max(means))}, their standard deviation {shown(of_means)}; standard deviation over members, mean over "
        f"rows: {shown(whole)} ({each})"
    )
    figures = {
        "rows": rows,
        "members_mean_lowest": finite(min(means)),
        "members_mean_highest": finite(max(means)),
        "members_mean_std": finite(of_means),
        "std": finite(whole),
        "std_by_action": {name: finite(value) for name, value in zip(names, by_action, strict=True)},
    }
    return said, figures


def uncertainty(scope: Scope, params: Params) -> Answer:
    """Tell whether the members' disagreement about a bet says that it is lost."""
    if scope.evaluation is None:
        return Answer((NOT_YET,))
    found = at(scope.evaluation, "ensemble", "uncertainty")
    if not found:
        return Answer(("no ensemble has bet often enough on the test games to tell",))
    figures = {
        "bets": figure_at(found, "bets"),
        "auc": figure_at(found, "losing", "value"),
        "auc_error": figure_at(found, "losing", "se"),
        "with_losses": figure_at(found, "with_losses", "value"),
        "with_losses_p": figure_at(found, "with_losses", "p_value"),
        "with_returns": figure_at(found, "with_returns", "value"),
        "with_returns_p": figure_at(found, "with_returns", "p_value"),
        "aurc": figure_at(found, "aurc"),
        "random_aurc": figure_at(found, "random_aurc"),
        "random_sd": figure_at(found, "random_sd"),
        "oracle_aurc": figure_at(found, "oracle_aurc"),
    }
    said = {name: shown(value, ".3f") for name, value in figures.items()}
    signed = {name: shown(value, "+.3f") for name, value in figures.items()}
    return Answer(
        (
            f"uncertainty of {shown(figures['bets'], ',.0f')} decided test bets: AUC for being lost {said['auc']} ± "
            f"{said['auc_error']} (0.5: it says nothing); Spearman with being lost {signed['with_losses']} (p = "
            f"{said['with_losses_p']}), with the unit return {signed['with_returns']} (p = {said['with_returns_p']})",
            f"area under risk against coverage {said['aurc']}; random abstention {said['random_aurc']} ± "
            f"{said['random_sd']}, smallest possible {said['oracle_aurc']}",
        ),
        figures,
    )


def confident(scope: Scope, params: Params) -> Answer:
    """Tell what the ensemble's confident bets won on the test games, beside all of its bets and the rest of them."""
    if scope.evaluation is None:
        return Answer((NOT_YET,))
    evaluation = scope.evaluation
    own, every = (at(policy_at(evaluation, name), "whole") for name in (CONFIDENT, ENSEMBLE))
    if not own or not every:
        return Answer(("there is no ensemble whose confident bets could be compared",))
    effect = at(evaluation, "ensemble", "confident_effect")
    share, coverage = figure_at(evaluation, "choices", "cut", "share"), figure_at(evaluation, "ensemble", "coverage")
    lines = [
        f"the cut that kept {percent(share, '.0%')} of the bets on validation keeps {percent(coverage, '.0%')} on "
        f"{shown(figure_at(evaluation, 'provenance', 'rows', 'test'), ',.0f')} test rows",
        f"confident: {_record_line(own)}",
        f"all bets: {_record_line(every)}",
    ]
    figures: dict[str, Any] = {"share": share, "coverage": coverage, "confident": _record(own), "all": _record(every)}
    if not effect:
        lines.append("the rest of the bets and the difference are not known: this evaluation does not have them")
        return Answer(tuple(lines), figures | {"rest": None, "difference": None})
    rest = at(effect, "rest")
    lines.append(f"the rest: {_record_line(rest)}")
    rate, roi = (_between(at(effect, name), "+.1f", 100) for name in ("win_rate", "roi"))
    lines.append(f"confident minus the rest, in percentage points: win rate {rate}, ROI {roi}")
    difference = {name: _estimate(at(effect, name)) for name in ("win_rate", "roi")}
    return Answer(tuple(lines), figures | {"rest": _record(rest), "difference": difference})


def _record_line(figures: Mapping[str, Any]) -> str:
    won = "-".join(shown(figure_at(figures, "record", name), ".0f") for name in ("wins", "losses", "pushes"))
    even = shown(figure_at(figures, "break_even"), ".1%")
    rate, roi = _between(at(figures, "win_rate"), ".1%"), _between(at(figures, "roi"), "+.1%")
    return f"{won}, win rate {rate}, break-even {even}, ROI {roi}"


def _record(figures: Mapping[str, Any]) -> dict[str, Any]:
    record = {name: figure_at(figures, "record", name) for name in ("wins", "losses", "pushes")}
    estimates = {name: _estimate(at(figures, name)) for name in ("win_rate", "roi")}
    return {**record, "break_even": figure_at(figures, "break_even"), **estimates}


def _estimate(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: figure_at(found, name) for name in ("value", "lower", "upper")}


def _between(found: Mapping[str, Any], form: str, unit: float = 1) -> str:
    """Return the estimate with its interval, as far as it has them."""
    value, lower, upper = (None if it is None else f"{unit * it:{form}}" for it in _estimate(found).values())
    if value is None:
        return "not known"
    return f"{value} (no interval)" if lower is None or upper is None else f"{value} ({lower} to {upper})"
