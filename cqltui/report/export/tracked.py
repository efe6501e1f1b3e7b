"""What a tracker is told of a task, whichever tracker it is. Pure."""

import hashlib
import json
import math
from collections.abc import Mapping

from cqltui.report.material import Material
from cqltui.results.record import TaskRecord
from cqltui.state.plain import plain

LONGEST = 500
"""Characters of a value: what all trackers take."""
LATEST = 4_102_444_800.0
"""Seconds since 1970 of the year 2100: a later time is none."""


def tags(material: Material, record: TaskRecord) -> dict[str, str]:
    """Return where the task is from, and how it stands."""
    its, result = material.provenance, record.result
    found = {
        "campaign": material.campaign.name,
        "phase": record.task.phase,
        "task_id": record.task.id,
        "title": record.task.title,
        "status": str(record.standing.status),
        "attempts": str(record.standing.attempts),
        "run": its.run,
        "data_source": its.data_source,
        "data_digest": its.data_digest,
        "git_commit": its.git_commit,
        "cqltui": its.versions.get("cqltui", ""),
        "error": record.standing.error,
        "device": result.device if result is not None else "",
        "worker": result.worker if result is not None else "",
        "stopped_early": result.stopped_early if result is not None else "",
    }
    return {name: plain(text, LONGEST) for name, text in found.items() if text}


def span(material: Material, record: TaskRecord) -> tuple[float, float]:
    """Return when the task's training began and ended, in seconds since 1970; 0: not known."""
    result = record.result
    if result is None:
        return _time(material.provenance.started_ts), 0.0
    began, ended = _time(result.started_ts), _time(result.finished_ts)
    return began, max(began, ended)


def identity(material: Material, record: TaskRecord) -> str:
    """Return a name for the task's result that is another one after each run and each training: the same result twice
    is one to a tracker."""
    its = material.provenance
    what = [its.run, its.started_ts, record.task.digest, record.standing.token]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def times(epochs: Mapping[int, object], began: float, ended: float) -> dict[int, float]:
    """Return about when each epoch ended: evenly over the time of training."""
    last = max(epochs, default=1)
    return {epoch: began + (ended - began) * epoch / last if ended else began for epoch in epochs}


def _time(seconds: float) -> float:
    return seconds if math.isfinite(seconds) and 0 <= seconds <= LATEST else 0.0
