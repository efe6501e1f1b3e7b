"""How far training had come after so many epochs, and in what time."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from cqltui.algorithms.base import Algorithm
from cqltui.campaign.answers import ANSWERS
from cqltui.campaign.asked import params_of
from cqltui.campaign.model import Phase, Question
from cqltui.judging.outcomes import rank
from cqltui.judging.trajectories import gain, seconds_after
from cqltui.report.groups import algorithm_of, metric_column
from cqltui.report.material import Curves, Material
from cqltui.report.table import Cell, Column, Table, absent
from cqltui.results.record import TaskRecord

NAME, TITLE = "cql_convergence_table", "Convergence"
QUESTION = "convergence"
MOST_TASKS = 5
"""Of each phase."""


def convergence_table(material: Material) -> Table:
    """Return what single training runs had reached at some epochs: those that the phase's question asks for."""
    algorithm = algorithm_of(material)
    headline, comparable = algorithm.headline, algorithm.comparable
    label = algorithm.label(headline)
    columns = (
        Column("phase", "Phase"),
        Column("task", "Task"),
        Column("epochs", "Epochs", "integer"),
        metric_column(algorithm, headline, "best ", column=f"best_{headline}"),
        Column("improvement", "Improvement", "percent", 1, True, f"Of the best {label}, on the row above."),
        metric_column(algorithm, headline),
        *([metric_column(algorithm, comparable)] if comparable else []),
        Column("seconds", "Time, s", "number", 1, help="Of training until then."),
    )
    caption = (
        f"Each block of rows is one training run, measured along its way: {label} in the epoch, the best {label} up to "
        f"it, by what share that is better than the best up to the epoch of the row above"
        f"{f', {algorithm.label(comparable)} where it was measured in that epoch' if comparable else ''}, and the time "
        "of training until then. Tasks that train as one pack spend their time together."
    )
    rows: list[tuple[Cell, ...]] = []
    notes = []
    for phase, epochs in _asking(material, algorithm):
        trained = [it for it in material.of_phase(phase) if it.task.id in material.curves]
        for record in trained[:MOST_TASKS]:
            rows += _rows(record, material.curves[record.task.id], epochs, algorithm)
        if len(trained) > MOST_TASKS:
            notes.append(
                f"Phase {phase.name}: the first {MOST_TASKS} of {len(trained):,} tasks in the order of the file."
            )
    if not rows:
        reason = "No task of the longest phase has metrics that can be read; while it trains, a checkpoint brings them."
        return absent(NAME, TITLE, caption, columns, reason)
    return Table(NAME, TITLE, caption, columns, tuple(rows), tuple(notes))


def _asking(material: Material, algorithm: Algorithm) -> list[tuple[Phase, tuple[int, ...]]]:
    """Return the phases that ask how their tasks converge, with the epochs; where none does, the longest phase."""
    phases = [phase for phase in material.campaign.phases if phase.tasks[0].algorithm.name == algorithm.name]
    asked = {
        phase.name: (phase, _epochs(question))
        for phase in phases
        for question in phase.questions
        if question.answer == QUESTION
    }
    longest = max(phases, key=lambda phase: max(task.trainer.epochs for task in phase.tasks))
    return list(asked.values()) or [(longest, ANSWERS[QUESTION].params["epochs"].default)]


def _epochs(question: Question) -> tuple[int, ...]:
    asked: Any = params_of(question)["epochs"]
    return tuple(asked)


def _rows(record: TaskRecord, curves: Curves, asked: Sequence[int], algorithm: Algorithm) -> Iterator[tuple[Cell, ...]]:
    epochs = [int(epoch) for epoch in curves.epochs.tolist()]
    speed = next(it.name for it in algorithm.metrics if it.kind == "speed")
    values = _metric(curves, algorithm.headline)

    def better_of(one: float, other: float) -> float:
        return min(one, other, key=lambda value: rank(value, algorithm.headline))

    best = [*accumulate(values, better_of)]
    whole = record.result.seconds if record.result is not None else None
    seconds = dict(zip(epochs, seconds_after(epochs, _metric(curves, speed), whole), strict=True))
    found = {epoch: (value, lowest) for epoch, value, lowest in zip(epochs, values, best, strict=True)}
    beside = dict(zip(epochs, _metric(curves, algorithm.comparable), strict=True)) if algorithm.comparable else {}
    shown = sorted({epoch for epoch in asked if epoch in found} | {epochs[-1]})
    gains = [None, *(gain(found[one][1], found[other][1], algorithm.headline) for one, other in pairwise(shown))]
    for epoch, better in zip(shown, gains, strict=True):
        yield (
            record.task.phase,
            record.task.title,
            epoch,
            _finite(found[epoch][1]),
            better,
            _finite(found[epoch][0]),
            *([_finite(beside[epoch])] if beside else []),
            seconds[epoch],
        )


def _metric(curves: Curves, name: str) -> list[float]:
    found: Mapping[str, Any] = curves.metrics
    values: list[float] = found.get(name, np.full(len(curves.epochs), np.nan)).tolist()
    return values


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
