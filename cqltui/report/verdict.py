"""The first line of a report: what the run comes to, in one sentence; and a second one: what that rests on.

The order is that of `trainer.evaluation.verdicts`: a leak, what is implausible, an edge, a loss, and what cannot be
told from break-even. Of a run of which none of these can be said it tells what is missing, and its criteria.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import chain
from typing import Any, Literal

from msgspec import Struct

from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE, FORBIDS, at, figure_at, only_estimated, policy_at
from cqltui.report.material import Material
from cqltui.report.reading import (
    AGAIN,
    SENTENCE_LENGTH,
    Document,
    bets_of,
    ends_at,
    objects,
    policies,
    record_of,
    record_text,
    rows_said,
    seasons_of,
    text_at,
    texts_at,
    whole_at,
)
from cqltui.report.wording import counted
from cqltui.state.model import Status
from trainer.evaluation.estimates import EstimateVerdict
from trainer.evaluation.evaluation import SINGLE
from trainer.evaluation.intervals import Estimate
from trainer.evaluation.payoffs import Record
from trainer.evaluation.verdicts import IMPLAUSIBLE_WIN_RATE, POWER, Verdict, judge

Kind = Literal["leak", "implausible", "edge", "loses", "undecided", "estimate", "open"]
DEPLOYED = (CONFIDENT, ENSEMBLE, SINGLE)
"""The first of them that there is would be deployed."""
ALL_KNOWING = ("oracle",)
"""Policies that know what nobody does: they are no sign of a mistake."""
FINDINGS = 2
"""So many findings are told in words."""
SOURCES = {"simulated": "a simulated market", "logged": "a log of bets", "games": "real games"}
JUDGED = (Verdict.IMPLAUSIBLE, Verdict.EDGE, Verdict.LOSES, Verdict.UNDECIDED)
"""Verdicts that a policy's own figures make."""
UNKNOWN = "not known"


class Headline(Struct, frozen=True):
    """What a run comes to."""

    kind: Kind
    """"open": there is no verdict (yet); "estimate": by the log alone."""
    sentence: str
    basis: str
    """Rows, seasons, policy, record, interval and p-values that it rests on."""

    def __str__(self) -> str:
        """Both lines."""
        return f"{self.sentence}\n{self.basis}"


def headline(material: Material) -> Headline:
    """Return the verdict of a run, computed from the material alone."""
    kind, sentence = _leak(material) or _without_test_rows(material) or _estimate(material) or _by_outcomes(material)
    return Headline(kind, sentence, _basis(material))


def _leak(material: Material) -> tuple[Kind, str] | None:
    """Return what forbids believing any figure, if the leak audit found something."""
    audit = at(material.audit)
    bad = [finding for finding in objects(audit, "findings") if text_at(finding, "grade") in FORBIDS]
    if not bad and audit.get("trusted") is not False:
        return None
    said = [f"{text_at(it, 'subject')}: {text_at(it, 'sentence', limit=SENTENCE_LENGTH)}" for it in bad[:FINDINGS]]
    said += [f"and {len(bad) - FINDINGS:,} more"] if len(bad) > FINDINGS else []
    leaks = any(text_at(finding, "grade") == "LEAK" for finding in bad)
    word = "Leak" if leaks or not bad else "Wrong data"
    return "leak", f"{word}: no figure of this run can be believed ({'; '.join(said) or 'the leak audit says so'})."


def _without_test_rows(material: Material) -> tuple[Kind, str] | None:
    """Return what there is to say where the test rows were not evaluated."""
    if material.part == "test":
        return None
    statuses = Counter(record.standing.status for record in material.records)
    done, wanted = statuses[Status.DONE], len(material.records)
    if material.is_interim:
        return "open", f"No verdict yet: {done:,} of {counted(wanted, 'task')} are done.{_criteria(material)}"
    if not material.provenance.rows.get("test"):
        return "open", f"No verdict on betting: the run has no test rows.{_criteria(material)}"
    if material.evaluation is not None and not material.part:
        return "open", f"No verdict: the evaluation does not say which rows it is of: {AGAIN}.{_criteria(material)}"
    missing = "the test rows have not been evaluated with these results (`cqltui evaluate` does)"
    return "open", f"No verdict on betting: {missing}.{_criteria(material)}"


def _criteria(material: Material) -> str:
    """Return how many criteria are met, as a sentence behind another; empty without criteria."""
    verdicts = Counter(chain.from_iterable((it.passed for it in phase.verdicts) for phase in material.summary.phases))
    if not (count := verdicts.total()):
        return ""
    words: tuple[tuple[bool | None, str], ...] = ((True, "met"), (False, "not met"), (None, "open"))
    parts = (f"{verdicts[passed]:,} {word}" for passed, word in words if verdicts[passed])
    return f" Of {count:,} {'criterion' if count == 1 else 'criteria'}: {', '.join(parts)}."


