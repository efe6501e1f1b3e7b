"""Runs beside each other: what they differ in, and the differences of their figures, paired by seed. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from cqltui.judging.evaluated import at, figure_at
from cqltui.report.compare.configurations import about_table, differing_table, labels_of
from cqltui.report.compare.overlaid import Compared, curves_figure, differences_figure
from cqltui.report.compare.paired import METHOD, difference_of
from cqltui.report.compare.pairing import Group, groups
from cqltui.report.figure import Figure
from cqltui.report.material import Material
from cqltui.report.table import Cell, Column, Table, absent
from cqltui.results.record import TaskRecord
from cqltui.state.plain import plain

FORMAT = "cqltui.comparison/1"
OTHER_DATA = (
    "{0} and {1} are of different data ({2} and {3}): figures of different rows are not comparable, and no difference "
    "is given."
)
PAIRED = "Each run is compared with the first. n is the number of pairs; with fewer than two there is no interval."
FLATTERS = "Validation rows are those by which the networks were chosen: these figures flatter them."


class Comparison(Struct, frozen=True):
    """All that is shown of it."""

    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]

    def document(self) -> dict[str, Any]:
        """Return it for programs: tables by name, their rows by the names of columns."""
        return {
            "format": FORMAT,
            "tables": {
                table.name: {
                    "title": table.title,
                    "caption": table.caption,
                    "rows": [dict(zip((c.name for c in table.columns), row, strict=True)) for row in table.rows],
                    "notes": list(table.notes),
                    "reason": table.reason or None,
                }
                for table in self.tables
            },
        }


def compare(materials: Sequence[Material]) -> Comparison:
    """Compare runs with the first of them. Raises ValueError for fewer than two."""
    if len(materials) < 2:
        raise ValueError("a comparison is of two runs or more")
    first, labels = materials[0], labels_of(materials)
    compared = [
        Compared(label, first, other, groups(first, other), is_same_data(first, other))
        for label, other in zip(labels[1:], materials[1:], strict=True)
    ]
    metrics = _metrics_table(labels[0], compared)
    tables = (
        about_table(materials),
        differing_table(materials),
        metrics,
        _returns_table(labels[0], compared),
        _policies_table(labels, materials),
    )
    return Comparison(tables, (curves_figure(labels, materials, compared), differences_figure(labels[0], metrics)))


def is_same_data(first: Material, other: Material) -> bool:
    """Return whether both trained and were validated on the same rows, as the digest of the data has it."""
    return bool(first.provenance.data_digest) and first.provenance.data_digest == other.provenance.data_digest


def _metrics_table(label: str, compared: Sequence[Compared]) -> Table:
    columns = (
        Column("run", "Run"),
        Column("phase", "Phase"),
        Column("settings", "Settings"),
        Column("metric", "Metric"),
        Column("n", "n", "integer"),
        Column("first", label, "number", 4),
        Column("other", _other(compared), "number", 4),
        Column("difference", "Difference", "number", 4, signed=True),
        Column("lower", "Lower", "number", 4, signed=True),
        Column("upper", "Upper", "number", 4, signed=True),
    )
    name, title = "compare_metrics", "Final metrics"
    caption = (
        f"Metrics of the last epoch, mean over the seeds that both runs have: of {label}, of the other run, and the "
        f"other less {label}. Interval: {METHOD}."
    )
    rows = tuple(row for its in compared for group in its.groups for row in _metric_rows(its, group))
    if not rows:
        return absent(name, title, caption, columns, _no_pairs(label, compared))
    notes = [PAIRED, *_notes(label, compared)]
    scales = [group for its in compared for group in its.groups if its.is_comparable and not _same_scale(group)]
    if scales:
        notes.append(f"Not compared where the settings say so: {scales[0].sample.first.task.algorithm.scale_note}.")
    return Table(name, title, caption, columns, rows, tuple(notes))


def _other(compared: Sequence[Compared]) -> str:
    """Return what the column of the other run's values is called."""
    return compared[0].label if len(compared) == 1 else "Other run"


def _metric_rows(its: Compared, group: Group) -> Iterator[tuple[Cell, ...]]:
    algorithm = group.sample.first.task.algorithm
    shown = {algorithm.headline: _same_scale(group), algorithm.validation: _same_scale(group)}
    if not _same_scale(group):  # then what the others are made of can be
        shown |= {metric.name: True for metric in algorithm.metrics if metric.loss and metric.name not in shown}
    for metric, is_on_one_scale in shown.items():
        pairs = [(_final(pair.first, metric), _final(pair.other, metric)) for pair in group.pairs]
        found = difference_of(pairs, is_comparable=its.is_comparable and is_on_one_scale)
        if found.n:
            about = (its.label, group.phase, group.title, algorithm.label(metric), found.n)
            yield (*about, found.first, found.other, found.value, found.lower, found.upper)


def _same_scale(group: Group) -> bool:
    pair = group.sample
    scale = pair.first.task.algorithm.scale
    return not scale or getattr(pair.first.task.trainer, scale) == getattr(pair.other.task.trainer, scale)


def _final(record: TaskRecord, metric: str) -> float | None:
    value = getattr(record.final, metric, None)
    return float(value) if isinstance(value, int | float) else None


