"""Who trained what, and when: the attempts of all tasks by worker, from the journal."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from cqltui.judging.evaluated import at
from cqltui.report.figure import Axis, Bars, Figure, Mark, Panel, Points
from cqltui.report.figures.clock import Clock, back_note, clock_of, duration, in_order, stamped
from cqltui.report.material import Material
from cqltui.report.wording import counted
from cqltui.state import decode
from cqltui.state.events import Kind
from cqltui.state.model import Status
from cqltui.state.plain import plain

NAME, TITLE = "worker_lanes", "Work by worker"
MOST_LANES = 30
PACK_S = 2.0
"""Tasks that a worker claims within so many seconds are one pack."""
FORMER = 4
"""The palette's place for tasks that the campaign has no more."""
SHORT_NAME = 40
FEW = 8


class Attempt(Struct, frozen=True):
    """A task at a worker, from its claim on."""

    task: str
    worker: str
    start: float
    end: float
    ended: str
    """The task's status after it; "running" where it has not ended."""


class Pack(Struct, frozen=True):
    """Attempts that a worker began at once."""

    worker: str
    phase: str
    attempts: tuple[Attempt, ...]

    @property
    def start(self) -> float:
        """When the first was claimed."""
        return min(attempt.start for attempt in self.attempts)

    @property
    def end(self) -> float:
        """When the last ended."""
        return max(attempt.end for attempt in self.attempts)


def worker_lanes(material: Material) -> Figure:
    """Return a row a worker with a bar for each pack of tasks that it trained."""
    caption = "Which worker trained tasks of which phase, and when."
    found, back = attempts_of(material)
    if not found:
        reason = "The journal has no claim of a task by a worker: the first one brings this figure."
        return Figure(NAME, TITLE, caption, "", reason=reason)
    phases = {record.task.id: record.task.phase for record in material.records}
    packs = packs_of(found, phases)
    counts = Counter(attempt.worker for attempt in found)
    everybody = sorted(dict.fromkeys(attempt.worker for attempt in found), key=_natural)
    shown = {worker for worker, _ in counts.most_common(MOST_LANES)}
    lanes = [worker for worker in everybody if worker in shown]
    clock = _clock(material)
    marks: list[Mark] = []
    named = [(phase.name, phase.title or phase.name, place) for place, phase in enumerate(material.campaign.phases)]
    for phase, title, color in (*named, ("", "no longer in the campaign", FORMER)):
        own = [pack for pack in packs if pack.phase == phase and pack.worker in shown]
        if own:
            marks.append(_bars(clock, lanes, own, title, color))
    without = [each for each in found if each.ended not in (Status.DONE, Status.RUNNING)]
    fruitless, given_up = len(without), [each for each in without if each.worker in shown]
    if given_up:
        marks.append(
            Points(
                "ended without a result",
                tuple(clock.at([each.end for each in given_up]).tolist()),
                tuple(float(lanes.index(each.worker)) for each in given_up),
                color=2,
                names=tuple(f"{_title(material, each.task)}: then {each.ended}" for each in given_up),
                marker="cross",
            )
        )
    caption += " A bar is a pack of tasks that were claimed at once, with their number where they are several."
    if len(lanes) < len(everybody):
        caption += f" Shown are the {len(lanes)} of {len(everybody):,} workers that claimed most tasks."
    caption += back_note(back)
    tasks = len({attempt.task for attempt in found})
    alt = (
        f"{counted(len(everybody), 'worker')}, {counted(len(packs), 'pack')} with {counted(len(found), 'attempt')} at "
        f"{counted(tasks, 'task')}, "
        f"{fruitless:,} of them ended without a result. {_busy(found, lanes)}"
    )
    panel = Panel(
        "", clock.axis, Axis("worker", categories=tuple(plain(lane, SHORT_NAME) for lane in lanes)), tuple(marks)
    )
    return Figure(NAME, TITLE, caption, alt, (panel,), size=(7.5, 1.6 + 0.4 * len(lanes)))


