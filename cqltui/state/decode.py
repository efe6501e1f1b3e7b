"""Wire values into the state's types. What comes over the wire is foreign: wrong types and nonsense become defaults."""

import math
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from cqltui.algorithms import ALGORITHMS, named
from cqltui.algorithms.base import told
from cqltui.campaign.model import Occasion
from cqltui.identity import ProcessIdentity
from cqltui.state.described import AnswerInfo, CampaignInfo, PhaseInfo, Verdict
from cqltui.state.model import Lifecycle, Progress, Status, TaskInfo, WorkerState
from cqltui.state.notify import NotifyInfo

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What the id of a task or a worker looks like. Ids become names of files, so that no other is taken from anywhere."""
TEXT_LIMIT = 10_000
BY_LIMIT = 100
"""Of who asked for something."""
LIST_LIMIT = 1000
"""Of phases, questions, criteria, a pack's members and points of a curve: more than there are of any."""
LATEST_TS = 1e11
"""Seconds since 1970: in the year 5138. Calendars fail far beyond."""
METRICS = tuple(dict.fromkeys(name for algorithm in ALGORITHMS.values() for name in algorithm.metric_names()))
LARGEST = 2**63 - 1
"""Of a whole number: what is computed from two of them still fits a float."""


def number(data: object, key: str, default: float = 0.0) -> float:
    """Return data[key] as a finite float, else the default. Numbers may come as strings, as Redis stores them."""
    value = data.get(key) if type(data) is dict or isinstance(data, Mapping) else None
    try:
        result = float(value)  # type: ignore[arg-type]  # anything may come; what is no number raises
    except (TypeError, ValueError, OverflowError):
        return default
    return result if math.isfinite(result) else default


def stamp(data: object, key: str) -> float:
    """Return data[key] as seconds since 1970, 0 if it is none that a clock could show."""
    value = number(data, key)
    return value if is_stamp(value) else 0.0


def is_stamp(value: float) -> bool:
    """Return whether a calendar has such a moment."""
    return 0 <= value <= LATEST_TS


def optional(data: Mapping[str, Any], key: str) -> float | None:
    """Return data[key] as a finite float, or None."""
    value = number(data, key, math.inf)
    return None if value == math.inf else value


def whole(data: object, key: str) -> int:
    """Return data[key] as an int of at most 63 bits, 0 if it is none."""
    value = data.get(key) if type(data) is dict else None
    if type(value) is int and -LARGEST <= value <= LARGEST:  # as nearly all are, of each of many tasks
        return value
    return max(-LARGEST, min(LARGEST, int(number(data, key))))


def text(data: Mapping[str, Any], key: str) -> str:
    """Return data[key] as a bounded string."""
    return _as_text(data.get(key))


