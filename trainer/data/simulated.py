"""A market of simulated games, so that a fresh machine needs no download. The constants are fixed and never tuned.

The market expects a margin, posts the half-point spread that splits the outcomes most evenly and prices the rest, so
that by what the market knows both sides lose exactly the vig. The true expectation differs by `edge_size` points times
a standardised signal z that the market overlooks. The model disagrees with the market by a noisy view of z. With an
`edge_size` of 0 it disagrees as much and knows nothing: no policy beats the vig.
"""

from datetime import date

import numpy as np
from msgspec import Struct

from trainer.config import DataConfig, Split
from trainer.data.bets import PLAYS_PER_GAME, Games, to_transitions
from trainer.data.decisions import american_to_net
from trainer.data.margins import cover_probabilities, draw_margins, fair_line, fair_prices, margin_pmf, win_probability
from trainer.data.split import split_by_time
from trainer.data.types import DataError, Dataset, Double, Int, joined

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
TEST_GAMES = 285
"""In each of the seasons for test, which come after all others."""
TEST_SEASONS = 2
MOST_TEST_SEASONS = 10
TEST = 1
"""Keeps their draws apart: how many there are changes nothing before them."""
DEFAULT_SPLIT = Split(validation_seasons=2, test_seasons=TEST_SEASONS)


class Market(Struct, frozen=True, eq=False):
    """Simulated games, and the truth that a real market does not tell."""

    games: Games
    true_expected: Double
    """[N], the mean of the distribution that each margin was drawn from, in points."""


def simulate(
    season_games: tuple[int, ...], edge_size: float, rng: np.random.Generator, first_season: int = FIRST_SEASON
) -> Market:
    """Games of consecutive seasons, in order of time. `edge_size` in points per standard deviation of the signal."""
    count = sum(season_games)
    market = np.clip(rng.normal(EXPECTED_MEAN, EXPECTED_SD, count), -EXPECTED_LIMIT, EXPECTED_LIMIT)
    signal = rng.normal(size=count)
    noise = rng.normal(size=count)
    total = np.round(2 * rng.normal(TOTAL_MEAN, TOTAL_SD, count)) / 2
    model = market + DISAGREEMENT_SD * (SKILL * signal + np.sqrt(1 - SKILL**2) * noise)
    true_expected = market + edge_size * signal

    market_pmf, true_pmf = margin_pmf(market), margin_pmf(true_expected)
    spread = fair_line(market_pmf)
    home_odds, away_odds = fair_prices(market_pmf, spread)
    seasons, weeks, game_ids = _calendar(season_games, first_season)
    truth = cover_probabilities(true_pmf, spread)
    games = Games(
        game_ids=game_ids,
        seasons=seasons,
        weeks=weeks,
        days=_days(seasons, weeks),
        spread=spread,
        total=total,
        epa_gap=(model - EXPECTED_MEAN) / PLAYS_PER_GAME,
        market_prob=win_probability(market_pmf),
        p_hat=win_probability(margin_pmf(model)),
        margin=draw_margins(true_pmf, rng),
        home_odds=home_odds,
        away_odds=away_odds,
        true_returns=np.stack(
            [
                truth[0] * american_to_net(home_odds) - truth[1],
                truth[1] * american_to_net(away_odds) - truth[0],
            ],
            axis=1,
        ),
    )
    return Market(games, true_expected)


def _calendar(season_games: tuple[int, ...], first_season: int) -> tuple[Int, Int, tuple[str, ...]]:
    """Return season and week of every game, each [N], and its id."""
    places = [
        (first_season + year, 1 + number * WEEKS // games, f"{first_season + year}_{number + 1:03d}")
        for year, games in enumerate(season_games)
        for number in range(games)
    ]
    seasons, weeks, game_ids = zip(*places, strict=True)
    return np.array(seasons, dtype=np.int64), np.array(weeks, dtype=np.int64), tuple(game_ids)


def _days(seasons: Int, weeks: Int) -> Int:
    """Return the day of every game [N]: all of a week are on one day."""
    # Not `np.unique`, which loads `numpy.ma`: this is part of each worker's start.
    openings = {season: date(season, 9, 8).toordinal() for season in set(seasons.tolist())}
    return np.array([openings[season] for season in seasons.tolist()], dtype=np.int64) + 7 * (weeks - 1)


def load_simulated(config: DataConfig) -> Dataset:
    """Return 1,675 training games over six seasons, two seasons of 285 for validation and two for test, unless the
    split says otherwise.

    The seasons for test are drawn from a stream of their own: the others are the same whatever is tested on.

    Raises:
        DataError: a chosen feature is unknown, or no season would be left to train on.
    """
    split = config.split or DEFAULT_SPLIT
    market = simulate(SEASON_GAMES, config.edge_size, np.random.default_rng((config.seed, MARKET_STREAM)))
    rows = to_transitions(market.games, config)
    count = TEST_SEASONS if split.test_seasons is None else split.test_seasons
    if count > MOST_TEST_SEASONS:
        raise DataError(f"data.split.test_seasons = {count}: a simulated market has at most {MOST_TEST_SEASONS}")
    if count:
        rng = np.random.default_rng((config.seed, MARKET_STREAM, TEST))
        later = simulate((TEST_GAMES,) * count, config.edge_size, rng, FIRST_SEASON + len(SEASON_GAMES))
        rows = joined(rows, to_transitions(later.games, config, (TEST,)))
    return Dataset(tuple(feature for feature, _ in config.state_cols), *split_by_time(rows, split))
