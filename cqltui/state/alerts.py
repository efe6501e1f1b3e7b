"""What somebody who does not look at the screen wants to be told of: decided from the state alone, once each. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from cqltui.campaign.occasion import Occasion
from cqltui.errors import without_passwords
from cqltui.state import select
from cqltui.state.counting import tally
from cqltui.state.eta import Estimate
from cqltui.state.model import RunState, Status, TaskState
from cqltui.state.plain import headline, plain

HOLDS_S = 60.0
"""An estimate has to be past the hour for so long: one that was made of little swings."""
MOST = 20
"""So many of what happened together are told in full."""
LINE = 200

T = TypeVar("T")
Clock = Callable[[float], str]
"""A moment as people read it; the time zone is the machine's."""


class Alert(Struct, frozen=True):
    """One thing to tell: a line for people, and the same for programs."""

    occasion: Occasion
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    bad: bool = True
    """Whether it is no good news."""


class Told(Struct, frozen=True):
    """What has been told, and what that takes."""

    keys: frozenset[str] = frozenset()
    late_since: float | None = None
    """Since when the run has been expected after the hour."""
    version: tuple[int, int] = (0, 0)
    """The (epoch, seq) up to which has been looked: of very many tasks one that died before may be held only now."""


def look(
    state: RunState, expected: Estimate | None, now: float, told: Told, clock: Clock
) -> tuple[tuple[Alert, ...], Told]:
    """Return what is to be told, at most one alert an occasion, and what has been told then.

    `expected`: None leaves the hour for another time.
    """
    keys, wanted = told.keys, state.campaign.notify.on
    dead, failed, finished = (
        _new(_dead(state, told.version), keys),
        _new(_failed(state), keys),
        _new(_finished(state), keys),
    )
    alerts: list[Alert] = []
    if dead and Occasion.DEAD in wanted:
        alerts.append(_tell_dead(state, list(dead.values())))
    if failed and Occasion.CRITERION in wanted:
        alerts.append(_tell_failed(state, list(failed.values())))
    if finished and Occasion.FINISHED in wanted:
        alerts.append(_tell_finished(state))
    told = replace(told, keys=keys.union(dead, failed, finished), version=(state.epoch, state.seq))
    if expected is not None and Occasion.LATE in wanted:
        late, told = _late(state, expected, now, told, clock)
        alerts += late
    return tuple(alerts), told


def seen(state: RunState, expected: Estimate | None, now: float) -> Told:
    """Return the same for somebody who has just come: what there is, they see."""
    keys = frozenset(key for found in (_dead(state), _failed(state), _finished(state)) for key, _ in found)
    late = expected is not None and _is_late(state, expected.finish_ts, now)
    return Told(keys | {_late_key(state)} if late else keys, version=(state.epoch, state.seq))


def _new(found: Iterable[tuple[str, T]], keys: frozenset[str]) -> dict[str, T]:
    return {key: what for key, what in found if key not in keys}


def _dead(state: RunState, since: tuple[int, int] = (0, 0)) -> Iterator[tuple[str, TaskState]]:
    """Yield the tasks that are dead; where not all are held, those that have died after `since`."""
    if not select.counts(state)[Status.DEAD]:
        return
    for task in state.tasks.values():
        if task.status is Status.DEAD and (state.page is None or task.life.version > since):
            yield f"{Occasion.DEAD}:{task.id}:{task.life.run}", task


def _tell_dead(state: RunState, tasks: list[TaskState]) -> Alert:
    listed = [
        {
            "id": task.id,
            "phase": plain(task.info.phase, LINE),
            "title": plain(task.info.title, LINE),
            "attempts": task.life.attempt,
            "error": plain(without_passwords(headline(task.life.error)), LINE),
        }
        for task in tasks[:MOST]
    ]
    if len(tasks) == 1:
        first = listed[0]
        text = f"task {first['id']} ({first['title'] or first['phase']}) is dead: {first['error'] or 'no reason known'}"
    else:
        names = ", ".join(task.id for task in tasks[:3])
        text = f"{len(tasks):,} tasks are dead: {names}{', ...' if len(tasks) > 3 else ''}"
    return Alert(Occasion.DEAD, _line(state, text), {"count": len(tasks), "tasks": listed})


def _failed(state: RunState) -> Iterator[tuple[str, tuple[str, str, str]]]:
    for phase in state.campaign.phases:
        for verdict in phase.verdicts:
            if verdict.passed is False:
                yield f"{Occasion.CRITERION}:{phase.name}:{verdict.text}", (phase.name, verdict.text, verdict.detail)


