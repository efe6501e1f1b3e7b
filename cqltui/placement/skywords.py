"""How SkyPilot's managed jobs are spoken to by the program `sky`, and what its queue says. Pure."""

import json
import re
from collections.abc import Iterator

from cqltui.placement.protocol import End, State, Why
from cqltui.placement.templates import Dialect, Row

_SUBMITTED = re.compile(r"Job submitted, ID: ([0-9]{1,18})")
_PENDING = frozenset({"PENDING", "SUBMITTED", "STARTING", "RECOVERING"})
"""A job that recovers looks for another machine, which SkyPilot does by itself."""
_RUNNING = frozenset({"RUNNING", "WINDING_DOWN", "CANCELLING"})
_ENDS = {
    "SUCCEEDED": End(Why.EXIT),
    "FAILED": End(Why.EXIT, 1),
    "CANCELLED": End(Why.CANCELLED),
    "FAILED_SETUP": End(Why.UNKNOWN),
    "FAILED_PRECHECKS": End(Why.UNKNOWN),
    "FAILED_NO_RESOURCE": End(Why.UNKNOWN),
    "FAILED_CONTROLLER": End(Why.NODE_LOST),
}


def _job(said: str) -> str | None:
    """Of `Job submitted, ID: 12`."""
    found = _SUBMITTED.search(said)
    return found[1] if found else None


def _rows(said: str) -> Iterator[Row]:
    """Of `sky jobs queue --all --output json`."""
    try:
        jobs = json.loads(said[max(0, said.find("[")) :] or "[]")
    except (ValueError, RecursionError):
        return
    for told in jobs if isinstance(jobs, list) else ():
        if isinstance(told, dict) and isinstance(told.get("job_id"), int):
            status = str(told.get("status"))
            reason = str(told.get("details") or status.lower()) if status in _PENDING else ""
            own = (str(told["job_id"]), str(told.get("job_name", "")))
            yield Row(*own, _state(status), _ENDS.get(status), reason)


def _state(status: str) -> State:
    if status in _ENDS:
        return State.ENDED
    return State.PENDING if status in _PENDING else State.RUNNING if status in _RUNNING else State.UNKNOWN


SKY = Dialect(
    (
        "sky",
        "jobs",
        "launch",
        "--name",
        "{job_name}",
        "--detach-run",
        "--yes",
        "{secrets}",
        "{options}",
        "exec {command}",
    ),
    ("sky", "jobs", "queue", "--all", "--output", "json"),
    ("sky", "jobs", "cancel", "--yes", "{job}"),
    _job,
    _rows,
)
