"""Off-policy estimates: worked by hand, beside other ways to compute them, and beside the truth."""

import json

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.betlogs import LARGE, LOG, always, by_name, seeded, small
from tests.science.offpolicy import rows
from trainer.config import STAKES
from trainer.evaluation.importance import Log, weigh
from trainer.evaluation.offpolicy import (
    clustered_error,
    effective,
    off_policy,
    student_quantile,
    unguarded,
)
from trainer.evaluation.rewardmodel import draw_folds, fit


def test_weights_of_actions_give_what_is_worked_by_hand() -> None:
    target = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0.5, 0.5]])
    weights = [1 / 0.5, 0.5 / 0.4, 1 / 0.2, 0.5 / 0.5]  # 2, 1.25, 5, 1
    assert weigh(small(), target, "actions").weights == pytest.approx(weights)
    found = by_name(unguarded(small(), target, seeded(), "actions"))
    total = 1.25 * 0.2 - 5 * 0.6 + 0.5
    assert found["IPS"].value == pytest.approx(total / 4)
    assert found["SNIPS"].value == pytest.approx(total / 9.25)
    assert found["IPS"].ess == pytest.approx(9.25**2 / (4 + 1.5625 + 25 + 1))


def test_weights_of_betting_put_the_targets_stake_on_the_unit_return_that_was_seen() -> None:
    target = np.array([[0.25, 0, 0, 0.75], [0, 0, 0, 1], [0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0]])
    weighed = weigh(small(), target, "bets")
    assert weighed.weights == pytest.approx([0.25 / 0.5, 1 / 0.8, 0.5 / 0.5, 1 / 1])
    # Unit returns 1, -1 and 0.5, at stakes of 1, 0.2 (given that it bets) and 0.4.
    assert weighed.rewards == pytest.approx([0, 1, -0.2, 0.2])
    found = by_name(unguarded(small(), target, seeded(), "bets"))
    assert found["IPS"].value == pytest.approx((1.25 - 0.2 + 0.2) / 4)
    assert found["SNIPS"].value == pytest.approx((1.25 - 0.2 + 0.2) / (0.5 + 1.25 + 1 + 1))


def test_the_policy_that_logged_is_worth_its_mean_reward_with_the_whole_sample() -> None:
    assert LOG.propensities is not None
    found = by_name(unguarded(LOG, LOG.propensities, seeded(), "actions"))
    for name in ("IPS", "SNIPS"):
        assert found[name].value == pytest.approx(LOG.rewards.mean(), abs=1e-12)
        assert found[name].ess == pytest.approx(len(LOG))
        assert found[name].standard_error == pytest.approx(clustered_error(np.asarray(LOG.rewards), LOG.blocks))


def test_propensities_of_the_logged_action_suffice_for_weights_of_actions() -> None:
    assert LOG.propensities is not None
    taken = replace(LOG, propensities=LOG.propensities[np.arange(len(LOG)), LOG.actions])
    target = 0.5 * always(1, len(LOG)) + 0.5 * LOG.propensities
    assert unguarded(taken, target, seeded(), "actions") == unguarded(LOG, target, seeded(), "actions")
    assert off_policy(taken, target, seeded()).by == "actions"
    assert off_policy(LOG, target, seeded()).by == "bets"
    with pytest.raises(ValueError, match="every action"):
        off_policy(taken, target, seeded(), "bets")


@pytest.mark.parametrize("by", ["bets", "actions"])
def test_doubly_robust_corrects_the_direct_method_by_weighted_residuals(by: str) -> None:
    target = always(LARGE, len(LOG))
    found = by_name(unguarded(LOG, target, seeded(), by))  # type: ignore[arg-type]
    bets, stakes = LOG.bets, np.asarray(STAKES)[LOG.actions]
    unit = np.asarray(LOG.rewards) / np.where(bets, stakes, 1)
    models = fit(np.asarray(LOG.states, np.float64), unit, bets[:, None], draw_folds(LOG.blocks, seeded()))
    predicted = models.predictions[:, 0]
    mu = np.asarray(LOG.propensities)
    weights = bets / mu[:, 1:].sum(axis=1) if by == "bets" else (LOG.actions == LARGE) / mu[:, LARGE]
    residuals = weights * (unit - predicted)
    assert found["DM"].value == pytest.approx(predicted.mean())
    assert found["DR"].value == pytest.approx((predicted + residuals).mean())
    # The models' own error counts: without it, or with its sign reversed, the standard error is another.
    moved = {name: models.correction(part[:, None]) for name, part in (("DM", np.ones(len(LOG))), ("DR", 1 - weights))}
    terms = {"DM": predicted + moved["DM"], "DR": predicted + residuals + moved["DR"]}
    for name, own in terms.items():
        assert found[name].standard_error == pytest.approx(clustered_error(own, LOG.blocks))
        assert found[name].standard_error != pytest.approx(clustered_error(own - 2 * moved[name], LOG.blocks), rel=1e-3)
    below = weights <= 10
    assert below.all() == (by == "bets")
    assert found["switch-DR"].value == pytest.approx((predicted + below * residuals).mean())


