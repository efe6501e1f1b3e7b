"""Engines that are spoken to by templates of words: what is filled in, and what their lists say. Pure."""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cqltui.placement.protocol import End, State, Why
from cqltui.placement.starting import Starting

_NAME = re.compile(r"\{([a-z][a-z_]*)\}")

Row = tuple[str, str, State, End | None]
"""A job, its name, its state, and its end once it has ended."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one engine is spoken to."""

    start: Sequence[str]
    list: Sequence[str]
    stop: Sequence[str]
    job: Callable[[str], str | None]
    """Reads the job from what `start` prints."""
    rows: Callable[[str], Iterator[Row]]
    """Reads what `list` prints."""


def fill(words: Sequence[str], starting: Starting, slot: str, job: str = "") -> list[str]:
    """Return the words with what stands in braces filled in. `{worker}` as a word of its own is the worker's whole
    command line, word by word; within another it is the same as a shell reads it."""
    worker = [
        "/usr/bin/env",
        *(f"{name}={value}" for name, value in starting.environment().items()),
        *starting.worker(slot),
    ]
    values = {
        "python": starting.worker(slot)[0],
        "worker_id": slot,
        "env_file": str(starting.env_file or ""),
        "log": str(starting.log(slot)),
        "job_name": starting.job_name(slot),
        "run_dir": str(starting.run_dir),
        "worker": shlex.join(worker),
        "job": job,
    }
    filled: list[str] = []
    for word in words:
        if word == "{worker}":
            filled += worker
        else:
            filled.append(_NAME.sub(lambda found: values.get(found[1], found[0]), word))
    return filled


def last_word(said: str) -> str | None:
    """Return the last word of the last line, which names the job."""
    words = said.split()
    return words[-1] if words and len(words[-1]) <= 200 and words[-1].isprintable() else None


def plain_rows(said: str) -> Iterator[Row]:
    """Yield the rows of lines `JOB NAME STATE [CODE]`. The state is pending, running, unknown or why it has ended;
    after exit and signal stands the number."""
    for line in said.splitlines():
        words = line.split()
        if len(words) < 3:
            continue
        job, name, state, *more = words
        code = int(more[0]) if more and more[0].removeprefix("-").isdecimal() else 0
        if state in list(Why):
            why = Why(state)
            yield job, name, State.ENDED, End(why, -abs(code) if why is Why.SIGNAL else code if why is Why.EXIT else 0)
        else:
            yield job, name, State(state) if state in ("pending", "running") else State.UNKNOWN, None


def _pbs_rows(said: str) -> Iterator[Row]:
    """Of `qstat -x -f -F json` (OpenPBS, PBS Professional)."""
    try:
        jobs = json.loads(said or "{}", strict=False).get("Jobs", {})
    except (ValueError, RecursionError, AttributeError):
        return
    for job, told in jobs.items() if isinstance(jobs, dict) else ():
        if isinstance(told, dict):
            state, end = _pbs_state(told)
            yield str(job), str(told.get("Job_Name", "")), state, end


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
    """Of `bjobs -a -noheader -o "jobid job_name stat exit_code exit_reason delimiter='|'"`."""
    for line in said.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) >= 5 and fields[0].isdecimal():
            yield fields[0], fields[1], *_lsf_state(*fields[2:5])


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


PRESETS: Mapping[str, Dialect] = {
    "pbs": Dialect(
        ("qsub", "-N", "{job_name}", "-j", "oe", "-o", "{log}", "-r", "n", "{options}", "--", "{worker}"),
        ("qstat", "-x", "-f", "-F", "json"),
        ("qdel", "{job}"),
        last_word,
        _pbs_rows,
    ),
    "lsf": Dialect(
        ("bsub", "-J", "{job_name}", "-o", "{log}", "-rn", "{options}", "{worker}"),
        ("bjobs", "-a", "-noheader", "-o", "jobid job_name stat exit_code exit_reason delimiter='|'"),
        ("bkill", "{job}"),
        _lsf_job,
        _lsf_rows,
    ),
}


def dialect(start: Sequence[str], listing: Sequence[str], stop: Sequence[str]) -> Dialect:
    """Return that of an engine that the campaign file describes."""
    return Dialect(start, listing, stop, last_word, plain_rows)


def with_options(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return a preset's words with further options in their place."""
    return [part for word in words for part in (options if word == "{options}" else (word,))]
