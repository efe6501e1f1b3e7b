"""`cqltui report`: tables, figures and text of a run, for reading and for a dissertation."""

import argparse
import json
import sys
from pathlib import Path

from cqltui.app import options
from cqltui.app.browsing import open_page
from cqltui.app.reporting import Given, give_way, material_of, write_report
from cqltui.errors import ExitCode, InputError
from cqltui.reporters.console import report_console
from cqltui.reporters.report import print_report
from cqltui.reporters.steps import Steps

HELP = "Write a run's report: a page, figures (SVG, PDF, PNG), tables (LaTeX, CSV) and the methods, into its report/."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui report`."""
    options.add_run(parser)
    parser.add_argument(
        "-o", "--output", type=options.directory, metavar="DIR", help="where to (default: report/ in the run)"
    )
    parser.add_argument("--text", action="store_true", help="print its core here, with plots; writes no report")
    parser.add_argument("--open", action="store_true", help="show the page in the browser")
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    parser.add_argument(
        "--price-per-hour",
        type=options.price,
        metavar="PRICE",
        help="of a cloud machine, in any currency, in place of [evaluate] price_per_hour",
    )
    parser.add_argument(
        "--ledger",
        type=Path,
        metavar="FILE",
        help="the ledger of the bets that were really taken: their closing line value",
    )
    parser.add_argument("--background", action="store_true", help=argparse.SUPPRESS)  # as a supervisor asks for it


def run(arguments: argparse.Namespace) -> int:
    """Write the report, or print its core."""
    if arguments.text and (arguments.json or arguments.open or arguments.output is not None):
        raise InputError("--text prints here and writes no report: leave out --json, --open and -o, or --text")
    run_dir = options.existing_run(arguments.run_dir)
    if arguments.background:
        give_way()
    given = Given(arguments.price_per_hour, arguments.ledger)
    with Steps() as step:
        if arguments.text:
            material = material_of(run_dir, step, given)
        else:
            written = write_report(run_dir, arguments.output, step, given)
    if arguments.text:
        print_report(material, report_console())
        return ExitCode.OK
    if arguments.json:
        print(json.dumps({**written.said, "page": str(written.page)}, indent=1, ensure_ascii=False))
    else:
        print("\n".join(written.said["verdict"]))
        print(f"report: {written.page}")
    if arguments.open:
        print(open_page(written.page)[0], file=sys.stderr)
    return ExitCode.OK