def test_rewards_that_are_not_scaled_have_a_model_for_each_action() -> None:
    log = replace(
        LOG, scaled=False, rewards=np.array([0.5, 1.0, -2.0, 4.0])[LOG.actions], states=np.zeros((len(LOG), 1))
    )
    target = np.tile([0.1, 0.2, 0.3, 0.4], (len(LOG), 1))
    found = by_name(unguarded(log, target, seeded(), "actions"))
    assert found["DM"].value == pytest.approx(0.05 + 0.2 - 0.6 + 1.6)
    assert found["DR"].value == pytest.approx(found["DM"].value), "nothing is left to correct"
    assert found["DR"].standard_error == pytest.approx(0, abs=1e-9)
    assert off_policy(log, target, seeded()).by == "actions"


def test_the_grid_clips_and_shrinks_the_weights() -> None:
    target = 0.5 * always(LARGE, len(LOG)) + 0.5 * np.asarray(LOG.propensities)
    found = off_policy(LOG, target, seeded(), "actions")
    weights = weigh(LOG, target, "actions").weights
    assert weights.max() == pytest.approx(10.5) == found.largest_weight
    assert len(found.grid) == 3 * 3 * 4
    grid = {(row.name, row.clip, row.shrinkage): row for row in found.grid}
    rewards = np.asarray(LOG.rewards, np.float64)
    for clip in (5.0, 10.0, 20.0):
        for shrinkage in (0.0, 0.1, 0.2):
            clipped = np.minimum(weights, clip)
            shrunk = clipped if shrinkage == 0 else (1 / shrinkage) * clipped / (clipped**2 + 1 / shrinkage)
            assert grid["IPS", clip, shrinkage].value == pytest.approx((shrunk * rewards).mean())
            assert grid["SNIPS", clip, shrinkage].value == pytest.approx((shrunk * rewards).sum() / shrunk.sum())
            assert grid["DR", clip, shrinkage].ess == pytest.approx(effective(shrunk))
    plain = by_name(found.estimates)
    for name in ("IPS", "SNIPS", "DR"):
        assert grid[name, 20.0, 0.0].value == pytest.approx(plain[name].value)
    assert grid["switch-DR", 10.0, 0.0] == plain["switch-DR"]
    assert grid["switch-DR", 20.0, 0.0].value == pytest.approx(plain["DR"].value)
    assert grid["switch-DR", 5.0, 0.0].value != pytest.approx(plain["DR"].value)


def test_the_effective_sample_is_that_of_the_bets_before_clipping() -> None:
    target = always(LARGE, len(LOG))
    found = off_policy(LOG, target, seeded())
    chance = np.asarray(LOG.propensities)[:, 1:].sum(axis=1)[LOG.bets]
    assert found.ess == pytest.approx((1 / chance).sum() ** 2 / (1 / chance**2).sum())
    assert (found.bets, found.stake, found.rows) == (len(LOG), 1, len(LOG))
    assert found.refusals == ()
    assert effective(np.array([2.0, 2.0, 0.0])) == 2
    assert effective(np.zeros(3)) == 0


@pytest.mark.parametrize("by", ["bets", "actions"])
def test_multiplied_stakes_multiply_the_values_and_change_no_weight(by: str) -> None:
    target = 0.5 * always(LARGE, len(LOG)) + 0.5 * np.asarray(LOG.propensities)
    larger = replace(LOG, stakes=tuple(4 * stake for stake in STAKES), rewards=4 * np.asarray(LOG.rewards, np.float64))
    one, other = (off_policy(log, target, seeded(), by) for log in (LOG, larger))  # type: ignore[arg-type]
    assert one.estimates
    assert (one.ess, one.refusals, one.largest_weight) == (other.ess, other.refusals, other.largest_weight)
    for plain, scaled in zip(one.estimates + one.grid, other.estimates + other.grid, strict=True):
        assert scaled.value == pytest.approx(4 * plain.value)
        assert scaled.standard_error == pytest.approx(4 * plain.standard_error)
    assert other.bounds == pytest.approx((4 * one.bounds[0], 4 * one.bounds[1]))


