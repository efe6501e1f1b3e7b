"""Games without a result, with the features that training would give them: what is predicted.

What a row lacks is its own affair, told beside it; a file that training would refuse is refused here too.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
from msgspec import Struct

from trainer.config import DataConfig
from trainer.data import scale
from trainer.data.bets import Games, to_transitions
from trainer.data.decisions import own_side_first
from trainer.data.features import check_features, known_features
from trainer.data.games import NEEDED, OPTIONAL, Rated, offers, rated
from trainer.data.logged import GAME_ID, REWARD, SEASON, WEEK
from trainer.data.outcomes import (
    AWAY_ODDS,
    AWAY_SCORE,
    BET_HOME,
    GAMEDAY,
    HOME_ODDS,
    HOME_SCORE,
    SPREAD,
    bet_home,
    dates,
    spread_odds,
)
from trainer.data.ratings import franchise
from trainer.data.table import MISSING, Table, read_table
from trainer.data.types import Bool, DataError, Double, Float, Int

HOME_TEAM, AWAY_TEAM = "home_team", "away_team"
LINES = ("spread_line", "total_line")
SURE_POINTS = 3.0
"""A favourite by so much is that of the moneylines too."""
OFFERED = "offered"
"""The side that a state is seen from, where nothing says which that is."""
NOTHING_TO_PREDICT = "every row has a result: give what is to be predicted a row without one"


class Upcoming(Struct, frozen=True, eq=False):
    """N rows that are to be predicted. What is not known is None, NaN or an empty text."""

    rows: Int
    """[N], line of each in the file."""
    game_ids: tuple[str, ...]
    seasons: tuple[int | None, ...]
    weeks: tuple[int | None, ...]
    days: tuple[date | None, ...]
    home_teams: tuple[str, ...]
    away_teams: tuple[str, ...]
    sides: tuple[str, ...]
    """From which the states are seen, and on which a bet is: the team, else "home", "away" or OFFERED."""
    spread: Double
    """[N], points by which that side is favoured."""
    odds: Double
    """[N], American odds of that side."""
    states: Float
    """[N, D], as in the source; NaN where they cannot be computed."""
    reasons: tuple[str, ...]
    """Why they cannot; empty where they can."""
    notes: tuple[str, ...]
    """What a user should know of how the rows came about."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def known(self) -> Int:
        """Return the rows whose states are known."""
        return np.flatnonzero([not reason for reason in self.reasons])


def load_upcoming(path: Path, config: DataConfig) -> Upcoming:
    """Return the rows of a file that have no result, with the features of the source that `config` names.

    Of `games` they are in order of kick-off, and the file has the games before them too, from which the ratings come;
    of other sources a row has the features, and the order is the file's.

    Raises:
        DataError: file, column and row of what cannot be used, or nothing is to be predicted.
    """
    return _games(path, config) if config.source == "games" else _rows(path, config)


