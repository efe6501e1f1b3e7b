"""`cqltui export`: a run for other programs."""

import argparse
import sys
from pathlib import Path

from cqltui.app import options
from cqltui.app.exporting import KINDS, export
from cqltui.errors import ExitCode
from cqltui.reporters.steps import Steps
from cqltui.state.plain import plain

HELP = "Write a run for other programs: parameters, metrics by epoch and models, as tables or for a tracker."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui export`."""
    options.add_run(parser)
    parser.add_argument("--format", dest="kind", choices=KINDS, required=True, help="what to write")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="a folder for it (default: export/FORMAT in the run directory)"
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier export that is there")


def run(arguments: argparse.Namespace) -> int:
    """Write it, and print the folder. 1 if files of the run are missing from it."""
    run_dir = options.existing_run(arguments.run_dir)
    with Steps() as step:
        folder, lacking = export(run_dir, arguments.kind, arguments.output, force=arguments.force, step=step)
    for line in lacking:
        print(f"left out: {plain(line, 1000)}", file=sys.stderr)
    print(folder)
    return ExitCode.UNFINISHED if lacking else ExitCode.OK
