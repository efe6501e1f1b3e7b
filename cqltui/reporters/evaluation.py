"""An evaluation for people: the audit first, then a line a policy, then the verdicts in words."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from cqltui.reporters.leaks import audit_lines
from cqltui.state.plain import plain
from trainer.evaluation.evaluation import Evaluation
from trainer.evaluation.intervals import Estimate
from trainer.evaluation.verdicts import Verdict

STYLES = {
    Verdict.LEAK: "bold red",
    Verdict.IMPLAUSIBLE: "bold red",
    Verdict.EDGE: "bold green",
    Verdict.LOSES: "yellow",
    Verdict.UNDECIDED: "",
}
FLATTERS = "validation rows, by which the networks were chosen: these figures flatter them"


def head_lines(evaluation: Evaluation) -> Iterator[str]:
    """Yield what is to be read first."""
    yield from audit_lines(evaluation.audit)
    decisions = evaluation.decisions
    seasons = f"seasons {decisions.seasons.min()} to {decisions.seasons.max()}"
    rows = "test rows, which no choice has seen" if evaluation.part == "test" else FLATTERS
    yield f"{len(decisions):,} {rows}; {seasons}"
    if (single := evaluation.choices.single) is not None:
        yield f"single network, chosen on validation: {plain(single.task)} ({single.which})"
    if members := evaluation.choices.ensemble:
        reached = "" if evaluation.coverage is None else f"; {evaluation.coverage:.0%} of its bets are confident here"
        yield f"ensemble: {len(members)} networks ({members[0].which}){reached}"


def policy_table(evaluation: Evaluation) -> Table:
    """Return a line a policy. Intervals are of 95 %, studentised by weeks."""
    table = Table(box=None, pad_edge=False)
    for column in ("policy", "bets", "W-L-P", "win %", "even at", "ROI %", "interval", "Sharpe", "drawdown", "verdict"):
        table.add_column(column, no_wrap=True, justify="left" if column in ("policy", "verdict") else "right")
    for its, judgement in zip(evaluation.policies, evaluation.judgements, strict=True):
        whole = its.whole
        largest = whole.bankrolls[-1]
        table.add_row(
            Text(its.name),
            str(whole.record.bets),
            str(whole.record),
            _percent(whole.win_rate),
            "" if whole.break_even is None else f"{100 * whole.break_even:.1f}",
            _percent(whole.roi),
            _interval(whole.roi),
            "" if largest.sharpe.value is None else f"{largest.sharpe.value:.2f}",
            _percent(largest.max_drawdown),
            Text(judgement.verdict.value, style=STYLES[judgement.verdict]),
        )
    return table


def verdict_lines(evaluation: Evaluation) -> Iterator[str]:
    """Yield each policy's verdict in words, and that of the best of all networks."""
    for its, judgement in zip(evaluation.policies, evaluation.judgements, strict=True):
        yield f"{its.name}: {judgement.sentence}"
    if evaluation.tasks:
        chosen, compared = evaluation.tasks[0]
        if compared.value is not None:
            adjusted = "not compared" if compared.adjusted_p is None else f"p = {compared.adjusted_p:.3f}"
            raw = "" if compared.raw_p is None else f" (p = {compared.raw_p:.3f} if it were the only one)"
            yield (
                f"best of {len(evaluation.tasks)} networks on these rows: {plain(chosen.task)}, ROI "
                f"{100 * compared.value:+.1f} %; all of them looked at, {adjusted}{raw}"
            )


def _percent(estimate: Estimate) -> str:
    return "" if estimate.value is None else f"{100 * estimate.value:.1f}"


def _interval(estimate: Estimate) -> str:
    if estimate.lower is None or estimate.upper is None:
        return ""
    return f"{100 * estimate.lower:.1f} to {100 * estimate.upper:.1f}"
