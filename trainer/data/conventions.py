"""Well-formed files that mean something else than they seem to: a sign, a unit, a name. All are named, with the fix."""

from collections.abc import Iterator, Sequence

import numpy as np

from trainer.data.ratings import RELOCATED
from trainer.data.table import Table
from trainer.data.types import Double, Float, Int

LEAST_GAMES = 20
"""From so many games on a sign is judged."""
CLEAR_POINTS = 1.0
"""A smaller spread names no favourite."""
PLACES = ("Home", "Neutral")
LONGEST_WEEK = 21
"""Days between games of one week: those that are postponed within it are played by then."""


def check_spread_sign(table: Table, column: str, spread: Double, home_prob: Double) -> None:
    """Check that the favourite of the spread, positive for the home team, is mostly that of the moneylines.

    `spread` and `home_prob` (probability that the home team wins; NaN where there are no moneylines) are [N]. Raises
    DataError.
    """
    if against := _contradicted(spread, home_prob):
        raise table.error(
            f"in {against} games it favours the team that the moneylines do not: it must be positive "
            "where the home team is favoured; change its sign",
            column,
        )


def reversed_spread(column: str, spread: Double, market_prob: Double) -> Iterator[str]:
    """Yield a line if the favourite of the spread is mostly the underdog of the market's probability, both [N]."""
    if against := _contradicted(spread, market_prob):
        yield (
            f"column {column!r}: in {against} rows it favours the side that market_prob does not: it must be positive "
            "where the side is favoured; change its sign"
        )


def _contradicted(spread: Double, prob: Double) -> str:
    """Return in how many games, of how many, spread and probability favour different teams; empty unless in most."""
    told = (np.abs(spread) >= CLEAR_POINTS) & (prob >= 0) & (prob <= 1) & (prob != 0.5)  # false for NaN
    against, count = int(((spread > 0) != (prob > 0.5))[told].sum()), int(told.sum())
    return f"{against:,} of {count:,}" if count >= LEAST_GAMES and against > count / 2 else ""


def check_places(table: Table, column: str) -> None:
    """Check that every place is known or empty. Raises DataError."""
    for index, place in enumerate(table.columns.get(column, ())):
        if place and place not in PLACES:
            raise table.error(f"{table.cell(column, index)} is no place: use {' or '.join(PLACES)}", column, index)


def new_teams(seasons: Int, home_teams: Sequence[str], away_teams: Sequence[str]) -> Iterator[str]:
    """Yield a line for each team that comes when another goes: a new name, whose rating would begin at 0 again."""
    seen: dict[str, tuple[int, int, str, str]] = {}
    for season, *teams in zip(seasons.tolist(), home_teams, away_teams, strict=True):
        for team in teams:
            since, until, name, _ = seen.get(franchise := RELOCATED.get(team, team), (season, season, team, team))
            seen[franchise] = min(since, season), max(until, season), name, team
    first, last = int(seasons.min()), int(seasons.max())
    for franchise, (since, _, name, _) in sorted(seen.items()):
        gone = sorted(
            (before, until)
            for other, (_, until, _, before) in seen.items()
            if other != franchise and until in (since - 1, since) and until < last
        )
        if since > first and gone:
            before, until = gone[0]
            yield (
                f"team {name!r} appears in {since}, when {before!r} is last seen ({until}): if they are one team, give "
                "it one name, or its rating starts anew"
            )


def long_weeks(seasons: Int, weeks: Int, days: Int) -> Iterator[str]:
    """Yield a line if games of one week are far apart: weeks are what intervals resample. All are [N]."""
    known, week = np.unique(np.stack([seasons, weeks], axis=1), axis=0, return_inverse=True)
    first, last = np.full(len(known), np.iinfo(np.int64).max), np.zeros(len(known), dtype=np.int64)
    np.minimum.at(first, week.reshape(-1), days)
    np.maximum.at(last, week.reshape(-1), days)
    apart = np.flatnonzero(last - first > LONGEST_WEEK)
    if len(apart):
        season, number = known[apart[0]].tolist()
        yield (
            f"{len(apart):,} week(s) have games more than {LONGEST_WEEK} days apart, such as week {number} of {season} "
            f"({(last - first)[apart[0]]} days): if the weeks of the playoffs begin at 1 again, let them follow the "
            "season's"
        )


def constant_features(state_cols: Sequence[tuple[str, str]], states: Float) -> Iterator[str]:
    """Yield a line for each column of states [N, D] that says nothing."""
    for (_, column), values in zip(state_cols, states.T, strict=True):
        if len(values) > 1 and (values == values[0]).all():
            yield f"column {column!r} is {values[0]:g} in every row: it tells the network nothing"
