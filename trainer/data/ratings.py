"""Team ratings in points from earlier days only, and a win probability fitted on earlier seasons only."""

import math
from itertools import groupby

import numpy as np
from msgspec import Struct

from trainer.data.types import Bool, Double, Int

HOME_ADVANTAGE = 2.25
"""Points; the mean spread of 7,276 games 1999-2025. 0 on neutral ground."""
GAIN = 0.08
"""Share of the surprise (final minus expected margin) by which each team's rating moves."""
CARRY_OVER = 0.67
"""Share of a rating that survives the summer."""
RELOCATED = {"OAK": "LV", "SD": "LAC", "STL": "LA"}
"""Teams that moved since 1999 keep their rating."""
RIDGE = 1e-3
NEWTON_STEPS = 50


class Schedule(Struct, frozen=True, eq=False):
    """N games in order of kick-off."""

    days: Int
    """[N], `date.toordinal()`; games of one day do not see each other."""
    seasons: Int
    """[N]"""
    home_teams: tuple[str, ...]
    away_teams: tuple[str, ...]
    at_home: Double
    """[N], 1, or 0 on neutral ground."""
    margins: Double
    """[N], home minus away score; NaN where the game is not played yet."""


def rating_gaps(schedule: Schedule) -> Double:
    """Home minus away rating [N], points, before each day of games: an Elo scheme on margins of victory.

    Ratings start at 0. A surprise of s points (final minus expected margin) moves the home team's rating by GAIN x s
    and the away team's by -GAIN x s; a game that is not played moves none.
    """
    ratings: dict[str, float] = {}
    gaps = np.zeros(len(schedule.days))
    advantage = HOME_ADVANTAGE * schedule.at_home
    season = None
    for _, group in groupby(range(len(schedule.days)), key=lambda game: schedule.days[game]):
        games = list(group)
        if schedule.seasons[games[0]] != season:
            season = schedule.seasons[games[0]]
            ratings = {team: CARRY_OVER * rating for team, rating in ratings.items()}
        pairs = [(franchise(schedule.home_teams[game]), franchise(schedule.away_teams[game])) for game in games]
        for game, (home, away) in zip(games, pairs, strict=True):
            gaps[game] = ratings.get(home, 0.0) - ratings.get(away, 0.0)
        for game, (home, away) in zip(games, pairs, strict=True):
            surprise = float(schedule.margins[game] - gaps[game] - advantage[game])
            if not math.isnan(surprise):
                ratings[home] = ratings.get(home, 0.0) + GAIN * surprise
                ratings[away] = ratings.get(away, 0.0) - GAIN * surprise
    return gaps


def franchise(team: str) -> str:
    """Return the name under which a team keeps its rating, wherever it has moved."""
    return RELOCATED.get(team, team)


def walk_forward_probabilities(schedule: Schedule, gaps: Double) -> Double:
    """P(home win) [N] by a logistic regression on the expected margin, fitted on earlier seasons only.

    NaN in the first season, which has none before it. Ties and games that are not played are not fitted.
    """
    expected = gaps + HOME_ADVANTAGE * schedule.at_home
    decided = np.isfinite(schedule.margins) & (schedule.margins != 0)
    chances = np.full(len(gaps), np.nan)
    for season in np.unique(schedule.seasons)[1:]:
        earlier = decided & (schedule.seasons < season)
        intercept, slope = fit_logistic(expected[earlier], schedule.margins[earlier] > 0)
        now = schedule.seasons == season
        chances[now] = 1 / (1 + np.exp(-(intercept + slope * expected[now])))
    return chances


def fit_logistic(x: Double, won: Bool) -> tuple[float, float]:
    """Intercept and slope of P(won) = 1 / (1 + exp(-(intercept + slope x))), by Newton's method on N pairs.

    A slight ridge penalty keeps the fit finite where the pairs can be separated, or where there are none.
    """
    design = np.stack([np.ones(len(x)), x], axis=1)
    weights = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (won - chance) - RIDGE * weights
        hessian = design.T @ (design * (chance * (1 - chance))[:, None]) + RIDGE * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            break
    return float(weights[0]), float(weights[1])
