"""`cqltui stop`: end a run that goes on in the background."""

import argparse
import sys
import time
from pathlib import Path

from cqltui.app import options
from cqltui.app.asker import asker
from cqltui.app.ending import POLL_S, read, see_out, tell
from cqltui.app.question import expect_yes
from cqltui.app.run_server import open_run
from cqltui.broker.server.access import Server
from cqltui.broker.server.locks import is_alive
from cqltui.errors import ExitCode, InputError, ServerError
from cqltui.placement.process import left_behind
from cqltui.results.left import from_disk
from cqltui.results.rundir import RunDir
from cqltui.state import decode
from cqltui.state.model import ENDED, RunState, Status, Wanted
from cqltui.state.plain import plain
from cqltui.supervisor.lock import is_supervised

SERVER_BACK_S = 15.0
"""For which a server that has died is waited for, while its run goes on."""
HELP = (
    "Stop a run: workers write their checkpoints and leave; asks first. The same campaign command continues it later."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui stop`."""
    parser.add_argument("--drain", action="store_true", help="let running tasks end, but start no others")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the run's end")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options.add_verbose(parser)
    options.add_place(parser, by_position=True)


def run(arguments: argparse.Namespace) -> int:
    """Ask, and wait until nobody works on the run."""
    wanted = Wanted.DRAINING if arguments.drain else Wanted.STOPPED
    try:
        server, run_dir = _open(arguments)
    except ServerError as error:
        on_own = options.redis_url(arguments.redis_url) is not None
        if on_own or is_alive((found := options.existing_run(arguments.run_dir)).server):
            raise
        print(f"cqltui: {_ended(found) or error}", file=sys.stderr)
        return ExitCode.OK
    try:
        if not arguments.yes:
            _agree(read(server.queue), wanted)
        server.queue.want(wanted, asker("cli"))
        if run_dir is None:
            run_dir = RunDir(Path(decode.text(server.queue.campaign(), "run_dir")))
        if not arguments.no_wait:
            tell(run_dir, see_out(server, run_dir, wanted, verbose=arguments.verbose), wanted)
        return ExitCode.OK
    finally:
        server.leave()


def _agree(state: RunState, wanted: Wanted) -> None:
    """Raise InputError or DeclinedError without a yes, if tasks are left that would wait."""
    left = [task.status for task in state.tasks.values() if task.status not in ENDED]
    running = left.count(Status.RUNNING)
    if not left or state.finished_ts:
        return
    name = plain(state.campaign.name, 60)
    verb, first = ("Drain", "end") if wanted is Wanted.DRAINING else ("Stop", "write a checkpoint")
    about = f"campaign {name}: {running} of its tasks run, which first {first}; {len(left) - running} wait"
    expect_yes(f"{verb} {name}?", [about], yes=False)


def _open(arguments: argparse.Namespace) -> tuple[Server, RunDir | None]:
    """Return the run's server, once it is back where somebody still works on the run: they start one that has died."""
    give_up_at = time.monotonic() + SERVER_BACK_S
    while True:
        try:
            return open_run(arguments)
        except ServerError:
            if options.redis_url(arguments.redis_url) is not None or time.monotonic() > give_up_at:
                raise
            run_dir = options.existing_run(arguments.run_dir)
            if not is_supervised(run_dir) and not left_behind(run_dir.path):
                raise
        time.sleep(POLL_S)


def _ended(run_dir: RunDir) -> str:
    """Print that the campaign has come to its end, if it has."""
    try:
        state = from_disk(run_dir)
    except InputError:
        return ""
    if not state.finished_ts or any(task.status not in ENDED for task in state.tasks.values()):
        return ""
    return f"{run_dir.path}: campaign {plain(state.campaign.name, 60)} has ended; there is nothing to stop"