def _returns_table(label: str, compared: Sequence[Compared]) -> Table:
    parts = {its.first.part for its in compared} | {its.other.part for its in compared}
    columns = (
        Column("run", "Run"),
        Column("phase", "Phase"),
        Column("settings", "Settings"),
        Column("n", "n", "integer"),
        Column("first", label, "percent", 1, signed=True),
        Column("other", _other(compared), "percent", 1, signed=True),
        Column("difference", "Difference", "percent", 1, signed=True),
        Column("lower", "Lower", "percent", 1, signed=True),
        Column("upper", "Upper", "percent", 1, signed=True),
    )
    name, title = "compare_returns", "Return of each network"
    where = f"{parts.pop()} rows" if len(parts) == 1 and "" not in parts else "the rows of the evaluation"
    caption = (
        f"ROI of each task's network, as validation has chosen it, on {where}; mean over the seeds that both runs "
        f"have, and the other less {label}. Interval: {METHOD}, which tells of seeds and not of other games."
    )
    rows: list[tuple[Cell, ...]] = []
    for its in compared:
        ours, theirs = _returns(its.first), _returns(its.other)
        is_comparable = its.is_comparable and its.first.part == its.other.part
        for group in its.groups:
            pairs = [(ours.get(pair.first.task.id), theirs.get(pair.other.task.id)) for pair in group.pairs]
            found = difference_of(pairs, is_comparable=is_comparable)
            if found.n:
                about = (its.label, group.phase, group.title, found.n)
                rows.append((*about, found.first, found.other, found.value, found.lower, found.upper))
    if not rows:
        why = "No two tasks that belong together were both evaluated: `cqltui evaluate RUN` does, for each run."
        return absent(name, title, caption, columns, why)
    notes = [PAIRED, *_notes(label, compared), *_of_evaluations([compared[0].first, *(its.other for its in compared)])]
    return Table(name, title, caption, columns, tuple(rows), tuple(notes))


def _of_evaluations(materials: Sequence[Material]) -> Iterator[str]:
    names = labels_of(materials)
    if lacking := [name for name, material in zip(names, materials, strict=True) if not material.part]:
        yield f"Not evaluated: {', '.join(lacking)}."
    if any(material.part == "validation" for material in materials):
        yield FLATTERS


def _returns(material: Material) -> dict[str, float]:
    """Return task id -> ROI, as the evaluation has it."""
    tasks = material.evaluation.get("tasks") if material.evaluation else None
    told = [at(task) for task in tasks] if isinstance(tasks, list) else []
    found = {str(at(task, "chosen").get("task")): figure_at(task, "compared", "value") for task in told}
    return {task: value for task, value in found.items() if value is not None}


_POLICY_FIGURES = (("win_rate", "Win", False), ("roi", "ROI", True))


def _policies_table(labels: Sequence[str], materials: Sequence[Material]) -> Table:
    columns = [
        Column("policy", "Policy"),
        Column("run", "Run"),
        Column("part", "Rows"),
        Column("bets", "Bets", "integer"),
    ]
    for figure, heading, signed in _POLICY_FIGURES:
        columns.append(Column(figure, heading, "percent", 1, signed))
        columns += [Column(f"{figure}_{end}", f"{heading} {end}", "percent", 1, signed) for end in ("lower", "upper")]
    columns += [Column("roi_difference", "ROI difference", "percent", 1, signed=True), Column("verdict", "Verdict")]
    name, title = "compare_policies", "Policies"
    caption = (
        "Each policy's bets, win rate and ROI in each run, with the run's own interval (95 %), and the ROI less "
        f"that of {labels[0]}."
    )
    known = [_policies(material) for material in materials]
    names = dict.fromkeys(policy for its in known for policy in its)
    rows: list[tuple[Cell, ...]] = []
    for policy in names:
        base = figure_at(known[0].get(policy), "whole", "roi", "value")
        for label, material, its in zip(labels, materials, known, strict=True):
            if policy not in its:
                continue
            whole, comparable = at(its[policy], "whole"), is_same_data(materials[0], material)
            bets = sum(int(figure_at(whole, "record", what) or 0) for what in ("wins", "losses", "pushes"))
            figures = [figure_at(whole, f, end) for f, *_ in _POLICY_FIGURES for end in ("value", "lower", "upper")]
            roi = figure_at(whole, "roi", "value")
            same = material is not materials[0] and comparable and material.part == materials[0].part
            change = roi - base if same and roi is not None and base is not None else None
            verdict = plain(str(at(its[policy], "verdict").get("verdict", "")), 60) or None
            rows.append((policy, label, material.part, bets, *figures, change, verdict))
    if not rows:
        return absent(name, title, caption, columns, "No run is evaluated: `cqltui evaluate RUN` does.")
    notes = ["A policy is one figure a run: no seeds are paired, and its difference has no interval here."]
    if any(not is_same_data(materials[0], material) for material in materials[1:]):
        notes.append("Runs of different data are not compared: their games differ.")
    notes += _of_evaluations(materials)
    return Table(name, title, caption, tuple(columns), tuple(rows), tuple(notes))


def _policies(material: Material) -> dict[str, Mapping[str, Any]]:
    found = material.evaluation.get("policies") if material.evaluation else None
    told = [at(policy) for policy in found] if isinstance(found, list) else []
    return {plain(name, 60): policy for policy in told if isinstance(name := policy.get("name"), str)}


def _notes(label: str, compared: Sequence[Compared]) -> Iterator[str]:
    for its in compared:
        if not its.is_comparable:
            digests = [it.provenance.data_digest[:8] for it in (its.first, its.other)]
            yield OTHER_DATA.format(label, its.label, *digests)
        paired = sum(len(group.pairs) for group in its.groups)
        alone = [len(it.records) - paired for it in (its.first, its.other)]
        if any(alone):
            yield (
                f"{its.label}: {paired} pairs of tasks; without a counterpart are {alone[0]} of {label} and "
                f"{alone[1]} of {its.label}."
            )


def _no_pairs(label: str, compared: Sequence[Compared]) -> str:
    if any(its.groups for its in compared):
        return "No two tasks that belong together are both done."
    return (
        f"No task of another run has a counterpart in {label}: the same phase, seed, and settings but for what differs "
        "between the runs as a whole."
    )
