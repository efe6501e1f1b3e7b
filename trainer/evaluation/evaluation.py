"""The evaluation of what a campaign trained: audit, choice on validation, and the test seasons, looked at once.

Every choice (which weights of a network, which network, how confident is confident) is made by validation rows, before
test rows are asked for. All figures of one call come from one seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.data.decisions import Decisions, both
from trainer.data.types import Dataset, Double, Float, Transitions
from trainer.evaluation import covering, policies
from trainer.evaluation.blocks import RESAMPLES, resample, week_blocks
from trainer.evaluation.effects import ConfidentEffect, confident_effect
from trainer.evaluation.ensemble import MOST_CONFIDENT, Cut, Opinions, choose_cut, opinions, q_values
from trainer.evaluation.figures import PolicyFigures, policy_figures, roi_bootstrap
from trainer.evaluation.leak_findings import Audit, Grade
from trainer.evaluation.payoffs import Bets, profits
from trainer.evaluation.selection import Compared, max_t
from trainer.evaluation.uncertainty import Uncertainty, uncertainty_of
from trainer.evaluation.verdicts import Judgement, judge
from trainer.model import Model

SINGLE, ENSEMBLE, CONFIDENT = "CQL single", "CQL ensemble", "CQL ensemble, confident"
FIGURES_STREAM, POLICIES_STREAM, BEST_STREAM, UNCERTAINTY_STREAM, EFFECT_STREAM = 0, 1, 2, 3, 4
"""Keep the draws of one seed apart."""

Key = tuple[str, str]
"""A network: its task, and which of the task's weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A task's networks: the same training run at several epochs."""

    task: str
    phase: str
    models: Mapping[str, Model]
    """By what they are: "last", "best", "e200"."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A network that was chosen on validation."""

    task: str
    which: str
    validation_profit: float
    """Mean profit a decision of its greedy bets on validation, in units of the largest stake: what it was chosen by."""
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """All that validation decides."""

    tasks: tuple[Chosen, ...]
    """The weights of every task."""
    single: Chosen | None
    ensemble: tuple[Chosen, ...]
    """Its members; the same weights ("last", "best" ...) of each. Empty where there is no ensemble."""
    cut: Cut | None


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What the networks are worth on one part of the data."""

    part: str
    """"test", or "validation", whose figures flatter what was chosen by it."""
    audit: Audit
    choices: Choices
    policies: tuple[PolicyFigures, ...]
    judgements: tuple[Judgement, ...]
    compared: tuple[Compared, ...]
    """Of each policy's ROI, with all policies looked at."""
    tasks: tuple[tuple[Chosen, Compared], ...]
    """Of the ROI of every task's network on this part, with all of them looked at; the best first."""
    bets: Mapping[str, Bets]
    decisions: Decisions
    ensemble: Opinions | None
    uncertainty: Uncertainty | None
    """None where there is no ensemble, or too few of its bets were decided."""
    coverage: float | None
    """Share of the ensemble's bets that the cut, chosen on validation, lets pass here."""
    effect: ConfidentEffect | None = None
    """What the confident bets win beside the rest of the ensemble's; None where there is no ensemble, or no cut."""


def choose(
    trained: Sequence[Trained], ensemble_phase: str, validation: Transitions, confident: float = MOST_CONFIDENT
) -> Choices:
    """Return what the validation rows decide: weights, network, ensemble and cut.

    Raises:
        ValueError: there is no network, no validation row, or the outcomes of these are not known.
    """
    decisions = validation.decisions
    if not trained or decisions is None or not len(decisions):
        raise ValueError("a choice needs networks, and validation rows with known outcomes")
    q = _q_values({(task.task, which): model for task in trained for which, model in task.models.items()}, validation)
    found = {
        (task.task, which): _chosen(task.task, which, model, q[task.task, which], decisions)
        for task in trained
        for which, model in task.models.items()
    }
    tasks = tuple(
        max((found[task.task, which] for which in task.models), key=lambda it: it.validation_profit) for task in trained
    )
    single = max(tasks, key=lambda it: it.validation_profit)
    members = [task for task in trained if task.phase == ensemble_phase]
    shared = [which for which in (members[0].models if members else ()) if all(which in it.models for it in members)]
    if len(members) < 2 or not shared:
        return Choices(tasks, single, (), None)
    views = {which: opinions(np.stack([q[it.task, which] for it in members])) for which in shared}
    best = max(shared, key=lambda which: float(profits(policies.ensemble_cql(views[which]), decisions).mean()))
    ensemble = tuple(found[it.task, best] for it in members)
    return Choices(tasks, single, ensemble, choose_cut(views[best].uncertainty, confident))


def _q_values(models: Mapping[Key, Model], rows: Transitions) -> dict[Key, Float]:
    """Return the Q values [N, A] of each network."""
    return dict(zip(models, q_values(list(models.values()), rows.states), strict=True))


def _chosen(task: str, which: str, model: Model, q: Float, decisions: Decisions) -> Chosen:
    profit = profits(policies.single_cql(q), decisions)
    epoch = model.details.get("epoch")
    return Chosen(task, which, float(profit.mean()), epoch if isinstance(epoch, int) else None)


