"""`cqltui supervise`: supervise a run behind its screen."""

import argparse
import logging
import sys

from cqltui.app import options
from cqltui.app.difference import Agreement
from cqltui.app.logform import log_plainly
from cqltui.app.starting import wait_turn
from cqltui.app.supervising import supervise
from cqltui.reporters.lines import LineReporter

HELP = "Supervise a run without a screen and without lines; what `cqltui CAMPAIGN.toml` starts behind the screen."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of a run, but for the screen's."""
    options.add_campaign(parser)
    options.add_place(parser)
    options.add_yes(parser)
    options.add_no_report(parser)
    parser.add_argument("--agreed", help=argparse.SUPPRESS)  # what the user has said yes to, on the screen's terminal
    parser.add_argument("--in-turn", action="store_true", help=argparse.SUPPRESS)  # the run's supervisor is leaving


def run(arguments: argparse.Namespace) -> int:
    """Supervise, logging to standard error, which is the run's supervisor.log."""
    log_plainly(logging.StreamHandler())
    agreement = Agreement(arguments.yes, arguments.agreed)
    chosen = options.run_options(arguments)
    if arguments.in_turn:
        wait_turn(chosen.run_dir)
    return supervise(chosen, [LineReporter(sys.stderr, verbose=True)], agreement)
