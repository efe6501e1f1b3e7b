"""Whether a run's report is there, and is of what the run holds: known without anything that a report is made with."""

import importlib.util
from collections.abc import Mapping
from typing import Any

from cqltui.campaign.model import Campaign
from cqltui.judging.evaluated import at, figure_at
from cqltui.results.evaluated import evaluation_of, results_digest
from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir, read_json
from cqltui.state.model import ENDED

FORMAT = "cqltui.report/1"
NEEDS = ("jinja2", "latex2mathml", "markdown_it", "matplotlib", "mdit_py_plugins", "pyarrow")
"""Packages without which there is no report, of the extra `report`."""
INSTALL = "pip install 'cqltui[report]'"


def missing_packages() -> list[str]:
    """Return what a report needs and is not installed. Loads none of it."""
    return [name for name in NEEDS if importlib.util.find_spec(name) is None]


def made_of(standings: Mapping[str, TaskStanding], evaluation: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what stands for the results and the evaluation that a report tells of."""
    evaluated_ts = None if evaluation is None else figure_at(at(evaluation, "provenance"), "ts")
    statuses = {task_id: its.status.value for task_id, its in sorted(standings.items())}
    return {"results": results_digest(standings), "statuses": statuses, "evaluated_ts": evaluated_ts}


def is_due(run_dir: RunDir, campaign: Campaign, standings: Mapping[str, TaskStanding]) -> bool:
    """Return whether a report is to be written by itself: it is wanted and can be, all tasks of the campaign have
    ended, and there is none of these results."""
    if not campaign.report.auto or missing_packages():
        return False
    known = {task.id: standings.get(task.id, TaskStanding()) for task in campaign.tasks}
    if any(its.status not in ENDED for its in known.values()):
        return False
    said = read_json(run_dir.report_json) or {}
    is_there = said.get("format") == FORMAT and run_dir.report_html.is_file()
    return not is_there or said.get("made_of") != made_of(known, evaluation_of(run_dir, standings))
