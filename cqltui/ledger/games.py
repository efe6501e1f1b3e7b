"""The results of games, and how their markets closed, from a file of games."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from cqltui.ledger.cells import check, optional, readable, text, whole
from cqltui.ledger.model import LARGEST_SCORE, LARGEST_SPREAD, LARGEST_WEEK, YEARS, Result, timestamp
from trainer.data.conventions import check_spread_sign
from trainer.data.decisions import american_to_net, implied_probability
from trainer.data.games import MONEYLINES
from trainer.data.outcomes import AWAY_ODDS, AWAY_SCORE, GAMEDAY, HOME_ODDS, HOME_SCORE, american_odds, dates
from trainer.data.table import Table, read_table
from trainer.data.types import Bool

COLUMNS = ("game_id", "season", "week", GAMEDAY, HOME_SCORE, AWAY_SCORE)
OTHER_COLUMNS = ("gametime", "result", "spread_line", HOME_ODDS, AWAY_ODDS, *MONEYLINES)
_EARLIEST = timezone(timedelta(hours=-4))
"""Kick-offs are told in the US Eastern time: so read they are an hour early in winter, and never late."""
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(:[0-5]\d)?")


def results_of_file(path: Path, wanted: set[str]) -> tuple[list[Result], int]:
    """Return the results of the wanted games in a file of games, and how many of these it has without a result. Raises
    InputError."""
    with readable(path):
        table = read_table(path, COLUMNS, OTHER_COLUMNS)
        if "spread_line" in table:
            home, away = (implied_probability(american_odds(table, column)) for column in MONEYLINES)
            check_spread_sign(table, "spread_line", table.numbers("spread_line"), home / (home + away))
        ids = table.columns["game_id"]
        found = table.take(np.array([row for row, game in enumerate(ids) if game in wanted], dtype=np.int64))
        return list(_results(found)), int(_unplayed(found).sum())


def _unplayed(table: Table) -> Bool:
    return np.isnan(table.numbers(HOME_SCORE)) & np.isnan(table.numbers(AWAY_SCORE))


def _results(table: Table) -> Iterator[Result]:
    """Yield the results of those games that have one."""
    played = table.take(np.flatnonzero(~_unplayed(table)))
    seen: set[str] = set()
    for index, game in enumerate(played.texts("game_id")):
        if game in seen:
            raise played.error(f"{played.cell('game_id', index)} is there twice: remove one row", "game_id", index)
        seen.add(game)
    scores = {column: played.numbers(column) for column in (HOME_SCORE, AWAY_SCORE)}
    for column, score in scores.items():
        check(played, column, ~((score >= 0) & (score <= LARGEST_SCORE) & (score == np.floor(score))), "is no score")
    margin = scores[HOME_SCORE] - scores[AWAY_SCORE]
    if "result" in played:
        told = played.numbers("result")
        check(played, "result", np.isfinite(told) & (told != margin), "contradicts the scores: home minus away")
    days = dates(played, GAMEDAY)
    close = optional(played, "spread_line")
    check(played, "spread_line", np.abs(close) > LARGEST_SPREAD, "is no line")
    home_odds, away_odds = (american_to_net(american_odds(played, column)) for column in (HOME_ODDS, AWAY_ODDS))
    for index, game in enumerate(played.columns["game_id"]):
        yield Result(
            game_id=game,
            season=whole(played, "season", index, *YEARS),
            week=whole(played, "week", index, 0, LARGEST_WEEK),
            gameday=date.fromordinal(int(days[index])).isoformat(),
            kick_off=_kick_off(played, index, int(days[index])),
            home_score=int(scores[HOME_SCORE][index]),
            away_score=int(scores[AWAY_SCORE][index]),
            close_spread=_known(close[index]),
            close_home_odds=_known(home_odds[index]),
            close_away_odds=_known(away_odds[index]),
        )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _kick_off(table: Table, index: int, day: int) -> str | None:
    cell = text(table, "gametime", index)
    told = _CLOCK.fullmatch(cell)
    if cell and told is None:
        raise table.error(f"{table.cell('gametime', index)} is no time: use the form 13:00", "gametime", index)
    if told is None:
        return None
    begins = date.fromordinal(day)
    return timestamp(datetime(begins.year, begins.month, begins.day, int(told[1]), int(told[2]), tzinfo=_EARLIEST))
