"""Real games: a CSV in the nflverse schedule format. Features use only what is known before kick-off.

`spread_line` > 0 means that the home team is favoured; `result` is home minus away score.
"""

from datetime import date
from pathlib import Path

import numpy as np

from trainer.config import DataConfig
from trainer.data.bets import PLAYS_PER_GAME, Games, to_transitions
from trainer.data.decisions import implied_probability
from trainer.data.ratings import Schedule, rating_gaps, walk_forward_probabilities
from trainer.data.split import split_by_season
from trainer.data.table import Table, read_table
from trainer.data.types import Bool, DataError, Dataset, Double

NEEDED = ("game_id", "season", "week", "gameday", "away_team", "home_team", "result", "spread_line", "total_line")
MONEYLINES = ("home_moneyline", "away_moneyline")
SPREAD_ODDS = ("home_spread_odds", "away_spread_odds")
OPTIONAL = ("gametime", "location", *MONEYLINES, *SPREAD_ODDS)
STANDARD_ODDS = -110.0
"""American odds that are assumed where a file has none."""
LOGIT_INTERCEPT, LOGIT_PER_POINT = -0.027, 0.1426
"""logit P(home win) by spread, of 7,276 games 1999-2025: the market's probability where there is no moneyline."""


def load_games(path: Path, config: DataConfig) -> Dataset:
    """Return one decision a played game from the second season on; the last `holdout_seasons` seasons are held out.

    Raises:
        DataError: file, column and row of what cannot be used.
    """
    table = read_table(path, NEEDED, OPTIONAL)
    notes: list[str] = []
    games = _games(table, notes)
    if not len(games):
        raise DataError("no game after the first season has a result and lines", path=path)
    train, heldout = split_by_season(to_transitions(games, config), config.holdout_seasons, path)
    return Dataset(tuple(feature for feature, _ in config.state_cols), train, heldout, tuple(notes))


def _games(everything: Table, notes: list[str]) -> Games:
    """Return every game that can be bet on, in order of kick-off, with features from before its day."""
    table = _by_kick_off(everything)
    schedule = Schedule(
        days=table.texts("gameday"),
        seasons=table.integers("season"),
        home_teams=table.texts("home_team"),
        away_teams=table.texts("away_team"),
        at_home=np.array([float(place != "Neutral") for place in table.columns.get("location", ("",) * len(table))]),
        margins=table.numbers("result"),
    )
    gaps = rating_gaps(schedule)
    p_hat = walk_forward_probabilities(schedule, gaps)

    kept = np.flatnonzero(_offered(table, schedule, notes))
    offered = table.take(kept)
    spread = offered.numbers("spread_line")
    home_odds, away_odds = _spread_odds(offered, notes)
    return Games(
        game_ids=offered.texts("game_id"),
        seasons=schedule.seasons[kept],
        weeks=offered.integers("week"),
        spread=spread,
        total=offered.numbers("total_line"),
        epa_gap=gaps[kept] / PLAYS_PER_GAME,
        market_prob=_market_probability(offered, spread, notes),
        p_hat=p_hat[kept],
        margin=schedule.margins[kept],
        home_odds=home_odds,
        away_odds=away_odds,
    )


def _by_kick_off(table: Table) -> Table:
    """Return the games by day, time and id, once the days are seen to be dates and the ids to be unique."""
    ids, days = table.texts("game_id"), table.texts("gameday")
    _check_unique(table, ids)
    for index, day in enumerate(days):
        try:
            date.fromisoformat(day)
        except ValueError:
            problem = f"{table.cell('gameday', index)} is no date: use the form 2021-09-09"
            raise table.error(problem, "gameday", index) from None
    times = table.columns.get("gametime", ("",) * len(table))
    return table.take(np.array(sorted(range(len(table)), key=lambda row: (days[row], times[row], ids[row]))))


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
        ((~played).sum(), "without a result left out: not played yet"),
        ((played & ~lined).sum(), "without spread_line or total_line left out"),
        ((played & lined & ~warm).sum(), f"of the first season ({first}) left out: they warm up the ratings"),
    ):
        if count:
            notes.append(f"{count} games {what}")
    offered: Bool = played & lined & warm
    return offered


def _odds(table: Table, column: str) -> Double:
    """American odds [N], NaN where absent."""
    if column not in table:
        return np.full(len(table), np.nan)
    odds = table.numbers(column)
    for index in np.flatnonzero(np.abs(odds) < 100).tolist():
        problem = f"{table.cell(column, index)} is no American price: use at most -100 or at least 100"
        raise table.error(problem, column, index)
    return odds


def _spread_odds(table: Table, notes: list[str]) -> tuple[Double, Double]:
    """Prices of both sides, each [N]; -110 where either is absent."""
    home, away = (_odds(table, column) for column in SPREAD_ODDS)
    absent = np.isnan(home) | np.isnan(away)
    if absent.any():
        notes.append(f"{absent.sum()} of {len(table)} games have no spread odds: -110 is assumed for both sides")
    return np.where(absent, STANDARD_ODDS, home), np.where(absent, STANDARD_ODDS, away)


def _market_probability(table: Table, spread: Double, notes: list[str]) -> Double:
    """P(home win) without vig [N]: from the moneylines, scaled to sum 1, or from the spread where they are absent."""
    home, away = (implied_probability(_odds(table, column)) for column in MONEYLINES)
    from_spread = 1 / (1 + np.exp(-(LOGIT_INTERCEPT + LOGIT_PER_POINT * spread)))
    absent = np.isnan(home) | np.isnan(away)
    if absent.any():
        notes.append(
            f"{absent.sum()} of {len(table)} games have no moneylines: their market_prob comes from the spread"
        )
    return np.where(absent, from_spread, home / (home + away))
