"""Estimates by a log: of which policies, refused why, and called what."""

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.wholes import dataset, members, without_outcomes
from trainer.config import STAKES
from trainer.data.types import Transitions, Unrewarded
from trainer.evaluation.choosing import choose
from trainer.evaluation.estimates import (
    LARGE,
    NEVER,
    OWN,
    Estimates,
    EstimateVerdict,
    PolicyEstimate,
    bet_log,
    estimates,
    worth,
)
from trainer.evaluation.evaluation import CONFIDENT, ENSEMBLE, SINGLE, Evaluation, evaluate
from trainer.evaluation.leak_findings import Audit, Finding, Grade
from trainer.evaluation.offpolicy import clustered_error, off_policy

LOGGED = without_outcomes(dataset()).test
STAKE = np.asarray(STAKES)[LOGGED.actions]
BETS = LOGGED.actions > 0
CLEAN = Audit(())


def by_name(found: Estimates) -> dict[str, PolicyEstimate]:
    return {its.name: its for its in found.policies}


def paid(units: np.ndarray[tuple[int], np.dtype[np.float64]] | float) -> Transitions:
    """The log, as if a bet had returned so many units."""
    return replace(LOGGED, rewards=np.asarray(STAKE * units, dtype=np.float32))


def of(rows: Transitions, **options: object) -> dict[str, PolicyEstimate]:
    log = bet_log(rows)
    actions = {SINGLE: np.where(np.arange(len(log)) % 5, 3, 0)}
    return by_name(estimates(log, actions, seed=2, **options))  # type: ignore[arg-type]  # options of one test


def test_a_target_is_estimated_as_off_policy_does_per_unit_of_its_stake() -> None:
    found = of(LOGGED)
    assert list(found) == [SINGLE, LARGE, NEVER, OWN]
    single = found[SINGLE]
    assert single.found.by == "bets", "the simulator knows the chance of every action"
    dr = next(its for its in single.found.estimates if its.name == "DR")
    assert single.value == dr.value
    assert single.roi.value == pytest.approx(dr.value / 0.8)
    assert single.roi.lower == pytest.approx(dr.low / 0.8)
    assert single.roi.error == pytest.approx(dr.standard_error / 0.8)
    alone = off_policy(bet_log(LOGGED), np.eye(4)[np.full(len(LOGGED), 3)], np.random.default_rng((2, 4)))
    assert found[LARGE].found == alone
    assert len(alone.grid) == 36


def test_a_log_has_the_rows_weeks_and_prices() -> None:
    known = dataset().test
    log = bet_log(known, Unrewarded(known.states[:2], known.actions[:2]))
    assert known.decisions is not None
    assert known.seasons is not None
    assert known.weeks is not None
    assert log.seasons is not None
    assert log.weeks is not None
    assert log.net_odds is not None
    assert log.seasons[:-2].tolist() == known.seasons.tolist()
    assert log.weeks[:-2].tolist() == known.weeks.tolist()
    assert log.net_odds[:-2].tolist() == known.decisions.net_odds[:, 0].tolist()
    assert len(np.unique(log.blocks)) == len(np.unique(bet_log(known).blocks)) + 2
    assert bet_log(replace(LOGGED, weeks=None)).seasons is None, "rows are blocks where weeks are not known"


def test_the_logs_own_policy_needs_no_propensities_and_is_its_mean_reward() -> None:
    for rows in (LOGGED, replace(LOGGED, propensities=None, chances=None)):
        own = of(rows)[OWN]
        assert own.value == pytest.approx(float(rows.rewards.mean(dtype=np.float64)))
        assert own.roi.value == pytest.approx(float(rows.rewards.sum(dtype=np.float64)) / STAKE.sum())
        assert own.found.ess == pytest.approx((STAKE > 0).sum())
        plain = clustered_error(rows.rewards.astype(np.float64), bet_log(rows).blocks)
        assert {its.name: its for its in own.found.estimates}["IPS"].standard_error == pytest.approx(plain)
    assert of(replace(LOGGED, propensities=None, chances=None))[LARGE].verdict is None


