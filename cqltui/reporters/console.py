"""Where tables are printed."""

import sys

from rich.console import Console

LEAST_WIDTH, LARGEST_WIDTH = 20, 1_000
"""Of what has pictures."""
PIPE_WIDTH = 10_000
"""Columns where there is no terminal to ask: a pipe has no edge."""


def console() -> Console:
    """Return a console on standard output, as wide as the terminal, or without an edge where there is none."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(width=PIPE_WIDTH, highlight=False)


def report_console() -> Console:
    """Return a console on standard output for what has pictures too: a pipe has an edge there, as COLUMNS says, or
    after 80."""
    console = Console(highlight=False)
    console.width = min(max(console.width, LEAST_WIDTH), LARGEST_WIDTH)  # COLUMNS may say anything
    return console
