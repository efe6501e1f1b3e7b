"""What uncertainty says of bets: worked by hand, on members that know, and unchanged by what must not matter."""

import numpy as np
import pytest

from tests.evaluation.simulated_market import decisions, drawn
from trainer.config import STAKES
from trainer.data.decisions import Decisions
from trainer.data.types import Double
from trainer.evaluation.ensemble import opinions
from trainer.evaluation.uncertainty import Uncertainty, uncertainty_of

MARKET: Decisions = decisions(drawn((285, 285), 1.0, 3))


def members(doubt: Double, worth: Double | None = None) -> Double:
    """Q values [6, N, 4] that all bet the largest stake; their standard deviation is `doubt` [N], `worth` the mean."""
    spread = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]) * np.sqrt(5 / 6)
    q = np.zeros((6, len(doubt), 4))
    mean = np.full(len(doubt), 5.0) if worth is None else worth
    per_unit = mean + spread[:, None] * doubt
    for action, stake in enumerate(STAKES):
        q[:, :, action] = stake * per_unit
    return q


def said(q: Double, market: Decisions = MARKET) -> Uncertainty:
    found = uncertainty_of(opinions(q), market, np.random.default_rng(1), permutations=400)
    assert found is not None
    return found


def test_members_that_doubt_the_bets_that_are_lost_order_them_as_the_oracle_does() -> None:
    lost = MARKET.returns[:, 0] < 0
    found = said(members(np.where(lost, 2.0, 1.0)))
    assert found.bets == int((MARKET.returns[:, 0] != 0).sum())
    assert found.losing is not None
    assert found.losing.value == pytest.approx(1.0)
    assert found.with_losses.value == pytest.approx(1.0)
    assert found.with_losses.p_value < 0.01
    assert found.with_returns.value < -0.8
    assert found.aurc == pytest.approx(found.oracle_aurc)
    assert found.aurc < found.random_aurc - 3 * found.random_sd


def test_members_that_doubt_at_random_tell_nothing() -> None:
    found = said(members(np.random.default_rng(8).uniform(1, 2, len(MARKET))))
    assert found.losing is not None
    assert abs(found.losing.z) < 3
    assert found.with_losses.p_value > 0.01
    assert abs(found.aurc - found.random_aurc) < 3 * found.random_sd


def test_q_values_that_are_what_bets_return_have_the_slope_1_and_no_bias() -> None:
    returned = MARKET.returns[:, 0]
    doubt = np.full(len(MARKET), 0.1)
    exact = said(members(doubt, np.where(returned > 0, returned, 0.01)))  # a loss is bet on too, barely
    assert exact.q_slope == pytest.approx(2.0, abs=0.1), "0 and +1 promise half of what -1 and +1 return"
    twice = said(members(doubt, np.where(returned > 0, 2 * returned, 0.02)))
    assert twice.q_slope == pytest.approx(exact.q_slope / 2)
    assert twice.q_bias - exact.q_bias == pytest.approx(np.where(returned > 0, returned, 0.01)[returned != 0].mean())


def test_the_slopes_error_counts_weeks_and_not_bets() -> None:
    rng = np.random.default_rng(4)
    worth = rng.uniform(1, 2, len(MARKET))
    doubled = np.repeat(np.arange(len(MARKET)), 2)
    once, again = (
        said(members(np.ones(len(MARKET)), worth)),
        said(members(np.ones(2 * len(MARKET)), worth[doubled]), MARKET.take(doubled)),
    )
    assert again.q_slope == pytest.approx(once.q_slope)
    assert again.q_slope_error == pytest.approx(once.q_slope_error), "the same bets twice are no more weeks"


def test_multiplied_stakes_and_another_order_of_rows_change_nothing() -> None:
    q = members(*np.random.default_rng(8).uniform(1, 2, (2, len(MARKET))))
    found = said(q)
    order = np.random.default_rng(2).permutation(len(MARKET))
    shuffled = said(q[:, order], MARKET.take(order))
    for name in ("bets", "aurc", "random_aurc", "random_sd", "oracle_aurc", "q_slope", "q_slope_error", "q_bias"):
        assert getattr(shuffled, name) == pytest.approx(getattr(found, name)), name
    assert shuffled.losing is not None
    assert found.losing is not None
    assert shuffled.losing.value == pytest.approx(found.losing.value)
    assert shuffled.with_losses.value == pytest.approx(found.with_losses.value)
    view = opinions(10 * q, tuple(10 * stake for stake in STAKES))
    scaled = uncertainty_of(view, MARKET, np.random.default_rng(1), permutations=400)
    assert scaled is not None
    assert scaled.with_losses.value == pytest.approx(found.with_losses.value)
    assert scaled.q_slope == pytest.approx(found.q_slope)


def test_too_few_decided_bets_tell_nothing() -> None:
    few = MARKET.take(np.flatnonzero(MARKET.returns[:, 0] != 0)[:19])
    assert uncertainty_of(opinions(members(np.ones(19))), few, np.random.default_rng(1)) is None


def test_bets_that_all_end_alike_have_no_auc() -> None:
    won = MARKET.take(np.flatnonzero(MARKET.returns[:, 0] > 0)[:40])
    found = said(members(np.arange(1.0, 41.0)), won)
    assert found.losing is None
    assert (found.aurc, found.random_aurc) == (0.0, 0.0)
