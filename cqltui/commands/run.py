"""`cqltui CAMPAIGN.toml`: run a campaign, or go on with it, on the screen or without one."""

import argparse
import importlib
from functools import partial

from cqltui.app import auditing, finished, options
from cqltui.app.before import agreed_changes, start_fresh
from cqltui.app.foreground import headless
from cqltui.app.starting import check, ensure_supervisor, forwarded

HELP = "Run a campaign, or go on with it: the queue is filled, workers train, results are written."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of a run."""
    options.add_campaign(parser)
    options.add_place(parser)
    options.add_form(parser)
    options.add_verbose(parser)
    parser.add_argument("--fresh", action="store_true", help="start over; an earlier run is moved aside")
    options.add_yes(parser)
    options.add_no_report(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the campaign; how it ended."""
    chosen = options.run_options(arguments)
    on_screen = options.is_on_screen(arguments)
    if arguments.fresh:
        start_fresh(chosen, yes=arguments.yes, can_ask=on_screen)
    ended = finished.has_nothing_left(chosen.run_dir, chosen.campaign)
    if ended is not None:
        finished.report_if_due(chosen.run_dir, chosen.campaign, ended)
    if not on_screen:
        if ended is not None:
            return finished.print_again(chosen.run_dir, ended, as_json=arguments.json)
        return headless(chosen, as_json=arguments.json, yes=arguments.yes, verbose=arguments.verbose)
    screen = importlib.import_module("cqltui.app.screen")  # Textual is loaded by those who see it
    if ended is not None:
        return int(screen.show_ended(chosen.run_dir, ended, read_only=arguments.read_only))
    agreed = agreed_changes(chosen, yes=arguments.yes)
    given = [*forwarded(arguments, chosen.campaign.redis.namespace), "--agreed", agreed]

    def show(*, yes: bool) -> int:
        checked, supervised = partial(check, chosen, yes=yes), partial(ensure_supervisor, chosen, given)
        return int(screen.show(chosen, checked, supervised, read_only=arguments.read_only))

    try:
        return show(yes=arguments.yes)
    except auditing.LeakError as error:  # found behind the screen, which was seen at once
        auditing.ask(error.found)
        return show(yes=True)
