"""`cqltui workers`: more or fewer workers for a run that goes on."""

import argparse

from cqltui.app import options
from cqltui.app.asking import ask_workers
from cqltui.app.run_server import open_run

HELP = (
    "Have N workers on the run's machine, at once: more are started, up to one a core; fewer leave after a checkpoint, "
    "which is asked first. It holds until the run ends or is stopped; then its file counts again."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui workers`."""
    parser.add_argument("count", type=options.positive, metavar="N", help="workers, 1 or more")
    parser.add_argument("--yes", action="store_true", help="do not ask before workers leave")
    options.add_place(parser, by_position=True)


def run(arguments: argparse.Namespace) -> int:
    """Ask for them."""
    server, run_dir = open_run(arguments)
    try:
        return ask_workers(arguments.count, server.queue, run_dir, yes=arguments.yes)
    finally:
        server.leave()
