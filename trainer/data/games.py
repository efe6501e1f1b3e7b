"""Real games: a CSV in the nflverse schedule format. Features use only what is known before kick-off.

`spread_line` > 0 means that the home team is favoured; `result` is home minus away score.
"""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
from msgspec import Struct

from trainer.config import DataConfig, Split
from trainer.data.bets import PLAYS_PER_GAME, Games, to_transitions
from trainer.data.conventions import check_places, check_spread_sign, long_weeks, new_teams
from trainer.data.decisions import implied_probability
from trainer.data.outcomes import AWAY_ODDS, HOME_ODDS, american_odds, dates, spread_odds
from trainer.data.ratings import Schedule, rating_gaps, walk_forward_probabilities
from trainer.data.split import split_by_time
from trainer.data.table import MISSING, Table, read_table
from trainer.data.types import Bool, DataError, Dataset, Double, Float, Int

NEEDED = ("game_id", "season", "week", "gameday", "away_team", "home_team", "result", "spread_line", "total_line")
MONEYLINES = ("home_moneyline", "away_moneyline")
OPTIONAL = ("gametime", "location", *MONEYLINES, HOME_ODDS, AWAY_ODDS)
DEFAULT_SPLIT = Split(validation_seasons=2, test_seasons=0)
NO_TEST = (
    "no seasons are spared for test: nothing can be said of bets that no choice has seen. "
    "data.split = { validation_seasons = 2, test_seasons = 2 } spares some"
)
LARGEST_SPREAD = 100
LOGIT_INTERCEPT, LOGIT_PER_POINT = -0.027, 0.1426
"""logit P(home win) by spread, of 7,276 games 1999-2025: the market's probability where there is no moneyline."""


def load_games(path: Path, config: DataConfig) -> Dataset:
    """Return one decision a played game from the second season on, split by season.

    Raises:
        DataError: file, column and row of what cannot be used.
    """
    table = read_table(path, NEEDED, OPTIONAL)
    notes: list[str] = []
    warnings: list[str] = []
    games = _games(table, notes, warnings)
    if not len(games):
        raise DataError("no game after the first season has a result and lines", path=path)
    parts = split_by_time(to_transitions(games, config), config.split or DEFAULT_SPLIT, path)
    if not len(parts.test):
        notes.append(NO_TEST)
    return Dataset(tuple(feature for feature, _ in config.state_cols), *parts, tuple(notes), tuple(warnings))


def features_before(path: Path, config: DataConfig) -> Callable[[date], tuple[tuple[str, ...], Float]]:
    """Return what makes the ids and states of the games before a day, of that part of the file alone.

    Raises:
        DataError: as `load_games`.
    """
    table = read_table(path, NEEDED, OPTIONAL)
    days = dates(table, "gameday")

    def features(cut: date) -> tuple[tuple[str, ...], Float]:
        rows = to_transitions(_games(table.take(np.flatnonzero(days < cut.toordinal())), [], []), config)
        return rows.game_ids or (), rows.states

    return features


class Rated(Struct, frozen=True, eq=False):
    """Every game of a file in order of kick-off, played or not, with what was known of it before its day."""

    table: Table
    schedule: Schedule
    gaps: Double
    """[N], as of `rating_gaps`."""
    p_hat: Double
    """[N], as of `walk_forward_probabilities`."""


def rated(everything: Table, warnings: list[str]) -> Rated:
    """Return the games of a file with their ratings. Raises DataError."""
    days = dates(everything, "gameday")
    order = _by_kick_off(everything, days)
    table = everything.take(order)
    check_places(table, "location")
    _check_teams_and_days(table, days[order])
    schedule = Schedule(
        days=days[order],
        seasons=table.integers("season"),
        home_teams=table.texts("home_team"),
        away_teams=table.texts("away_team"),
        at_home=np.array([float(place != "Neutral") for place in table.columns.get("location", ("",) * len(table))]),
        margins=table.numbers("result"),
    )
    warnings.extend(new_teams(schedule.seasons, schedule.home_teams, schedule.away_teams))
    gaps = rating_gaps(schedule)
    return Rated(table, schedule, gaps, walk_forward_probabilities(schedule, gaps))