def evaluate(
    dataset: Dataset,
    trained: Sequence[Trained],
    choices: Choices,
    audit: Audit,
    *,
    part: str = "test",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Evaluation:
    """Return the figures of every policy on a part of the data. `choices` are those of `choose`.

    Raises:
        ValueError: the part has no rows, or their outcomes are not known.
    """
    rows: Transitions = {"test": dataset.test, "validation": dataset.validation}[part]
    decisions = rows.decisions
    if decisions is None or not len(decisions):
        raise ValueError(f"there are no {part} rows with known outcomes")
    models = {task.task: task.models for task in trained}
    wanted = {(it.task, it.which): models[it.task][it.which] for it in (*choices.tasks, *choices.ensemble)}
    q = _q_values(wanted, rows)
    view = opinions(np.stack([q[it.task, it.which] for it in choices.ensemble])) if choices.ensemble else None
    bets = _policies(dataset, decisions, q, choices, view, seed)
    figures = policy_figures(bets, decisions, np.random.default_rng((seed, FIGURES_STREAM)), resamples=resamples)
    compared = _compared(tuple(bets.values()), decisions, (seed, POLICIES_STREAM), resamples)
    leaks = [finding.sentence for finding in audit.findings if finding.grade >= Grade.WRONG]
    own = (SINGLE, ENSEMBLE, CONFIDENT)
    judgements = tuple(
        judge(
            its.whole.record,
            its.whole.win_rate,
            its.whole.break_even,
            its.whole.roi,
            adjusted_lower=one.adjusted_lower,
            leaks=leaks if its.name in own else (),
        )
        for its, one in zip(figures, compared, strict=True)
    )
    of_tasks = [policies.single_cql(q[it.task, it.which]) for it in choices.tasks]
    best = zip(choices.tasks, _compared(of_tasks, decisions, (seed, BEST_STREAM), resamples), strict=True)
    ranked = sorted(best, key=lambda it: -(it[1].value if it[1].value is not None else -np.inf))
    reached = None if view is None or choices.cut is None else choices.cut.reached(view.uncertainty)
    doubts, effect = None, None
    if view is not None:
        doubts = uncertainty_of(view, decisions, np.random.default_rng((seed, UNCERTAINTY_STREAM)))
        if choices.cut is not None:
            passes, rng = choices.cut.confident(view.uncertainty), np.random.default_rng((seed, EFFECT_STREAM))
            effect = confident_effect(bets[ENSEMBLE], passes, decisions, rng, resamples=resamples)
    return Evaluation(
        part,
        audit,
        choices,
        figures,
        judgements,
        compared,
        tuple(ranked),
        bets,
        decisions,
        view,
        doubts,
        reached,
        effect,
    )


def _compared(
    bets: Sequence[Bets], decisions: Decisions, seed: tuple[int, int], resamples: int
) -> tuple[Compared, ...]:
    blocks = week_blocks(decisions.seasons, decisions.weeks)
    drawn = resample(blocks, np.random.default_rng(seed), resamples)
    return max_t(roi_bootstrap(bets, decisions, blocks, drawn))


def _policies(
    dataset: Dataset,
    decisions: Decisions,
    q: Mapping[Key, Float],
    choices: Choices,
    view: Opinions | None,
    seed: int,
) -> dict[str, Bets]:
    """Return the bets of every policy that there is, by name."""
    board = policies.known(decisions)
    cover, covers = _cover(dataset, decisions, seed)
    found = {
        "random": policies.random_bets(board, seed),
        "always home": policies.always_home(board),
        "always favourite": policies.always_favourite(board),
        "market implied": policies.market_implied(board),
        "Kelly": policies.kelly(board, cover),
        **{
            f"Kelly, lower {quantile:.0%}": policies.kelly_lcb(board, covers, quantile)
            for quantile in policies.KELLY_QUANTILES
        },
    }
    if choices.single is not None:
        found[SINGLE] = policies.single_cql(q[choices.single.task, choices.single.which])
    if view is not None:
        found[ENSEMBLE] = policies.ensemble_cql(view)
        if choices.cut is not None:
            found[CONFIDENT] = policies.ensemble_confident(view, choices.cut)
    found["never bet"] = policies.never_bet(board)
    if not np.isnan(decisions.true_returns).any():
        found["oracle"] = policies.oracle(decisions)
    return found


def _cover(dataset: Dataset, decisions: Decisions, seed: int) -> tuple[Double, Double]:
    """Return P(side 0 covers) of these decisions [N], and of an ensemble of fits [B, N]: each season's fit on the ones
    before it, and none on seasons of this part."""
    earlier = [part.decisions for part in (dataset.train, dataset.validation) if part.decisions is not None]
    first = int(decisions.seasons.min())
    everything = decisions
    for them in reversed(earlier):
        before = np.flatnonzero(them.seasons < first)
        everything = both(them.take(before), everything)
    rows = slice(len(everything) - len(decisions), None)
    single = covering.walk_forward(everything, first).cover[rows]
    return single, covering.ensemble(everything, first, seed=seed).cover[:, rows]
