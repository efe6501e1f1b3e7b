"""Whether a run rests, so that what lies in its directory may be changed."""

from cqltui.broker.server.handle import await_end, has_users
from cqltui.errors import InputError
from cqltui.placement.process import workers_here
from cqltui.results.rundir import RunDir
from cqltui.supervisor.lock import place


def expect_idle(run_dir: RunDir) -> None:
    """Raise InputError while somebody works on the run. A server that is being ended, as by the command before, is
    waited for. For whoever holds the run's lock, so that no supervisor comes."""
    await_end(run_dir.server)
    if pids := workers_here(run_dir.path):
        what = f"workers of this run are at work (process {', '.join(map(str, pids[:5]))})"
    elif has_users(run_dir.server):
        what = "its server is in use, by a worker or a screen"
    else:
        return
    raise InputError(f"{run_dir.path}: {what}: end the run first with `cqltui stop {place(run_dir)}`")
