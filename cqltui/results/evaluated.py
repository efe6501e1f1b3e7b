"""An evaluation that a run directory holds, as far as criteria and screens need it: without NumPy."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cqltui.campaign.model import Campaign
from cqltui.judging.evaluated import at, figure_at
from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir, read_json
from cqltui.state.model import Status
from cqltui.state.plain import plain

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


def is_due(run_dir: RunDir, campaign: Campaign, standings: Mapping[str, TaskStanding]) -> bool:
    """Return whether a run with test rows is to be evaluated by itself: all tasks of the campaign are done, and these
    results have not been evaluated with these settings."""
    if not campaign.evaluate.automatic:
        return False
    if any(standings.get(task.id, TaskStanding()).status is not Status.DONE for task in campaign.tasks):
        return False
    known = evaluation_of(run_dir, standings)
    return known is None or known["provenance"].get("settings") != asdict(campaign.evaluate)


def evaluation_lines(found: Mapping[str, Any]) -> list[str]:
    """Return the evaluation for the summary: the audit, then a line a policy. The file may be somebody else's."""
    audit = at(found, "leak_audit")
    rows = figure_at(found, "provenance", "rows", "test") or 0
    policies = found.get("policies")
    lines = [
        f"Evaluation on {rows:,.0f} test rows; leak audit: {plain(str(audit.get('grade', 'not known')).lower(), 20)}"
    ]
    for policy in map(at, policies if isinstance(policies, list) else []):
        record = [int(figure_at(policy, "whole", "record", name) or 0) for name in ("wins", "losses", "pushes")]
        low, high = (figure_at(policy, "whole", "roi", name) for name in ("lower", "upper"))
        roi = figure_at(policy, "whole", "roi", "value")
        returned = "" if roi is None else f"ROI {roi:+.1%}"
        between = "" if low is None or high is None else f" ({low:+.1%} to {high:+.1%})"
        verdict = plain(str(at(policy, "verdict").get("verdict", "")), 60)
        name, won = plain(str(policy.get("name", "")), 40), "-".join(map(str, record))
        lines.append(f"  {name:<24} {won:>12}  {returned + between:<30}  {verdict}".rstrip())
    return lines
