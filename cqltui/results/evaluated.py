"""An evaluation that a run directory holds, as far as criteria and screens need it: without NumPy."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir, read_json
from cqltui.state.model import Status

FORMAT = "cqltui.evaluation/1"


def results_digest(standings: Mapping[str, TaskStanding]) -> str:
    """Return what stands for the results that there are: the tasks that are done, and their tokens."""
    done = sorted((task, its.token) for task, its in standings.items() if its.status is Status.DONE)
    return hashlib.sha256(json.dumps(done).encode()).hexdigest()[:16]


def evaluation_of(run_dir: RunDir, standings: Mapping[str, TaskStanding]) -> dict[str, Any] | None:
    """Return the run's evaluation on the test rows, if it is of exactly these results."""
    found = read_json(run_dir.evaluation_json)
    if found is None or found.get("format") != FORMAT or found.get("part") != "test":
        return None
    said = found.get("provenance")
    same = isinstance(said, dict) and said.get("results") == results_digest(standings)
    return found if same else None
