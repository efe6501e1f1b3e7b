"""What a run has come to, in a line: from its directory alone."""

from dataclasses import dataclass

from cqltui.errors import InputError
from cqltui.results.left import from_disk
from cqltui.results.rundir import RunDir
from cqltui.state.model import ENDED, Status


@dataclass(frozen=True, slots=True)
class RunOverview:
    """A run of a folder."""

    name: str
    """Of its directory."""
    path: str
    state: str
    """"running", "finished", "stopped" with tasks left, or "empty" where nothing has run."""
    tasks: int = 0
    """Withdrawn ones are not counted."""
    done: int = 0
    failed: int = 0
    """Dead or cancelled."""
    best: float | None = None
    """The best validation metric of its tasks."""
    started_ts: float = 0.0
    finished_ts: float = 0.0


def overview(run_dir: RunDir, supervised: bool) -> RunOverview:
    """Return the overview of a run. `supervised`: whether a supervisor works on it."""
    name, path = run_dir.path.name, str(run_dir.path)
    try:
        state = from_disk(run_dir)
    except InputError:
        return RunOverview(name, path, "running" if supervised else "empty")
    tasks = [task for task in state.tasks.values() if task.status is not Status.WITHDRAWN]
    ended = all(task.status in ENDED for task in tasks)
    return RunOverview(
        name=name,
        path=path,
        state="running" if supervised else "finished" if ended else "stopped",
        tasks=len(tasks),
        done=sum(task.status is Status.DONE for task in tasks),
        failed=sum(task.status in (Status.DEAD, Status.CANCELLED) for task in tasks),
        best=min((task.best for task in tasks if task.best is not None), default=None),
        started_ts=state.campaign.started_ts,
        finished_ts=state.finished_ts,
    )
