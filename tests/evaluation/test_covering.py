"""P(cover): fitted on earlier seasons only, frozen before the test seasons, the same from either side."""

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.simulated_market import decisions, drawn
from trainer.data.decisions import Decisions
from trainer.data.types import Double, Int
from trainer.evaluation.covering import MIN_GAMES, ensemble, features, fit, walk_forward

SEASONS = (120, 120, 120, 120, 120)
MARKET = decisions(drawn(SEASONS, 2.0, 8))
FIRST = int(MARKET.seasons[0])
TEST = FIRST + 3


def of(season: int) -> Int:
    return np.flatnonzero(MARKET.seasons == season)


def with_margin(margin: Double) -> Decisions:
    return replace(MARKET, margin=margin)


def test_features_are_the_disagreement_in_logits_and_tens_of_points() -> None:
    market = MARKET.take(np.arange(3))
    x = features(
        replace(
            market,
            p_hat=np.array([0.75, 0.5, 1.0]),
            market_prob=np.array([0.5, 0.5, 0.5]),
            spread=np.array([3.5, -7, 0]),
        )
    )
    assert x[:2] == pytest.approx(np.array([[np.log(3), 0.35], [0, -0.7]]))
    assert np.isnan(x[2, 0])


def test_fit_maximises_the_weighted_posterior() -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 2)) * (2.0, 0.3)
    covers = np.where(rng.random(60) < 0.5 + 0.3 * np.sign(x[:, 0]), 1.0, -1.0)
    weights = rng.integers(0, 4, (3, 60)).astype(np.float64)

    def loss(beta: Double, counts: Double) -> float:
        chance = 1 / (1 + np.exp(-(x @ beta)))
        likelihood = np.where(covers > 0, np.log(chance), np.log(1 - chance))
        return float(beta @ beta / 2 - counts @ likelihood)

    expected = [minimize(loss, np.zeros(2), args=(counts,), tol=1e-12).x for counts in weights]
    assert fit(x, covers, weights) == pytest.approx(np.array(expected), abs=2e-5)


def test_fit_ends_where_the_sides_are_separated() -> None:
    x = np.array([[1.0, 0], [2, 0], [-1, 0], [500, 0]])
    beta = fit(x, np.sign(x[:, 0]), np.full((1, 4), 1000.0))
    assert 5 < beta[0, 0] < 10  # where the prior's pull equals 3,000 exp(-beta)
    assert beta[0, 1] == 0


def test_a_season_is_predicted_by_the_seasons_before_it() -> None:
    found = walk_forward(MARKET)
    assert np.isnan(found.cover[of(FIRST)]).all()
    assert np.isfinite(found.cover[MARKET.seasons > FIRST]).all()
    assert sorted(found.coefficients) == [FIRST + 1, FIRST + 2, FIRST + 3, FIRST + 4]
    for season, beta in found.coefficients.items():
        past = (MARKET.seasons < season) & (MARKET.covers != 0)
        x = features(MARKET)
        assert beta == pytest.approx(fit(x[past], MARKET.covers[past], np.ones((1, past.sum())))[0], abs=1e-9)
        assert found.cover[of(season)] == pytest.approx(1 / (1 + np.exp(-(x[of(season)] @ beta))), abs=1e-12)


@pytest.mark.parametrize("season", [FIRST + 1, FIRST + 3])
def test_no_result_of_a_season_or_after_it_changes_its_probabilities(season: int) -> None:
    poisoned = with_margin(np.where(MARKET.seasons >= season, -MARKET.margin, MARKET.margin))
    seen = MARKET.seasons <= season
    one, other = walk_forward(MARKET).cover[seen], walk_forward(poisoned).cover[seen]
    assert one.tobytes() == other.tobytes()
    one, other = ensemble(MARKET, members=9).cover[:, seen], ensemble(poisoned, members=9).cover[:, seen]
    assert one.tobytes() == other.tobytes()
    later = MARKET.seasons == season + 1
    assert not np.allclose(walk_forward(MARKET).cover[later], walk_forward(poisoned).cover[later])


@pytest.mark.parametrize("value", [np.nan, 1e6, -1e6])
def test_results_of_the_test_seasons_change_no_probability_at_all(value: float) -> None:
    poisoned = with_margin(np.where(MARKET.seasons >= TEST, value, MARKET.margin))
    assert walk_forward(MARKET, TEST).cover.tobytes() == walk_forward(poisoned, TEST).cover.tobytes()
    one, other = ensemble(MARKET, TEST, 9).cover, ensemble(poisoned, TEST, 9).cover
    assert one.tobytes() == other.tobytes()
    assert sorted(walk_forward(MARKET, TEST).coefficients) == [FIRST + 1, FIRST + 2, TEST]


def test_a_test_season_that_nobody_played_still_freezes_the_fit() -> None:
    played = MARKET.take(np.flatnonzero(MARKET.seasons != TEST))
    later = played.seasons > TEST
    assert played.seasons[later].size
    frozen = walk_forward(MARKET, TEST).cover[MARKET.seasons > TEST]
    assert walk_forward(played, TEST).cover[later] == pytest.approx(frozen, abs=1e-12)


