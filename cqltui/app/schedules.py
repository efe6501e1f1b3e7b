"""Schedules of real games, loaded by nflreadpy and written as the CSV that `source = "games"` reads."""

import csv
import importlib
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from msgspec import Struct

from cqltui.errors import InputError
from cqltui.state.plain import headline, plain
from trainer.data.games import MONEYLINES, NEEDED, OPTIONAL
from trainer.data.outcomes import AWAY_ODDS, HOME_ODDS
from trainer.data.table import MISSING
from trainer.files import write_bytes
from trainer.names import listed

LOADER = "nflreadpy"
INSTALL = "pip install 'cqltui[nfl]'"
LONGEST_REASON = 120
"""Characters of what the loader says went wrong."""
FIRST_SEASON, LAST_SEASON = 1999, 2100
"""Those that the schedules begin with, and that nobody means."""
COLUMNS = (*NEEDED, *OPTIONAL)
"""Of the file, in this order."""
TEXTS = frozenset({"game_id", "gameday", "away_team", "home_team", "gametime", "location"})
"""Columns that hold text; all others hold numbers."""
WHOLE = frozenset({"season", "week"})
PRINTED = re.compile(r"\w[\w:./ -]*")
"""What such a text looks like: nothing that a spreadsheet would compute."""
Row = tuple[str, ...]


class Schedules(Struct, frozen=True):
    """What was loaded: a row a game, its cells by `COLUMNS`, in order of time."""

    rows: tuple[Row, ...]
    loader: str
    """Its name and version."""

    def count(self, *columns: str) -> int:
        """Return in how many games at least one of the columns is empty."""
        places = [COLUMNS.index(column) for column in columns]
        return sum(not all(row[place] for place in places) for row in self.rows)

    @property
    def seasons(self) -> list[int]:
        """Return the seasons that have games."""
        return sorted({int(row[COLUMNS.index("season")]) for row in self.rows})


def seasons_of(text: str) -> range:
    """Return the seasons of `1999-2025`, or of `2024`. Raises InputError."""
    told = re.fullmatch(r"([0-9]{4})(?:-([0-9]{4}))?", text)
    if told is None:
        raise InputError(f"--seasons {text}: use the form 1999-2025, or 2024 for one season")
    first, last = int(told[1]), int(told[2] or told[1])
    if last < first:
        raise InputError(f"--seasons {text}: the first season is after the last; did you mean {last}-{first}?")
    if first < FIRST_SEASON or last > LAST_SEASON:
        raise InputError(f"--seasons {text}: the schedules begin in {FIRST_SEASON}; use years up to {LAST_SEASON}")
    return range(first, last + 1)


def expect_free(path: Path, *, force: bool) -> None:
    """Check that a file can be written there; `force`: in place of one that is there. Raises InputError."""
    if path.is_dir():
        raise InputError(f"{path}: it is a folder; choose a file with -o FILE")
    if not force and (path.exists() or path.is_symlink()):
        raise InputError(f"{path}: exists already; choose another with -o FILE, or replace it with --force")


def build(path: Path, seasons: range) -> Schedules:
    """Load the schedules of these seasons and write them to `path`, whole or not at all. The same schedules give the
    same bytes. Raises InputError."""
    found = load(seasons)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows((COLUMNS, *found.rows))
    try:
        write_bytes(path, text.getvalue().encode())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    return found


