"""Propensities that are not the chances of the logged actions are found out, and true ones are not accused."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.logs import simulated_log
from trainer.data.behaviour import bet_size, propensities
from trainer.data.types import Double
from trainer.evaluation import leak_log
from trainer.evaluation.leak_findings import Grade, Log


@pytest.fixture(scope="module")
def clean() -> Log:
    return simulated_log(7)


def edges(log: Log) -> Double:
    return log.states[:, log.names.index("edge")].astype(np.float64)


def test_propensities_of_all_actions_and_of_the_logged_one_pass(clean: Log) -> None:
    for chances in (clean.propensities, propensities(edges(clean))):
        found = leak_log.propensities(replace(clean, propensities=chances))
        assert found.grade == Grade.CLEAN
        assert 0 < abs(found.value) < 4


@pytest.mark.parametrize("fault", ["constant", "one", "other rows", "too sure"])
def test_numbers_that_are_no_propensities_are_wrong(clean: Log, fault: str) -> None:
    assert clean.propensities is not None
    chances = {
        "constant": np.full(len(clean), 0.25),
        "one": np.ones(len(clean)),
        "other rows": np.random.default_rng(1).permutation(clean.propensities),
        "too sure": np.sqrt(clean.propensities),
    }[fault]
    found = leak_log.propensities(replace(clean, propensities=chances))
    assert found.grade == Grade.WRONG
    assert abs(found.value) > 4


def test_few_rows_of_a_rare_action_are_tested_by_the_error_that_they_should_have() -> None:
    # One row in 150 of an action of chance .05: 20 / 150 - 1, by an error of sqrt((20 - 1) / 150), and all bet.
    actions = np.where(np.arange(150) == 70, 1, 3)
    states = np.ones((150, 1))
    log = Log(states, ("x",), actions=actions, propensities=np.where(actions == 1, 0.05, 0.95))
    found = leak_log.propensities(log)
    assert found.grade == Grade.CLEAN
    assert abs(found.value) == pytest.approx((1 - 20 / 150) / math.sqrt(19 / 150))
    # With a feature that is 2 in that row and 0 or 1 elsewhere, its mean is tested as well, cut off at 3 deviations.
    feature = np.where(actions == 1, 2.0, np.arange(150) % 2)
    z = ((feature - feature.mean()) / feature.std()).clip(-3, 3)
    off = (np.where(actions == 1, 20, 0) - 1) * z
    error = math.sqrt(max(19 * z[70] ** 2, off.var()) / 150)
    both = leak_log.propensities(replace(log, states=feature[:, None]))
    assert abs(both.value) == pytest.approx(max(abs(found.value), abs(off.mean()) / error))


def test_exploration_that_an_action_happens_not_to_have_is_no_contradiction() -> None:
    # Of 20 rows 7 have an action by chance .85 and none by .05: 7 / .85 / 20 - 1 = -.588. The weights of all rows have
    # the excess (20^2 + 19 / .85^2) / (20 + 19 / .85) - 1 = 9.06, without which z would be -4.7.
    actions = np.repeat([1, 2, 3], [1, 7, 12])
    log = Log(np.ones((20, 1)), ("x",), actions=actions, propensities=np.where(actions == 1, 0.05, 0.85))
    found = leak_log.propensities(log)
    excess = (20**2 + 19 / 0.85**2) / (20 + 19 / 0.85) - 1
    assert found.value == pytest.approx((7 / 0.85 / 20 - 1) / math.sqrt(excess / 20))
    assert found.grade == Grade.CLEAN


def test_the_likelihood_and_the_numbers_of_actions_by_hand() -> None:
    # 100 rows of chances .8, .2, 0, 0: a row's log likelihood has mean .8 log .8 + .2 log .2 and variance
    # .16 log(4)^2. With 30 of the second action, 10 more than expected, that is 10 log 4 / (10 x .4 log 4) = 2.5, and
    # so is each number: 10 / sqrt(100 x .16).
    actions = np.where(np.arange(100) < 30, 1, 0)
    log = Log(np.ones((100, 1)), ("x",), actions=actions, propensities=np.tile([0.8, 0.2, 0, 0], (100, 1)))
    assert abs(leak_log.propensities(log).value) == pytest.approx(2.5)
    assert "deviates" in leak_log.propensities(log).sentence
    assert "are not the chances" not in leak_log.propensities(log).sentence
    many = replace(log, actions=np.where(np.arange(100) < 37, 1, 0))
    assert abs(leak_log.propensities(many).value) == pytest.approx(4.25)
    assert "are not the chances" in leak_log.propensities(many).sentence
    # In the first half the second action is certain, in the other none: nothing is left to chance.
    certain = np.where(np.arange(100)[:, None] < 30, [0.0, 1, 0, 0], [1.0, 0, 0, 0])
    assert leak_log.propensities(replace(log, propensities=certain)).value == 0
    # Two actions of chance .3 and .7 in half of the rows, .7 and .3 in the others; the rare one is always taken: the
    # numbers agree, and the likelihood is 20 log(7 / 3) too low for each half.
    halves = np.where(np.arange(100)[:, None] < 50, [0.3, 0.7, 0, 0], [0.7, 0.3, 0, 0])
    rare = replace(log, propensities=halves, actions=np.where(np.arange(100) < 50, 0, 1))
    z = leak_log.propensities(rare)
    assert z.value == pytest.approx(-100 * 0.7 / math.sqrt(100 * 0.21))
    assert "the likelihood" in z.sentence


def test_a_uniform_distribution_is_no_propensity_of_other_actions(clean: Log) -> None:
    uniform = np.full((len(clean), 4), 0.25)
    assert clean.actions is not None
    more_large = np.where(np.arange(len(clean)) % 5 == 0, 3, clean.actions)
    assert leak_log.propensities(replace(clean, propensities=uniform, actions=more_large)).grade == Grade.WRONG
    drawn = np.random.default_rng(2).integers(0, 4, len(clean))
    assert leak_log.propensities(replace(clean, propensities=uniform, actions=drawn)).grade == Grade.CLEAN
    # The right numbers of each action, by a policy that was not this one: only the likelihood tells.
    right = propensities(edges(clean))
    shuffled = np.random.default_rng(3).permutation(clean.actions)
    found = leak_log.propensities(replace(clean, propensities=right, actions=shuffled))
    assert found.grade == Grade.WRONG
    assert "the likelihood" in found.sentence


def test_impossible_chances_are_wrong_whatever_else(clean: Log) -> None:
    assert clean.propensities is not None
    for bad in (0.0, -0.1, 1.5, math.nan):
        chances = clean.propensities.copy()
        chances[5] = bad
        found = leak_log.propensities(replace(clean, propensities=chances))
        assert found.grade == Grade.WRONG
        assert found.sentence.startswith("1 logged actions")
    rows = 0.9 * propensities(edges(clean))
    assert "add up to 1" in leak_log.propensities(replace(clean, propensities=rows)).sentence


def test_the_chance_of_betting_at_all_passes_where_bets_were_sized_afterwards(clean: Log) -> None:
    edge = edges(clean)
    chance = np.where(edge > 0.03, 0.8, 0.3)
    bets = np.random.default_rng(4).random(len(clean)) < chance
    log = replace(clean, actions=np.where(bets, bet_size(edge), 0), propensities=np.where(bets, chance, 1 - chance))
    assert leak_log.propensities(log).grade == Grade.CLEAN
    swapped = replace(log, propensities=np.where(bets, 1 - chance, chance))
    assert leak_log.propensities(swapped).grade == Grade.WRONG


def test_actions_that_were_always_taken_by_hand() -> None:
    """A weight of 1 / .8 in each of 100 rows: .25 too much, with a variance of .25."""
    log = Log(np.zeros((100, 1)), ("x",), actions=np.ones(100, dtype=np.int64), propensities=np.full(100, 0.8))
    found = leak_log.propensities(log)
    assert found.value == pytest.approx(0.25 / math.sqrt(0.25 / 100))
    assert found.grade == Grade.WRONG