def _estimate(material: Material) -> tuple[Kind, str] | None:
    """Return what the log alone tells of the policy that would be deployed."""
    if material.evaluation is None or not only_estimated(material.evaluation):
        return None
    listed = {text_at(it, "name"): it for it in objects(material.evaluation, "off_policy", "policies")}
    name = next((name for name in DEPLOYED if name in listed), "")
    if not name:
        return "open", f"No verdict: the log, without outcomes, tells of no network's policy.{_criteria(material)}"
    its, name, by_log = listed[name], f'"{name}"', "By the log's rewards alone, outcomes not being known"
    verdict = text_at(its, "verdict")
    if not verdict:
        why = "; ".join(texts_at(its, "refusals")) or "its estimate is not known"
        refused = "it never bets" if figure_at(its, "bets") == 0 else f"nothing can be said: {why}"
        return "estimate", f"{by_log}, of {name} {refused}."
    roi = _roi(at(its, "roi"))
    shown: dict[str, str] = {
        EstimateVerdict.EDGE: f"{name} shows an edge (an off-policy estimate): it returns {roi} of what it stakes",
        EstimateVerdict.LOSES: f"{name} loses: it returns {roi} of what it stakes",
        EstimateVerdict.UNDECIDED: f"{name} is not distinguishable from break-even: it returns {roi} of what it stakes",
    }
    return "estimate", f"{by_log}, {shown.get(verdict, f'the verdict on {name} is: {verdict}')}."


def _by_outcomes(material: Material) -> tuple[Kind, str]:
    """Return the verdict on the policy that would be deployed, unless any policy is too good to be true."""
    evaluation = at(material.evaluation)
    for policy in policies(material):
        implausible = _word(policy) == _by_figures(policy) == Verdict.IMPLAUSIBLE
        if implausible and text_at(policy, "name") not in ALL_KNOWING:
            return "implausible", _implausible(policy)
    policy = next((found for name in DEPLOYED if (found := policy_at(evaluation, name))), {})
    if not policy:
        return "open", f"No verdict: the evaluation has no network's policy that can be read.{_criteria(material)}"
    if "trusted" not in at(evaluation, "leak_audit"):
        return "open", f"No verdict: the evaluation has no leak audit that can be read: {AGAIN}.{_criteria(material)}"
    said = _word(policy)
    if said in JUDGED and (other := _by_figures(policy)) != said:
        return "open", (
            f'No verdict: the evaluation contradicts itself, for it calls {_name(policy)} "{said}", and by its figures '
            f'that would be "{other}": {AGAIN}.{_criteria(material)}'
        )
    match said:
        case Verdict.EDGE:
            lower = figure_at(policy, "compared", "adjusted_lower")
            return "edge", (
                f"Edge: {_returns(policy)}, more than {_percent(lower, '+')} with 95 % confidence, all "
                f"{_compared(material)} policies looked at being counted."
            )
        case Verdict.LOSES:
            return "loses", f"Loses: {_returns(policy)}, with 95 % confidence less than nothing."
        case Verdict.UNDECIDED:
            return "undecided", f"Not distinguishable from break-even: {_undecided(policy)}."
        case Verdict.LEAK:
            return "leak", f"Leak: the evaluation says that no figure of {_name(policy)} can be believed."
    word = text_at(policy, "verdict", "verdict") or "missing"
    return "open", f"No verdict: that on {_name(policy)} cannot be read ({word}): {AGAIN}.{_criteria(material)}"


def _name(policy: Document) -> str:
    return f'"{text_at(policy, "name")}"'


def _by_figures(policy: Document) -> str:
    """Return the verdict that the policy's own figures make."""
    whole = at(policy, "whole")
    record = record_of(whole)
    if record is None:
        return UNKNOWN
    win_rate, roi = _estimate_of(at(whole, "win_rate")), _estimate_of(at(whole, "roi"))
    adjusted = figure_at(policy, "compared", "adjusted_lower")
    return judge(Record(*record), win_rate, figure_at(whole, "break_even"), roi, adjusted_lower=adjusted).verdict


def _estimate_of(found: Document) -> Estimate:
    """Return what of an estimate a verdict is made of."""
    return Estimate(
        *ends_at(found), lower_bound=figure_at(found, "lower_bound"), upper_bound=figure_at(found, "upper_bound")
    )


def _word(policy: Document) -> str:
    return text_at(policy, "verdict", "verdict")


def _implausible(policy: Document) -> str:
    lower = _percent(figure_at(policy, "whole", "win_rate", "lower_bound"))
    return (
        f"Implausible: {_wins(policy)}, at least {lower} with 95 % confidence, and nobody wins over "
        f"{_percent(IMPLAUSIBLE_WIN_RATE)} against closing spreads: look for the mistake."
    )


def _wins(policy: Document) -> str:
    record = record_of(policy.get("whole"))
    decided = UNKNOWN if record is None else f"{record[0] + record[1]:,}"
    rate = _percent(figure_at(policy, "whole", "win_rate", "value"))
    return f"{_name(policy)} wins {rate} of {decided} decided bets"