def load(seasons: range) -> Schedules:
    """Return the schedules of these seasons. Raises InputError."""
    loader = _loader()
    try:
        named = f"{LOADER} {version(LOADER)}"
    except PackageNotFoundError:
        named = LOADER
    try:
        frame = loader.load_schedules(list(seasons))
        columns, games = list(frame.columns), list(frame.iter_rows(named=True))
    except Exception as error:  # whatever another's program raises for what another's server answers
        raise InputError(
            f"{named} could not load the schedules ({_reason(error)}): is there a network? Nothing was written; run "
            "the same command again"
        ) from error
    if lacking := [column for column in NEEDED if column not in columns]:
        raise InputError(f"the schedules of {named} have no column {listed(lacking)}: install a version that has them")
    rows = [row for row in _rows(games, named) if int(row[COLUMNS.index("season")]) in seasons]
    if not rows:
        raise InputError(f"{named} has no game of the season(s) {seasons[0]} to {seasons[-1]}: choose earlier ones")
    return Schedules(tuple(sorted(rows, key=_time)), named)


def _loader() -> Any:
    """Return the module, told to be silent and to keep no copy: a second look asks again. Raises InputError."""
    try:
        loader, settings = (importlib.import_module(name) for name in (LOADER, f"{LOADER}.config"))
    except ModuleNotFoundError as error:
        if error.name != LOADER:
            raise InputError(f"{LOADER} cannot be loaded ({_reason(error)}): {INSTALL} --force-reinstall") from error
        raise InputError(f"{LOADER}, which loads the schedules, is not installed: {INSTALL}") from None
    except (ImportError, ValueError) as error:  # ValueError: its settings, which it takes from NFLREADPY_... and .env
        raise InputError(
            f"{LOADER} cannot be loaded ({_reason(error)}): look at the variables NFLREADPY_... and at .env in this "
            f"folder, or {INSTALL} --force-reinstall"
        ) from error
    settings.update_config(cache_mode="off", verbose=False)
    return loader


def _reason(error: Exception) -> str:
    return plain(headline(str(error)) or type(error).__name__, LONGEST_REASON)


def _rows(games: Sequence[Mapping[str, object]], named: str) -> Iterator[Row]:
    for number, game in enumerate(games, start=1):
        cells = []
        for column in COLUMNS:
            cell = _text(game.get(column)) if column in TEXTS else _number(game.get(column))
            if cell is None or (column == "game_id" and not cell) or (column in WHOLE and not cell.isdecimal()):
                where = f"the schedules of {named}, game {number}, column {column!r}"
                raise InputError(f"{where}: {plain(repr(game.get(column)))} cannot be used; nothing was written")
            cells.append(cell)
        yield tuple(cells)


def _text(value: object) -> str | None:
    """Return the cell; None for what is no name, day or time."""
    text = "" if value is None else str(value)
    return "" if text in MISSING else text if PRINTED.fullmatch(text) else None


def _number(value: object) -> str | None:
    """Return the cell, 3.0 as 3; None for what is no number. A NaN is what R has for a missing one."""
    if value is None or (isinstance(value, str) and value in MISSING):
        return ""
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    if math.isnan(number):
        return ""
    return repr(number).removesuffix(".0") if math.isfinite(number) else None


def _time(row: Row) -> tuple[int, int, str, str, str]:
    game = dict(zip(COLUMNS, row, strict=True))
    return int(game["season"]), int(game["week"]), game["gameday"], game["gametime"].zfill(5), game["game_id"]


def told(found: Schedules, path: Path, seasons: range) -> Iterator[str]:
    """Yield what was written, a line each."""
    held = found.seasons
    years = f"{held[0]} to {held[-1]}" if len(held) > 1 else str(held[0])
    yield f"{plain(str(path))}: {len(found.rows):,} games, {len(held)} season(s), {years}, by {found.loader}"
    if absent := sorted(set(seasons) - set(held)):
        yield f"no games: {listed(map(str, absent))}"
    for columns, what in (
        (("result",), "without a score: not played yet, or cancelled"),
        (("spread_line", "total_line"), "without spread_line or total_line: they cannot be bet on"),
        ((HOME_ODDS, AWAY_ODDS), "without spread odds: -110 will be assumed"),
        (MONEYLINES, "without moneylines: the market's probability will come from the spread"),
    ):
        if count := found.count(*columns):
            yield f"{count:,} games {what}"
