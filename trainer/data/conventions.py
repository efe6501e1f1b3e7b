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


def check_spread_sign(table: Table, column: str, spread: Double, home_prob: Double) -> None:
    """Check that the favourite of the spread, positive for the home team, is mostly that of the moneylines.

    `spread` and `home_prob` (probability that the home team wins; NaN where there are no moneylines) are [N]. Raises
    DataError.
    """
    told = np.isfinite(home_prob) & (np.abs(spread) >= CLEAR_POINTS) & (home_prob != 0.5)
    against = int(((spread > 0) != (home_prob > 0.5))[told].sum())
    count = int(told.sum())
    if count >= LEAST_GAMES and against > count / 2:
        raise table.error(
            f"in {against:,} of {count:,} games it favours the team that the moneylines do not: it must be positive "
            "where the home team is favoured; change its sign",
            column,
        )


def check_places(table: Table, column: str) -> None:
    """Check that every place is known or empty. Raises DataError."""
    for index, place in enumerate(table.columns.get(column, ())):
        if place and place not in PLACES:
            raise table.error(f"{table.cell(column, index)} is no place: use {' or '.join(PLACES)}", column, index)


def new_teams(seasons: Int, home_teams: Sequence[str], away_teams: Sequence[str]) -> Iterator[str]:
    """Yield a line for each team that comes when another goes: a new name, whose rating would begin at 0 again."""
    years: dict[str, list[int]] = {}
    for season, *teams in zip(seasons.tolist(), home_teams, away_teams, strict=True):
        for team in teams:
            years.setdefault(RELOCATED.get(team, team), []).append(season)
    first, last = int(seasons.min()), int(seasons.max())
    spans = {team: (min(played), max(played)) for team, played in years.items()}
    for team, (since, _) in sorted(spans.items()):
        gone = sorted(other for other, (_, until) in spans.items() if other != team and until in (since - 1, since))
        if since > first and (gone := [other for other in gone if spans[other][1] < last]):
            yield (
                f"team {team!r} appears in {since}, when {gone[0]!r} is last seen ({spans[gone[0]][1]}): if they are "
                "one team, give it one name, or its rating starts anew"
            )


def constant_features(state_cols: Sequence[tuple[str, str]], states: Float) -> Iterator[str]:
    """Yield a line for each column of states [N, D] that says nothing."""
    for (_, column), values in zip(state_cols, states.T, strict=True):
        if len(values) > 1 and (values == values[0]).all():
            yield f"column {column!r} is {values[0]:g} in every row: it tells the network nothing"