def _games(path: Path, config: DataConfig) -> Upcoming:
    notes: list[str] = []
    every = rated(read_table(path, NEEDED, OPTIONAL), notes)
    table, schedule = every.table, every.schedule
    played = np.isfinite(schedule.margins)
    if not played.any():
        problem = "no game has a result: give the games before those to be predicted too, from which ratings come"
        raise DataError(problem, path=path, column="result")
    chosen = np.flatnonzero(~played)
    if not len(chosen):
        raise DataError(NOTHING_TO_PREDICT, path=path, column="result")
    lined = np.isfinite(np.stack([table.numbers(name) for name in LINES])).all(axis=0)
    warm = schedule.seasons > schedule.seasons.min()
    offers(every, np.flatnonzero(played & lined & warm), [])  # refuses what training would, as a reversed spread
    reasons = list(_not_rated(every, chosen))
    known = np.flatnonzero([not reason for reason in reasons])
    games = offers(every, chosen[known], notes)
    notes.extend(_waiting(every, chosen[known]))
    notes.extend(_contradicting(games))
    made = to_transitions(games, config)
    home = np.zeros(len(chosen), dtype=np.bool_)
    spread, odds = np.full((2, len(chosen)), np.nan)
    states = np.full((len(chosen), made.states.shape[1]), np.nan, np.float32)
    if made.decisions is not None and len(known):
        home[known], spread[known], states[known] = made.decisions.home, made.decisions.spread, made.states
        odds[known] = own_side_first(home[known], np.stack([games.home_odds, games.away_odds], axis=1))[:, 0]
    home_teams, away_teams = (
        tuple(names[row] for row in chosen.tolist()) for names in (schedule.home_teams, schedule.away_teams)
    )
    sides = [own if at_home else other for at_home, own, other in zip(home, home_teams, away_teams, strict=True)]
    return Upcoming(
        rows=table.rows[chosen],
        game_ids=tuple(table.columns["game_id"][row] for row in chosen),
        seasons=tuple(schedule.seasons[chosen].tolist()),
        weeks=tuple(table.integers("week")[chosen].tolist()),
        days=tuple(map(date.fromordinal, schedule.days[chosen].tolist())),
        home_teams=home_teams,
        away_teams=away_teams,
        sides=tuple("" if reason else side for side, reason in zip(sides, reasons, strict=True)),
        spread=spread,
        odds=odds,
        states=states,
        reasons=tuple(reasons),
        notes=tuple(notes),
    )


def _not_rated(every: Rated, chosen: Int) -> Iterator[str]:
    """Yield why a game [M] has no features; an empty text where it has them."""
    schedule, first = every.schedule, int(every.schedule.seasons.min())
    lines = {name: every.table.numbers(name) for name in LINES}
    since: dict[str, int] = {}
    for row in np.flatnonzero(np.isfinite(schedule.margins)).tolist():  # in order of time
        for team in _pair(every, row):
            since.setdefault(team, int(schedule.days[row]))
    for row in chosen.tolist():
        lacking = [name for name, values in lines.items() if np.isnan(values[row])]
        unknown = [team for team in _pair(every, row) if since.get(team, date.max.toordinal()) >= schedule.days[row]]
        if lacking:
            yield f"no {' and no '.join(lacking)}: cannot be computed"
        elif schedule.seasons[row] == first:
            yield f"{first} is the file's first season: ratings come from seasons before"
        elif unknown:
            yield f"{' and '.join(unknown)} without an earlier game that has a result: no rating"
        else:
            yield ""


def _waiting(every: Rated, known: Int) -> Iterator[str]:
    """Yield a line if games come after others of their teams that have no result either: ratings do not know these."""
    schedule = every.schedule
    open_since: dict[tuple[int, str], int] = {}
    for row in np.flatnonzero(np.isnan(schedule.margins)).tolist():
        for team in _pair(every, row):
            open_since.setdefault((int(schedule.seasons[row]), team), int(schedule.days[row]))
    late = sum(
        any(open_since[int(schedule.seasons[row]), team] < schedule.days[row] for team in _pair(every, row))
        for row in known.tolist()
    )
    if late:
        yield (
            f"{late} of {len(known)} games come after games of the same teams without a result: their ratings do not "
            "know these; predict them again once there is one"
        )


def _contradicting(games: Games) -> Iterator[str]:
    """Yield a line if clear favourites of the spread are none of the moneylines: bookmakers write the other sign."""
    clear = np.abs(games.spread) >= SURE_POINTS
    wrong = np.flatnonzero(clear & ((games.spread > 0) != (games.market_prob > 0.5)))
    if len(wrong):
        yield (
            f"{len(wrong)} of {len(games)} games have a spread_line that favours the team that the moneylines do not, "
            f"{games.game_ids[wrong[0]]} for one: it must be positive where the home team is favoured"
        )


def _pair(every: Rated, row: int) -> tuple[str, str]:
    return franchise(every.schedule.home_teams[row]), franchise(every.schedule.away_teams[row])


