"""A log that is not what it says is found out, check by check, with hand-made rows where they fit on a line."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.logs import (
    known,
    simulated_log,
    taken,
    with_feature,
    with_reversed_spread_in_rewards,
    with_rows_of_training_in_the_test,
)
from trainer.config import STATE_COLUMNS
from trainer.data.decisions import Decisions
from trainer.evaluation import leak_log
from trainer.evaluation.leak_conventions import constant, market_sign
from trainer.evaluation.leak_conventions import probabilities as in_unit
from trainer.evaluation.leak_findings import Grade, Log
from trainer.evaluation.leaks import audit


@pytest.fixture(scope="module")
def clean() -> Log:
    return simulated_log(7)


def offered(margins: list[float], spreads: list[float]) -> Decisions:
    count = len(margins)
    margin, spread = np.array(margins), np.array(spreads)
    return Decisions(
        game_ids=tuple(f"g{number}" for number in range(count)),
        seasons=np.full(count, 2020),
        weeks=np.arange(1, count + 1),
        days=np.zeros(count, dtype=np.int64),
        home=np.ones(count, dtype=np.bool_),
        spread=spread,
        margin=margin,
        market_prob=np.where(spread > 0, 0.6, 0.4),
        p_hat=np.full(count, 0.5),
        net_odds=np.full((count, 2), 10 / 11),
        returns=np.full((count, 2), math.nan),
        true_returns=np.full((count, 2), math.nan),
    )


def small(margins: list[float], spreads: list[float], rewards: list[float], actions: list[int] | None = None) -> Log:
    states = np.arange(2.0 * len(margins)).reshape(-1, 2)
    taken_actions = np.ones(len(margins), dtype=np.int64) if actions is None else np.array(actions)
    return Log(states, ("x", "y"), offered(margins, spreads), taken_actions, np.array(rewards))


def test_rewards_are_compared_with_the_scores_by_hand() -> None:
    # Favoured by 3, won by 7: covered. Favoured by 3, won by 1: not. Underdog by 3, lost by 1: covered. A push.
    right = small([7, 1, -1, 3], [3, 3, -3, 3], [0.9, -1, 0.9, 0])
    found = leak_log.rewards_against_scores(right)
    assert (found.value, found.grade) == (0, Grade.CLEAN)
    found = leak_log.rewards_against_scores(replace(right, rewards=np.array([0.9, 0.9, -1, 0.9])))
    assert (found.value, found.grade) == (0.75, Grade.WRONG)
    assert found.sentence == "3 of 4 rewards contradict the scores; with the spread's sign reversed 0 would"


def test_rewards_under_a_reversed_spread_are_wrong_and_the_mistake_is_named(clean: Log) -> None:
    found = leak_log.rewards_against_scores(with_reversed_spread_in_rewards(clean))
    assert found.grade == Grade.WRONG
    assert 0.1 < found.value < 0.5
    assert found.sentence.endswith("contradict the scores; with the spread's sign reversed 0 would")
    assert not audit(with_reversed_spread_in_rewards(clean)).trusted


def test_rewards_for_the_winner_or_the_other_side_are_named() -> None:
    margins, spreads = [7.0, 1, -1, 2, -2], [3.0, 3, -3, -4, 4]
    winner = small(margins, spreads, [0.9, 0.9, -1, 0.9, -1])
    assert "scored by who won the game 0 would" in leak_log.rewards_against_scores(winner).sentence
    other = small(margins, spreads, [-1, 0.9, -1, -1, 0.9])  # covered are 7 by 3, -1 by -3 and 2 by -4
    assert "scored for the other side 0 would" in leak_log.rewards_against_scores(other).sentence


def test_a_mistake_is_named_that_explains_more_than_half() -> None:
    # -1 by a spread of 3 with a gain is explained by a reversed sign, 5 by 3 with a loss by no mistake but the side.
    explained = small([-1.0] * 3 + [5.0] * 4, [3.0] * 7, [1.0, 1, 1, -1, -1, 1, 1])
    assert leak_log.rewards_against_scores(explained).sentence.endswith(
        "5 of 7 rewards contradict the scores; with the spread's sign reversed 2 would"
    )
    half = small([-1.0] * 3 + [5.0] * 6, [3.0] * 9, [1.0, 1, 1, -1, -1, -1, 1, 1, 1])
    assert leak_log.rewards_against_scores(half).sentence == "6 of 9 rewards contradict the scores"


def test_one_contradiction_in_a_hundred_is_suspect_and_two_are_wrong() -> None:
    rewards = [1.0] * 100
    rewards[0] = -1
    assert leak_log.rewards_against_scores(small([5.0] * 100, [3.0] * 100, rewards)).grade == Grade.SUSPECT
    rewards[1] = -1
    assert leak_log.rewards_against_scores(small([5.0] * 100, [3.0] * 100, rewards)).grade == Grade.WRONG


def test_one_wrong_reward_of_many_is_suspect_only(clean: Log) -> None:
    assert clean.rewards is not None
    assert clean.actions is not None
    rewards = clean.rewards.copy()
    first = np.flatnonzero((clean.actions > 0) & (rewards != 0))[0]
    rewards[first] = -rewards[first]
    found = leak_log.rewards_against_scores(replace(clean, rewards=rewards))
    assert found.grade == Grade.SUSPECT
    assert "1 of" in found.sentence


def test_the_vig_charged_twice_and_other_prices_are_seen_in_the_payouts(clean: Log) -> None:
    assert clean.rewards is not None
    assert leak_log.payouts(clean).grade == Grade.CLEAN
    twice = np.where(clean.rewards < 0, 1.1 * clean.rewards, clean.rewards)
    found = leak_log.payouts(replace(clean, rewards=twice))
    assert found.grade == Grade.SUSPECT
    assert found.value == pytest.approx(1 / 1.1 - 1, abs=0.001)
    assert clean.actions is not None
    decided = ((clean.rewards != 0) & (clean.actions > 0)).sum()
    assert f"over {decided:,} decided bets" in leak_log.payouts(clean).sentence
    # The action that deviates most counts: large bets cost 1.1, small ones a little more than they should.
    large = np.where((clean.actions == 1) & (clean.rewards < 0), 1.03 * clean.rewards, clean.rewards)
    large = np.where((clean.actions == 2) & (clean.rewards < 0), 1.1 * clean.rewards, large)
    assert leak_log.payouts(replace(clean, rewards=large)).value == pytest.approx(1 / 1.1 - 1, abs=0.001)
    even = np.sign(clean.rewards)
    assert leak_log.payouts(replace(clean, rewards=even)).value == pytest.approx(1.05 - 1, abs=0.02)


def test_a_reward_without_a_bet_is_wrong_even_if_it_is_tiny() -> None:
    log = small([7, 1, 9], [3, 3, 3], [0.9, 0, 0], [1, 0, 0])
    assert leak_log.no_bet_rewards(log).grade == Grade.CLEAN
    found = leak_log.no_bet_rewards(replace(log, rewards=np.array([0.9, 0, -1e-30])))
    assert (found.value, found.grade) == (1, Grade.WRONG)
    assert leak_log.no_bet_rewards(replace(log, actions=np.ones(3, dtype=np.int64))).grade == Grade.UNTESTED


def test_bets_of_no_reward_are_suspect_where_they_cannot_all_push(clean: Log) -> None:
    assert clean.rewards is not None
    assert leak_log.zero_rewards(clean).grade == Grade.CLEAN
    rewards = np.where(np.arange(len(clean)) % 4 == 0, 0, clean.rewards)
    found = leak_log.zero_rewards(replace(clean, rewards=rewards))
    assert found.grade == Grade.SUSPECT
    assert 0.25 < found.value < 0.3


def test_a_tenth_of_the_bets_may_push_and_four_errors_more() -> None:
    # Of 100 bets 10, and 4 x sqrt(100 x .1 x .9) = 12 more.
    for zero, grade in ((22, Grade.CLEAN), (23, Grade.SUSPECT)):
        log = small([5.0] * 100, [3.0] * 100, [0.0] * zero + [1.0] * (100 - zero))
        assert leak_log.zero_rewards(log).grade == grade
        assert leak_log.zero_rewards(log).value == zero / 100


def test_games_twice_are_suspect_and_across_the_split_a_leak(clean: Log) -> None:
    twice = taken(clean, np.sort(np.concatenate([np.arange(len(clean)), [0, 1, 2]])))
    found = leak_log.duplicate_ids(twice)
    assert (found.value, found.bound, found.grade) == (3, 0, Grade.SUSPECT)
    across = with_rows_of_training_in_the_test(clean, 0.01, 1)
    assert leak_log.duplicate_ids(across).grade == Grade.LEAK
    assert leak_log.duplicate_ids(replace(across, parts=None)).grade == Grade.SUSPECT
    nameless = replace(clean, decisions=replace(known(clean), game_ids=("",) * len(clean)))
    assert leak_log.duplicate_ids(nameless).grade == Grade.UNTESTED


def test_equal_states_are_counted_by_share_and_across_the_split(clean: Log) -> None:
    assert leak_log.duplicate_states(with_rows_of_training_in_the_test(clean, 0.05, 2)).grade == Grade.LEAK
    assert leak_log.duplicate_states(with_rows_of_training_in_the_test(clean, 0.004, 2)).grade == Grade.SUSPECT
    copied = np.arange(len(clean))
    copied[100:200] = copied[:100]
    found = leak_log.duplicate_states(taken(clean, copied))
    assert found.grade == Grade.WRONG
    assert found.value == pytest.approx(100 / len(clean))
    zero = Log(np.array([[0.0, 1], [-0.0, 1], [2, 3], [4, 5]]), ("x", "y"))
    assert leak_log.duplicate_states(zero).sentence.startswith("1 rows")
    assert leak_log.duplicate_states(Log(np.zeros((3, 0)), ())).grade == Grade.UNTESTED


def test_states_of_few_values_are_equal_by_nature(clean: Log) -> None:
    rounded = Log(clean.states[:, :2], STATE_COLUMNS[:2])
    assert leak_log.duplicate_states(rounded).grade == Grade.UNTESTED
    probability = Log(clean.states[:, 4:5], STATE_COLUMNS[4:5])
    assert leak_log.duplicate_states(probability).grade == Grade.CLEAN


def test_unsorted_rows_are_wrong_unless_the_parts_are_apart(clean: Log) -> None:
    order = np.arange(len(clean))
    order[[3, 1000]] = order[[1000, 3]]
    mixed = taken(clean, order)
    assert leak_log.order_in_time(mixed).grade == Grade.SUSPECT
    assert leak_log.order_in_time(mixed).value == 2
    assert leak_log.order_in_time(replace(mixed, parts=None)).grade == Grade.WRONG
    shuffled = taken(clean, np.random.default_rng(5).permutation(len(clean)))
    last_fifth = replace(shuffled, parts=np.where(np.arange(len(clean)) < 0.8 * len(clean), 0, 2))
    assert leak_log.order_in_time(last_fifth).grade == Grade.WRONG
    assert leak_log.parts_in_time(last_fifth).grade == Grade.LEAK
    assert leak_log.parts_in_time(shuffled).grade == Grade.CLEAN


def test_a_row_of_validation_that_is_later_than_the_test_is_a_leak_and_the_same_day_is_none() -> None:
    log = replace(small([1, 2, 3, 4], [0.5] * 4, [1.0] * 4), parts=np.array([0, 1, 1, 2]))
    assert leak_log.parts_in_time(log).grade == Grade.CLEAN
    decisions = known(log)
    same = replace(log, decisions=replace(decisions, weeks=np.array([1, 2, 4, 4])))
    assert leak_log.parts_in_time(same).grade == Grade.CLEAN
    late = replace(log, decisions=replace(decisions, weeks=np.array([1, 2, 5, 4])))
    found = leak_log.parts_in_time(late)
    assert (found.value, found.grade) == (1, Grade.LEAK)
    assert found.sentence == "1 validation rows are later than the first test row"
    timeless = replace(log, decisions=replace(decisions, weeks=np.ones(4, dtype=np.int64)))
    assert leak_log.parts_in_time(timeless).grade == leak_log.order_in_time(timeless).grade == Grade.UNTESTED


def test_weeks_count_within_their_season_where_days_are_not_known() -> None:
    log = small([1, 2, 3, 4], [0.5] * 4, [1.0] * 4)
    seasons, weeks = np.array([2019, 2019, 2020, 2020]), np.array([21, 22, 1, 2])
    assert leak_log.order_in_time(replace(log, decisions=replace(known(log), seasons=seasons, weeks=weeks))).value == 0
    backwards = replace(known(log), seasons=seasons[::-1], weeks=weeks)
    assert leak_log.order_in_time(replace(log, decisions=backwards)).value == 1


def test_days_decide_the_order_and_not_the_weeks_of_postponed_games() -> None:
    log = small([1, 2, 3], [0.5] * 3, [1.0] * 3)
    postponed = replace(known(log), weeks=np.array([12, 13, 12]), days=np.array([10, 17, 19]))
    assert leak_log.order_in_time(replace(log, decisions=postponed)).grade == Grade.CLEAN


def test_a_spread_whose_sign_contradicts_the_market_is_wrong(clean: Log) -> None:
    decisions = known(clean)
    reversed_spread = with_feature(clean, "spread_close", -clean.states[:, 0].astype(np.float64))
    found = audit(reversed_spread).of("market_sign")
    assert [one.grade for one in found] == [Grade.WRONG, Grade.CLEAN]
    assert "reversed" in found[0].sentence
    assert market_sign(-decisions.spread, decisions.market_prob, "s")[0].grade == Grade.WRONG
    some = np.where(np.arange(len(clean)) % 4 == 0, -1, 1) * decisions.spread
    assert market_sign(some, decisions.market_prob, "s")[0].grade == Grade.SUSPECT
    assert market_sign(np.array([0.5, -0.5]), np.array([0.1, 0.9]), "s")[0].grade == Grade.UNTESTED
    assert market_sign(np.array([3.0, -3.0]), np.array([60.0, -40.0]), "s")[0].grade == Grade.UNTESTED, "percentages"


def test_percentages_and_impossible_probabilities_are_wrong() -> None:
    found = in_unit(np.array([52.0, 48, 61]), "p_hat")
    assert found.grade == Grade.WRONG
    assert "percentages" in found.sentence
    found = in_unit(np.array([0.5, -0.1, 0.3, math.nan]), "p_hat")
    assert found.bound == 0
    assert (found.value, found.grade) == (1 / 3, Grade.WRONG)
    assert "percentages" not in found.sentence
    assert in_unit(np.array([0.0, 1.0]), "p_hat").grade == Grade.CLEAN


def test_probabilities_are_looked_at_by_the_names_of_the_features(clean: Log) -> None:
    percent = with_feature(clean, "p_hat", 100 * clean.states[:, 4].astype(np.float64))
    graded = {one.subject: one.grade for one in audit(percent).of("probabilities")}
    assert graded == {
        "market_prob": Grade.CLEAN, "decisions: market_prob": Grade.CLEAN,
        "p_hat": Grade.WRONG, "decisions: p_hat": Grade.CLEAN,
    }  # fmt: skip


def test_a_constant_feature_is_suspect(clean: Log) -> None:
    flat = audit(with_feature(clean, "epa_gap", np.full(len(clean), 0.25)))
    graded = {one.subject: one for one in flat.of("constant")}
    assert graded["epa_gap"].grade == Grade.SUSPECT
    assert graded["epa_gap"].sentence == "every row has the value 0.25"
    assert graded["p_hat"].grade == Grade.CLEAN
    assert flat.of("feature_auc")[2].value == 0.5
    missing = constant(np.array([1.0, 2, math.nan]), "x")
    assert missing.sentence == "2 values in 3 rows, 1 of which have none"
    assert constant(np.full(3, math.nan), "x").grade == Grade.SUSPECT
