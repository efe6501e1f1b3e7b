"""`cqltui bench`: how fast this machine trains a campaign's networks, alone and in packs."""

import argparse
import json

from cqltui.app import options
from cqltui.app.dataset import load_data
from cqltui.app.measuring import pack_speeds
from cqltui.app.placing import settle
from cqltui.errors import ExitCode, InputError
from cqltui.reporters.bench import bench_json, bench_table
from cqltui.reporters.console import console

HELP = "Time each architecture of a campaign on this machine, single and packed, beside its matrix products alone."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui bench`."""
    options.add_campaign(parser)
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help="of training for each line (default 1)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the table. 1 if an architecture cannot be trained here."""
    if not 0 < arguments.seconds <= 3600:
        raise InputError(f"--seconds {arguments.seconds:g}: expected more than 0 and at most 3600")
    campaign = options.load(arguments)
    placing = settle(campaign, options.earlier(campaign), test=False)
    places = placing.places
    campaign, data = load_data(campaign.with_auto_precision(placing.precision))
    rows = pack_speeds(campaign, data, places, arguments.seconds)
    if arguments.json:
        print(json.dumps({"device": places[0], "rows": [bench_json(row) for row in rows]}, indent=1))
    else:
        out = console()
        out.print(bench_table(rows, places[0]))
        if placing.reason:
            out.print(placing.reason, markup=False, highlight=False)
    return ExitCode.UNFINISHED if any(row.error for row in rows) else ExitCode.OK
