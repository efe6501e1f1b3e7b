"""An evaluation for people: the audit first, then a line a policy, then the verdicts in words."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from cqltui.reporters.leaks import audit_lines
from cqltui.state.plain import plain
from trainer.evaluation.choosing import ChosenBy
from trainer.evaluation.cover_figures import CoverFigures
from trainer.evaluation.estimates import Estimates, EstimateVerdict, PolicyEstimate
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
ESTIMATE_STYLES = {
    EstimateVerdict.LEAK: "bold red",
    EstimateVerdict.EDGE: "bold green",
    EstimateVerdict.LOSES: "yellow",
    EstimateVerdict.UNDECIDED: "",
}
FLATTERS = "validation rows, by which the networks were chosen: these figures flatter them"
ESTIMATORS = ("IPS", "SNIPS", "DM", "DR", "switch-DR")


def head_lines(evaluation: Evaluation) -> Iterator[str]:
    """Yield what is to be read first."""
    yield from audit_lines(evaluation.audit)
    rows = "test rows, which no choice has seen" if evaluation.part == "test" else FLATTERS
    seasons = evaluation.rows.seasons
    span = "" if seasons is None else f"; seasons {seasons.min()} to {seasons.max()}"
    yield f"{len(evaluation.rows):,} {rows}{span}"
    if (single := evaluation.choices.single) is not None:
        by = "" if single.by is ChosenBy.OUTCOMES else f", by the {single.by}"
        yield f"single network, chosen on validation{by}: {plain(single.task)} ({single.which})"
    if members := evaluation.choices.ensemble:
        reached = "" if evaluation.coverage is None else f"; {evaluation.coverage:.0%} of its bets are confident here"
        yield f"ensemble: {len(members)} networks ({members[0].which}){reached}"
    if evaluation.decisions is None:
        yield "how these decisions came out is not known: what follows is estimated by the log's own rewards"


def policy_table(evaluation: Evaluation) -> Table:
    """Return a line a policy. Intervals are of 95 %, studentised by weeks."""
    table = _table("policy", "bets", "W-L-P", "win %", "even at", "ROI %", "interval", "Sharpe", "drawdown", "verdict")
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


def estimate_table(told: Estimates) -> Table:
    """Return a line a policy: its ROI by each estimator, and the interval of the doubly robust one."""
    table = _table("by the log", "bets", "ESS", *(f"{name} %" for name in ESTIMATORS), "DR interval", "verdict")
    for its in told.policies:
        values = {one.name: one.value / its.found.stake for one in its.found.estimates}
        table.add_row(
            Text(its.name),
            f"{its.found.bets:.0f}",
            "" if its.found.ess != its.found.ess else f"{its.found.ess:.0f}",
            *(f"{100 * values[name]:.1f}" if name in values else "" for name in ESTIMATORS),
            _interval(its.roi),
            _estimate_verdict(its),
        )
    return table


def cover_line(cover: CoverFigures) -> str:
    """Return how well P(cover) is calibrated."""
    if cover.whole is None:
        return f"P(cover): {cover.reason}"
    whole, fit = cover.whole, cover.fits[-1]
    fitted, half, market = whole.fitted, whole.half, whole.market
    slope = "not known" if fitted.slope != fitted.slope else f"{fitted.slope:.2f} ± {fitted.slope_se:.2f}"
    return (
        f"P(cover), by {fit.games:,} games before {fit.before}: Brier {fitted.brier:.4f} (one half {half.brier:.4f}, "
        f"market {market.brier:.4f}), log loss {fitted.log_loss:.4f} ({half.log_loss:.4f}, {market.log_loss:.4f}), "
        f"slope {slope}, intercept {fitted.intercept:.2f} ± {fitted.intercept_se:.2f} in {whole.games:,} games"
    )


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
    if evaluation.cover is not None:
        yield cover_line(evaluation.cover)
    if evaluation.decisions is None and evaluation.estimates is not None:
        for told in evaluation.estimates.policies:
            yield f"{told.name}: {told.sentence}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True, justify="left" if column in (columns[0], columns[-1]) else "right")
    return table


def _estimate_verdict(its: PolicyEstimate) -> Text:
    if its.verdict is not None:
        return Text(its.verdict.value, style=ESTIMATE_STYLES[its.verdict])
    return Text("refused" if its.found.bets else "returns nothing")


def _percent(estimate: Estimate) -> str:
    return "" if estimate.value is None else f"{100 * estimate.value:.1f}"


def _interval(estimate: Estimate) -> str:
    if estimate.lower is None or estimate.upper is None:
        return ""
    return f"{100 * estimate.lower:.1f} to {100 * estimate.upper:.1f}"
