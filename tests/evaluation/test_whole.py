"""What may and may not change an evaluation as a whole: choices, thresholds, figures and estimates together."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from cqltui.results.evaluation import as_json, document
from tests.evaluation.wholes import dataset, members, shuffled, with_test
from trainer.data.decisions import unit_returns
from trainer.data.types import Dataset, Transitions
from trainer.evaluation.evaluation import Evaluation, choose, evaluate
from trainer.evaluation.leak_findings import Audit

TRAINED = members()
CLEAN = Audit(())
RESAMPLES = 100


def evaluated(data: Dataset, part: str = "test") -> Evaluation:
    choices = choose(TRAINED, "ensemble", data.validation)
    return evaluate(data, TRAINED, choices, CLEAN, part=part, seed=4, resamples=RESAMPLES)


@cache
def undisturbed(part: str = "test") -> Evaluation:
    return evaluated(dataset(), part)


def told(evaluation: Evaluation) -> dict[str, Any]:
    """Everything that evaluation.json has, but for where and when."""
    return document(evaluation, {})


def same(one: Any, other: Any, path: str = "") -> None:
    """Fail on the first figure that differs by more than rounding."""
    if isinstance(one, Mapping):
        assert one.keys() == other.keys(), path
        for name, value in one.items():
            same(value, other[name], f"{path}.{name}")
    elif isinstance(one, list):
        assert len(one) == len(other), path
        for place, (first, second) in enumerate(zip(one, other, strict=True)):
            same(first, second, f"{path}[{place}]")
    elif isinstance(one, float):
        assert other == pytest.approx(one, rel=1e-6, abs=1e-9), path
    else:
        assert one == other, path


def poisoned(part: Transitions) -> Transitions:
    """Rows of the same games with states, logged actions, rewards and outcomes that are noise."""
    rng = np.random.default_rng(1)
    assert part.decisions is not None
    margin = rng.normal(0, 1e3, len(part))
    return replace(
        part,
        states=rng.normal(0, 1e3, part.states.shape).astype(np.float32),
        actions=rng.integers(0, 4, len(part)),
        rewards=rng.normal(0, 1e3, len(part)).astype(np.float32),
        decisions=replace(
            part.decisions,
            margin=margin,
            spread=rng.normal(0, 1e3, len(part)),
            returns=unit_returns(np.sign(margin), part.decisions.net_odds),
            true_returns=-part.decisions.true_returns,
            market_prob=rng.random(len(part)),
            p_hat=rng.random(len(part)),
        ),
    )


def test_poisoned_test_rows_change_no_choice_threshold_or_validation_figure_byte_for_byte() -> None:
    clean = dataset()
    bad = with_test(clean, poisoned(clean.test))
    assert bad.digest() == clean.digest(), "which decides the tasks' ids"
    figures = json.dumps(told(undisturbed("validation")))
    assert json.dumps(told(evaluated(bad, "validation"))) == figures
    assert json.dumps(told(evaluated(clean.without_test(), "validation"))) == figures
    one, other = undisturbed(), evaluated(bad)
    assert json.dumps(as_json(other.choices)) == json.dumps(as_json(one.choices))
    assert one.cover is not None
    assert other.cover is not None
    assert as_json(other.cover.fits) == as_json(one.cover.fits), "of seasons before the test seasons alone"
    assert told(other)["policies"] != told(one)["policies"], "it is looked at all the same"


def test_outcomes_of_test_rows_change_no_bet() -> None:
    clean = dataset()
    assert clean.test.decisions is not None
    returns = clean.test.decisions.returns[:, ::-1].copy()
    margin = 2 * clean.test.decisions.spread - clean.test.decisions.margin
    flipped = replace(clean.test.decisions, margin=margin, returns=returns)
    other = evaluated(with_test(clean, replace(clean.test, rewards=-clean.test.rewards, decisions=flipped)))
    for name, bets in undisturbed().bets.items():
        assert bets.side.tobytes() == other.bets[name].side.tobytes(), name
        assert bets.stake.tobytes() == other.bets[name].stake.tobytes(), name


def test_the_order_of_the_rows_changes_nothing_but_the_last_bits() -> None:
    clean = dataset()
    train, validation, test = (shuffled(part, 3) for part in (clean.train, clean.validation, clean.test))
    one, other = told(undisturbed()), told(evaluated(Dataset(clean.state_cols, train, validation, test)))
    permuted = ("with_losses", "with_returns")  # whose p-values are of permutations that are drawn by the rows' order
    for document_ in (one, other):
        for name in permuted:
            assert document_["ensemble"]["uncertainty"].pop(name)["value"] is not None
    same(one, other)


def test_results_of_rows_on_which_the_log_did_not_bet_change_no_estimate_and_every_game_counts_for_the_rest() -> None:
    clean = dataset()
    assert clean.test.decisions is not None
    idle = clean.test.actions == 0
    assert 10 < idle.sum() < len(idle)
    returns = clean.test.decisions.returns.copy()
    returns[idle] = returns[idle][:, ::-1]
    flipped = replace(clean.test, decisions=replace(clean.test.decisions, returns=returns))
    one, other = told(undisturbed()), told(evaluated(with_test(clean, flipped)))
    assert json.dumps(one["off_policy"]) == json.dumps(other["off_policy"])
    always_home = next(place for place, its in enumerate(one["policies"]) if its["name"] == "always home")
    assert one["policies"][always_home]["whole"]["roi"] != other["policies"][always_home]["whole"]["roi"]
