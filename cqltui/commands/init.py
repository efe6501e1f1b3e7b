"""`cqltui init`: write a commented campaign file to begin with."""

import argparse
import sys
from importlib.resources import files
from pathlib import Path

from cqltui.errors import ExitCode, InputError

HELP = "Write a commented campaign file: the deep campaign, the quick one, or a blank one to fill in."
TEMPLATES = ("deep", "quick", "blank")
SCHEMA_LINE = "#:schema "
"""By which editors find the schema; the path of the shipped files means nothing elsewhere."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui init`."""
    parser.add_argument(
        "template", nargs="?", choices=TEMPLATES, default="blank", help="the campaign to write (default blank)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="the file to write (default: deep.toml, quick.toml or blank.toml in this folder)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the file, which must not exist."""
    path: Path = arguments.output or Path(f"{arguments.template}.toml")
    text = (files("cqltui.templates") / f"{arguments.template}.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith(SCHEMA_LINE)]
    try:
        with path.open("x", encoding="utf-8") as file:
            file.writelines(lines)
    except FileExistsError:
        raise InputError(f"{path}: exists already; choose another with -o FILE") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    print(f"{path} is written; `cqltui plan {path}` shows what it would do, `cqltui {path}` runs it", file=sys.stderr)
    return ExitCode.OK