def dicts(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings in a list; nothing if it is none."""
    if isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, Mapping))


def few(value: object) -> Iterator[Mapping[str, Any]]:
    """Return the same, at most `LIST_LIMIT`."""
    return islice(dicts(value), LIST_LIMIT)


def items(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the (key, mapping) pairs of a mapping of mappings."""
    if isinstance(value, Mapping):
        yield from ((str(k), v) for k, v in value.items() if isinstance(v, Mapping))


def strings(value: object) -> tuple[str, ...]:
    """Return the items of a list as strings, at most `LIST_LIMIT`."""
    return tuple(map(_as_text, value[:LIST_LIMIT])) if isinstance(value, list | tuple) else ()


def _as_text(value: object) -> str:
    """Return what can be said in a line; nothing of lists and objects, which may be nested deeper than can be
    written."""
    if type(value) is str:
        return value if len(value) <= TEXT_LIMIT else value[:TEXT_LIMIT]
    return str(value)[:TEXT_LIMIT] if isinstance(value, str | int | float) else ""


def task_info(task_id: str, raw: object) -> TaskInfo | None:
    """Return the fixed part of a task, or None if there is nothing to read."""
    if not isinstance(raw, Mapping):
        return None
    algorithm = named(text(raw, "algorithm"))
    settings = raw.get("settings")
    # Earlier versions wrote the settings beside the rest, and knew neither shape nor pack.
    accepted = algorithm.accepted(settings if isinstance(settings, Mapping) else raw)
    shape = text(raw, "shape") or algorithm.shape_of(accepted)
    return TaskInfo(
        id=task_id,
        phase=text(raw, "phase"),
        title=text(raw, "title"),
        description=text(raw, "description"),
        index=whole(raw, "index"),
        algorithm=algorithm.name,
        settings={name: told(value) for name, value in accepted.items()},
        shape=shape,
        pack=text(raw, "pack") if "pack" in raw or not shape else f"{text(raw, 'phase')}:{shape}",
        epochs=whole(raw, "epochs"),
        batch_size=whole(raw, "batch_size"),
        epoch_steps=whole(raw, "epoch_steps"),
        step_flops=whole(raw, "step_flops"),
        params=whole(raw, "params"),
        baseline_loss=optional(raw, "baseline_loss"),
    )


def lifecycle(raw: Mapping[str, Any], version: tuple[int, int]) -> Lifecycle | None:
    """Return a task's lifecycle, or None if its status is unknown."""
    try:
        status = Status(text(raw, "status"))
    except ValueError:
        return None
    return Lifecycle(
        version=version,
        status=status,
        priority=number(raw, "priority"),
        order=whole(raw, "order"),
        run=max(1, whole(raw, "run")),
        attempt=whole(raw, "attempt"),
        deaths=whole(raw, "deaths"),
        worker=text(raw, "worker"),
        token=text(raw, "token"),
        queued_ts=stamp(raw, "queued_ts"),
        started_ts=stamp(raw, "started_ts"),
        claimed_ts=stamp(raw, "claimed_ts"),
        finished_ts=stamp(raw, "finished_ts"),
        ready_ts=stamp(raw, "ready_ts"),
        paused_by=text(raw, "paused_by"),
        want=text(raw, "want"),
        by=text(raw, "by")[:BY_LIMIT],
        error=text(raw, "error"),
        report=progress(report, stamp(report, "ts")) if isinstance(report := raw.get("report"), Mapping) else None,
    )


def progress(raw: Mapping[str, Any], ts: float) -> Progress:
    """Return a member's report."""
    return Progress(
        token=text(raw, "token"),
        step=whole(raw, "step"),
        epoch=whole(raw, "epoch"),
        epochs=whole(raw, "epochs"),
        resumed_epoch=whole(raw, "resumed_epoch"),
        elapsed_s=number(raw, "elapsed_s"),
        trained_s=optional(raw, "trained_s"),
        ts=ts,
        metrics=_metrics(raw),
        best=optional(raw, "best" if "best" in raw else "best_val_loss"),  # as earlier versions called it
        best_epoch=whole(raw, "best_epoch"),
        curve=_curve(raw.get("curve")),
        stopped_early=text(raw, "stopped_early"),
    )


def _metrics(raw: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics that some algorithm declares; earlier versions wrote them beside the rest."""
    metrics = raw.get("metrics")
    source = metrics if isinstance(metrics, Mapping) else raw
    found = {name: optional(source, name) for name in METRICS if name in source}
    return {name: value for name, value in found.items() if value is not None}


def _curve(raw: object) -> tuple[tuple[int, float], ...]:
    points = raw[:LIST_LIMIT] if isinstance(raw, list | tuple) else ()
    return tuple(
        (point[0], float(point[1]))
        for point in points
        if isinstance(point, list | tuple) and len(point) == 2 and isinstance(point[0], int) and _is_finite(point[1])
    )


def _is_finite(value: object) -> bool:
    # No call of `number`: a pack's report has a thousand points, several times a second.
    return isinstance(value, float | int) and -sys.float_info.max <= value <= sys.float_info.max


def worker(worker_id: str, raw: Mapping[str, Any], ts: float, epoch: int) -> WorkerState:
    """Return a worker as it describes itself, in a progress message or its hash, in that epoch."""
    members = tuple(text(member, "task") for member in few(raw.get("members")))
    return WorkerState(
        id=worker_id,
        version=(epoch, whole(raw, "since"), whole(raw, "report")),
        ts=ts,
        pid=whole(raw, "pid"),
        process=process(raw.get("process")),
        host=text(raw, "host"),
        device=text(raw, "device"),
        started_ts=stamp(raw, "started_ts"),
        samples_per_s=number(raw, "samples_per_s"),
        memory_bytes=whole(raw, "memory_bytes"),
        memory_total_bytes=whole(raw, "memory_total_bytes"),
        program=text(raw, "program"),
        tasks=members or strings(raw.get("tasks")),
    )


def process(raw: object) -> ProcessIdentity:
    """Return which process it is; one of which nothing can be told if it is not said, as by earlier versions."""
    if not isinstance(raw, Mapping):
        return ProcessIdentity()
    return ProcessIdentity(
        machine=text(raw, "machine"),
        boot=text(raw, "boot"),
        pid_namespace=whole(raw, "pid_namespace"),
        uid=int(number(raw, "uid", -1)),
        pid=whole(raw, "pid"),
        started=number(raw, "started"),
    )


def _verdict(raw: Mapping[str, Any]) -> Verdict:
    passed = raw.get("passed")
    told = passed if isinstance(passed, bool) else None
    return Verdict(text(raw, "text"), told, text(raw, "detail"), text(raw, "check"))


def _answer(raw: Mapping[str, Any]) -> AnswerInfo:
    return AnswerInfo(text(raw, "question"), strings(raw.get("lines")))


def _questions(value: object) -> tuple[str, ...]:
    """Return the texts of questions; campaign.json has a table where figures answer one."""
    items = value[:LIST_LIMIT] if isinstance(value, list | tuple) else ()
    return tuple(text(item, "text") if isinstance(item, Mapping) else _as_text(item) for item in items)


def _notify(raw: object) -> NotifyInfo:
    """Return what is told and how; all of it, as long as nothing is said."""
    if not isinstance(raw, Mapping):
        return NotifyInfo()
    said = strings(raw.get("on"))
    on = frozenset(occasion for occasion in Occasion if occasion in said or "on" not in raw)
    return NotifyInfo(raw.get("bell") is not False, stamp(raw, "late_ts"), on)


def campaign(raw: object) -> CampaignInfo | None:
    """Return the run's description, or None if there is nothing to read."""
    if not isinstance(raw, Mapping):
        return None
    phases = tuple(
        PhaseInfo(
            name=text(phase, "name"),
            title=text(phase, "title"),
            priority=whole(phase, "priority"),
            goal=text(phase, "goal"),
            questions=_questions(phase.get("questions")),
            expected=text(phase, "expected"),
            verdicts=tuple(_verdict(verdict) for verdict in few(phase.get("verdicts"))),
            answers=tuple(map(_answer, few(phase.get("answers")))),
        )
        for phase in few(raw.get("phases"))
    )
    return CampaignInfo(
        name=text(raw, "name"),
        title=text(raw, "title"),
        description=text(raw, "description"),
        run_dir=text(raw, "run_dir"),
        started_ts=stamp(raw, "started_ts"),
        workers=whole(raw, "workers"),
        workers_limit=whole(raw, "workers_limit"),
        phases=phases,
        notify=_notify(raw.get("notify")),
    )
