"""Closing line value: key numbers, the vig, and both ways in which a bet can be better than the close."""

import numpy as np
import pytest

from trainer.data.types import Double
from trainer.evaluation.blocks import resample, week_blocks
from trainer.evaluation.closing import closing_values, expected_margins, expected_returns, summarised

EVEN = np.array([[1.0, 1.0]])
STANDARD = np.full((1, 2), 10 / 11)


def worth(taken: float, close: float, *, odds: float = 1.0, close_odds: Double = EVEN) -> tuple[float, float]:
    """What one bet is worth, and what the posted close is."""
    value, posted = closing_values(np.array([taken]), np.array([odds]), np.array([close]), close_odds)
    return float(value[0]), float(posted[0])


def test_an_even_close_expects_what_splits_the_margins_and_each_side_sees_it_from_its_own() -> None:
    assert expected_margins(np.zeros(1), EVEN)[0] == pytest.approx(0, abs=1e-6)
    dear = np.array([[0.8, 1.1]])
    home, away = expected_margins(np.array([3.0]), dear)[0], expected_margins(np.array([-3.0]), dear[:, ::-1])[0]
    assert home == pytest.approx(-away, abs=1e-6)
    assert home > expected_margins(np.array([3.0]), EVEN)[0], "the dearer side is expected to do better"


def test_the_closing_terms_are_worth_their_vig_and_a_fair_price_nothing() -> None:
    assert worth(2.5, 2.5) == pytest.approx((0, 0), abs=1e-9)
    assert worth(2.5, 2.5, odds=1.1)[0] == pytest.approx(0.5 * 1.1 - 0.5)
    value, posted = worth(2.5, 2.5, odds=10 / 11, close_odds=STANDARD)
    assert value == posted == pytest.approx(0.5 * 10 / 11 - 0.5)
    # Both sides' prices are scaled to sum 1: what is asked of both alike is no opinion.
    assert worth(2.5, 2.5, close_odds=STANDARD)[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("key", "pushes"), [(3.0, 0.090), (7.0, 0.065), (10.0, 0.066)])
def test_half_a_point_at_a_key_number_is_worth_the_games_that_end_there(key: float, pushes: float) -> None:
    value, _ = worth(key - 0.5, key)
    assert value == pytest.approx(pushes, abs=0.03)
    assert worth(key + 0.5, key)[0] == pytest.approx(-value, abs=0.002)


def test_half_a_point_is_worth_most_at_three_and_less_where_few_games_end() -> None:
    three, seven, five = (worth(key - 0.5, key)[0] for key in (3.0, 7.0, 5.0))
    assert three > seven > 1.5 * five > 0


def test_chances_at_the_line_taken_are_those_of_the_closing_market() -> None:
    expected = np.array([4.0])
    won, even = expected_returns(expected, np.array([3.5]), np.array([1.0])), np.array([2.0])
    assert expected_returns(expected, np.array([3.5]), even)[0] > won[0]
    assert expected_returns(expected, np.array([-39.5]), np.array([0.5]))[0] == pytest.approx(0.5, abs=0.01)


def test_the_summary_counts_what_is_measured_alone() -> None:
    values = np.array([0.02, -0.01, -0.03, np.nan, 0.04])
    posted = np.array([-0.04, -0.04, -0.03, np.nan, 0.05])
    blocks = week_blocks(np.full(5, 2022), np.array([1, 1, 2, 3, 4]))
    drawn = resample(blocks, np.random.default_rng(0), 200)
    its = summarised(values, posted, np.isfinite(values), blocks, drawn)
    assert its.bets == 4
    assert its.value.value == pytest.approx(0.02 / 4)
    assert (its.beat, its.better) == (0.5, 0.5)
