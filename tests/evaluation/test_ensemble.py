"""What an ensemble says, worked by hand; its spread, its cut, and the batched forward beside the model's own."""

import json
from itertools import pairwise

import numpy as np
import pytest

from trainer.config import ACTIONS, STATE_COLUMNS
from trainer.data.standardise import Standardiser
from trainer.data.types import Double, Float
from trainer.evaluation import ensemble
from trainer.evaluation.ensemble import choose_cut, distribution, histogram, opinions, q_values
from trainer.layout import initial_row, make_layout
from trainer.model import Model

Q = np.array(
    [
        [[0.0, 0.1, 0.3, 0.2], [0.0, -0.1, -0.3, -0.5], [0.1, 0.0, 0.0, 0.7]],
        [[0.0, 0.1, 0.3, 0.2], [0.1, 0.0, -0.2, 0.4], [0.1, 0.2, 0.0, 0.1]],
        [[0.1, 0.2, 0.1, 0.8], [0.2, 0.0, -0.1, -0.5], [0.1, 0.0, 0.0, 0.4]],
    ]
)


def model(hidden_dims: tuple[int, ...], seed: int) -> Model:
    """A network as it starts, with every tensor moved, and a standardiser of its own."""
    layout = make_layout(hidden_dims, len(STATE_COLUMNS))
    rng = np.random.default_rng(seed)
    row = initial_row(layout, seed)
    row += rng.normal(size=row.shape).astype(np.float32) * np.float32(0.05)
    scale = Standardiser(
        rng.normal(size=len(STATE_COLUMNS)).astype(np.float32),
        rng.uniform(0.5, 2, len(STATE_COLUMNS)).astype(np.float32),
    )
    return Model(layout.views(row), scale, hidden_dims, STATE_COLUMNS, ACTIONS)


def states(count: int) -> Float:
    return np.random.default_rng(9).normal(size=(count, len(STATE_COLUMNS))).astype(np.float32)


def test_mean_and_spread_are_over_the_members_with_ddof_1() -> None:
    found = opinions(Q)
    assert found.mean[0] == pytest.approx([0.1 / 3, 0.4 / 3, 0.7 / 3, 0.4])
    assert found.std[0, 3] == pytest.approx(np.sqrt((0.04 + 0.04 + 0.16) / 2))
    assert found.std == pytest.approx(Q.std(axis=0, ddof=1))


def test_agreement_is_with_the_means_action_and_with_betting_at_all() -> None:
    found = opinions(Q)
    assert found.actions.tolist() == [3, 0, 3]
    assert found.bets.tolist() == [True, False, True]
    assert found.agreement == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert found.bet_agreement == pytest.approx([1, 2 / 3, 1])


def test_uncertainty_is_that_of_the_advantage_over_no_bet_per_unit_of_stake() -> None:
    found = opinions(Q, (0.0, 0.1, 0.3, 0.5))
    advantages = np.array([0.2, 0.2, 0.7]) / 0.5
    assert found.advantage[0] == pytest.approx(advantages.mean())
    assert found.uncertainty[0] == pytest.approx(advantages.std(ddof=1))
    assert np.isnan(found.advantage[1])
    assert np.isnan(found.uncertainty[1])
    assert found.uncertainty[2] == pytest.approx(np.std([1.2, 0.0, 0.6], ddof=1))


@pytest.mark.parametrize("members", [2, 3, 7])
def test_equal_members_have_a_spread_of_exactly_zero_and_agree(members: int) -> None:
    one = np.random.default_rng(3).normal(size=(50, 4))
    found = opinions(np.stack([one] * members))
    assert not found.std.any()
    assert found.uncertainty[found.bets].tolist() == [0.0] * int(found.bets.sum())
    assert found.mean.tobytes() == one.tobytes()
    assert (found.agreement == 1).all()
    assert (found.bet_agreement == 1).all()


@pytest.mark.parametrize("factor", [4.0, 0.3])
def test_multiplied_stakes_change_no_action_agreement_or_uncertainty(factor: float) -> None:
    q = np.random.default_rng(5).normal(size=(6, 80, 4))
    stakes = (0.0, 0.2, 0.6, 1.0)
    plain, scaled = opinions(q, stakes), opinions(q * factor, tuple(factor * stake for stake in stakes))
    assert np.array_equal(plain.actions, scaled.actions)
    assert np.array_equal(plain.agreement, scaled.agreement)
    assert np.array_equal(plain.bet_agreement, scaled.bet_agreement)
    assert np.allclose(plain.uncertainty, scaled.uncertainty, rtol=1e-12, atol=0, equal_nan=True)
    assert scaled.std == pytest.approx(factor * plain.std)


def test_a_value_common_to_all_actions_is_no_uncertainty_of_a_bet() -> None:
    q = np.zeros((4, 10, 4))
    q[:, :, 2] = 1.0
    q += np.random.default_rng(6).normal(size=(4, 10, 1))
    found = opinions(q)
    assert (found.actions == 2).all()
    assert found.uncertainty == pytest.approx(0, abs=1e-12)
    assert (found.std > 0.1).all()


def test_the_order_of_the_members_does_not_matter() -> None:
    forward, backward = opinions(Q), opinions(Q[::-1])
    assert np.allclose(forward.uncertainty, backward.uncertainty, equal_nan=True)
    assert np.allclose(forward.mean, backward.mean)