def test_never_betting_is_worth_exactly_nothing_and_gets_no_verdict() -> None:
    never = of(LOGGED)[NEVER]
    assert (never.value, never.verdict, never.roi.value, never.sentence) == (0.0, None, None, "It never bets.")
    assert worth(bet_log(LOGGED), np.zeros(len(LOGGED), dtype=np.int64), 0) == 0.0


def test_verdicts_are_by_the_bounds() -> None:
    rng = np.random.default_rng(3)
    won = np.where(rng.random(len(LOGGED)) < 0.8, 0.9, -1.0)
    lost = np.where(rng.random(len(LOGGED)) < 0.8, -1.0, 0.9)
    even = np.where(rng.random(len(LOGGED)) < 0.52, 0.9, -1.0)
    for units, verdict in (
        (won, EstimateVerdict.EDGE),
        (lost, EstimateVerdict.LOSES),
        (even, EstimateVerdict.UNDECIDED),
    ):
        large = of(paid(units))[LARGE]
        assert large.verdict is verdict
        assert large.roi.lower_bound is not None
        assert large.roi.upper_bound is not None
        assert (large.roi.lower_bound > 0) == (verdict is EstimateVerdict.EDGE)
        assert (large.roi.upper_bound < 0) == (verdict is EstimateVerdict.LOSES)


def test_a_lower_bound_counts_all_that_are_estimated() -> None:
    few, many = (
        by_name(estimates(bet_log(LOGGED), {f"n{name}": np.full(len(LOGGED), 3) for name in range(count)}, seed=2))
        for count in (1, 8)
    )
    one, other = few["n0"].roi, many["n0"].roi
    assert one.value == other.value
    assert one.upper_bound == other.upper_bound
    assert one.lower_bound is not None
    assert other.lower_bound is not None
    assert one.lower is not None
    assert other.lower_bound < one.lower_bound
    alone = estimates(replace(bet_log(LOGGED), propensities=None), {}, seed=2)
    its = by_name(alone)[OWN].roi
    assert its.lower_bound is not None
    assert its.lower is not None
    assert its.lower_bound > its.lower, "alone it is one-sided, at 5 % where the interval has 2.5 %"


def test_a_refused_policy_has_its_reason_its_bounds_and_no_verdict() -> None:
    refused = of(replace(LOGGED, propensities=None, chances=None))[SINGLE]
    assert refused.found.refusals == ("the propensities of the logged actions are unknown",)
    assert (refused.value, refused.roi.value, refused.verdict) == (None, None, None)
    assert refused.roi.reason == refused.found.refusals[0]
    low, high = refused.found.bounds
    assert f"{100 * low / 0.8:+.1f} % to {100 * high / 0.8:+.1f} % of its stakes is possible" in refused.sentence
    assert worth(bet_log(replace(LOGGED, propensities=None, chances=None)), np.full(len(LOGGED), 3), 0) is None


def test_bets_without_a_reward_refuse_whoever_bets_there() -> None:
    unpaid = Unrewarded(LOGGED.states[BETS][:20], LOGGED.actions[BETS][:20])
    log = bet_log(LOGGED, unpaid)
    everywhere, elsewhere = (np.full(len(log), 3) for _ in range(2))
    elsewhere[len(LOGGED) :] = 0
    found = by_name(told := estimates(log, {"everywhere": everywhere, "elsewhere": elsewhere}, seed=2))
    assert (told.rows, told.unrewarded) == (len(LOGGED) + 20, 20)
    share = 20 / (20 + BETS.sum())
    assert found["everywhere"].found.missing == pytest.approx(share)
    assert found["everywhere"].verdict is None
    assert found["elsewhere"].verdict is not None
    assert found[OWN].verdict is None, "the log has bet there"
    one_probability = replace(LOGGED, chances=None)
    single = by_name(estimates(bet_log(one_probability, unpaid), {}, seed=2))[LARGE]
    assert not any("no probabilities" in why for why in single.found.refusals)


