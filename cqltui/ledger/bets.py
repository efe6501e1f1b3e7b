"""Bets from a file, as `cqltui predict` writes it, or from options. Every complaint names file, column and row, or the
option."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from cqltui.errors import InputError
from cqltui.ledger.cells import check, optional, readable, text, whole
from cqltui.ledger.model import (
    LARGEST_ODDS,
    LARGEST_SPREAD,
    LARGEST_WEEK,
    LONGEST_ID,
    SIDES,
    YEARS,
    Bet,
    Entry,
    Side,
    bet_id,
    timestamp,
)
from cqltui.state.plain import plain
from trainer.data.conventions import CLEAR_POINTS
from trainer.data.decisions import american_to_net
from trainer.data.outcomes import american_odds
from trainer.data.table import Table, read_table
from trainer.data.types import DataError, Double, Int

COLUMNS = ("game_id", "side", "stake")
PRICE, NET_ODDS = "price", "net_odds"
SPREAD, HANDICAP = "spread", "handicap"
OTHER_COLUMNS = (SPREAD, HANDICAP, PRICE, NET_ODDS, "taken_at", "bet_id", "season", "week", "home_team", "away_team")
OPTIONS = {"game_id": "game", "taken_at": "at", "bet_id": "id"}
"""Options that are not called as the column."""
LIKE_DECIMAL = 1.5
"""Net odds of a spread bet that look like decimal ones, which are larger by 1."""
CLOCK_S = 300
"""By which another machine's clock may be ahead."""
MOVED_POINTS = 5.0
"""By which a line hardly ever moves."""
_NFLVERSE = re.compile(r"(\d{4})_(\d{2})_([A-Z]{2,3})_([A-Z]{2,3})")
_DECIMAL = f"net odds are 1 less than decimal ones; if they are meant, give the American {PRICE}"


class _Options(Table, frozen=True, eq=False):
    """A table of one row that was typed as options: complaints name these."""

    def take(self, chosen: Int) -> Table:
        """Return the chosen rows."""
        taken = super().take(chosen)
        return _Options(taken.path, taken.rows, taken.columns)

    def error(self, problem: str, column: str, index: int | None = None) -> DataError:
        """Return an error at an option."""
        return DataError(f"--{OPTIONS.get(column, column).replace('_', '-')}: {problem}")


def bets_of_file(path: Path, now: datetime) -> tuple[list[tuple[Bet, bool]], int]:
    """Return the bets of a CSV file, with each whether its time was told, and how many rows hold none. Raises
    InputError."""
    with readable(path):
        return _bets(read_table(path, COLUMNS, OTHER_COLUMNS), now)


def bet_of_options(told: Mapping[str, str | None], now: datetime) -> tuple[Bet, bool]:
    """Return the bet that options tell, by their columns. Raises InputError."""
    columns: dict[str, tuple[str, ...]] = {name: (value.strip(),) for name, value in told.items() if value is not None}
    table = _Options(Path(), np.array([1]), columns)
    for name in COLUMNS:
        if name not in table:
            raise InputError(str(table.error("is missing: a bet needs it, or give a file of bets", name)))
    with readable(None):
        bets, _ = _bets(table, now)
    if not bets:
        raise InputError(str(table.error("is 0: a bet has a stake", "stake")))
    return bets[0]


def reversed_spreads(entries: Sequence[Entry]) -> list[Bet]:
    """Return the bets whose line is far from the close, and nearer to that of the other side: the sign may be wrong."""
    found = []
    for entry in entries:
        if entry.result is None or entry.result.close_spread is None:
            continue
        close = entry.result.close_spread if entry.bet.side == "home" else -entry.result.close_spread
        off = abs(entry.bet.spread - close)
        if abs(close) >= CLEAR_POINTS and off >= MOVED_POINTS and abs(entry.bet.spread + close) < off:
            found.append(entry.bet)
    return found


def _bets(table: Table, now: datetime) -> tuple[list[tuple[Bet, bool]], int]:
    stakes = table.numbers("stake")
    check(table, "stake", (stakes < 0) | (stakes > 1), "is no share of the largest stake: use 0 to 1")
    rows = np.flatnonzero(stakes > 0)
    placed = table.take(rows)
    games = placed.texts("game_id")
    spread = _spread(placed)
    odds = _net_odds(placed)
    found = []
    for index, game in enumerate(games):
        _check_id(placed, "game_id", index)
        _check_id(placed, "bet_id", index)
        season, week = _week(placed, index)
        side = _side(placed, index)
        told = _time(placed, index, now)
        its_id = text(placed, "bet_id", index) or bet_id(game, side, told)
        if len(its_id) > LONGEST_ID:
            raise placed.error(
                "with side and time it is too long for an id: give the bet one (bet_id)", "game_id", index
            )
        taken_at = told or timestamp(now)
        stake = float(stakes[rows[index]])
        bet = Bet(its_id, game, side, float(spread[index]), float(odds[index]), stake, taken_at, season, week)
        found.append((bet, told is not None))
    return found, len(table) - len(found)


