"""What follows when a run was asked to drain or stop: told as it happens, and how it ended, whoever dies meanwhile."""

import sys
import time

from redis.exceptions import RedisError

from cqltui import streams
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.trouble import told
from cqltui.broker.server.access import Server
from cqltui.errors import CqltuiError, ExitCode
from cqltui.placement.process import WorkerProcess, left_behind
from cqltui.reporters.lines import LineReporter
from cqltui.results.left import from_disk
from cqltui.results.rundir import RunDir
from cqltui.state.model import ENDED, RunState, Status, Wanted
from cqltui.state.plain import plain_text
from cqltui.state.reduce import reduce
from cqltui.state.select import live_workers
from cqltui.supervisor.lock import is_supervised
from cqltui.supervisor.outcome import STOP_GRACE_S, outcome
from trainer.files import read_regular

POLL_S = 0.2
ASKED = {
    Wanted.DRAINING: "running tasks end first",
    Wanted.STOPPED: "workers write their checkpoints",
}
SUMMARY_BYTES = 64 << 20
SUMMARY_LINE = 10_000
"""Characters of a line: more than a description has."""
ENDINGS = {Wanted.DRAINING: "drained", Wanted.STOPPED: "stopped"}


def see_out(server: Server, run_dir: RunDir, wanted: Wanted, *, verbose: bool = False) -> RunState:
    """Tell what happens until nobody works on the run any more; how it stands then. `wanted` has been asked already.

    Without a supervisor, or when it dies meanwhile, its workers are asked to leave from here. Raises
    CqltuiError if a run that is to stop has not after two minutes.
    """
    with streams.never_waiting():
        print(ASKED[wanted], file=sys.stderr)
        give_up_at = None if wanted is Wanted.DRAINING else time.monotonic() + 2 * STOP_GRACE_S
        _follow(server, run_dir, give_up_at, LineReporter(sys.stderr, verbose=verbose))
        try:
            _end_workers(server, run_dir, wanted)
            return read(server.queue)
        except RedisError as error:
            print(f"{told(error)}; this is what the run directory knows:", file=sys.stderr)
            return from_disk(run_dir)


def tell(run_dir: RunDir, state: RunState, wanted: Wanted) -> ExitCode:
    """Say how the run stands that was asked to end; the code of a run that ended so."""
    code = exit_code(state)
    if code is not ExitCode.STOPPED:
        if run_dir.summary_txt.is_file() and state.finished_ts:
            print(summary_text(run_dir), end="")
        print("all tasks have ended", file=sys.stderr)
        tell_report(run_dir)
        return code
    done = sum(task.status is Status.DONE for task in state.tasks.values())
    left = sum(task.status not in ENDED for task in state.tasks.values())
    print(
        f"{ENDINGS.get(wanted, 'ended')}: {done} of {len(state.tasks)} tasks are done, {left} left; "
        "the same campaign command goes on where it stopped",
        file=sys.stderr,
    )
    return code


def tell_report(run_dir: RunDir) -> None:
    """Say where the report is, if there is one."""
    if run_dir.report_html.is_file():
        print(f"report: {run_dir.report_html}", file=sys.stderr)


def summary_text(run_dir: RunDir) -> str:
    """Return the summary, whoever has written the run directory."""
    return plain_text(read_regular(run_dir.summary_txt, SUMMARY_BYTES).decode("utf-8", "replace"), SUMMARY_LINE)


def exit_code(state: RunState) -> ExitCode:
    """Return how a run that nobody works on any more ended."""
    statuses = {task.status for task in state.tasks.values()}
    if not statuses <= ENDED:
        return ExitCode.STOPPED
    return outcome(statuses)


def read(queue: Queue) -> RunState:
    """Return the run's state, read once. Raises redis.RedisError."""
    return reduce(RunState(online=True), queue.snapshot())


def _follow(server: Server, run_dir: RunDir, give_up_at: float | None, lines: LineReporter) -> None:
    """Tell what happens as long as the run has a supervisor; of one on another machine, until it says to have left."""
    feed, state = server.feed(), RunState()
    here = run_dir.path.is_dir()
    try:
        while is_supervised(run_dir) if here else not state.finished_ts:
            for event in feed.poll(POLL_S):
                before, state = state, reduce(state, event)
                lines.handle(before, event, state)
            lines.tick(state, time.time())
            if give_up_at is not None and time.monotonic() > give_up_at:
                log = run_dir.logs / "supervisor.log"  # one in the foreground writes to its terminal
                raise CqltuiError(f"the supervisor has not left yet{f': see {log}' if log.is_file() else ''}")
    finally:
        lines.close()
        feed.close()


def _end_workers(server: Server, run_dir: RunDir, wanted: Wanted) -> None:
    """Wait until nobody trains any more; ask the workers that a supervisor has left here to leave, once they may."""
    kill_at = time.monotonic() + STOP_GRACE_S
    known: dict[int, WorkerProcess] = {}
    asked: set[int] = set()
    told = False
    while True:
        server.restart()
        state = read(server.queue)
        busy = {task.life.worker for task in state.tasks.values() if task.status is Status.RUNNING}
        known |= {worker.pid: worker for worker in left_behind(run_dir.path)}
        workers = [worker for worker in known.values() if worker.exit_code() is None]
        if not workers and not any(worker.id in busy for worker in live_workers(state, time.time())):
            return
        if workers and not told:
            told = True
            print("no supervisor runs: its workers are asked from here", file=sys.stderr)
        for worker in workers:
            if wanted is Wanted.STOPPED and time.monotonic() > kill_at:
                worker.kill()
            elif worker.pid not in asked and (wanted is Wanted.STOPPED or worker.id not in busy):
                asked.add(worker.pid)
                worker.terminate()
        time.sleep(POLL_S)
