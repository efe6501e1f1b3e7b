"""`cqltui stop`: end a run that goes on in the background."""

import argparse
import sys
from pathlib import Path

from cqltui.app import options
from cqltui.app.ending import see_out, tell
from cqltui.app.run_server import open_run
from cqltui.broker.server.handle import is_alive
from cqltui.errors import ExitCode, InputError, ServerError
from cqltui.results.left import from_disk
from cqltui.results.rundir import RunDir
from cqltui.state import decode
from cqltui.state.model import ENDED, Wanted
from cqltui.state.plain import plain

HELP = "Stop a run: workers write their checkpoints and leave. The same campaign command continues it later."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui stop`."""
    parser.add_argument("--drain", action="store_true", help="let running tasks end, but start no others")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the run's end")
    options.add_verbose(parser)
    options.add_place(parser, by_position=True)


def run(arguments: argparse.Namespace) -> int:
    """Ask, and wait until nobody works on the run."""
    wanted = Wanted.DRAINING if arguments.drain else Wanted.STOPPED
    try:
        server, run_dir = open_run(arguments)
    except ServerError as error:
        on_own = options.redis_url(arguments.redis_url) is not None
        if on_own or is_alive((found := options.existing_run(arguments.run_dir)).server):
            raise
        print(f"cqltui: {_ended(found) or error}", file=sys.stderr)
        return ExitCode.OK
    try:
        server.queue.want(wanted)
        if run_dir is None:
            run_dir = RunDir(Path(decode.text(server.queue.campaign(), "run_dir")))
        if not arguments.no_wait:
            tell(run_dir, see_out(server, run_dir, wanted, verbose=arguments.verbose), wanted)
        return ExitCode.OK
    finally:
        server.leave()


def _ended(run_dir: RunDir) -> str:
    """Print that the campaign has come to its end, if it has."""
    try:
        state = from_disk(run_dir)
    except InputError:
        return ""
    if not state.finished_ts or any(task.status not in ENDED for task in state.tasks.values()):
        return ""
    return f"{run_dir.path}: campaign {plain(state.campaign.name, 60)} has ended; there is nothing to stop"
