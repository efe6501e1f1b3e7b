"""A market of simulated games, so that a fresh machine needs no download. The constants are fixed and never tuned.

The market expects a margin, posts the half-point spread that splits the outcomes most evenly and prices the rest, so
that by what the market knows both sides lose exactly the vig. The true expectation differs by `edge_size` points times
a standardised signal z that the market overlooks. The model disagrees with the market by a noisy view of z. With an
`edge_size` of 0 it disagrees as much and knows nothing: no policy beats the vig.
"""

from dataclasses import dataclass

import numpy as np

from trainer.config import DataConfig
from trainer.data.bets import PLAYS_PER_GAME, Games, to_transitions
from trainer.data.margins import draw_margins, fair_line, fair_prices, margin_pmf, win_probability
from trainer.data.split import split_by_season
from trainer.data.types import Dataset, Double, Int

SEASON_GAMES = (280, 279, 279, 279, 279, 279, 285, 285)
"""1,675 games in six seasons, and 285 in each of the two that follow."""
FIRST_SEASON = 2015
WEEKS = 22
"""Weeks of a season, play-offs included; the games are spread over them evenly."""

EXPECTED_MEAN, EXPECTED_SD = 2.56, 6.72
"""Points that the market expects of the home team: its spreads then have mean 2.25 and sd 5.96, as in 7,276 games."""
EXPECTED_LIMIT = 28.0
"""Points; no game is more one-sided to the market."""
TOTAL_MEAN, TOTAL_SD = 45.27, 4.91
"""Points of both teams: the mean since 2015 and the sd since 1999 of the closing total."""
DISAGREEMENT_SD = 2.0
"""Points by which the model's expectation deviates from the market's."""
SKILL = 0.8
"""Correlation of that disagreement with the signal that the market overlooks."""
MARKET_STREAM = 0


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Simulated games, and the truth that a real market does not tell."""

    games: Games
    true_expected: Double
    """[N], the mean of the distribution that each margin was drawn from, in points."""


def simulate(season_games: tuple[int, ...], edge_size: float, rng: np.random.Generator) -> Market:
    """Games of consecutive seasons, in order of time. `edge_size` in points per standard deviation of the signal."""
    count = sum(season_games)
    market = np.clip(rng.normal(EXPECTED_MEAN, EXPECTED_SD, count), -EXPECTED_LIMIT, EXPECTED_LIMIT)
    signal = rng.normal(size=count)
    noise = rng.normal(size=count)
    total = np.round(2 * rng.normal(TOTAL_MEAN, TOTAL_SD, count)) / 2
    model = market + DISAGREEMENT_SD * (SKILL * signal + np.sqrt(1 - SKILL**2) * noise)
    true_expected = market + edge_size * signal

    market_pmf = margin_pmf(market)
    spread = fair_line(market_pmf)
    home_odds, away_odds = fair_prices(market_pmf, spread)
    seasons, weeks, game_ids = _calendar(season_games)
    games = Games(
        game_ids=game_ids,
        seasons=seasons,
        weeks=weeks,
        spread=spread,
        total=total,
        epa_gap=(model - EXPECTED_MEAN) / PLAYS_PER_GAME,
        market_prob=win_probability(market_pmf),
        p_hat=win_probability(margin_pmf(model)),
        margin=draw_margins(margin_pmf(true_expected), rng),
        home_odds=home_odds,
        away_odds=away_odds,
    )
    return Market(games, true_expected)


def _calendar(season_games: tuple[int, ...]) -> tuple[Int, Int, tuple[str, ...]]:
    """Season and week of every game, each [N], and its id."""
    places = [
        (FIRST_SEASON + year, 1 + number * WEEKS // games, f"{FIRST_SEASON + year}_{number + 1:03d}")
        for year, games in enumerate(season_games)
        for number in range(games)
    ]
    seasons, weeks, game_ids = zip(*places, strict=True)
    return np.array(seasons, dtype=np.int64), np.array(weeks, dtype=np.int64), tuple(game_ids)


def load_simulated(config: DataConfig) -> Dataset:
    """1,675 training games over six seasons, and two held-out seasons of 285 (with the default `holdout_seasons`).

    Raises:
        DataError: a chosen feature is unknown, or no season would be left to train on.
    """
    market = simulate(SEASON_GAMES, config.edge_size, np.random.default_rng((config.seed, MARKET_STREAM)))
    rows = to_transitions(market.games, config)
    train, heldout = split_by_season(rows, config.holdout_seasons)
    return Dataset(tuple(feature for feature, _ in config.state_cols), train, heldout)
