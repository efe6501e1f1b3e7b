"""The list of this folder's runs on the screen, and the run that is opened from it. Loads Textual."""

import argparse
from pathlib import Path
from types import ModuleType

from redis.exceptions import RedisError

from cqltui.app import finished, options, shelf
from cqltui.app.preferences import open_screen
from cqltui.app.run_server import open_known
from cqltui.errors import CqltuiError, ExitCode
from cqltui.results.rundir import RunDir
from cqltui.supervisor import manifest
from cqltui.ui.preferences import Preferences
from cqltui.ui.run import run_runs
from cqltui.ui.runs.ports import RunsPorts


def browse(arguments: argparse.Namespace) -> ExitCode:
    """Show the list, then the run that was opened, then the list again, until the user leaves the list."""
    screen, preferences = open_screen(arguments)
    ports = RunsPorts(
        look=shelf.Shelf().runs,
        size_of=shelf.size_of,
        archive=shelf.archive,
        delete=shelf.delete,
        compare=shelf.compared,
        preferences=preferences,
        read_only=preferences.read_only,
    )
    chosen, notice = "", ""
    while (opened := run_runs(ports, chosen, notice)) is not None:
        chosen, notice = opened, ""
        try:
            _show(Path(opened), screen, preferences)
        except (CqltuiError, RedisError) as error:
            notice = str(error)
    return ExitCode.OK


def _show(path: Path, screen: ModuleType, preferences: Preferences) -> None:
    """Show a run as `cqltui attach` does."""
    run_dir: RunDir = options.existing_run(path)
    if not manifest.is_own_server(run_dir) and (ended := finished.look(run_dir)) is not None:
        screen.show_ended(run_dir, ended, preferences)
        return
    server = open_known(run_dir, None, look=True)
    try:
        screen.watch(server, run_dir, preferences)
    finally:
        server.leave()
