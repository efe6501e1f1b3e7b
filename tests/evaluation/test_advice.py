"""What networks advise on open decisions, worked by hand and beside the policies that are evaluated."""

import numpy as np
import pytest

from trainer.config import STAKES
from trainer.evaluation.advice import NO_BET_IS_BEST, NOT_A_NUMBER, advise
from trainer.evaluation.ensemble import Cut, choose_cut, opinions
from trainer.evaluation.policies import ensemble_confident, ensemble_cql, single_cql

NAN = float("nan")
Q = np.array(
    [
        [[0.0, 0.1, 0.2, 0.4], [0.1, 0.0, 0.0, 0.0], [0.0, 0.1, 0.0, 0.0]],
        [[0.0, 0.1, 0.2, 0.6], [0.1, 0.0, 0.0, 0.0], [0.0, 0.2, 0.0, 0.0]],
    ]
)
"""Two members: a large bet, none, and a small one, whose advantage is a fifth of a unit's."""


def test_an_ensemble_by_hand() -> None:
    found = advise(Q, 0.2)
    assert found.greedy.tolist() == [3, 0, 1]
    assert found.q_mean == pytest.approx([0.5, 0.1, 0.15])
    assert found.q_std == pytest.approx([0.1 * 2**0.5, 0, 0.05 * 2**0.5])
    assert found.advantage == pytest.approx([0.5, NAN, 0.75], nan_ok=True)
    assert found.uncertainty == pytest.approx([0.1 * 2**0.5, NAN, 0.25 * 2**0.5], nan_ok=True)
    assert found.confident is not None
    assert found.confident.tolist() == [True, False, False]
    assert found.actions.tolist() == [3, 0, 0]
    assert found.reasons == ("", NO_BET_IS_BEST, "less certain than the cut (0.354 > 0.2)")


def test_without_a_cut_every_greedy_bet_is_made() -> None:
    found = advise(Q, None)
    assert found.actions.tolist() == [3, 0, 1]
    assert found.confident is None
    assert found.reasons == ("", NO_BET_IS_BEST, "")


def test_the_cut_is_inclusive_and_nothing_passes_one_that_is_not_known() -> None:
    at_it = float(advise(Q, None).uncertainty[2])
    assert advise(Q, at_it).actions.tolist() == [3, 0, 1]
    assert advise(Q, float(np.nextafter(at_it, 0))).actions.tolist() == [3, 0, 0]
    none = advise(Q, NAN)
    assert none.actions.tolist() == [0, 0, 0]
    assert none.reasons[0] == "no bet counts as confident: validation had none"


def test_a_single_network_does_not_tell_how_certain_it_is() -> None:
    found = advise(Q[:1], None)
    assert found.actions.tolist() == [3, 0, 1]
    assert found.q_mean == pytest.approx([0.4, 0.1, 0.1])
    assert found.advantage == pytest.approx([0.4, NAN, 0.5], nan_ok=True)
    assert np.isnan([found.q_std, found.uncertainty]).all()
    with pytest.raises(ValueError, match="a single network has no uncertainty"):
        advise(Q[:1], 0.1)


@pytest.mark.parametrize("wrong", [NAN, np.inf])
@pytest.mark.parametrize("members", [1, 2])
def test_a_network_that_gives_no_number_bets_nothing(wrong: float, members: int) -> None:
    q = Q[:members].copy()
    q[0, 0, 3] = wrong
    found = advise(q, None)
    assert found.actions.tolist() == [0, 0, 1]
    assert found.reasons[0] == NOT_A_NUMBER


def test_it_bets_as_the_policies_that_were_evaluated() -> None:
    q = np.random.default_rng(5).normal(size=(6, 300, 4)).astype(np.float32)
    view = opinions(q)
    cut: Cut = choose_cut(view.uncertainty, 0.3)
    stakes = np.asarray(STAKES)
    found = advise(q, cut.threshold)
    assert stakes[found.actions].tolist() == ensemble_confident(view, cut).stake.tolist()
    assert stakes[found.greedy].tolist() == ensemble_cql(view).stake.tolist()
    assert stakes[advise(q[:1], None).actions].tolist() == single_cql(q[0]).stake.tolist()
    assert 0 < (found.actions > 0).sum() < (found.greedy > 0).sum()
