"""`cqltui attach`: the screen on a run that goes on, or its lines."""

import argparse
from typing import Any

from cqltui.app import finished, options
from cqltui.broker.server.locks import is_alive
from cqltui.later import later, load
from cqltui.supervisor import manifest
from cqltui.ui.preferences import Preferences

open_run = later("cqltui.app.run_server", "open_run")  # one that has ended has no server

HELP = "Watch a run that goes on in the background. Leaving the screen leaves it running unless you say otherwise."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui attach`."""
    options.add_form(parser)
    options.add_look(parser)
    options.add_verbose(parser)
    options.add_place(parser, by_position=True)
    parser.add_argument("--browser", choices=("look", "control"), default="", help=argparse.SUPPRESS)  # of `serve`


def run(arguments: argparse.Namespace) -> int:
    """Watch until the user leaves or the run has ended; one that has is shown as it is."""
    on_screen = bool(arguments.browser) or options.is_on_screen(arguments)
    if on_screen:
        load("cqltui.app.preferences").check_settings()
    if options.redis_url(arguments.redis_url) is None or arguments.run_dir is not None:
        known = options.existing_run(arguments.run_dir)
        embedded = not manifest.is_own_server(known)
        if embedded and on_screen and is_alive(known.server):
            screen, preferences = _open_screen(arguments)
            return int(screen.attach(known, preferences))
        if embedded and (ended := finished.look_or_say(known)) is not None:
            if on_screen:
                screen, preferences = _open_screen(arguments)
                return int(screen.show_ended(known, ended, preferences))
            return finished.print_state(known, ended, as_json=arguments.json)
    server, run_dir = open_run(arguments, look=True)
    try:
        if on_screen:
            screen, preferences = _open_screen(arguments)
            return int(screen.watch(server, run_dir, preferences))
        follow = load("cqltui.app.following").follow
        return int(follow(server, run_dir, as_json=arguments.json, verbose=arguments.verbose))
    finally:
        server.leave()


def _open_screen(arguments: argparse.Namespace) -> tuple[Any, Preferences]:
    """Load Textual, for those who see it."""
    screen: tuple[Any, Preferences] = load("cqltui.app.preferences").open_screen(arguments)
    return screen
