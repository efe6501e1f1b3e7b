"""The e-process: what its money becomes, worked by hand, and that no way of losing fairly makes it grow."""

from itertools import product

import numpy as np
import pytest

from trainer.data.types import Double
from trainer.evaluation.blocks import Blocks, week_blocks
from trainer.evaluation.eprocess import FRACTIONS, EProcess, e_process


def weeks_of(*sizes: int) -> Blocks:
    """Weeks of one season, each with so many bets."""
    weeks = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    return week_blocks(np.full(len(weeks), 2022), weeks)


def test_the_money_is_shared_out_among_the_fractions_and_grows_by_what_bets_lose() -> None:
    process = e_process(np.array([-1.0, 1.0]), np.array([1.0, 1.0]), weeks_of(1, 1))
    shares = np.array(FRACTIONS)
    assert process.values.tolist() == pytest.approx([np.mean(1 + shares), np.mean((1 + shares) * (1 - shares))])
    assert process.now == process.values[1]
    assert process.largest == process.values[0]


def test_bets_of_a_week_are_played_together_and_their_fraction_is_cut_before_it() -> None:
    together = e_process(np.array([-1.0, 0.5]), np.array([0.5, 0.5]), weeks_of(2))
    assert together.now == pytest.approx(np.mean(1 + np.array(FRACTIONS) * 0.5))
    # Twenty bets at even money: 0.9 / 20 of the money each at most, so that all won leaves a tenth.
    won = e_process(np.ones(20), np.ones(20), weeks_of(20))
    assert won.now == pytest.approx((1 - 0.02 * 20 + 4 * 0.1) / 5)


@pytest.mark.parametrize("least", [0.0, 0.05, -0.04])
@pytest.mark.parametrize("together", [False, True])
def test_in_expectation_it_is_worth_one_where_bets_return_just_the_least(least: float, together: bool) -> None:
    odds = np.array([10 / 11, 1.2, 1.0, 10 / 11])
    chances = (1 + least) / (1 + odds)
    assert _expected(odds, chances, least, together) == pytest.approx(1, abs=1e-12)
    assert _expected(odds, chances + 0.01, least, together) < 1 - 1e-3
    assert _expected(odds, chances - 0.01, least, together) > 1 + 1e-3


def _expected(odds: Double, chances: Double, least: float, together: bool) -> float:
    """Mean of the e-value after two weeks of two bets, over all that can happen. `together`: the second bet of a week
    is won whenever a part of the first one's chance is hit, and never else."""
    total = 0.0
    for won in product((True, False), repeat=4):
        probability = 1.0
        for first, second in ((0, 1), (2, 3)):
            probability *= _of_pair(won[first], won[second], chances[first], chances[second], together)
        returns = np.where(won, odds, -1.0)
        total += probability * e_process(returns, odds, weeks_of(2, 2), least).now
    return total


def _of_pair(first: bool, second: bool, chance: float, other: float, together: bool) -> float:
    if not together:
        return (chance if first else 1 - chance) * (other if second else 1 - other)
    both = min(chance, other)
    of = {(True, True): both, (True, False): chance - both, (False, True): other - both}
    return of.get((first, second), 1 - max(chance, other))


def test_pushes_say_nothing_of_breaking_even_and_something_of_a_promise() -> None:
    assert e_process(np.zeros(3), np.ones(3), weeks_of(1, 2)).values.tolist() == [1, 1]
    assert e_process(np.zeros(3), np.ones(3), weeks_of(1, 2), 0.05).now > 1


def test_an_alarm_is_the_first_week_at_twenty_and_stays_whatever_comes_after() -> None:
    process = EProcess(0.0, np.array([3.0, 19.99, 20.0, 500.0, 0.1]))
    assert (process.alarm, process.now, process.largest) == (2, 0.1, 500)
    assert EProcess(0.0, np.array([0.5, 19.9])).alarm is None
    assert (EProcess(0.0, np.empty(0)).now, EProcess(0.0, np.array([0.5])).largest) == (1, 1)


def test_a_price_that_cannot_keep_the_promise_and_endless_losses_are_numbers() -> None:
    assert e_process(np.array([0.02]), np.array([0.02]), weeks_of(1), 0.05).now > 1
    lost = e_process(np.full(3000, -1.0), np.ones(3000), weeks_of(*[1] * 3000))
    assert np.isfinite(lost.values).all()
    assert lost.alarm is not None
