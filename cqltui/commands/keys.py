"""`cqltui keys`: the keys of the screen."""

import argparse
import importlib
import json

from rich.table import Table

from cqltui.app.preferences import checked_keys, config_file, read_settings
from cqltui.errors import ExitCode
from cqltui.reporters.console import console
from cqltui.ui.preferences import KeyRow

HELP = (
    "List the keys of the screen: the name of each action, by which the user's settings give it others, and its help."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui keys`."""
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print a line an action, with the user's keys."""
    keymap = checked_keys(read_settings(config_file()))
    rows: tuple[KeyRow, ...] = importlib.import_module("cqltui.ui.bindings").key_rows(keymap)  # loads Textual
    if arguments.json:
        print(json.dumps([_as_json(row) for row in rows], indent=1, ensure_ascii=False))
    else:
        table = Table(box=None, pad_edge=False)
        for column in ("action", "keys", "what it does"):
            table.add_column(column, no_wrap=column != "what it does")
        for row in rows:
            table.add_row(row.id, " ".join(row.shown), row.help)
        console().print(table)
    return ExitCode.OK


def _as_json(row: KeyRow) -> dict[str, object]:
    return {"id": row.id, "keys": list(row.keys), "shown": list(row.shown), "help": row.help, "level": row.level}
