"""What campaign.json says of a run but for its tasks, kept: of ten thousand tasks it takes a third of a second and tens
of megabytes to be read, and most who ask want a word or two of the rest."""

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from cqltui.results.rundir import RunDir, parse_json

COUNT = "tasks"
"""Where an outline says how many tasks there are."""


def read_outline(run_dir: RunDir) -> Mapping[str, Any]:
    """Return the object in campaign.json without the tasks of its phases; the same object for all who ask, until there
    is another file. Raises OSError and ValueError."""
    path = run_dir.campaign_json
    there = path.stat()
    return _outline(path, (there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns))


def outline(run_dir: RunDir) -> Mapping[str, Any]:
    """Return the same; empty if there is none that can be read."""
    try:
        return read_outline(run_dir)
    except (OSError, ValueError):
        return {}


@lru_cache(4)
def _outline(path: Path, stamp: tuple[int, ...]) -> Mapping[str, Any]:
    said = parse_json(path)
    campaign = said.get("campaign")
    phases = campaign.get("phases") if isinstance(campaign, dict) else None
    said[COUNT] = 0
    for phase in phases if isinstance(phases, list) else ():
        if isinstance(phase, dict):
            tasks = phase.pop("tasks", None)
            said[COUNT] += sum(map(_size, tasks)) if isinstance(tasks, list) else 0
    return said


def _size(item: object) -> int:
    """Return the number of tasks that an item of a phase's tasks stands for: of a large grid (`campaign/compact.py`)
    those of all its points."""
    grid = item.get("grid") if isinstance(item, dict) else None
    return math.prod(map(_length, grid.values())) if isinstance(grid, dict) else 1


def _length(axis: object) -> int:
    if isinstance(axis, dict):
        first, last = axis.get("from"), axis.get("to")
        return max(0, last - first + 1) if type(first) is int and type(last) is int else 0
    return len(axis) if isinstance(axis, list) else 0