def _rows(path: Path, config: DataConfig) -> Upcoming:
    (known_features if config.source == "simulated" else check_features)(config.state_cols)
    columns = [column for _, column in config.state_cols]
    spread_column = dict(config.state_cols).get(SPREAD, SPREAD)
    told = (
        GAME_ID,
        SEASON,
        WEEK,
        GAMEDAY,
        HOME_TEAM,
        AWAY_TEAM,
        BET_HOME,
        HOME_ODDS,
        AWAY_ODDS,
        HOME_SCORE,
        AWAY_SCORE,
        REWARD,
    )
    everything = read_table(path, columns, (*told, spread_column))
    table = everything.take(np.flatnonzero(~_has_result(everything)))
    if not len(table):
        raise DataError(NOTHING_TO_PREDICT, path=path)
    values = np.stack([table.numbers(column) for column in columns], axis=1)
    complete = np.isfinite(values)
    whole: Bool = np.asarray(complete.all(axis=1))
    states = np.where(whole[:, None], values, np.nan).astype(np.float32)
    home = bet_home(table)
    is_told = BET_HOME in table or config.source == "logged"
    notes: list[str] = []
    odds = own_side_first(home, spread_odds(table, notes))[:, 0]
    if whole.any():
        notes.extend(scale.warnings(config.state_cols, states[whole], REWARD, np.zeros(1, np.float32)))
    return Upcoming(
        rows=table.rows,
        game_ids=tuple(_text(table, GAME_ID)),
        seasons=_whole(table, SEASON),
        weeks=_whole(table, WEEK),
        days=_days(table),
        home_teams=tuple(_text(table, HOME_TEAM)),
        away_teams=tuple(_text(table, AWAY_TEAM)),
        sides=tuple(_sides(table, home) if is_told else (OFFERED,) * len(table)),
        spread=table.numbers(spread_column) if spread_column in table else np.full(len(table), np.nan),
        odds=odds,
        states=states,
        reasons=tuple(
            f"no {' and no '.join(np.asarray(columns)[~has])}: cannot be computed" if not has.all() else ""
            for has in complete
        ),
        notes=tuple(notes),
    )


def _has_result(table: Table) -> Bool:
    """Return whether each row [N] tells how it came out: by a reward, or by both scores."""
    found = np.zeros(len(table), dtype=np.bool_)
    for columns in ((REWARD,), (HOME_SCORE, AWAY_SCORE)):
        if all(column in table for column in columns):
            found |= np.isfinite(np.stack([table.numbers(column) for column in columns])).all(axis=0)
    return found


def _sides(table: Table, home: Bool) -> Iterator[str]:
    names = [list(_text(table, column)) for column in (HOME_TEAM, AWAY_TEAM)]
    for at_home, own, other in zip(home.tolist(), *names, strict=True):
        yield (own or "home") if at_home else (other or "away")


def _text(table: Table, column: str) -> Iterator[str]:
    """Yield the cells of a column; empty texts where they say nothing, or there is no such column."""
    for cell in table.columns.get(column, ("",) * len(table)):
        yield "" if cell in MISSING else cell


def _whole(table: Table, column: str) -> tuple[int | None, ...]:
    """Return the whole numbers of a column. Raises DataError for a cell that is neither one nor empty."""
    found: list[int | None] = [None] * len(table)
    filled = np.flatnonzero([bool(cell) for cell in _text(table, column)])
    if len(filled):
        for place, value in zip(filled.tolist(), table.take(filled).integers(column).tolist(), strict=True):
            found[place] = value
    return tuple(found)


def _days(table: Table) -> tuple[date | None, ...]:
    """Return the days of the games. Raises DataError for a cell that is neither a date nor empty."""
    found: list[date | None] = [None] * len(table)
    filled = np.flatnonzero([bool(cell) for cell in _text(table, GAMEDAY)])
    if len(filled):
        for place, day in zip(filled.tolist(), dates(table.take(filled), GAMEDAY).tolist(), strict=True):
            found[place] = date.fromordinal(day)
    return tuple(found)
