"""`cqltui`, with nothing after it: the runs of this folder on the screen, from which one is opened."""

import argparse

from cqltui.app import options
from cqltui.errors import InputError
from cqltui.later import load

HELP = "Show the runs of this folder: open one, compare some, archive or delete old ones."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of the list."""
    options.add_look(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the list until the user leaves it."""
    if why := options.no_terminal():
        raise InputError(f"{why}, which the list of runs needs: `cqltui ls` prints it")
    return int(load("cqltui.app.browse_runs").browse(arguments))
