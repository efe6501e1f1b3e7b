"""What a run directory has recorded of a run, read line by line as it is wanted: neither file is ever held whole."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from cqltui.broker.protocol import codec
from cqltui.errors import InputError
from cqltui.results.rundir import RunDir, read_json
from cqltui.state import decode
from cqltui.state.events import LOCAL_KINDS, Event
from cqltui.state.replay import Sample, sample_of
from trainer.files import open_regular

LONGEST_LINE = 1 << 23
"""Of what comes after in a longer one nothing is read."""
TAIL_BYTES = 1 << 20


def events(run_dir: RunDir) -> Iterator[Event]:
    """Yield the journal's events. None where there is no journal."""
    for line in _lines(run_dir.journal):
        event = codec.decode_event(line)
        if event is not None and event.kind not in LOCAL_KINDS:
            yield event


def samples(run_dir: RunDir) -> Iterator[Sample]:
    """Yield the lines of the history."""
    for line in _lines(run_dir.history):
        if (sample := sample_of(codec.decode_object(line) or {})) is not None:
            yield sample


def extent(run_dir: RunDir) -> tuple[float, float]:
    """Return the moments between which the run is recorded. Raises InputError."""
    first = next(events(run_dir), None)
    if first is None:
        raise InputError(f"{run_dir.journal}: nothing of this run was recorded, so there is nothing to replay")
    told = [codec.decode_event(line) for line in _last_lines(run_dir.journal)]
    sampled = [sample_of(codec.decode_object(line) or {}) for line in _last_lines(run_dir.history)]
    last = max(one.ts for one in (first, *told, *sampled) if one is not None)
    return first.ts, max(last, finished_ts(run_dir))


def finished_ts(run_dir: RunDir) -> float:
    """Return when the run ended, as its directory says; 0 if it has not."""
    return decode.stamp(read_json(run_dir.campaign_json) or {}, "finished_ts")


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the whole lines of a file, as far as it can be read."""
    with suppress(OSError), open_regular(path) as file:
        yield from _whole(file)


def _whole(file: IO[bytes]) -> Iterator[bytes]:
    begins = True
    while line := file.readline(LONGEST_LINE):
        ends = line.endswith(b"\n")
        if begins and ends:
            yield line
        begins = ends


def _last_lines(path: Path) -> list[bytes]:
    """Return the whole lines at the end of a file."""
    try:
        with open_regular(path) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            return file.read(TAIL_BYTES).splitlines()
    except OSError:
        return []
