"""`cqltui CAMPAIGN.toml`: run a campaign, or go on with it, on the screen or without one."""

import argparse
from functools import partial

from cqltui.app import options
from cqltui.app.forwarding import forwarded
from cqltui.errors import InputError
from cqltui.later import later, load
from cqltui.ui.preferences import Preferences

# The screen of a new run is seen before its data can be read: what that takes is loaded by those who need it.
check = later("cqltui.app.starting", "check")
ensure_supervisor = later("cqltui.app.starting", "ensure_supervisor")

HELP = "Run a campaign, or go on with it: the queue is filled, workers train, results are written."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of a run."""
    options.add_campaign(parser)
    options.add_place(parser)
    options.add_form(parser)
    options.add_look(parser)
    options.add_verbose(parser)
    parser.add_argument("--fresh", action="store_true", help="start over; an earlier run is moved aside")
    options.add_yes(parser)
    options.add_no_report(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the campaign; how it ended."""
    chosen = options.run_options(arguments)
    on_screen = options.is_on_screen(arguments)
    screen, preferences = None, Preferences()
    if on_screen:  # Textual is loaded by those who see it
        screen, preferences = load("cqltui.app.preferences").open_screen(arguments)
    if arguments.fresh:
        load("cqltui.app.before").start_fresh(chosen, yes=arguments.yes, can_ask=on_screen)
    ended, agreed = None, ""
    is_known = chosen.run_dir.campaign_json.is_file()
    if is_known:
        rerun = load("cqltui.app.rerun")
        ended = rerun.has_nothing_left(chosen.run_dir, chosen.campaign)
        if ended is not None:
            rerun.report_if_due(chosen.run_dir, chosen.campaign, ended)
    if screen is None:
        if ended is not None:
            return int(load("cqltui.app.finished").print_again(chosen.run_dir, ended, as_json=arguments.json))
        headless = load("cqltui.app.foreground").headless
        return int(headless(chosen, as_json=arguments.json, yes=arguments.yes, verbose=arguments.verbose))
    if ended is not None:
        return int(screen.show_ended(chosen.run_dir, ended, preferences))
    if is_known:
        agreed = load("cqltui.app.before").agreed_changes(chosen, yes=arguments.yes)
    given = [*forwarded(arguments, chosen.campaign.redis.namespace), "--agreed", agreed]

    def show(*, yes: bool) -> int:
        supervised = partial(ensure_supervisor, chosen, given)
        return int(screen.show(chosen, partial(check, chosen, yes=yes), supervised, preferences))

    try:
        return show(yes=arguments.yes)
    except InputError as error:  # found behind the screen, which was seen at once
        auditing = load("cqltui.app.auditing")
        if not isinstance(error, auditing.LeakError):
            raise
        auditing.ask(error.found)
        return show(yes=True)