def _returns(policy: Document) -> str:
    whole = at(policy, "whole")
    bets = bets_of(whole)
    staked = f"what it stakes in {UNKNOWN if bets is None else f'{bets:,}'} bets"
    return f"{_name(policy)} returns {_roi(at(whole, 'roi'))} of {staked}"


def _undecided(policy: Document) -> str:
    """Return what it wins beside what comes out even, and how many bets more would tell them apart."""
    name, whole = _name(policy), at(policy, "whole")
    if bets_of(whole) == 0:
        return f"{name} never bets"
    rate, even = figure_at(whole, "win_rate", "value"), figure_at(whole, "break_even")
    if rate is None or even is None:
        return f"of {name}'s bets it is not known how many were won, or how many come out even"
    seen = f"{_wins(policy)}, where {_percent(even)} come out even"
    roi = figure_at(whole, "roi", "value")
    if roi is not None and roi * (rate - even) < 0:
        return f"{seen}, each bet counted alike, while by its stakes it returns {_percent(roi, '+')}"
    further = whole_at(policy, "verdict", "further_bets")
    if further is None:
        return f"{seen}; if it is as good as that, no number of bets would decide it"
    if further <= 0:
        return f"{seen}, but its weeks differ too much to tell it from luck"
    shown = "an edge" if rate > even else "a loss"
    chance = f"with a chance of {100 * POWER:.0f} %"
    return f"{seen}; were this its true win rate, {counted(further, 'bet')} more would show {shown} {chance}"


def _basis(material: Material) -> str:
    """Return what the verdict rests on."""
    parts = [_rows(material)]
    evaluation = at(material.evaluation)
    if material.part and not only_estimated(evaluation):
        policy = next((found for name in DEPLOYED if (found := policy_at(evaluation, name))), None)
        parts += [_policy(policy, _compared(material))] if policy is not None else []
        edges = [_name(it) for it in policies(material) if _word(it) == Verdict.EDGE and it is not policy]
        parts += [f"an edge is shown by {', '.join(edges)} too"] if edges else []
    grade = text_at(material.audit, "grade").lower()
    parts.append(f"leak audit: {grade}" if grade else "there is no leak audit")
    if material.opened:
        parts.append(f"test rows opened {counted(len(material.opened), 'time')}")
    statuses = Counter(record.standing.status for record in material.records)
    if missing := len(material.records) - statuses[Status.DONE]:
        parts.append(f"{missing:,} of {counted(len(material.records), 'task')} without a result")
    return f"Rests on {'; '.join(parts)}."


def _rows(material: Material) -> str:
    """Return which rows were looked at, of which seasons and data."""
    source = SOURCES.get(material.provenance.data_source, "data")
    if not material.part:
        counts = material.provenance.rows
        return f"{counts.get('train', 0):,} training and {counts.get('validation', 0):,} validation rows of {source}"
    seasons = sorted({season for policy in policies(material) for season, _ in seasons_of(policy)})
    span = "" if not seasons else f" (season{'s' if len(seasons) > 1 else ''} {_span(seasons)})"
    return f"{rows_said(material)}{span} of {source}"


def _span(seasons: list[str]) -> str:
    return seasons[0] if len(seasons) == 1 else f"{seasons[0]} to {seasons[-1]}"


def _compared(material: Material) -> int:
    """Return how many policies were compared: those that bet."""
    return sum(figure_at(its, "compared", "adjusted_p") is not None for its in policies(material))


def _policy(policy: Mapping[str, Any], counted: int) -> str:
    """Return the record, intervals and p-values of the policy that would be deployed."""
    whole = at(policy, "whole")
    raw, adjusted = (figure_at(policy, "compared", name) for name in ("raw_p", "adjusted_p"))
    said = [
        f"{_name(policy)}, which would be deployed: {record_text(whole) or UNKNOWN} (won, lost, pushed)",
        f"win rate {_interval(at(whole, 'win_rate'), '')}",
        f"ROI {_interval(at(whole, 'roi'), '+')}",
    ]
    if raw is not None:
        counting = "" if adjusted is None else f", {adjusted:.3f} with all {counted} policies counted"
        said.append(f"p = {raw:.3f} alone{counting}")
    return ", ".join(said)


def _roi(roi: Document) -> str:
    return _interval(roi, "+")


def _interval(estimate: Document, sign: str) -> str:
    """Return an estimate with its 95 % interval, as far as it has them."""
    value, lower, upper = ends_at(estimate)
    if lower is None or upper is None:
        return _percent(value, sign)
    return f"{_percent(value, sign)} (95 % interval {100 * lower:{sign}.1f} to {100 * upper:{sign}.1f} %)"


def _percent(value: float | None, sign: str = "") -> str:
    return UNKNOWN if value is None else f"{100 * value:{sign}.1f} %"
