"""How far the members of the ensemble differ."""

from collections.abc import Iterator, Sequence

from cqltui.judging.evaluated import at, figure_at
from cqltui.judging.outcomes import rank
from cqltui.report.groups import LOSS_DIGITS, algorithm_of, configurations, finished, last_values, mean, spread
from cqltui.report.material import Material
from cqltui.report.table import Cell, Column, Table, absent
from cqltui.report.wording import capital
from cqltui.results.record import TaskRecord
from cqltui.state.plain import plain
from trainer.config import ACTIONS, STAKES

NAME, TITLE = "cql_ensemble_uncertainty_table", "The ensemble's members"
COLUMNS = (
    Column("metric", "Metric"),
    Column("rows", "Rows", help="Which rows it is of."),
    Column("members", "Members", "integer"),
    *(Column(name, name.capitalize(), "number", LOSS_DIGITS) for name in ("best", "mean", "worst")),
    Column("std_dev", "Std Dev", "number", LOSS_DIGITS),
)


def ensemble_uncertainty(material: Material) -> Table:
    """Return best, mean, worst and standard deviation over the members of losses and Q values."""
    algorithm, members = algorithm_of(material), ensemble_of(material)
    caption = (
        "Metrics of the members' last epoch: best, mean, worst and sample standard deviation over the members. The "
        f"best {algorithm.label(algorithm.value) if algorithm.value else 'value'} is the largest."
    )
    if len(members) < 2:
        reason = "No configuration has results of two seeds: a phase with `grid = { seed = [1, 2, 3] }` trains some."
        return absent(NAME, TITLE, caption, COLUMNS, reason)
    names = [*(it.name for it in algorithm.metrics if it.loss), algorithm.value]
    rows: list[tuple[Cell, ...]] = []
    for metric in (it for it in algorithm.metrics if it.name in names):
        values = sorted(last_values(members, metric.name), key=lambda value: rank(value, metric.name))
        ends = (values[0], mean(values), values[-1]) if values else (None, None, None)
        rows.append((capital(metric.label), metric.kind, len(values), *ends, spread(values)))
    on_rows = list(_evaluated(material))
    notes = []
    if on_rows:
        which = at(_chosen(material)[0]).get("which") if _chosen(material) else None
        weights = f" ({plain(which, 20)})" if isinstance(which, str) else ""
        notes.append(
            f"Q on the {material.part} rows is of the weights that validation chose{weights}: the mean over the rows "
            "of the members' mean, and of the standard deviation over the members, for all actions together; the "
            "evaluation keeps no Q values by member, so that none is the best."
        )
    diverged = len(members) - len(last_values(members, algorithm.headline))
    if diverged:
        notes.append(f"{diverged:,} members whose last loss is no number are left out of it.")
    return Table(NAME, TITLE, caption, COLUMNS, (*rows, *on_rows), tuple(notes))


def ensemble_of(material: Material) -> list[TaskRecord]:
    """Return the members of the evaluated ensemble that have a result; without one the most repeated configuration."""
    chosen = [at(it).get("task") for it in _chosen(material)]
    if found := [it for it in finished(material) if it.task.id in chosen]:
        return found
    return max(configurations(finished(material)), key=len, default=[])


def _chosen(material: Material) -> Sequence[object]:
    chosen = at(material.evaluation, "choices").get("ensemble")
    return chosen if isinstance(chosen, list) else ()


def _evaluated(material: Material) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of what the evaluated ensemble says of the rows of its part."""
    found = at(material.evaluation, "ensemble")
    members, spread_of_all = figure_at(found, "members"), figure_at(found, "q_std")
    if members is None or not 0 < members < 1e9:
        return
    part, count = material.part, int(members)
    per_stake = at(found, "distribution").get("per_stake")
    bets = per_stake if isinstance(per_stake, list) else []
    means = [figure_at(found, "distribution", "no_bet_mean")]
    for stake, value in zip(STAKES[1:], bets, strict=False):
        known = figure_at({"value": value}, "value")
        means.append(None if known is None else stake * known)
    known_means = [value for value in means if value is not None]
    whole = mean(known_means) if len(known_means) == len(ACTIONS) else None
    yield "Q, all actions", part, count, None, whole, None, spread_of_all
    for action, value in zip(ACTIONS, means, strict=False):
        yield f"Q, {action}", part, count, None, value, None, None