def _check_teams_and_days(table: Table, days: Int) -> None:
    """Check that two teams play, on a day of the season. Raises DataError."""
    teams, seasons = zip(table.columns["home_team"], table.columns["away_team"], strict=True), table.integers("season")
    for index, ((home, away), day, season) in enumerate(zip(teams, days.tolist(), seasons.tolist(), strict=True)):
        if home == away:
            raise table.error(f"{table.cell('away_team', index)} is the home team too", "away_team", index)
        if not 0 <= date.fromordinal(day).year - season <= 1:
            raise table.error(f"{table.cell('gameday', index)} is no day of season {season}", "gameday", index)


def offers(games: Rated, chosen: Int, notes: list[str]) -> Games:
    """Return the chosen games [M], which have lines and ratings, as they are offered. Raises DataError."""
    schedule, offered = games.schedule, games.table.take(chosen)
    spread = offered.numbers("spread_line")
    for index in np.flatnonzero(np.abs(spread) > LARGEST_SPREAD).tolist():
        raise offered.error(f"{offered.cell('spread_line', index)} is no spread in points", "spread_line", index)
    odds = spread_odds(offered, notes)
    return Games(
        game_ids=offered.texts("game_id"),
        seasons=schedule.seasons[chosen],
        weeks=offered.integers("week"),
        days=schedule.days[chosen],
        spread=spread,
        total=offered.numbers("total_line"),
        epa_gap=games.gaps[chosen] / PLAYS_PER_GAME,
        market_prob=_market_probability(offered, spread, notes),
        p_hat=games.p_hat[chosen],
        margin=schedule.margins[chosen],
        home_odds=odds[:, 0],
        away_odds=odds[:, 1],
    )


def _games(everything: Table, notes: list[str], warnings: list[str]) -> Games:
    """Return every game that can be bet on, in order of kick-off, with features from before its day."""
    games = rated(everything, warnings)
    offered = offers(games, np.flatnonzero(_offered(games.table, games.schedule, notes)), notes)
    warnings.extend(long_weeks(offered.seasons, offered.weeks, offered.days))
    return offered


def _minutes(table: Table) -> list[int]:
    """Return the minute of the day at which each game begins; 0 where it is not told."""
    found = []
    for index, clock in enumerate(table.columns.get("gametime", ("",) * len(table))):
        told = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(:[0-5]\d)?", clock)
        if clock not in MISSING and told is None:
            raise table.error(f"{table.cell('gametime', index)} is no time: use the form 13:00", "gametime", index)
        found.append(60 * int(told[1]) + int(told[2]) if told else 0)
    return found


def _by_kick_off(table: Table, days: Int) -> Int:
    """Return the order of the games by day, time and id, once the ids are seen to be unique."""
    ids = table.texts("game_id")
    _check_unique(table, ids)
    places = zip(days.tolist(), _minutes(table), ids, strict=True)
    return np.array([row for _, row in sorted((place, row) for row, place in enumerate(places))], dtype=np.int64)


def _check_unique(table: Table, ids: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for index, game_id in enumerate(ids):
        if game_id in seen:
            raise table.error(f"{table.cell('game_id', index)} is there twice: remove one row", "game_id", index)
        seen.add(game_id)


def _offered(table: Table, schedule: Schedule, notes: list[str]) -> Bool:
    """Return which games [N] become decisions: played, with lines, after the first season."""
    played = np.isfinite(schedule.margins)
    lined = np.isfinite(table.numbers("spread_line")) & np.isfinite(table.numbers("total_line"))
    first = schedule.seasons.min()
    warm = schedule.seasons > first
    for count, what in (
        ((~played).sum(), "without a result left out: not played yet, or cancelled"),
        ((played & ~lined).sum(), "without spread_line or total_line left out"),
        ((played & lined & ~warm).sum(), f"of the first season ({first}) left out: they warm up the ratings"),
    ):
        if count:
            notes.append(f"{count} games {what}")
    offered: Bool = played & lined & warm
    return offered


def _market_probability(table: Table, spread: Double, notes: list[str]) -> Double:
    """P(home win) without vig [N]: from the moneylines, scaled to sum 1, or from the spread where they are absent."""
    home, away = (implied_probability(american_odds(table, column)) for column in MONEYLINES)
    check_spread_sign(table, "spread_line", spread, home / (home + away))
    from_spread = 1 / (1 + np.exp(-(LOGIT_INTERCEPT + LOGIT_PER_POINT * spread)))
    absent = np.isnan(home) | np.isnan(away)
    if absent.any():
        notes.append(
            f"{absent.sum()} of {len(table)} games have no moneylines: their market_prob comes from the spread"
        )
    return np.where(absent, from_spread, home / (home + away))
