"""The list of this folder's runs on the screen, and the run that is opened from it. Loads Textual."""

import argparse
from pathlib import Path
from types import ModuleType

from msgspec.structs import replace
from redis.exceptions import RedisError

from cqltui.app import finished, options, remembering, shelf
from cqltui.app.preferences import config_file, open_screen, read_settings
from cqltui.app.run_server import open_known
from cqltui.errors import CqltuiError, ExitCode
from cqltui.results.rundir import RunDir
from cqltui.supervisor import manifest
from cqltui.ui.preferences import THEME_NAMES, Preferences
from cqltui.ui.run import run_runs
from cqltui.ui.runs.ports import RunsPorts


def browse(arguments: argparse.Namespace) -> ExitCode:
    """Show the list, then the run that was opened, then the list again, until the user leaves the list."""
    screen, preferences = open_screen(arguments)
    fixed = bool(arguments.theme or read_settings(config_file()).theme)

    def remember(theme: str) -> None:
        remembering.keep(replace(remembering.load(), theme=theme))

    ports = RunsPorts(
        look=shelf.Shelf().runs,
        size_of=shelf.size_of,
        archive=shelf.archive,
        delete=shelf.delete,
        compare=shelf.compared,
        theme_chosen=remember,
        preferences=preferences,
        read_only=preferences.read_only,
    )
    chosen, notice = "", ""
    while (opened := run_runs(ports, chosen, notice)) is not None:
        chosen, notice = opened, ""
        ports = replace(ports, preferences=_with_theme(ports.preferences, fixed=fixed))
        try:
            _show(Path(opened), screen, ports.preferences)
        except (CqltuiError, RedisError) as error:
            notice = str(error)
        ports = replace(ports, preferences=_with_theme(ports.preferences, fixed=fixed))
    return ExitCode.OK


def _with_theme(preferences: Preferences, *, fixed: bool) -> Preferences:
    """Return the preferences with the theme that was taken last, unless the user has said which for good."""
    name = "" if fixed else remembering.load().theme
    return replace(preferences, theme=name, asks=False) if name in THEME_NAMES else preferences


def _show(path: Path, screen: ModuleType, preferences: Preferences) -> None:
    """Show a run as `cqltui attach` does."""
    run_dir: RunDir = options.existing_run(path)
    if not manifest.is_own_server(run_dir) and (ended := finished.look_or_say(run_dir)) is not None:
        screen.show_ended(run_dir, ended, preferences)
        return
    server = open_known(run_dir, None, look=True)
    try:
        screen.watch(server, run_dir, preferences)
    finally:
        server.leave()
