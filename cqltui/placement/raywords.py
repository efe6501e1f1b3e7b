"""How Ray's Jobs API is spoken to by the program `ray`, and what its list says. Pure.

Which cluster is meant `RAY_ADDRESS` says, as it does to all programs of Ray's.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cqltui.placement.protocol import End, State, Why
from cqltui.placement.templates import Dialect, Row

GRACE_S = 60
"""Ray ends a job three seconds after it was asked to stop, unless the job's environment says more."""
_LOST = ("JOB_SUPERVISOR_ACTOR_DIED", "JOB_SUPERVISOR_ACTOR_UNKNOWN_FAILURE")
"""Of the process that watches over a job, on its node."""
_SUBMITTED = re.compile(r"'(raysubmit_[A-Za-z0-9]{1,40})' submitted")


def _job(said: str) -> str | None:
    """Of `Job 'raysubmit_...' submitted successfully`."""
    found = _SUBMITTED.search(said)
    return found[1] if found else None


def _rows(said: str) -> Iterator[Row]:
    """Of `ray list jobs --format json --detail`, which also names the jobs that were not submitted."""
    try:
        jobs = json.loads(said or "[]")
    except (ValueError, RecursionError):
        return
    for told in jobs if isinstance(jobs, list) else ():
        if isinstance(told, dict) and isinstance(metadata := told.get("metadata"), dict):
            state, end = _state(told)
            reason = _reason(str(told.get("message") or "")) if state is State.PENDING else ""
            yield Row(str(told.get("submission_id", "")), str(metadata.get("name", "")), state, end, reason)


def _reason(message: str) -> str:
    return message.removeprefix("Job has not started yet. ").partition(". ")[0].rstrip(".")


def _state(told: Mapping[str, Any]) -> tuple[State, End | None]:
    state = told.get("status")
    if state in ("PENDING", "RUNNING"):
        return (State.PENDING if state == "PENDING" else State.RUNNING), None
    if state == "STOPPED":
        return State.ENDED, End(Why.CANCELLED)
    if state == "SUCCEEDED":
        return State.ENDED, End(Why.EXIT)
    if state != "FAILED":
        return State.UNKNOWN, None
    code = told.get("driver_exit_code")
    if isinstance(code, int):
        # The shell that Ray starts tells a signal as 128 and its number.
        number = -code if code < 0 else code - 128
        return State.ENDED, End(Why.SIGNAL, -number) if number > 0 else End(Why.EXIT, code)
    if told.get("error_type") not in _LOST:
        return State.ENDED, End(Why.UNKNOWN)  # it never ran
    is_memory = "memory" in str(told.get("message", "")).lower()
    return State.ENDED, End(Why.OOM if is_memory else Why.NODE_LOST)


RAY = Dialect(
    (
        "ray",
        "job",
        "submit",
        "--no-wait",
        "--metadata-json",
        '{"name": "{job_name}"}',
        "--runtime-env-json",
        f'{{"env_vars": {{"RAY_JOB_STOP_WAIT_TIME_S": "{GRACE_S}"}}}}',
        "--entrypoint-num-cpus=1",
        "{options}",
        "--",
        "{worker}",
    ),
    ("ray", "list", "jobs", "--format", "json", "--detail", "--limit", "10000"),
    ("ray", "job", "stop", "--no-wait", "{job}"),
    _job,
    _rows,
)
