"""`cqltui replay`: a recorded run on the screen, as it was at any moment."""

import argparse

from cqltui.app import options
from cqltui.errors import InputError
from cqltui.later import load

HELP = "Look back at a run, finished or not: the same screen at any moment, faster than it was. Nothing is changed."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui replay`."""
    parser.add_argument(
        "--speed",
        type=options.speed,
        default=60.0,
        metavar="N",
        help="seconds of the run in one second (default: 60); { and } change it",
    )
    parser.add_argument(
        "--at", default="", metavar="WHEN", help="where to begin: a time of day (22:10), or one since the begin (1h20m)"
    )
    options.add_look(parser)
    options.add_run(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show it until the user leaves."""
    run_dir = options.existing_run(arguments.run_dir)
    if why := options.no_terminal():
        raise InputError(f"{why}: a replay needs a screen; journal.jsonl has the events")
    _, preferences = load("cqltui.app.preferences").open_screen(arguments)
    return int(load("cqltui.app.replayscreen").replay(run_dir, arguments.speed, arguments.at, preferences))
