"""The network that validation chose and the ensemble, on one page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from cqltui.judging.evaluated import at, figure_at
from cqltui.report.groups import LOSS_DIGITS, algorithm_of, last_values, mean, setting_words, spread
from cqltui.report.material import Material
from cqltui.report.table import ABSENT, Column, Table, absent
from cqltui.report.wording import capital
from cqltui.results.record import TaskRecord
from cqltui.state import decode
from cqltui.state.plain import plain

NAME, TITLE = "cql_performance_table", "The chosen networks"
COLUMNS = (Column("what", "What"), Column("single", "CQL single"), Column("ensemble", "CQL ensemble"))
LOG_FIGURES = {
    "match_rate": ("Match rate with the log, %", 100.0, 1),
    "policy_reward": ("Policy reward a decision", 1.0, 4),
    "logged_reward": ("Logged reward a decision", 1.0, 4),
}
"""Key of an entry of `log_match` -> its name for people, in which unit, with how many decimal places."""
TOGETHER = "ensemble"
"""What an entry of `log_match` calls the ensemble."""
NO_LOG, NO_OUTCOMES = "not in this evaluation", "outcomes are not known"


class Networks(Struct, frozen=True):
    """One side of the table: the single network, or the members of the ensemble."""

    records: Sequence[TaskRecord]
    chosen: Sequence[Mapping[str, Any]]
    """What the evaluation says of each."""


def performance(material: Material) -> Table:
    """Return data, configuration, losses, what the log says, device and time of the single network and the ensemble."""
    caption = (
        "The single network and the ensemble that validation chose. Losses are of the last epoch: of the ensemble mean "
        "and sample standard deviation over its members. Rewards are per decision in units of the largest stake."
    )
    if material.evaluation is None:
        reason = (
            "Which network is the single one, an evaluation decides on the validation rows: `cqltui evaluate` makes it."
        )
        return absent(NAME, TITLE, caption, COLUMNS, reason)
    choices = at(material.evaluation, "choices")
    members = choices.get("ensemble")
    sides = [_networks(material, [choices.get("single")]), _networks(material, members)]
    if not sides[0].records:
        reason = "The network that the evaluation chose has no result in this run: `cqltui evaluate` chooses anew."
        return absent(NAME, TITLE, caption, COLUMNS, reason)
    rows = [(label, *texts) for label, texts in _lines(material, sides)]
    notes = []
    if not isinstance(material.evaluation.get("log_match"), list):
        notes.append(
            "The evaluation is of a version that did not compare the networks with the log: `cqltui evaluate` does."
        )
    return Table(NAME, TITLE, caption, COLUMNS, tuple(rows), tuple(notes))


def _networks(material: Material, chosen: object) -> Networks:
    found = {it.task.id: it for it in material.records if it.final is not None}
    pairs = [
        (found[task], at(it))
        for it in (chosen if isinstance(chosen, list) else ())
        if isinstance(task := at(it).get("task"), str) and task in found
    ]
    return Networks([record for record, _ in pairs], [it for _, it in pairs])


def _lines(material: Material, sides: Sequence[Networks]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each row's label with its text of both sides."""
    for label, text in _told(material):
        yield label, tuple(text(side) if side.records else ABSENT for side in sides)


def _told(material: Material) -> Iterator[tuple[str, Callable[[Networks], str]]]:
    """Yield each row's label, and what makes its text of one side."""
    provenance, algorithm = material.provenance, algorithm_of(material)
    yield "Data", partial(_same, provenance.data_path or provenance.data_source)
    for part, count in provenance.rows.items():
        yield f"{capital(part)} rows", partial(_same, f"{count:,}")
    yield "Network", _names
    yield "Phase", lambda side: _common(it.task.phase for it in side.records)
    yield "Weights", _weights
    for setting in algorithm.settings:
        if setting.identity != "never" and setting.name != "algorithm":
            yield capital(setting.label), partial(_setting, setting.name)
    yield "Trainable parameters", partial(_params, material)
    for metric in algorithm.metrics:
        if metric.loss or metric.name == algorithm.value:
            rows = f" ({metric.kind} rows)" if metric.kind == "training" else ""
            yield f"{capital(metric.label)}{rows}", partial(_last, metric.name)
    for key, (label, unit, digits) in LOG_FIGURES.items():
        yield label, partial(_by_log, material, key, unit, digits)
    yield "Device", lambda side: _common(plain(it.result.device, 60) for it in side.records if it.result)
    yield "Training time, s", _seconds
    yield "From first start to last end, s", _wall


def _same(text: str, side: Networks) -> str:
    return text


def _setting(name: str, side: Networks) -> str:
    return _common(setting_words(getattr(it.task.trainer, name)) for it in side.records)


def _params(material: Material, side: Networks) -> str:
    return _common(f"{material.campaign.quantity(it.task, 0).params:,}" for it in side.records)


def _names(side: Networks) -> str:
    return side.records[0].task.id if len(side.records) == 1 else f"{len(side.records):,} members"


def _weights(side: Networks) -> str:
    """Return which epochs' weights were chosen: `best, epoch 10`."""

    def one(chosen: Mapping[str, Any]) -> str:
        which, epoch = plain(str(chosen.get("which")), 20), figure_at(chosen, "epoch")
        return which if epoch is None else f"{which}, epoch {epoch:,.0f}"

    each = list(dict.fromkeys(map(one, side.chosen)))
    return each[0] if len(each) == 1 else _common(plain(str(it.get("which")), 20) for it in side.chosen)


def _common(texts: Iterator[str]) -> str:
    """Return what all have in common, or how many different ones there are."""
    found = list(dict.fromkeys(texts))
    return found[0] if len(found) == 1 else f"{len(found):,} different"


def _last(metric: str, side: Networks) -> str:
    return _mean_spread(last_values(side.records, metric), LOSS_DIGITS)


def _mean_spread(values: Sequence[float], digits: int) -> str:
    middle, around = mean(values), spread(values)
    if middle is None:
        return ABSENT
    said = f"{middle:,.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return said if around is None else f"{said} \N{PLUS-MINUS SIGN} {around:,.{digits}f}"


def _by_log(material: Material, key: str, unit: float, digits: int, side: Networks) -> str:
    """Return what the log says of the networks, if it says it of these very weights."""
    told = at(material.evaluation).get("log_match")
    task, which = side.chosen[0].get("task") if len(side.chosen) == 1 else TOGETHER, side.chosen[0].get("which")
    of_these = (it for it in decode.dicts(told) if it.get("task") == task and it.get("which") == which)
    if (entry := next(of_these, None)) is None:
        return NO_LOG
    value = figure_at(entry, key)
    return NO_OUTCOMES if value is None else _mean_spread([unit * value], digits)


def _seconds(side: Networks) -> str:
    values = [it.result.seconds for it in side.records if it.result]
    return _mean_spread(values, 1)


def _wall(side: Networks) -> str:
    results = [it.result for it in side.records if it.result]
    return f"{max(it.finished_ts for it in results) - min(it.started_ts for it in results):,.1f}"
