"""`cqltui evaluate`: is there an edge? Policies on the test seasons, with intervals and verdicts."""

import argparse
import sys

from cqltui.app import options
from cqltui.app.concluding import take_evaluation
from cqltui.app.evaluating import Asked, evaluate_run
from cqltui.broker.server.ownership import expect_ours
from cqltui.errors import ExitCode
from cqltui.reporters.console import console
from cqltui.reporters.evaluation import estimate_table, head_lines, policy_table, verdict_lines
from cqltui.reporters.steps import Steps
from cqltui.results.evaluation import figures_json, times_opened
from cqltui.supervisor.lock import place, unusable
from trainer.files import read_regular

LARGEST = 256 << 20
"""Bytes of an evaluation.json."""
HELP = "Evaluate what a run has trained: leak audit, choices on validation, then the test seasons, looked at once."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui evaluate`."""
    options.add_run(parser)
    parser.add_argument("--validation", action="store_true", help="on the validation rows: the test rows stay closed")
    parser.add_argument("--json", action="store_true", help="as JSON, as in evaluation/evaluation.json")


def run(arguments: argparse.Namespace) -> int:
    """Print the figures of every policy; they are written beside the run's results, whose criteria are judged by them.

    Return 1 if the audit found a leak.
    """
    run_dir = options.existing_run(arguments.run_dir)
    options.expect_run(run_dir)
    expect_ours(run_dir.path)
    before = times_opened(run_dir)
    if before and not arguments.validation:
        times = "once" if before == 1 else f"{before} times"
        print(f"the test rows were looked at {times} before: see {run_dir.test_opened}", file=sys.stderr)
    part = "validation" if arguments.validation else "test"
    try:
        with Steps() as step:
            found = evaluate_run(run_dir, Asked("cqltui evaluate", part), step)
        if part == "test":
            take_evaluation(run_dir)
    except OSError as error:
        raise unusable(run_dir, error) from error
    if arguments.json:
        print(read_regular(figures_json(run_dir, part), LARGEST).decode(), end="")
    else:
        print("\n".join(head_lines(found)))
        if found.policies:
            console().print(policy_table(found))
        if found.estimates is not None:
            console().print(estimate_table(found.estimates))
        print("\n".join(verdict_lines(found)))
        print(f"every figure: {figures_json(run_dir, part)}", file=sys.stderr)
        print(f"a report of it, with tables and figures: cqltui report {place(run_dir)}", file=sys.stderr)
    return ExitCode.OK if found.audit.trusted else ExitCode.UNFINISHED
