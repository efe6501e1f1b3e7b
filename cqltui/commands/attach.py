"""`cqltui attach`: the screen on a run that goes on, or its lines."""

import argparse
import importlib
from types import ModuleType

from cqltui.app import finished, options
from cqltui.app.following import follow
from cqltui.app.run_server import open_run
from cqltui.supervisor import manifest

HELP = "Watch a run that goes on in the background. Leaving the screen leaves it running unless you say otherwise."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui attach`."""
    options.add_form(parser)
    options.add_verbose(parser)
    options.add_place(parser, by_position=True)


def run(arguments: argparse.Namespace) -> int:
    """Watch until the user leaves or the run has ended; one that has is shown as it is."""
    on_screen = options.is_on_screen(arguments)
    if options.redis_url(arguments.redis_url) is None or arguments.run_dir is not None:
        known = options.existing_run(arguments.run_dir)
        if not manifest.is_own_server(known) and (ended := finished.look(known)) is not None:
            if on_screen:
                return int(_screen().show_ended(known, ended, read_only=arguments.read_only))
            return finished.print_state(known, ended, as_json=arguments.json)
    server, run_dir = open_run(arguments, look=True)
    try:
        if on_screen:
            return int(_screen().watch(server, run_dir, read_only=arguments.read_only))
        return follow(server, run_dir, as_json=arguments.json, verbose=arguments.verbose)
    finally:
        server.leave()


def _screen() -> ModuleType:
    return importlib.import_module("cqltui.app.screen")  # Textual is loaded by those who see it
