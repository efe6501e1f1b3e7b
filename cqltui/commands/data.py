"""`cqltui data`: what a data file holds and whether anything in it knows the outcome; or a file of real games."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cqltui.app import schedules
from cqltui.errors import ExitCode, InputError
from cqltui.reporters.console import console
from cqltui.reporters.leaks import audit_table
from cqltui.reporters.steps import Steps
from cqltui.state.plain import plain, word
from trainer import data
from trainer.config import DataConfig, Source, Split
from trainer.data.games import NO_TEST
from trainer.data.types import DataError, Dataset
from trainer.evaluation.audited import audit_data, log_of
from trainer.files import open_regular

HELP = "Look at a data file, or make one of real games."
CHECK = "Look at a data file: rows, seasons, what is wrong with it, and the leak audit."
BUILD = 'Load the schedules of real games by nflreadpy, and write them as the CSV that source = "games" reads.'
GAMES_COLUMN = "spread_line"
"""A file with it holds games."""
EVERYTHING = Split(validation_seasons=0, test_seasons=0)
HEADER_BYTES = 1 << 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui data`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help=CHECK, description=CHECK)
    check.set_defaults(do=_check)
    check.add_argument("file", type=Path, metavar="FILE", help="a CSV of games or of logged bets")
    check.add_argument(
        "--source", choices=("games", "logged"), help="what the file is (default: games if it has a spread_line)"
    )
    check.add_argument("--json", action="store_true", help="as JSON")
    build = actions.add_parser("build", help=BUILD, description=BUILD)
    build.set_defaults(do=_build)
    build.add_argument("--seasons", required=True, metavar="FIRST-LAST", help="such as 1999-2025, or 2024 for one")
    build.add_argument(
        "-o", "--output", type=Path, default=Path("games.csv"), metavar="FILE", help="the file to write (games.csv)"
    )
    build.add_argument("--force", action="store_true", help="replace a file that is there")


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked. Raises InputError."""
    return int(arguments.do(arguments))


def _build(arguments: argparse.Namespace) -> int:
    seasons = schedules.seasons_of(arguments.seasons)
    schedules.expect_free(arguments.output, force=arguments.force)
    print(f"loading the schedules by {schedules.LOADER} ...", file=sys.stderr)
    found = schedules.build(arguments.output, seasons)
    print("\n".join(schedules.told(found, arguments.output, seasons)))
    print(f"`cqltui data check {word(str(arguments.output))}` says what is in it", file=sys.stderr)
    return ExitCode.OK


def _check(arguments: argparse.Namespace) -> int:
    """Print what is in the file, then the audit. 1 if figures that are computed from it cannot be believed."""
    path: Path = arguments.file
    source: Source = arguments.source or ("games" if GAMES_COLUMN in _header(path) else "logged")
    config = DataConfig(source=source, path=path, split=EVERYTHING if source == "games" else None)
    try:
        with Steps() as step:
            step("reading the file")
            dataset = data.load(config)
            step("auditing it for leaks")
            audit = audit_data(dataset, config)
    except DataError as error:
        raise InputError(str(error)) from error
    if arguments.json:
        document = {"file": str(path), "source": source, **_summary(dataset), "audit": audit.to_document()}
        print(json.dumps(document, indent=1))
    else:
        print("\n".join(_lines(dataset, path, source)))
        console().print(audit_table(audit))
    return ExitCode.OK if audit.trusted else ExitCode.UNFINISHED


def _header(path: Path) -> list[str]:
    """Return the columns that the file names; nothing if it cannot be read, which loading it will tell."""
    try:
        with open_regular(path) as file:
            return file.readline(HEADER_BYTES).decode("utf-8", "replace").replace('"', "").strip().split(",")
    except OSError:
        return []


def _summary(dataset: Dataset) -> dict[str, Any]:
    rows = log_of(dataset)
    seasons = [] if rows.decisions is None else np.unique(rows.decisions.seasons).tolist()
    known = 0 if rows.decisions is None else int(np.isfinite(rows.decisions.margin).sum())
    return {
        "rows": len(rows),
        "features": list(dataset.state_cols),
        "seasons": seasons,
        "outcomes_known": known,
        "notes": [note for note in dataset.notes if note != NO_TEST],
        "warnings": list(dataset.warnings),
    }


def _lines(dataset: Dataset, path: Path, source: str) -> Iterator[str]:
    found = _summary(dataset)
    seasons = f", seasons {found['seasons'][0]} to {found['seasons'][-1]}" if found["seasons"] else ""
    known = f"the outcome of {found['outcomes_known']:,} is known"
    yield f"{plain(str(path))}: {found['rows']:,} decisions from a file of source = {source!r}{seasons}; {known}"
    yield f"features: {', '.join(map(plain, found['features']))}"
    yield from (f"note: {plain(note, 500)}" for note in found["notes"])
    yield from (f"warning: {plain(warning, 500)}" for warning in found["warnings"])
