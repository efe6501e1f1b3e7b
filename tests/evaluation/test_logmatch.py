"""How far actions agree with the log's, and what both won."""

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.wholes import dataset, without_outcomes
from trainer.evaluation.logmatch import log_match

ROWS = dataset().test


def test_the_logs_own_actions_match_everywhere_and_win_what_it_won() -> None:
    found = log_match("t", "last", ROWS.actions, ROWS)
    assert (found.task, found.which, found.rows, found.match_rate) == ("t", "last", len(ROWS), 1.0)
    assert found.policy_reward == pytest.approx(found.logged_reward, abs=1e-6)
    assert found.logged_reward == pytest.approx(float(ROWS.rewards.mean()), abs=1e-6)


def test_other_actions_win_by_the_outcomes_and_not_by_the_logs_rewards() -> None:
    assert ROWS.outcomes is not None
    actions = np.full(len(ROWS), 2)
    actions[0] = 0
    found = log_match("t", "last", actions, replace(ROWS, rewards=ROWS.rewards + 5))
    assert found.match_rate == pytest.approx((actions == ROWS.actions).mean())
    assert found.policy_reward == pytest.approx(0.6 * ROWS.outcomes.returns[1:, 0].sum() / len(ROWS))
    assert found.logged_reward == pytest.approx(float(ROWS.rewards.mean()) + 5, abs=1e-5)


def test_rewards_are_summed_in_double_precision() -> None:
    rewards = np.full(len(ROWS), 1 / 3, dtype=np.float32)
    assert log_match("t", "last", ROWS.actions, replace(ROWS, rewards=rewards)).logged_reward == float(rewards[0])


def test_without_outcomes_what_the_actions_win_is_not_known() -> None:
    found = log_match("t", "last", ROWS.actions, without_outcomes(dataset()).test)
    assert (found.match_rate, found.policy_reward) == (1.0, None)
