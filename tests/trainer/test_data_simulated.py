"""The simulated market: its figures are those of real games, and its edge is worth what its parameter says."""

import numpy as np
import pytest
from msgspec.structs import replace

from trainer.config import STAKES, STATE_COLUMNS, DataConfig, Split
from trainer.data import DataError, load
from trainer.data.bets import PLAYS_PER_GAME, to_transitions
from trainer.data.decisions import american_to_net, implied_probability
from trainer.data.margins import cover_probabilities, draw_margins, fair_line, margin_pmf
from trainer.data.ratings import fit_logistic
from trainer.data.simulated import DISAGREEMENT_SD, EXPECTED_MEAN, SKILL, Market, simulate
from trainer.data.types import Double

SAMPLE = 20_000


def large_market(edge_size: float) -> Market:
    return simulate((SAMPLE // 2, SAMPLE // 2), edge_size, np.random.default_rng(1))


def expected_returns(market: Market) -> tuple[Double, Double]:
    """Exact expectation of one unit on the home and on the away side, each [N], from the true distribution."""
    games = market.games
    above, below = cover_probabilities(margin_pmf(market.true_expected), games.spread)
    home = above * american_to_net(games.home_odds) - below
    away = below * american_to_net(games.away_odds) - above
    return home, away


@pytest.fixture(scope="module")
def efficient() -> Market:
    return large_market(0.0)


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    first, again, other = load(DataConfig(seed=7)), load(DataConfig(seed=7)), load(DataConfig(seed=8))
    assert first.digest() == again.digest()
    assert first.digest() != other.digest()
    assert first.digest() != load(DataConfig(seed=7, edge_size=0.0)).digest()


def test_six_seasons_to_train_on_and_two_held_out_after_them() -> None:
    data = load(DataConfig())
    assert data.train.seasons is not None
    assert data.validation.seasons is not None
    assert (len(data.train), len(data.validation)) == (1675, 570)
    assert np.unique(data.train.seasons).tolist() == [2015, 2016, 2017, 2018, 2019, 2020]
    assert np.unique(data.validation.seasons, return_counts=True)[1].tolist() == [285, 285]
    ids = (data.train.game_ids or ()) + (data.validation.game_ids or ())
    assert len(set(ids)) == 1675 + 570
    one = load(DataConfig(split=Split(validation_seasons=1, test_seasons=0)))
    assert (len(one.train), len(one.validation), len(one.test)) == (1675 + 285, 285, 0)


def test_two_seasons_for_test_come_after_all_others() -> None:
    data = load(DataConfig())
    assert data.test.seasons is not None
    assert np.unique(data.test.seasons, return_counts=True)[1].tolist() == [285, 285]
    assert np.unique(data.test.seasons).tolist() == [2023, 2024]
    assert not {*(data.test.game_ids or ())} & {*(data.validation.game_ids or ()), *(data.train.game_ids or ())}
    assert not np.isin(data.test.states[:, 5], data.validation.states[:, 5]).all(), "games of their own"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_is_tested_on_changes_nothing_before_it(count: int) -> None:
    """A digest in a task's id, and weights, have nothing of it."""
    data, other = load(DataConfig()), load(DataConfig(split=Split(validation_seasons=2, test_seasons=count)))
    assert other.digest() == data.digest()
    assert len(other.test) == 285 * count


def test_seasons_by_year() -> None:
    data = load(DataConfig(split=Split(train_until=2018, validate_until=2022)))
    parts = [
        np.unique(part.seasons).tolist()
        for part in (data.train, data.validation, data.test)
        if part.seasons is not None
    ]
    assert parts == [[2015, 2016, 2017, 2018], [2019, 2020, 2021, 2022], [2023, 2024]]


def test_sparing_every_season_is_an_error() -> None:
    with pytest.raises(DataError, match=r"8 season.*spare fewer"):
        load(DataConfig(split=Split(validation_seasons=8, test_seasons=0)))


def test_a_decision_knows_both_sides_and_the_truth(efficient: Market) -> None:
    """Of an efficient market either side loses the vig in expectation, and what was drawn agrees."""
    decisions = to_transitions(efficient.games, DataConfig()).decisions
    assert decisions is not None
    home, away = expected_returns(efficient)
    own = np.where(decisions.home, home, away)
    np.testing.assert_allclose(decisions.true_returns[:, 0], own)
    np.testing.assert_allclose(decisions.true_returns.sum(axis=1), home + away)
    assert decisions.returns.mean(axis=0) == pytest.approx(decisions.true_returns.mean(axis=0), abs=4 / np.sqrt(SAMPLE))
    decided = decisions.covers != 0
    assert ((decisions.returns[decided] > 0).sum(axis=1) == 1).all(), "one side wins"
    assert not decisions.returns[~decided].any(), "a push returns the stake"
    assert (np.diff(decisions.days) >= 0).all()


def test_features_are_seen_from_the_side_with_the_edge(efficient: Market) -> None:
    rows = to_transitions(efficient.games, DataConfig())
    spread, total, gap, market_prob, p_hat, edge = rows.states.T
    games = efficient.games
    assert (edge >= 0).all()
    np.testing.assert_allclose(edge, p_hat - market_prob, atol=1e-6)
    away = games.p_hat < games.market_prob - 1e-6
    assert 0.4 < away.mean() < 0.6
    np.testing.assert_array_equal(spread[away], -games.spread[away].astype(np.float32))
    np.testing.assert_allclose(gap[away], -games.epa_gap[away], atol=1e-6)
    np.testing.assert_allclose(market_prob[away], 1 - games.market_prob[away], atol=1e-6)
    np.testing.assert_array_equal(total, games.total.astype(np.float32))
    assert rows.terminals.all()
    assert not rows.next_states.any()


def test_reward_is_stake_times_return_of_the_offered_side(efficient: Market) -> None:
    rows = to_transitions(efficient.games, DataConfig())
    assert rows.decisions is not None
    unit_returns, net_odds = rows.decisions.returns[:, 0], rows.decisions.net_odds[:, 0]
    games = efficient.games
    home = games.p_hat >= games.market_prob
    clear = np.abs(games.p_hat - games.market_prob) > 1e-6
    ahead = np.where(home, games.margin - games.spread, games.spread - games.margin)
    won = unit_returns > 0
    np.testing.assert_array_equal(won[clear], ahead[clear] > 0)
    np.testing.assert_array_equal((unit_returns == 0)[clear], ahead[clear] == 0)
    np.testing.assert_array_equal(unit_returns[won], net_odds[won])
    np.testing.assert_allclose(rows.rewards, np.asarray(STAKES)[rows.actions] * unit_returns, rtol=1e-6)


def test_chosen_features_keep_their_order_and_their_values() -> None:
    whole = load(DataConfig())
    some = load(DataConfig(state_cols=(("edge", "edge"), ("spread_close", "spread_close"))))
    assert whole.state_cols == STATE_COLUMNS
    assert some.state_cols == ("edge", "spread_close")
    np.testing.assert_array_equal(some.train.states, whole.train.states[:, [5, 0]])
    np.testing.assert_array_equal(some.train.actions, whole.train.actions)


def test_an_unknown_feature_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(DataError, match="no feature 'p_hatt'; did you mean p_hat"):
        load(DataConfig(state_cols=(("p_hatt", "p_hat"),)))


# Figures of 7,276 real games 1999-2025: value, and what is allowed for their own sampling error and this sample's.
@pytest.mark.parametrize(
    ("margin", "percent", "within"),
    [
        (0, 0.21, 0.15), (1, 4.2, 0.6), (2, 4.1, 0.6), (3, 15.1, 1.0), (4, 4.9, 0.6), (5, 3.6, 0.6), (6, 6.0, 0.7),
        (7, 9.0, 0.8), (8, 3.7, 0.6), (10, 5.5, 0.7), (14, 4.9, 0.6), (17, 3.6, 0.6),
    ],
)  # fmt: skip
def test_final_margins_come_as_often_as_in_real_games(
    efficient: Market, margin: int, percent: float, within: float
) -> None:
    assert 100 * (np.abs(efficient.games.margin) == margin).mean() == pytest.approx(percent, abs=within)


@pytest.mark.parametrize(("line", "percent", "within"), [(3, 9.0, 1.8), (7, 6.5, 2.6), (10, 6.6, 4.0)])
def test_pushes_on_key_numbers(efficient: Market, line: int, percent: float, within: float) -> None:
    games = efficient.games
    on_line = np.abs(games.spread) == line
    assert 100 * (games.margin == games.spread)[on_line].mean() == pytest.approx(percent, abs=within)


def test_spreads_totals_results_and_prices_are_those_of_the_real_market(efficient: Market) -> None:
    games = efficient.games
    error = games.margin - games.spread
    assert games.spread.mean() == pytest.approx(2.25, abs=0.15)
    assert games.spread.std() == pytest.approx(5.96, abs=0.15)
    assert np.quantile(games.spread, [0.05, 0.5, 0.95]) == pytest.approx([-7, 3, 11.5], abs=1.01)
    assert games.total.std() == pytest.approx(4.91, abs=0.1)
    assert error.mean() == pytest.approx(0.09, abs=0.4)
    assert error.std() == pytest.approx(13.2, abs=0.3)
    assert (error == 0).mean() == pytest.approx(0.0268, abs=0.006)
    assert (games.spread > 0).mean() == pytest.approx(0.65, abs=0.015)
    assert (games.margin > 0).mean() == pytest.approx(0.563, abs=0.015)
    decided = games.margin != 0
    intercept, slope = fit_logistic(games.spread[decided], games.margin[decided] > 0)
    assert (intercept, slope) == pytest.approx((-0.027, 0.1426), abs=0.05)
    assert slope == pytest.approx(0.1426, rel=0.12)
    overround = implied_probability(games.home_odds) + implied_probability(games.away_odds) - 1
    assert overround.mean() == pytest.approx(0.0245, abs=0.0005)
    assert np.abs(games.home_odds).min() >= 100
    assert np.abs(games.home_odds).max() <= 120
    assert np.array_equal(2 * games.spread, np.round(2 * games.spread))


def test_the_true_mean_is_the_expected_margin_and_draws_follow_it() -> None:
    expected = np.array([-14.0, -3.0, 0.0, 2.5, 7.0, 20.0])
    pmf = margin_pmf(expected)
    assert pmf.sum(axis=1) == pytest.approx(1)
    assert pmf @ np.arange(-80, 81) == pytest.approx(expected, abs=0.01)
    drawn = draw_margins(np.repeat(pmf[3:4], 20_000, axis=0), np.random.default_rng(3))
    assert drawn.mean() == pytest.approx(2.5, abs=4 * 13.2 / np.sqrt(20_000))
    assert fair_line(pmf[1:3]).tolist() == [-3.0, 0.0]


def test_without_an_edge_every_bet_on_every_game_loses_the_vig(efficient: Market) -> None:
    home, away = expected_returns(efficient)
    assert max(home.max(), away.max()) < -0.015
    assert (home + away).mean() / 2 == pytest.approx(-0.0245, abs=0.002)
    rows = to_transitions(efficient.games, DataConfig())
    assert rows.decisions is not None
    assert rows.decisions.returns[:, 0].mean() == pytest.approx(-0.0234, abs=4 / np.sqrt(SAMPLE))


def test_the_truth_differs_from_the_market_by_the_edge_and_the_model_sees_most_of_it(efficient: Market) -> None:
    market = large_market(1.5)
    overlooked = market.true_expected - efficient.true_expected
    disagreement = market.games.epa_gap * PLAYS_PER_GAME + EXPECTED_MEAN - efficient.true_expected
    assert overlooked.std() == pytest.approx(1.5, rel=0.03)
    assert disagreement.std() == pytest.approx(DISAGREEMENT_SD, rel=0.03)
    assert np.corrcoef(overlooked, disagreement)[0, 1] == pytest.approx(SKILL, abs=0.02)
    np.testing.assert_array_equal(market.games.spread, efficient.games.spread)


def test_with_an_edge_bets_with_a_larger_edge_return_more_than_the_vig() -> None:
    market = large_market(1.5)
    rows = to_transitions(market.games, DataConfig())
    assert rows.decisions is not None
    edge = rows.states[:, 5]
    home, away = expected_returns(market)
    exact = np.where(market.games.p_hat >= market.games.market_prob, home, away)
    quarter = np.digitize(edge, np.quantile(edge, [0.25, 0.5, 0.75]))
    by_quarter = [exact[quarter == number].mean() for number in range(4)]
    assert by_quarter == sorted(by_quarter)
    assert by_quarter[0] < 0.01
    assert by_quarter[-1] > 0.06
    drawn = [rows.decisions.returns[quarter == number, 0].mean() for number in range(4)]
    assert drawn[-1] - drawn[0] > 0.03
    assert drawn == pytest.approx(by_quarter, abs=4 / np.sqrt(SAMPLE / 4))


def test_the_default_edge_is_worth_more_than_none_on_the_same_games() -> None:
    exact = {}
    for edge_size in (0.0, 0.5):
        market = large_market(edge_size)
        home, away = expected_returns(market)
        exact[edge_size] = np.where(market.games.p_hat >= market.games.market_prob, home, away).mean()
    assert exact[0.5] > exact[0.0] + 0.01


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"edge_size": -0.5}, "edge_size"),
        ({"edge_size": float("nan")}, "edge_size"),
        ({"seed": -1}, "seed"),
        ({"split": Split(validation_seasons=-1, test_seasons=0)}, "validation_seasons"),
        ({"split": Split(validation_seasons=2, test_seasons=11)}, "test_seasons"),
        ({"split": Split(validation_fraction=1.0, test_fraction=0.0)}, "validation_fraction"),
        ({"split": Split(train_until=2018, validate_until=2017)}, "validate_until"),
        ({"state_cols": ()}, "state_cols is empty"),
        ({"state_cols": (("edge", "edge"), ("edge", "edge"))}, "edge more than once"),
    ],
)
def test_wrong_settings_are_errors(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(replace(DataConfig(), **wrong))
