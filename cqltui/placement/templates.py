"""Engines that are spoken to by templates of words: what is filled in, and what their lists say. Pure."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from cqltui.campaign.model import CommandConfig
from cqltui.placement.protocol import End, State, Why
from cqltui.placement.starting import Starting

_NAME = re.compile(r"\{([a-z][a-z_]*)\}")


class Row(NamedTuple):
    """What a list says of a job."""

    job: str
    name: str
    state: State
    end: End | None = None
    """Once it has ended."""
    reason: str = ""
    """Why it waits, in the engine's words."""


class Dialect(Struct, frozen=True):
    """How one engine is spoken to."""

    start: Sequence[str]
    list: Sequence[str]
    stop: Sequence[str]
    job: Callable[[str], str | None]
    """Reads the job from what `start` prints."""
    rows: Callable[[str], Iterator[Row]]
    """Reads what `list` prints."""
    given: Callable[[CommandConfig, Starting, str], str] | None = None
    """What `start` reads of a slot on its standard input."""


def fill(words: Sequence[str], starting: Starting, slot: str, job: str = "") -> list[str]:
    """Return the words with what stands in braces filled in. `{worker}` as a word of its own is the worker's whole
    command line, word by word; within another it is the same as a shell reads it.

    For presets alone: `{command}` is that without the file of secrets, which only this machine has; `{secrets}` names
    that file to an engine that brings what it says to the job.
    """
    worker = _worker(starting, slot)
    values = {
        "python": starting.worker(slot)[0],
        "worker_id": slot,
        "env_file": str(starting.env_file or ""),
        "log": str(starting.log(slot)),
        "job_name": starting.job_name(slot),
        "run_dir": str(starting.run_dir),
        "run": starting.run,
        "worker": shlex.join(worker),
        "command": shlex.join(_worker(replace(starting, env_file=None), slot)),
        "job": job,
    }
    filled: list[str] = []
    for word in words:
        if word == "{worker}":
            filled += worker
        elif word == "{secrets}":
            filled += ["--secret-file", str(starting.env_file)] if starting.env_file is not None else []
        else:
            filled.append(_NAME.sub(lambda found: values.get(found[1], found[0]), word))
    return filled


def _worker(starting: Starting, slot: str) -> list[str]:
    environment = (f"{name}={value}" for name, value in starting.environment().items())
    return ["/usr/bin/env", *environment, *starting.worker(slot)]


def last_word(said: str) -> str | None:
    """Return the last word of the last line, which names the job."""
    words = said.split()
    return words[-1] if words and len(words[-1]) <= 200 and words[-1].isprintable() else None


def plain_rows(said: str) -> Iterator[Row]:
    """Yield the rows of lines `JOB NAME STATE [CODE]`. The state is pending, running, unknown or why it has ended;
    after exit and signal stands the number, after pending what it waits for."""
    for line in said.splitlines():
        words = line.split()
        if len(words) < 3:
            continue
        job, name, state, *more = words
        code = int(more[0]) if more and more[0].removeprefix("-").isdecimal() else 0
        if state in list(Why):
            why = Why(state)
            number = -abs(code) if why is Why.SIGNAL else code if why is Why.EXIT else 0
            yield Row(job, name, State.ENDED, End(why, number))
        elif state == "pending":
            yield Row(job, name, State.PENDING, reason=" ".join(more))
        else:
            yield Row(job, name, State.RUNNING if state == "running" else State.UNKNOWN)


def dialect(start: Sequence[str], listing: Sequence[str], stop: Sequence[str]) -> Dialect:
    """Return that of an engine that the campaign file describes."""
    return Dialect(start, listing, stop, last_word, plain_rows)


def with_options(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return a preset's words with further options in their place."""
    return [part for word in words for part in (options if word == "{options}" else (word,))]
