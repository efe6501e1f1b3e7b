"""How batch systems are spoken to, and what their lists say: PBS and LSF. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cqltui.placement.protocol import End, State, Why
from cqltui.placement.templates import Dialect, Row, last_word


def _pbs_rows(said: str) -> Iterator[Row]:
    """Of `qstat -x -f -F json` (OpenPBS, PBS Professional)."""
    try:
        jobs = json.loads(said or "{}", strict=False).get("Jobs", {})
    except (ValueError, RecursionError, AttributeError):
        return
    for job, told in jobs.items() if isinstance(jobs, dict) else ():
        if isinstance(told, dict):
            state, end = _pbs_state(told)
            reason = str(told.get("comment", "")) if state is State.PENDING else ""
            yield Row(str(job), str(told.get("Job_Name", "")), state, end, reason)


_PBS_KILLED = {-26: Why.OOM, -27: Why.OOM, -29: Why.TIME_LIMIT}
"""Exit statuses of jobs that PBS has ended for memory and time."""


def _pbs_state(told: Mapping[str, Any]) -> tuple[State, End | None]:
    state, code = told.get("job_state"), told.get("Exit_status")
    if state in ("Q", "H", "W", "T", "M"):
        return State.PENDING, None
    if state in ("R", "E", "S", "U", "B"):
        return State.RUNNING, None
    if state not in ("F", "X"):
        return State.UNKNOWN, None
    if not isinstance(code, int):
        return State.ENDED, End(Why.CANCELLED)  # it never ran
    if code in _PBS_KILLED:
        return State.ENDED, End(_PBS_KILLED[code])
    if code < 0:
        return State.ENDED, End(Why.NODE_LOST)  # the machine could not start it, or PBS there has begun anew
    return State.ENDED, End(Why.SIGNAL, -(code % 256)) if code > 256 else End(Why.EXIT, code)


_LSF_REASONS = {
    "TERM_PREEMPT": Why.PREEMPTED,
    "TERM_RUNLIMIT": Why.TIME_LIMIT,
    "TERM_DEADLINE": Why.TIME_LIMIT,
    "TERM_WINDOW": Why.TIME_LIMIT,
    "TERM_MEMLIMIT": Why.OOM,
    "TERM_SWAP": Why.OOM,
    "TERM_OWNER": Why.CANCELLED,
    "TERM_FORCE_OWNER": Why.CANCELLED,
    "TERM_ADMIN": Why.CANCELLED,
    "TERM_FORCE_ADMIN": Why.CANCELLED,
    "TERM_ZOMBIE": Why.NODE_LOST,
    "TERM_REQUEUE_ADMIN": Why.CANCELLED,
}


def _lsf_rows(said: str) -> Iterator[Row]:
    """Of `bjobs -a -noheader -o "jobid job_name stat exit_code exit_reason pend_reason delimiter='|'"`."""
    for line in said.splitlines():
        fields = [field.strip() for field in line.split("|", 5)]
        if len(fields) >= 5 and fields[0].isdecimal():
            state, end = _lsf_state(*fields[2:5])
            reason = fields[5].strip("-; ") if len(fields) > 5 and state is State.PENDING else ""
            yield Row(fields[0], fields[1], state, end, reason)


def _lsf_state(state: str, code: str, reason: str) -> tuple[State, End | None]:
    if state in ("PEND", "PSUSP", "WAIT", "PROV"):
        return State.PENDING, None
    if state in ("RUN", "USUSP", "SSUSP"):
        return State.RUNNING, None
    if state == "DONE":
        return State.ENDED, End(Why.EXIT)
    if state not in ("EXIT", "ZOMBI"):
        return State.UNKNOWN, None  # UNKWN: its machine is out of reach
    if (why := next((why for word, why in _LSF_REASONS.items() if reason.startswith(word)), None)) is not None:
        return State.ENDED, End(why)
    number = int(code) if code.isdecimal() else 1
    return State.ENDED, End(Why.SIGNAL, 128 - number) if number > 128 else End(Why.EXIT, number)


def _lsf_job(said: str) -> str | None:
    """Of `Job <12> is submitted to queue <normal>.`."""
    found = re.search(r"Job <([0-9]{1,18})> is submitted", said)
    return found[1] if found else None


PBS = Dialect(
    ("qsub", "-N", "{job_name}", "-j", "oe", "-o", "{log}", "-r", "n", "{options}", "--", "{worker}"),
    ("qstat", "-x", "-f", "-F", "json"),
    ("qdel", "{job}"),
    last_word,
    _pbs_rows,
)
LSF = Dialect(
    ("bsub", "-J", "{job_name}", "-o", "{log}", "-rn", "{options}", "{worker}"),
    ("bjobs", "-a", "-noheader", "-o", "jobid job_name stat exit_code exit_reason pend_reason delimiter='|'"),
    ("bkill", "{job}"),
    _lsf_job,
    _lsf_rows,
)
