"""`cqltui plan`: tasks, order, work and time of a campaign. Nothing is started."""

import argparse
import json

from rich.text import Text

from cqltui.app import auditing, blocks, difference, options
from cqltui.app.dataset import load_data
from cqltui.app.measuring import step_speeds
from cqltui.app.placing import settle
from cqltui.campaign.plan import Speeds, plan
from cqltui.errors import ExitCode
from cqltui.reporters.console import console
from cqltui.reporters.difference import difference_json, difference_lines, left_line
from cqltui.reporters.plan import disk_warning, plan_json, plan_table, sent_to, told_to
from cqltui.reporters.steps import Steps
from cqltui.results.room import free_bytes, taken_bytes
from cqltui.results.rundir import read_json

HELP = "Show tasks, order, FLOPs and estimated time of a campaign. Nothing is started."

NOBODY = "no worker is started; the times are those of one that joins (cqltui worker)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui plan`."""
    options.add_campaign(parser)
    parser.add_argument("--measure", action="store_true", help="time every architecture on this machine for a moment")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options.add_run_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan. 1 if an architecture cannot be trained here."""
    campaign = options.load(arguments)
    run_dir = options.run_dir(arguments.run_dir, campaign)
    campaign = options.as_in(run_dir, campaign)
    placing = settle(campaign, read_json(run_dir.campaign_json), test=False)
    places = placing.places
    campaign, data = load_data(campaign.with_auto_precision(placing.precision))
    with Steps() as step:
        audited = auditing.look(campaign.data, run_dir, step)
    speeds, failures = Speeds(), dict[str, str]()
    if arguments.measure:
        speeds, failures = step_speeds(campaign, data, places)
    count = (len(places) if campaign.workers.count != 0 else 0) + campaign.workers_elsewhere
    planned = plan(campaign, data.rows, speeds, validation_rows=data.validation_rows, workers=max(1, count))
    found = difference.find(run_dir, campaign, data)
    free = free_bytes(run_dir.path)
    full = disk_warning(planned, taken_bytes(run_dir.path), free)
    said = filter(None, [told_to(campaign.notify), sent_to(campaign.store)])
    notes = [*data.notes, *said, *blocks.planned(campaign, run_dir), *([] if count else [NOBODY])]
    warnings = [*data.warnings, *audited.warnings, *([full] if full else [])]
    if arguments.json:
        where = {"device": places[0], "device_reason": placing.reason}
        about = {"failures": failures, "notes": notes, "warnings": warnings, "disk_free_bytes": free}
        about |= {"leak_audit": audited.grade}
        print(json.dumps(plan_json(planned) | where | about | {"difference": difference_json(found)}, indent=1))
    else:
        out = console()
        out.print(plan_table(planned))
        if placing.reason:
            out.print(placing.reason, markup=False, highlight=False)
        for note in notes:
            out.print(Text(f"note: {note}"), soft_wrap=True)
        if not audited.lines:
            out.print(f"leak audit: {audited.grade}", markup=False, highlight=False)
        for warning in warnings:
            out.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)
        if found.changes or found.kept:
            lines = ["", *difference_lines(found, str(run_dir.path)), left_line(planned, found)]
            out.print(Text("\n".join(lines)), soft_wrap=True)
        for title, reason in failures.items():
            out.print(f"cannot be trained here: {title}: {reason}", markup=False, style="bold red")
    return ExitCode.UNFINISHED if failures else ExitCode.OK
