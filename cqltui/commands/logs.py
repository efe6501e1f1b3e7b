"""`cqltui logs`: what workers and supervisor wrote."""

import argparse
import sys
import time
from collections import deque
from pathlib import Path

from cqltui import streams
from cqltui.app import options
from cqltui.errors import ExitCode, InputError
from cqltui.logfile import bounded, open_log
from cqltui.state.plain import plain

HELP = "Show the log of a worker, or the lines about a task from all logs. Without a name: list the logs."
POLL_S = 0.25
PATH_LIMIT = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui logs`."""
    parser.add_argument("name", nargs="?", metavar="WORKER|ID", help="a worker, `supervisor`, or a task's id")
    parser.add_argument("-n", "--lines", type=options.positive, default=40, metavar="N", help="the last N lines (40)")
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on showing lines as they are written (a worker's log)"
    )
    options.add_run_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the lines."""
    run_dir = options.existing_run(arguments.run_dir)
    logs = sorted(path for path in run_dir.logs.glob("*.log") if path.is_file())
    if arguments.name is None:
        for path in logs:
            print(f"{plain(path.stem)}\t{plain(str(path), PATH_LIMIT)}")
        return ExitCode.OK
    own = [path for path in logs if path.stem == arguments.name]
    lines: deque[str] = deque(maxlen=arguments.lines)
    for path in own or logs:
        try:
            with open_log(path) as file:
                lines.extend(line for line in bounded(file) if own or arguments.name in line)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not own and not lines:
        names = ", ".join(plain(path.stem) for path in logs) or "none yet"
        raise InputError(f"{arguments.name[:80]!r} is neither a worker nor in any log (logs: {names})")
    for line in lines:
        print(plain(line))
    if arguments.follow and own:
        _follow(own[0])
    return ExitCode.OK


def _follow(path: Path) -> None:
    with open_log(path) as file:
        file.seek(0, 2)
        while not streams.is_gone(sys.stdout):
            for line in bounded(file):
                print(plain(line))
            sys.stdout.flush()
            time.sleep(POLL_S)
