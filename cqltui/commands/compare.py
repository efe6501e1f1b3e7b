"""`cqltui compare`: runs beside each other."""

import argparse
import json
import sys
from pathlib import Path

from cqltui.app import options
from cqltui.app.comparing import compare_runs, expect_page, write_page
from cqltui.errors import ExitCode, InputError
from cqltui.reporters.console import report_console
from cqltui.reporters.report import print_parts
from cqltui.reporters.steps import Steps
from cqltui.results.evaluation import as_json

HELP = "Compare runs with the first one: what they differ in, and the differences of their figures, paired by seed."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui compare`."""
    parser.add_argument(
        "runs",
        nargs="+",
        type=options.directory,
        metavar="RUN",
        help="two runs or more: directories, or names in runs/",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write it as HTML there, with the curves over each other"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print tables; what cannot be compared says why."""
    if len(arguments.runs) < 2:
        raise InputError("name two runs or more: cqltui compare RUN RUN")
    run_dirs = [options.existing_run(path) for path in arguments.runs]
    if arguments.output is not None:
        expect_page(arguments.output)
    with Steps() as step:
        found = compare_runs(run_dirs, step)
        is_drawn = arguments.output is None or write_page(arguments.output, found, step)
    if arguments.json:
        print(json.dumps(as_json(found.document()), indent=1))
    else:
        print_parts(found.tables, found.figures, report_console())
    if arguments.output is not None:
        print(f"written to {arguments.output.absolute()}", file=sys.stderr)
    if not is_drawn:
        print("its figures are not drawn: pip install 'cqltui[report]'", file=sys.stderr)
    return ExitCode.OK