def attempts_of(material: Material) -> tuple[list[Attempt], int]:
    """Return every attempt by the order of the journal, and how often its clock was set back. One that the journal
    says no end of lasts until the next of its task, and at the end of the journal it is still running."""
    events = stamped(material.events)
    times, back = in_order([decode.stamp(event, "ts") for event in events])
    going: dict[str, tuple[str, float]] = {}
    found: list[Attempt] = []
    for event, time in zip(events, times.tolist(), strict=True):
        kind, task = event.get("kind"), decode.text(event, "task")
        if not task or not isinstance(kind, str) or not kind.startswith("task."):
            continue
        life = decode.lifecycle(at(event, "data"), (0, 0))
        claimed = kind == Kind.TASK_CLAIMED
        if task in going and (claimed or (life is not None and life.status is not Status.RUNNING)):
            worker, start = going.pop(task)
            ended = Status.QUEUED if claimed or life is None else life.status
            found.append(Attempt(task, worker, start, time, str(ended)))
        worker = decode.text(event, "worker") or (life.worker if life is not None else "")
        if claimed and worker:
            going[task] = worker, time
    last = times[-1] if len(times) else 0.0
    found += [Attempt(task, worker, start, last, str(Status.RUNNING)) for task, (worker, start) in going.items()]
    return sorted(found, key=lambda it: (it.start, it.end)), back


def packs_of(attempts: Sequence[Attempt], phases: Mapping[str, str]) -> list[Pack]:
    """Return attempts of one phase that a worker claimed at once, together. `phases`: task -> phase."""
    found: list[list[Attempt]] = []
    newest: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in attempts:
        key = attempt.worker, phases.get(attempt.task, "")
        pack = newest.get(key)
        if pack is None or attempt.start - pack[0].start > PACK_S:
            pack = newest[key] = []
            found.append(pack)
        pack.append(attempt)
    return [Pack(pack[0].worker, phases.get(pack[0].task, ""), tuple(pack)) for pack in found]


def _bars(clock: Clock, lanes: Sequence[str], packs: Sequence[Pack], title: str, color: int) -> Bars:
    return Bars(
        title,
        tuple(float(lanes.index(pack.worker)) for pack in packs),
        tuple(clock.at([pack.end for pack in packs]).tolist()),
        width=0.7,
        base=tuple(clock.at([pack.start for pack in packs]).tolist()),
        color=color,
        across=True,
        names=tuple(f"{counted(len(pack.attempts), 'task')}, {duration(pack.end - pack.start)}" for pack in packs),
        texts=tuple(f"{len(pack.attempts):,}" if len(pack.attempts) > 1 else "" for pack in packs),
    )


def _clock(material: Material) -> Clock:
    times, _ = in_order([decode.stamp(line, "ts") for line in stamped(material.history)])
    return clock_of(times)


def _busy(attempts: Sequence[Attempt], workers: Sequence[str]) -> str:
    """Return for how long the workers had a task: each, or of many the ends and the median."""
    busy = {worker: busy_s(attempts, worker) for worker in workers}
    if len(busy) <= FEW:
        told = [f"{plain(worker, SHORT_NAME)} {duration(seconds)}" for worker, seconds in busy.items()]
        return f"Time with a task: {', '.join(told)}."
    low, middle, high = (duration(seconds) for seconds in np.percentile(list(busy.values()), (0, 50, 100)).tolist())
    return f"Time with a task: from {low} to {high}, median {middle}."


def busy_s(attempts: Sequence[Attempt], worker: str) -> float:
    """Return how many seconds the worker had a task, those with several counted once."""
    total, until = 0.0, -np.inf
    for attempt in attempts:
        if attempt.worker == worker:
            total += max(0.0, attempt.end - max(attempt.start, until))
            until = max(until, attempt.end)
    return float(total)


def _title(material: Material, task: str) -> str:
    return next((record.task.title for record in material.records if record.task.id == task), plain(task, SHORT_NAME))


def _natural(worker: str) -> tuple[str, int, str]:
    """Return what sorts w2 before w10."""
    stem = worker.rstrip("0123456789")
    return stem, int(worker[len(stem) :][:18] or 0), worker
