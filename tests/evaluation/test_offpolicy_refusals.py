"""When off-policy estimates are refused, and the bounds that are left."""

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.betlogs import LARGE, LOG, always, by_name, seeded, small
from trainer.config import STAKES
from trainer.evaluation.importance import Log, worst_case
from trainer.evaluation.offpolicy import (
    OffPolicy,
    off_policy,
    unguarded,
)


def refused(found: OffPolicy, *words: str) -> bool:
    """Whether it was, for these reasons only, and says nothing but bounds."""
    said = all(word in reason for word, reason in zip(words, found.refusals, strict=True))
    low, high = found.bounds
    return said and found.estimates == found.grid == () and low <= high


def test_a_log_without_propensities_is_refused() -> None:
    target = always(LARGE, len(LOG))
    assert refused(off_policy(replace(LOG, propensities=None), target, seeded()), "are unknown")
    for value in (np.nan, 0.0, 1.2):
        faulty = np.full(len(LOG), 0.5)
        faulty[[3, 5]] = value
        found = off_policy(replace(LOG, propensities=faulty), target, seeded())
        assert found.refusals[0].startswith(f"the propensities of 2 of {len(LOG)} decisions")
        assert refused(found, "no probabilities")
    not_one = np.asarray(LOG.propensities) * 0.9
    assert refused(off_policy(replace(LOG, propensities=not_one), target, seeded()), "no probabilities")


@pytest.mark.parametrize(("rows_of", "bets", "enough"), [(99, 99, False), (100, 100, True), (1000, 99, False)])
def test_an_effective_sample_of_less_than_a_hundred_bets_is_refused(rows_of: int, bets: int, enough: bool) -> None:
    log = Log(np.zeros((rows_of, 1)), np.full(rows_of, 1), np.full(rows_of, 0.2), np.tile([0, 1.0, 0, 0], (rows_of, 1)))
    target = np.eye(4)[(np.arange(rows_of) < bets).astype(int)]
    found = off_policy(log, target, seeded())
    assert found.ess == pytest.approx(bets)
    assert bool(found.estimates) == enough
    if not enough:
        assert refused(found, f"{bets} bets, where 100 are needed")


def test_an_effective_sample_of_less_than_a_fifth_of_the_bets_is_refused() -> None:
    # Of 1,000 bets that the target makes large, as many were logged large as `taken`, with equal weights.
    for taken, enough in ((199, False), (200, True)):
        actions = np.where(np.arange(1000) < taken, LARGE, 1)
        log = Log(np.zeros((1000, 1)), actions, np.asarray(STAKES)[actions], np.full(1000, 0.5))
        found = off_policy(log, always(LARGE, 1000), seeded())
        assert found.ess == pytest.approx(taken)
        assert bool(found.estimates) == enough
        if not enough:
            assert refused(found, "199 bets, where 200 are needed")