def test_the_bounds_hold_whatever_the_bets_without_a_reward_returned() -> None:
    gone = BETS & (LOGGED.rewards < 0) & (np.arange(len(LOGGED)) % 3 == 0)
    unpaid = Unrewarded(LOGGED.states[gone], LOGGED.actions[gone])
    own = by_name(estimates(bet_log(LOGGED.take(np.flatnonzero(~gone)), unpaid), {}, seed=2))[OWN].found
    low, high = own.bounds
    assert low == pytest.approx(LOGGED.rewards.mean(dtype=np.float64)), "all of them were lost"
    assert high > low + STAKE[gone].sum() / len(LOGGED)
    assert own.stake == pytest.approx(STAKE.mean())


def test_a_leak_takes_every_verdict_of_a_network_and_wrong_propensities_every_weight() -> None:
    leaked = of(LOGGED, leaks=["p_hat knows"])
    assert leaked[SINGLE].verdict is EstimateVerdict.LEAK
    assert leaked[LARGE].verdict is not EstimateVerdict.LEAK
    wrong = of(LOGGED, contradicted="they contradict")
    assert wrong[SINGLE].found.refusals == wrong[LARGE].found.refusals == ("they contradict",)
    assert wrong[LARGE].found.grid == ()
    assert wrong[OWN].verdict is not None


def test_rewards_that_are_no_multiple_of_the_stake_are_weighed_by_the_action() -> None:
    assert bet_log(LOGGED).scaled
    assert bet_log(replace(LOGGED, rewards=100 * LOGGED.rewards)).scaled, "whatever the unit"
    flat = replace(LOGGED, rewards=np.where(STAKE > 0, np.where(LOGGED.rewards > 0, 0.9, -1), 0).astype(np.float32))
    assert not bet_log(flat).scaled, "a lost unit would cost five times as much at the smallest stake"
    costly = np.where((LOGGED.actions == 1) & (LOGGED.rewards < 0), 1.05, 1.0)
    assert not bet_log(paid(np.where(STAKE > 0, LOGGED.rewards / np.where(STAKE > 0, STAKE, 1), 0) * costly)).scaled
    idle = replace(LOGGED, rewards=np.where(STAKE == 0, 0.1, LOGGED.rewards).astype(np.float32))
    assert not bet_log(idle).scaled
    assert of(flat)[LARGE].found.by == "actions"
    assert bet_log(replace(LOGGED, rewards=np.abs(LOGGED.rewards))).scaled, "no bet was lost"


def evaluated(rows: Transitions, audit: Audit = CLEAN) -> Evaluation:
    data = without_outcomes(dataset())
    trained = members()
    choices = choose(trained, "ensemble", data.validation)
    return evaluate(replace(data, test=rows), trained, choices, audit, seed=2, resamples=50)


def test_an_evaluation_of_a_log_without_outcomes_has_estimates_of_the_chosen_networks_alone() -> None:
    found = evaluated(LOGGED)
    assert (found.policies, found.bets, found.cover, found.decisions) == ((), {}, None, None)
    assert found.estimates is not None
    assert [its.name for its in found.estimates.policies] == [SINGLE, ENSEMBLE, CONFIDENT, LARGE, NEVER, OWN]
    ensemble, confident = (its.found for its in found.estimates.policies[1:3])
    assert found.coverage is not None
    assert confident.bets == pytest.approx(found.coverage * ensemble.bets)
    assert found.ensemble is not None
    assert ensemble.bets == found.ensemble.bets.sum()
    assert confident.refusals, "a fifth of the bets is no sample"


def test_an_audit_that_contradicts_the_propensities_refuses_and_one_unknown_outcome_is_enough() -> None:
    wrong = Finding("propensities", "actions", 9.0, 4.0, Grade.WRONG, "action 1 deviates")
    known = dataset().test
    assert known.decisions is not None
    returns = known.decisions.returns.copy()
    returns[7] = np.nan
    found = evaluated(replace(known, decisions=replace(known.decisions, returns=returns)), Audit((wrong,)))
    assert found.decisions is None
    assert found.estimates is not None
    assert by_name(found.estimates)[LARGE].found.refusals == ("action 1 deviates",)


def test_beside_outcomes_there_are_estimates_if_the_log_has_propensities() -> None:
    known = dataset().test
    found = evaluated(known)
    assert found.policies
    assert found.estimates is not None
    assert evaluated(replace(known, propensities=None, chances=None)).estimates is None