@pytest.mark.parametrize(
    ("q", "stakes"),
    [
        (Q[:1], (0.0, 0.2, 0.6, 1.0)),
        (Q[0], (0.0, 0.2, 0.6, 1.0)),
        (Q, (0.0, 0.2, 0.6)),
        (Q, (0.1, 0.2, 0.6, 1.0)),
        (Q, (0.0, 0.2, 0.0, 1.0)),
    ],
)
def test_one_member_or_stakes_that_do_not_fit_are_refused(q: Double, stakes: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="need"):
        opinions(q, stakes)


def test_the_cut_lets_at_least_the_share_of_the_bets_pass() -> None:
    uncertainty = np.array([0.5, np.nan, 0.1, 0.4, 0.2, 0.3, np.nan])
    cut = choose_cut(uncertainty, 0.4)
    assert (cut.threshold, cut.bets, cut.coverage) == (0.2, 5, 0.4)
    assert cut.confident(uncertainty).tolist() == [False, False, True, False, True, False, False]
    assert choose_cut(uncertainty, 0.41).threshold == 0.3
    assert choose_cut(uncertainty, 1.0).threshold == 0.5
    assert choose_cut(np.arange(285.0)).threshold == 56  # 57 of 285
    assert choose_cut(np.arange(100.0), 0.07).threshold == 6  # although 0.07 x 100 is a bit more than 7


def test_the_cut_reaches_another_coverage_elsewhere() -> None:
    cut = choose_cut(np.linspace(0, 1, 101), 0.2)
    assert cut.threshold == pytest.approx(0.2)
    assert cut.reached(np.array([0.1, 0.15, np.nan, 0.19, 0.9])) == 0.75
    assert np.isnan(cut.reached(np.array([np.nan])))


def test_bets_that_are_as_uncertain_as_the_last_pass_too() -> None:
    cut = choose_cut(np.zeros(10), 0.2)
    assert (cut.threshold, cut.coverage) == (0, 1)


def test_without_a_bet_on_validation_nothing_is_confident() -> None:
    cut = choose_cut(np.full(4, np.nan))
    assert not cut.confident(np.array([0.0, np.nan])).any()
    assert json.loads(json.dumps(cut.to_document(), allow_nan=False)) == {
        "threshold": None,
        "share": 0.2,
        "validation_bets": 0,
        "validation_coverage": None,
    }


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, np.nan])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        choose_cut(np.zeros(3), share)


def test_a_histogram_holds_every_value_once() -> None:
    found = histogram(np.array([0.0, 0.1, 0.5, 1.0, 1.0]), bins=2)
    assert found.edges.tolist() == [0, 0.5, 1]
    assert found.counts.tolist() == [2, 3]


def test_a_histogram_of_values_that_differ_in_their_last_bits_is_one_bin() -> None:
    found = histogram(np.array([0.3, np.nextafter(0.3, 1), 0.3]), bins=3)
    assert found.counts.tolist() == [0, 3, 0]
    assert found.edges == pytest.approx([-0.2, 0.8 / 6, 2.8 / 6, 0.8])


def test_distribution_shows_a_bet_of_nothing_and_values_per_stake() -> None:
    # Q = stake x (0.1, -0.3), but for large in the first decision, and a bet of nothing that is worth 0.2.
    q = np.array([[[0.2, 0.02, 0.06, 0.2], [-0.1, -0.06, -0.18, -0.3]]] * 2)
    found = distribution(opinions(q), bins=4)
    assert found.no_bet_mean == pytest.approx(0.05)
    assert found.no_bet_rms == pytest.approx(np.sqrt((0.04 + 0.01) / 2))
    assert found.per_stake == pytest.approx((-0.1, -0.1, -0.05))
    assert found.per_stake_range == pytest.approx((0.1 + 0.0) / 2)
    document = json.loads(json.dumps(found.to_document(), allow_nan=False))
    assert [sum(part["counts"]) for part in document["mean"] + document["std"]] == [2] * 8
    assert len(document["mean"][0]["edges"]) == 5


def test_a_distribution_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs decisions"):
        distribution(opinions(np.zeros((2, 0, 4))))


def test_the_batched_forward_is_each_models_own(monkeypatch: pytest.MonkeyPatch) -> None:
    dims = [(16, 8), (12,), (16, 8), (12,), (16, 8), (8, 16)]
    models = [model(sizes, seed) for seed, sizes in enumerate(dims)]
    given = states(37)
    expected = np.stack([one.q_values(given) for one in models])
    assert all(np.abs(one - other).max() > 0.01 for one, other in pairwise(expected))
    found = q_values(models, given)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, rel=2e-5, abs=2e-6)
    monkeypatch.setattr(ensemble, "CHUNK_FLOATS", 16 * 3 * 5)  # five rows at a time, and a rest of two
    assert q_values(models, given) == pytest.approx(expected, rel=2e-5, abs=2e-6)
    assert q_values(models, given[:0]).shape == (6, 0, 4)


def test_models_that_see_other_features_are_refused() -> None:
    one = model((8,), 1)
    renamed = Model(one.tensors, one.standardiser, (8,), (*STATE_COLUMNS[:-1], "other"), ACTIONS)
    with pytest.raises(ValueError, match="same features"):
        q_values([one, renamed], states(3))
    with pytest.raises(ValueError, match="no models"):
        q_values([], states(3))
