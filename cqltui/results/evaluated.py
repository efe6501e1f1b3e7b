"""An evaluation that a run directory holds, as far as criteria and summaries need it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cqltui.campaign.model import Campaign
from cqltui.errors import InputError
from cqltui.judging.evaluated import at, figure_at, only_estimated
from cqltui.results.digest import FORMAT, digest
from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir, read_json
from cqltui.state.model import Status
from cqltui.state.plain import plain

AGAIN = "run `cqltui evaluate` again, or remove the file"


def results_digest(standings: Mapping[str, TaskStanding]) -> str:
    """Return what stands for the results that there are: the tasks that are done, and their tokens."""
    return digest((task, its.token) for task, its in standings.items() if its.status is Status.DONE)


def evaluation_of(run_dir: RunDir, standings: Mapping[str, TaskStanding]) -> dict[str, Any] | None:
    """Return the run's evaluation on the test rows, if it is of exactly these results."""
    found = read_json(run_dir.evaluation_json)
    if found is None or found.get("format") != FORMAT or found.get("part") != "test":
        return None
    said = found.get("provenance")
    same = isinstance(said, dict) and said.get("results") == results_digest(standings)
    return found if same else None


def read_evaluation(path: Path, part: str = "test") -> dict[str, Any] | None:
    """Return the evaluation that a file holds; None where there is no file.

    Raises:
        InputError: the file holds something else, or is damaged: what it forbade is not to be taken for allowed.
    """
    if not os.path.lexists(path):
        return None
    found = read_json(path)
    if found is None or (found.get("format"), found.get("part")) != (FORMAT, part) or not at(found, "provenance"):
        raise InputError(f"{path}: holds no evaluation that can be read: {AGAIN}")
    return found


def is_due(run_dir: RunDir, campaign: Campaign, standings: Mapping[str, TaskStanding]) -> bool:
    """Return whether a run with test rows is to be evaluated by itself: all tasks of the campaign are done, and these
    results have not been evaluated with these settings."""
    if not campaign.evaluate.automatic:
        return False
    if any(standings.get(task.id, TaskStanding()).status is not Status.DONE for task in campaign.tasks):
        return False
    known = evaluation_of(run_dir, standings)
    return known is None or known["provenance"].get("settings") != campaign.evaluate.settings()


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
    if only_estimated(found):
        lines.append("  Outcomes are not known: estimates by the log alone, doubly robust")
        estimated = at(found, "off_policy").get("policies")
        lines += [_estimate_line(at(its)) for its in (estimated if isinstance(estimated, list) else [])]
    return lines


def _estimate_line(its: Mapping[str, Any]) -> str:
    """Return the name, expected bets, effective sample, ROI with its interval, and the verdict or why there is none."""
    bets, ess = (figure_at(its, name) for name in ("bets", "ess"))
    roi, low, high = (figure_at(its, "roi", name) for name in ("value", "lower", "upper"))
    sample = plain(f"{bets or 0:,.0f} bets" + ("" if ess is None else f", ESS {ess:,.0f}"), 40)
    returned = "" if roi is None else f"ROI {roi:+.1%}"
    between = "" if low is None or high is None else f" ({low:+.1%} to {high:+.1%})"
    refusals = its.get("refusals")
    why = "; ".join(map(str, refusals)) if isinstance(refusals, list) and bets else ""
    verdict = plain(str(its.get("verdict") or (f"refused: {why}" if why else "")), 160)
    name = plain(str(its.get("name", "")), 40)
    return f"  {name:<24} {sample:>20}  {returned + between:<30}  {verdict}".rstrip()
