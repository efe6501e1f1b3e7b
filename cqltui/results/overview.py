"""What a run has come to, in a line: from its directory alone."""

import json

from msgspec import Struct

from cqltui.errors import InputError
from cqltui.judging.evaluated import at, policy_at
from cqltui.judging.told import DEPLOYED
from cqltui.logfile import last_lines
from cqltui.results.left import from_disk
from cqltui.results.rundir import RunDir, read_json, why_unreadable
from cqltui.state import decode
from cqltui.state.model import ENDED, Status
from cqltui.state.plain import plain

HISTORY_BYTES = 64 * 1024
LISTED_BYTES = 16 << 20
"""Of a campaign.json that is read for a line: that of 15,000 tasks has fewer."""


class RunOverview(Struct, frozen=True):
    """A run of a folder."""

    name: str
    """Of its directory."""
    path: str
    state: str
    """"running", "finished", "stopped" with tasks left, "empty" where nothing has run, "unreadable", or "large" where
    there is too much to read for a line."""
    tasks: int = 0
    """Withdrawn ones are not counted."""
    done: int = 0
    failed: int = 0
    """Dead or cancelled."""
    best: float | None = None
    """The best validation metric of its tasks."""
    started_ts: float = 0.0
    finished_ts: float = 0.0
    """0 while it has not ended."""
    expected_ts: float = 0.0
    """When it is going to end, as it told last; 0 if that is not known."""
    verdict: str = ""
    """Of its evaluation on the test rows: that of the policy which would be deployed, in words. Foreign."""
    why: str = ""
    """Why its campaign.json was not read."""


def overview(run_dir: RunDir, supervised: bool) -> RunOverview:
    """Return the overview of a run. `supervised`: whether a supervisor works on it."""
    name, path = run_dir.path.name, str(run_dir.path)
    if why := _too_large(run_dir):
        return RunOverview(name, path, "running" if supervised else "large", why=why)
    why = why_unreadable(run_dir.campaign_json)
    try:
        state = from_disk(run_dir)
    except InputError:
        known = "running" if supervised else "unreadable" if why else "empty"
        return RunOverview(name, path, known, why=why)
    tasks = [task for task in state.tasks.values() if task.status is not Status.WITHDRAWN]
    ended = all(task.status in ENDED for task in tasks)
    return RunOverview(
        name=name,
        path=path,
        state="running" if supervised else "unreadable" if why else "finished" if ended else "stopped",
        tasks=len(tasks),
        done=sum(task.status is Status.DONE for task in tasks),
        failed=sum(task.status in (Status.DEAD, Status.CANCELLED) for task in tasks),
        best=min((task.best for task in tasks if task.best is not None), default=None),
        started_ts=state.campaign.started_ts,
        finished_ts=state.finished_ts,
        expected_ts=_expected_ts(run_dir) if supervised else 0.0,
        verdict=verdict(run_dir),
        why=why,
    )


def _too_large(run_dir: RunDir) -> str:
    try:
        size = run_dir.campaign_json.stat().st_size
    except OSError:  # it has just been removed, or its folder cannot be looked into
        return ""
    return f"has {size:,} bytes, of which a list reads {LISTED_BYTES:,} at most" if size > LISTED_BYTES else ""


def _expected_ts(run_dir: RunDir) -> float:
    """Return what the newest line of the history says of the end."""
    try:
        lines = last_lines(run_dir.history, HISTORY_BYTES)
        said = json.loads(next((line for line in reversed(lines) if line.endswith("}")), "{}"))
    except (OSError, ValueError, RecursionError):
        return 0.0
    return decode.number(said, "finish_ts", 0.0) if isinstance(said, dict) else 0.0


def verdict(run_dir: RunDir) -> str:
    """Return the verdict of the evaluation on the test rows on the policy that would be deployed; empty where there is
    no evaluation, or none that can be read."""
    found = read_json(run_dir.evaluation_json) or {}
    if found.get("part") != "test":
        return ""
    if at(found, "leak_audit").get("trusted") is False:
        return "leak"
    policy = next((one for name in DEPLOYED if (one := policy_at(found, name))), {})
    return plain(decode.text(at(policy, "verdict"), "verdict"), 80)