def test_probabilities_of_the_two_sides_add_up_to_one() -> None:
    swapped = replace(
        MARKET,
        p_hat=1 - MARKET.p_hat,
        market_prob=1 - MARKET.market_prob,
        spread=-MARKET.spread,
        margin=-MARKET.margin,
    )
    known = MARKET.seasons > FIRST
    assert walk_forward(MARKET).cover[known] + walk_forward(swapped).cover[known] == pytest.approx(1, abs=1e-9)


def test_pushes_count_for_neither_side() -> None:
    pushes = np.arange(len(MARKET)) % 3 == 0
    pushed = with_margin(np.where(pushes, MARKET.spread, MARKET.margin))
    unknown = with_margin(np.where(pushes, np.nan, MARKET.margin))
    one, other = walk_forward(pushed).cover, walk_forward(unknown).cover
    assert np.array_equal(one, other, equal_nan=True)
    assert not np.allclose(one[MARKET.seasons > TEST], walk_forward(MARKET).cover[MARKET.seasons > TEST])


def test_too_few_games_give_no_probability() -> None:
    settled = np.cumsum((MARKET.covers != 0) & (MARKET.seasons == FIRST))  # pushes do not count
    for count, enough in ((MIN_GAMES - 1, False), (MIN_GAMES, True)):
        some = MARKET.take(np.flatnonzero((MARKET.seasons > FIRST) | (settled <= count)))
        assert np.isfinite(walk_forward(some).cover[some.seasons == FIRST + 1]).all() == enough


def test_members_differ_about_the_fit_by_whole_weeks_of_a_season() -> None:
    found = ensemble(MARKET, TEST, members=400, seed=2)
    point = walk_forward(MARKET, TEST)
    spread = found.coefficients[TEST].std(axis=0, ddof=1)
    # The bootstrap's deviation is about that of the posterior: the inverse root of the information.
    x = features(MARKET)[MARKET.seasons < TEST]
    chance = 1 / (1 + np.exp(-(x @ point.coefficients[TEST])))
    information = (x.T * (chance * (1 - chance))) @ x + np.eye(2)
    assert spread == pytest.approx(np.sqrt(np.diag(np.linalg.inv(information))), rel=0.3)
    assert found.coefficients[TEST].mean(axis=0) == pytest.approx(point.coefficients[TEST], abs=spread.max() / 2)


def test_games_of_one_week_are_drawn_together() -> None:
    one_week = replace(MARKET, weeks=np.ones_like(MARKET.weeks))
    found = ensemble(one_week, TEST, members=5).coefficients[TEST]
    assert np.ptp(found, axis=0) == pytest.approx([0, 0], abs=1e-12), "a season of one week is drawn whole"
    assert np.ptp(ensemble(MARKET, TEST, members=5).coefficients[TEST], axis=0).min() > 0.01


def test_each_season_draws_weeks_of_its_own() -> None:
    """Two equal seasons of two weeks: side 0 covers all of the first week and nothing of the second."""
    games = MARKET.take(np.tile(np.arange(60), 5))
    week = np.repeat([1, 2, 1, 2, 1], 60)
    seasons = np.repeat([2001, 2001, 2002, 2002, 2003], 60)
    played = replace(games, seasons=seasons, weeks=week, margin=games.spread + np.where(week == 1, 1.0, -1.0))
    found = ensemble(played, 2003, members=800, seed=6).coefficients[2003][:, 0].round(9)
    values, counts = np.unique(found, return_counts=True)
    # First weeks among four draws, two of each season: binomial.
    assert values == pytest.approx(-values[::-1], abs=1e-8)
    assert len(values) == 5
    expected = 800 * np.array([1, 4, 6, 4, 1]) / 16
    assert (np.abs(counts - expected) < 4 * np.sqrt(expected)).all()


def test_shuffled_rows_get_the_same_probabilities() -> None:
    order = np.random.default_rng(1).permutation(len(MARKET))
    shuffled = MARKET.take(order)
    fits, again = walk_forward(MARKET).coefficients, walk_forward(shuffled).coefficients
    assert {season: beta.tobytes() for season, beta in fits.items()} == {
        season: beta.tobytes() for season, beta in again.items()
    }, "sums of floats are in the same order"
    assert np.allclose(walk_forward(MARKET).cover[order], walk_forward(shuffled).cover, atol=1e-12, equal_nan=True)
    one, other = ensemble(MARKET, TEST, 9).cover[:, order], ensemble(shuffled, TEST, 9).cover
    assert np.allclose(one, other, atol=1e-12, equal_nan=True)


def test_the_seed_determines_the_members() -> None:
    one, again, other = (ensemble(MARKET, TEST, 5, seed=seed).cover for seed in (1, 1, 2))
    assert one.tobytes() == again.tobytes()
    assert not np.allclose(one, other, equal_nan=True)


def test_a_market_that_overlooks_something_is_seen_to() -> None:
    knowing = decisions(drawn((600, 600), 4.0, 3))
    known = knowing.seasons > knowing.seasons[0]
    found = walk_forward(knowing).cover[known]
    won = knowing.covers[known] > 0
    assert found[won].mean() > found[~won].mean() + 0.01
    ignorant = decisions(drawn((600, 600), 0.0, 3))
    beta = walk_forward(ignorant).coefficients[int(ignorant.seasons[-1])]
    assert abs(beta[0]) < 0.6 < walk_forward(knowing).coefficients[int(knowing.seasons[-1])][0]
