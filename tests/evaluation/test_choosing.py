"""What validation decides where outcomes are known, where only a log's rewards are, and where these say too little."""

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.wholes import always, dataset, members, network, without_outcomes
from trainer.config import STAKES
from trainer.data.types import Transitions, Unrewarded
from trainer.evaluation.choosing import Choices, ChosenBy, Trained, choose, td_loss
from trainer.evaluation.estimates import bet_log, worth
from trainer.model import Model

KNOWN = dataset().validation
LOGGED = without_outcomes(dataset()).validation
WITHOUT_PROPENSITIES = replace(LOGGED, propensities=None, chances=None)


def chosen(rows: Transitions, *networks: Model) -> Choices:
    """What is chosen among single networks, tasks a, b, c ..."""
    return choose([Trained(name, "p", {"last": it}) for name, it in zip("abc", networks, strict=False)], "", rows)


def test_where_outcomes_are_known_they_decide() -> None:
    found = chosen(KNOWN, always(0), always(3))
    assert KNOWN.decisions is not None
    mean = KNOWN.decisions.returns[:, 0].mean()
    never, large = found.tasks
    assert (never.validation_profit, never.validation_td, never.by) == (0, None, ChosenBy.OUTCOMES)
    assert large.validation_profit == pytest.approx(mean)
    assert found.single == (large if mean > 0 else never)


def test_of_each_task_the_best_weights_are_chosen() -> None:
    task = Trained("a", "p", {"last": always(3), "best": always(0), "e7": network([0, 1, 0, 0], epoch=7)})
    found = choose([task], "", KNOWN)
    assert KNOWN.decisions is not None
    mean = KNOWN.decisions.returns[:, 0].mean()
    worth = {"last": mean, "best": 0.0, "e7": 0.2 * mean}
    best = max(worth, key=lambda which: worth[which])
    assert (found.single, found.tasks[0].which) == (found.tasks[0], best)
    assert choose([replace(task, models={"e7": task.models["e7"]})], "", KNOWN).tasks[0].epoch == 7


@pytest.mark.parametrize("sign", [1, -1])
def test_in_a_log_the_doubly_robust_estimate_decides_and_never_betting_is_worth_nothing(sign: int) -> None:
    paid = np.asarray(STAKES)[LOGGED.actions] * np.where(np.arange(len(LOGGED)) % 3 == 0, -1.0, 0.9) * sign
    found = chosen(replace(LOGGED, rewards=paid.astype(np.float32)), always(3), always(0))
    large, never = found.tasks
    assert large.validation_profit is not None
    assert large.validation_profit * sign > 0
    assert (never.validation_profit, never.by, large.by) == (0, ChosenBy.OFF_POLICY, ChosenBy.OFF_POLICY)
    assert found.single == (large if sign > 0 else never)
    log = bet_log(replace(LOGGED, rewards=paid.astype(np.float32)))
    assert large.validation_profit == worth(log, np.full(len(LOGGED), 3), 0)


def test_what_the_log_tells_too_little_of_comes_after_what_it_tells_of() -> None:
    # Bets where nothing but the edge's outermost values are: fewer than the hundred that an estimate needs.
    rare = network([0, -1, -1, -1], {"edge": [0, 0, 0, 0.5]})
    lost = replace(LOGGED, rewards=-np.asarray(STAKES, dtype=np.float32)[LOGGED.actions])
    found = chosen(lost, rare, always(3))
    assert (found.tasks[0].by, found.tasks[0].validation_profit) == (ChosenBy.TD_LOSS, None)
    assert (found.tasks[1].by, found.single) == (ChosenBy.OFF_POLICY, found.tasks[1])
    assert found.tasks[0].validation_td is not None
    assert found.tasks[1].validation_profit == pytest.approx(-1)
    assert -found.tasks[0].validation_td > -1, "its loss would win, were it compared with a profit"


def test_where_no_bet_can_be_estimated_the_td_loss_decides_over_never_betting_too() -> None:
    exact = network([-0.1, 0, 0, 0.01])
    found = chosen(WITHOUT_PROPENSITIES, always(0), exact)
    assert {it.by for it in found.tasks} == {ChosenBy.TD_LOSS}
    assert [it.validation_profit for it in found.tasks] == [None, None]
    never, other = (it.validation_td for it in found.tasks)
    assert never is not None
    assert other is not None
    assert found.single == found.tasks[0 if never < other else 1]
    assert other < never, "a network that promises 1 for not betting is further off"


def test_a_small_bet_is_a_bet_and_never_betting_is_no_estimate_whatever_the_values() -> None:
    small, never = network([0, 1, 0, 0]), network([5, 0, 0, 0], {"edge": [1, 0, 0, 0]})
    assert {it.by for it in chosen(LOGGED, small, never).tasks} == {ChosenBy.OFF_POLICY}
    assert {it.by for it in chosen(LOGGED, never).tasks} == {ChosenBy.TD_LOSS}


def test_the_td_loss_is_hubers_of_the_logged_action() -> None:
    rows = replace(
        LOGGED.take(np.arange(3)), actions=np.array([0, 3, 3]), rewards=np.array([0, -1, 0.9], dtype=np.float32)
    )
    q = np.zeros((3, 4))
    q[:, 0], q[:, 3] = [0.5, 9, 9], [9, 2, 0.9]
    assert td_loss(q, rows) == pytest.approx((0.125 + (3 - 0.5) + 0) / 3)


def test_an_ensemble_and_its_cut_need_no_outcomes() -> None:
    known, logged, told_nothing = (
        choose(members(), "ensemble", rows) for rows in (KNOWN, LOGGED, WITHOUT_PROPENSITIES)
    )
    assert (known.ensemble_by, told_nothing.ensemble_by) == (ChosenBy.OUTCOMES, ChosenBy.TD_LOSS)
    assert logged.ensemble_by is ChosenBy.OFF_POLICY
    for found in (known, logged, told_nothing):
        assert len({it.which for it in found.ensemble}) == 1
        assert found.cut is not None
        assert found.cut.coverage == pytest.approx(0.2, abs=0.01)


def test_two_members_are_an_ensemble_and_share_their_weights() -> None:
    one, other, _ = members()
    found = choose([one, replace(other, models={"last": other.models["last"]})], "ensemble", KNOWN)
    assert [it.which for it in found.ensemble] == ["last", "last"]
    assert choose([one, replace(other, phase="other")], "ensemble", KNOWN).ensemble == ()


def test_bets_without_a_reward_count_as_not_known() -> None:
    bets = np.flatnonzero(LOGGED.actions > 0)
    many, few = (Unrewarded(LOGGED.states[bets[:count]], LOGGED.actions[bets[:count]]) for count in (20, 1))
    assert len(many) > 0.05 * (LOGGED.actions > 0).sum()
    found = choose([Trained("a", "p", {"last": always(3)})], "", LOGGED, unrewarded=many)
    assert found.tasks[0].by is ChosenBy.TD_LOSS
    found = choose([Trained("a", "p", {"last": always(3)})], "", LOGGED, unrewarded=few)
    assert found.tasks[0].by is ChosenBy.OFF_POLICY


def test_nothing_to_choose_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="networks and validation rows"):
        chosen(LOGGED.take(np.arange(0)), always(0))
    with pytest.raises(ValueError, match="networks and validation rows"):
        chosen(LOGGED)
