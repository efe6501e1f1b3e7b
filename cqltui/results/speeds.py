"""How fast a run was, as the end of its history tells: for a screen that is opened later."""

import json
from pathlib import Path

from cqltui.logfile import last_lines
from cqltui.state import decode
from cqltui.state.gauges import MOST, Sample

TAIL_BYTES = 1 << 19


def read_speeds(history: Path) -> tuple[Sample, ...]:
    """Return the newest samples, in order; none where there is no history that can be read."""
    try:
        lines = last_lines(history, TAIL_BYTES)
    except OSError:
        return ()
    found: list[Sample] = []
    for line in lines[-MOST:]:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):  # cut off, or nonsense
            continue
        ts = decode.stamp(said, "ts") if isinstance(said, dict) else 0.0
        if not ts or (found and ts <= found[-1].ts):
            continue
        workers = said.get("workers")
        held = sum(decode.whole(workers, name) for name in workers) if isinstance(workers, dict) else 0
        found.append(Sample(ts, max(decode.number(said, "samples_per_s"), 0.0), held_bytes=max(held, 0)))
    return tuple(found)