def _check_id(table: Table, column: str, index: int) -> None:
    cell = text(table, column, index)
    if len(cell) > LONGEST_ID or cell != plain(cell, LONGEST_ID):
        raise table.error(f"an id is printable text of at most {LONGEST_ID} characters", column, index)


def _spread(table: Table) -> Double:
    """Return the points by which the side is favoured [N]: as they are told, or by a bookmaker's handicap."""
    if SPREAD not in table and HANDICAP not in table:
        problem = f"there is no {SPREAD} (points that the side gives) and no {HANDICAP} (with the other sign): give one"
        raise table.error(problem, SPREAD)
    told, given = optional(table, SPREAD), 0.0 - optional(table, HANDICAP)
    both = np.isfinite(told) & np.isfinite(given)
    check(table, HANDICAP, both & (told != given), f"contradicts the {SPREAD}, which has the other sign")
    found = np.where(np.isnan(told), given, told)
    column = SPREAD if SPREAD in table else HANDICAP
    check(table, column, ~(np.abs(found) <= LARGEST_SPREAD), "is no line: use points")
    return found


def _net_odds(table: Table) -> Double:
    """Return the net odds [N], of American prices or as they are told."""
    if PRICE not in table and NET_ODDS not in table:
        raise table.error(f"there is no {PRICE} (American: -110) and no {NET_ODDS} (profit per unit): give one", PRICE)
    of_price = american_to_net(american_odds(table, PRICE))
    odds = optional(table, NET_ODDS)
    alone, both = np.isnan(of_price), np.isfinite(of_price) & np.isfinite(odds)
    check(table, NET_ODDS, odds <= 0, "are no net odds: use the profit per unit, as 0.909")
    check(table, NET_ODDS, both & (np.abs(of_price - odds) > 0.01 * of_price), f"contradicts the {PRICE}: {_DECIMAL}")
    check(table, NET_ODDS, alone & (odds >= LIKE_DECIMAL), f"look like a decimal price: {_DECIMAL}")
    found = np.where(alone, odds, of_price)
    column = PRICE if PRICE in table else NET_ODDS
    check(table, column, ~(found <= LARGEST_ODDS), "is no price of a bet on a spread: use an American one, as -110")
    return found


def _week(table: Table, index: int) -> tuple[int | None, int | None]:
    """Return season and week, of their columns or of an id as nflverse has it; None where neither tells."""
    told = tuple(
        None if not text(table, name, index) else whole(table, name, index, least, most)
        for name, (least, most) in (("season", YEARS), ("week", (0, LARGEST_WEEK)))
    )
    if None not in told:
        return told[0], told[1]
    known = _NFLVERSE.fullmatch(table.columns["game_id"][index])
    return (int(known[1]), int(known[2])) if known else (None, None)


def _side(table: Table, index: int) -> Side:
    """Return "home" or "away"; a team is one of the file's columns, or of an id as nflverse has it."""
    cell = text(table, "side", index)
    for side in SIDES:
        if cell.lower() == side:
            return side
    known = _NFLVERSE.fullmatch(table.columns["game_id"][index])
    home = text(table, "home_team", index) or (known[4] if known else "")
    away = text(table, "away_team", index) or (known[3] if known else "")
    if cell and cell in (home, away) and home != away:
        return "home" if cell == home else "away"
    teams = f", or a team: {home} or {away}" if home and away else ""
    raise table.error(f"{table.cell('side', index)} is no side of the game: use home or away{teams}", "side", index)


def _time(table: Table, index: int, now: datetime) -> str | None:
    """Return when the bet was taken, if that is told."""
    cell = text(table, "taken_at", index)
    if not cell:
        return None
    try:
        moment = datetime.fromisoformat(cell)
        if moment.tzinfo is None:
            raise ValueError
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        problem = (
            f"{table.cell('taken_at', index)} is no time with a zone: use the form 2022-09-11T17:00Z or T19:00+02:00"
        )
        raise table.error(problem, "taken_at", index) from None
    if moment > now + timedelta(seconds=CLOCK_S) or moment.year < YEARS[0]:
        problem = f"{table.cell('taken_at', index)}: no bet was taken then; it is now {timestamp(now)}"
        raise table.error(problem, "taken_at", index)
    return timestamp(moment)