def _tell_failed(state: RunState, failed: list[tuple[str, str, str]]) -> Alert:
    listed = [
        {"phase": plain(phase, LINE), "text": plain(text, LINE), "detail": plain(detail, LINE)}
        for phase, text, detail in failed[:MOST]
    ]
    first = listed[0]
    if len(failed) == 1:
        text = f"a criterion of {first['phase']} fails: {first['text']}"
        text += f": {first['detail']}" if first["detail"] else ""
    else:
        text = f"{len(failed):,} criteria fail, the first in {first['phase']}: {first['text']}"
    return Alert(Occasion.CRITERION, _line(state, text), {"count": len(failed), "criteria": listed})


def _finished(state: RunState) -> Iterator[tuple[str, None]]:
    """Yield the end of the run, if it has come; an end with the same tasks as they were is the same. Where not all are
    held, who looks at others sees the same end: there it is one with as many tasks of each phase and status."""
    if state.finished_ts <= 0:
        return
    if state.page is None:
        tasks = sorted(f"{task.id} {task.status} {task.life.run}" for task in state.tasks.values())
    else:
        phases = tally(state).phases.items()
        tasks = sorted(f"{name} {status} {count}" for name, found in phases for status, count in found.states.items())
    yield f"{Occasion.FINISHED}:{hashlib.sha256(' '.join(tasks).encode()).hexdigest()[:16]}", None


def _tell_finished(state: RunState) -> Alert:
    counts = select.counts(state)
    done, total = done_of(state)
    whole = not select.left(state)
    lost = counts[Status.DEAD] + counts[Status.CANCELLED]
    outcome = "stopped" if not whole else "unfinished" if lost else "done"
    verdicts = [verdict.passed for phase in state.campaign.phases for verdict in phase.verdicts]
    criteria = {name: verdicts.count(value) for name, value in (("met", True), ("failed", False), ("open", None))}
    parts = [f"the run {'was stopped' if outcome == 'stopped' else 'has ended'}, {done:,} of {total:,} tasks done"]
    parts += [f"{counts[status]:,} {status}" for status in (Status.DEAD, Status.CANCELLED) if counts[status]]
    text = ", ".join(parts)
    if verdicts:
        told = ", ".join(f"{count} {name}" for name, count in criteria.items() if count)
        text = f"{text}; criteria: {told}"
    return Alert(
        Occasion.FINISHED,
        _line(state, text),
        {"outcome": outcome, "finished_ts": state.finished_ts, "criteria": criteria},
        bad=outcome != "done" or criteria["failed"] > 0,
    )


def _late(state: RunState, expected: Estimate, now: float, told: Told, clock: Clock) -> tuple[tuple[Alert, ...], Told]:
    key, finish_ts = _late_key(state), expected.finish_ts
    if key in told.keys or not _is_late(state, finish_ts, now):
        return (), replace(told, late_since=None)
    since = now if told.late_since is None else min(told.late_since, now)
    hour = state.campaign.notify.late_ts
    if now - since < HOLDS_S and now < hour:
        return (), replace(told, late_since=since)
    if finish_ts is None:
        text = f"it is {clock(hour)}, and the run goes on"
    else:
        text = f"the run is expected to end at {clock(finish_ts)}, past {clock(hour)}"
    alert = Alert(Occasion.LATE, _line(state, text), {"eta_ts": finish_ts, "hour_ts": hour})
    return (alert,), replace(told, keys=told.keys | {key}, late_since=None)


def _is_late(state: RunState, finish_ts: float | None, now: float) -> bool:
    """Return whether the run goes on and is expected after the hour, or goes on after it."""
    hour = state.campaign.notify.late_ts
    if hour <= 0 or state.finished_ts or not select.left(state):
        return False
    return now >= hour or (finish_ts is not None and finish_ts > hour)


def _late_key(state: RunState) -> str:
    return f"{Occasion.LATE}:{state.campaign.notify.late_ts:.0f}"


def done_of(state: RunState) -> tuple[int, int]:
    """Return how many tasks are done, and of how many; those that the file no longer has do not count."""
    counts = select.counts(state)
    return counts[Status.DONE], sum(counts.values()) - counts[Status.WITHDRAWN]


def _line(state: RunState, text: str) -> str:
    return plain(f"{plain(state.campaign.name, 64)}: {text}", 2 * LINE)
