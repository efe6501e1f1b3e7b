"""`cqltui stop`: end a run that goes on in the background."""

import argparse
import sys
import time
from collections.abc import Callable

from cqltui.commands import options
from cqltui.commands.server import open_run
from cqltui.errors import CqltuiError, ExitCode, ServerError
from cqltui.results.rundir import RunDir
from cqltui.state.model import Wanted
from cqltui.supervisor.lock import is_supervised
from cqltui.supervisor.supervisor import STOP_GRACE_S

HELP = "Stop a run: workers write their checkpoints and leave. The same campaign command goes on later."
POLL_S = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui stop`."""
    parser.add_argument("--drain", action="store_true", help="let running tasks end, start no other")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the run's end")
    options.add_place(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask, and wait until the supervisor has left."""
    try:
        server, run_dir = open_run(arguments)
    except ServerError as error:
        if options.redis_url(arguments.redis_url) is not None:
            raise
        print(f"cqltui: {error}", file=sys.stderr)
        return ExitCode.OK
    try:
        server.queue.want(Wanted.DRAINING if arguments.drain else Wanted.STOPPED)
    finally:
        server.leave()
    if arguments.no_wait or run_dir is None:
        return ExitCode.OK
    print("running tasks end first" if arguments.drain else "workers write their checkpoints", file=sys.stderr)
    wait_until_left(run_dir, None if arguments.drain else 2 * STOP_GRACE_S)
    print("stopped", file=sys.stderr)
    return ExitCode.OK


def wait_until_left(run_dir: RunDir, limit_s: float | None, clock: Callable[[], float] = time.monotonic) -> None:
    """Return when no supervisor has the run. Raises CqltuiError after `limit_s`; None waits for ever."""
    end = None if limit_s is None else clock() + limit_s
    while is_supervised(run_dir):
        if end is not None and clock() > end:
            raise CqltuiError(f"the supervisor has not left yet: see {run_dir.logs / 'supervisor.log'}")
        time.sleep(POLL_S)