def test_bets_whose_outcome_is_missing_are_left_out_up_to_a_twentieth() -> None:
    mu = np.tile([0.2, 0.8, 0, 0], (1000, 1))
    actions = np.where(np.arange(1000) < 800, 1, 0)
    rewards = np.where(np.arange(1000) < 400, 0.2, -0.2) * actions
    target = always(1, 1000)
    for missing, enough in ((40, True), (41, False)):  # of 800
        gone = (np.arange(1000) >= 400 - missing // 2) & (np.arange(1000) < 400 + missing - missing // 2)
        log = Log(np.zeros((1000, 1)), actions, np.where(gone, np.nan, rewards), mu)
        found = off_policy(log, target, seeded())
        assert found.missing == pytest.approx(missing / 800)
        if enough:
            assert by_name(found.estimates)["IPS"].value == pytest.approx(0, abs=1e-12)
            assert by_name(found.estimates)["SNIPS"].value == pytest.approx(0, abs=1e-12)
        else:
            assert refused(found, "5% of the policy's bets is unknown")
    # The bets that are left stand for all: were the others only dropped, IPS would be 0.19.
    won = Log(np.zeros((1000, 1)), actions, np.where(np.arange(1000) < 40, np.nan, 0.2 * actions), mu)
    estimates = by_name(off_policy(won, target, seeded()).estimates)
    assert [estimates[name].value for name in ("IPS", "SNIPS", "DM", "DR")] == pytest.approx([0.2] * 4)


def test_bets_that_the_behaviour_never_makes_are_missing() -> None:
    mu, target = np.tile([0.1, 0.9, 0, 0], (1000, 1)), always(1, 1000)
    mu[:60] = [1, 0, 0, 0]
    actions = np.where(np.arange(1000) < 60, 0, 1)
    found = off_policy(Log(np.zeros((1000, 1)), actions, 0.2 * actions, mu), target, seeded())
    assert found.missing == pytest.approx(0.06)
    assert refused(found, "6% of the policy's bets is unknown")


def test_bounds_are_what_is_seen_and_the_worst_and_best_of_the_rest() -> None:
    target = np.array([[0.5, 0, 0, 0.5], [0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]])
    odds = np.array([0.9, 1.0, 2.0, 0.5])
    seen = 1.0 - 0.2 + 0.6 * 0.5  # the target's stakes on what the log saw
    low, high = worst_case(small(net_odds=odds), target)
    assert (low, high) == pytest.approx(((seen - 0.5) / 4, (seen + 0.5 * 0.9) / 4))
    assert worst_case(small(), target)[1] == pytest.approx((seen + 0.5 * 1.0) / 4), "the best that was seen is 1"
    assert worst_case(small(net_odds=odds * np.nan), target) == worst_case(small(), target)
    unknown = small(net_odds=odds, rewards=np.array([0, np.nan, -0.6, 0.5]))
    assert worst_case(unknown, target) == pytest.approx(((seen - 0.5 - 2) / 4, (seen + 0.5 * 0.9) / 4))
    assert worst_case(small(), always(0, 4)) == (0, 0)
    idle = small(actions=np.zeros(4, dtype=np.int64), rewards=np.zeros(4))
    low, high = worst_case(idle, always(1, 4))
    assert low == pytest.approx(-0.2)
    assert high == np.inf


def test_bounds_of_rewards_that_are_not_scaled_know_the_logged_action_only() -> None:
    target = np.array([[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    low, high = worst_case(small(scaled=False, rewards=np.array([0.1, 0.2, -0.6, 0.5])), target)
    assert low == pytest.approx((0.1 + 0.1 - 0.3 - 0.6 + 0.5) / 4)
    assert high == pytest.approx((0.1 + 0.1 + 0.25 + 0.5 + 0.5) / 4)


def test_a_policy_that_never_bets_is_refused_and_worth_exactly_nothing() -> None:
    found = off_policy(LOG, always(0, len(LOG)), seeded())
    assert refused(found, "0 bets, where 100 are needed")
    assert found.bounds == (0, 0)


def test_arrays_that_contradict_what_is_said_of_them_are_errors() -> None:
    with pytest.raises(ValueError, match="where \\(4, 4\\)"):
        off_policy(small(), always(0, 3), seeded())
    with pytest.raises(ValueError, match="of one decision each"):
        off_policy(small(), np.full((4, 4), 0.3), seeded())
    with pytest.raises(ValueError, match="without a stake is not 0"):
        off_policy(small(rewards=np.array([0.1, 0.2, -0.6, 0.5])), always(0, 4), seeded())
    with pytest.raises(ValueError, match="without a bet"):
        off_policy(small(rewards=np.array([np.nan, 0.2, -0.6, 0.5]), scaled=False), always(0, 4), seeded())
    with pytest.raises(ValueError, match="no number"):
        off_policy(small(states=np.full((4, 1), np.nan)), always(0, 4), seeded())
    with pytest.raises(ValueError, match="are unknown"):
        unguarded(small(propensities=None), always(0, 4), seeded(), "actions")