def test_the_order_of_the_rows_does_not_matter() -> None:
    order = np.random.default_rng(8).permutation(len(LOG))
    names = ("states", "actions", "rewards", "propensities", "seasons", "weeks", "net_odds")
    shuffled = replace(LOG, **{name: getattr(LOG, name)[order] for name in names})
    target = np.random.default_rng(9).dirichlet([1, 1, 1, 3], len(LOG))
    one, other = off_policy(LOG, target, seeded()), off_policy(shuffled, target[order], seeded())
    assert one.estimates
    for plain, moved in zip(one.estimates + one.grid, other.estimates + other.grid, strict=True):
        assert moved.value == pytest.approx(plain.value, abs=1e-12)
        assert moved.standard_error == pytest.approx(plain.standard_error, abs=1e-12)


def test_rewards_of_rows_without_a_bet_may_be_unknown() -> None:
    target = always(LARGE, len(LOG))
    unknown = replace(LOG, rewards=np.where(LOG.bets, LOG.rewards, np.nan))
    assert off_policy(unknown, target, seeded()) == off_policy(LOG, target, seeded())


def test_standard_errors_are_of_weeks() -> None:
    terms, blocks = np.array([1.0, 3.0, 2.0, 6.0]), np.array([5, 5, 9, 9])
    # The mean is 3; the weeks' sums of deviations are -2 and 2: sqrt(2 / 1 x 8) / 4.
    assert clustered_error(terms, blocks) == pytest.approx(1)
    assert clustered_error(terms, np.arange(4)) == pytest.approx(terms.std(ddof=1) / 2)
    assert np.isnan(clustered_error(terms, np.zeros(4, np.int64)))
    target, names = always(LARGE, 2 * len(LOG)), ("states", "actions", "rewards", "propensities", "seasons", "weeks")
    twice = Log(**{name: np.concatenate([getattr(LOG, name)] * 2) for name in names})  # type: ignore[arg-type]
    for one, other in zip(
        unguarded(LOG, target[: len(LOG)], seeded(), "bets"), unguarded(twice, target, seeded(), "bets"), strict=True
    ):
        assert other.standard_error == pytest.approx(one.standard_error, rel=0.02), "rows of a week that are one"
    by_row = by_name(unguarded(replace(twice, weeks=None), target, seeded(), "bets"))
    assert by_row["IPS"].standard_error == pytest.approx(
        by_name(unguarded(replace(LOG, weeks=None), target[: len(LOG)], seeded(), "bets"))["IPS"].standard_error
        / np.sqrt(2),
        rel=0.01,
    )


def test_intervals_are_students_with_one_degree_less_than_weeks() -> None:
    from scipy import stats

    (estimate, *_) = unguarded(LOG, always(LARGE, len(LOG)), seeded(), "bets")
    reach = stats.t.ppf(0.975, 4 * 22 - 1) * estimate.standard_error
    assert (estimate.low, estimate.high) == pytest.approx((estimate.value - reach, estimate.value + reach), rel=1e-6)


@pytest.mark.parametrize("freedom", [5, 21, 43, 500])
def test_quantiles_are_students(freedom: int) -> None:
    from scipy import stats

    for chance in (0.025, 0.9, 0.975):
        assert student_quantile(chance, freedom) == pytest.approx(
            stats.t.ppf(chance, freedom), rel=max(1e-9, 0.1 / freedom**4)
        )


def test_documents_are_json_whatever_is_not_defined() -> None:
    full = off_policy(LOG, always(LARGE, len(LOG)), seeded()).to_document()
    assert json.loads(json.dumps(full, allow_nan=False)) == full
    assert [estimate["name"] for estimate in full["estimates"]] == ["IPS", "SNIPS", "DM", "DR", "switch-DR"]
    assert full["estimates"][2]["ess"] is None
    assert set(full["grid"][0]) == {
        "name", "value", "standard_error", "low", "high", "clip", "shrinkage", "ess",
    }  # fmt: skip
    idle = small(actions=np.zeros(4, dtype=np.int64), rewards=np.zeros(4), propensities=None)
    empty = off_policy(idle, always(1, 4), seeded()).to_document()
    assert json.loads(json.dumps(empty, allow_nan=False))["bounds"] == [pytest.approx(-0.2), None]
    assert empty["ess"] is None


def test_on_simulated_logs_the_estimates_find_the_truth() -> None:
    for name, measured, low, high in rows(40, 12):
        if "bias" in name:
            accepted = (-4.0, 4.0)  # of forty replications, where the full set takes 500
        elif "coverage" in name:
            accepted = (0.80, 1.0)
        else:
            accepted = (0.6 * low, 1.4 * high)
        assert accepted[0] <= measured <= accepted[1], (name, measured)
