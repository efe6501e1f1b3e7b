"""Conclusive: the epoch that is compared, and what is ranked together."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.judging.judge import evaluate_all, figures, watching
from cqltui.judging.outcomes import Left, TaskOutcome
from cqltui.state.model import Status
from tests.unit.test_criteria import done, judge, task, two_architectures
from trainer.progress import EpochMetrics

DEEP = Path(__file__).parents[2] / "campaigns" / "deep.toml"


def deep_at_a_twentieth() -> Campaign:
    """Exploration ends at epoch 25 and is validated at 10, 20 and 25; the ensemble at every tenth of its 50."""
    return load_campaign(DEEP, ["epochs_scale=0.05"]).identified("data")


def trained(each: TaskSpec, value: Callable[[int], float]) -> Left:
    """What the task leaves: validated as a worker does it, at `value` of the epoch."""
    epochs, every = each.trainer.epochs, each.trainer.validate_every
    at = [epoch for epoch in range(1, epochs + 1) if epoch % every == 0 or epoch == epochs]
    rows = (EpochMetrics(e, 1.0, 0.5, 0.5, 0.1, 1.0, 1.0, value(e) if e in at else None) for e in range(1, epochs + 1))
    metrics = tuple(rows)
    return Left(lambda: metrics)


def test_the_spread_is_read_at_the_nearest_validated_epoch() -> None:
    """At epochs_scale 0.05, worked out by hand. The ensemble's 20 seeds lie at 0.5 + 0.01 k (k = 0 to 19) at epoch 20
    and five times as far apart elsewhere: their sample standard deviation is 0.01 * sqrt(35) = 0.0592 at epoch 20.

    In the exploration the architectures of alpha 0.3 end 0.1 apart: conclusive at 0.0592, not at five times as much.
    """
    campaign = deep_at_a_twentieth()
    exploration, ensemble = campaign.phase("exploration"), campaign.phase("ensemble")
    assert {each.trainer.epochs for each in exploration.tasks} == {25}
    assert {each.trainer.epochs for each in ensemble.tasks} == {50}
    looked, outcomes = watching(campaign), []
    architectures = sorted({each.trainer.hidden_dims for each in exploration.tasks})
    for each in campaign.tasks:
        if each.phase == "ensemble":
            k = each.trainer.seed - 42
            left = trained(each, lambda epoch, k=k: 0.5 + 0.01 * k * (1 if epoch == 20 else 5))  # type: ignore[misc]
        else:
            place = 0 if each.phase == "quality" else architectures.index(each.trainer.hidden_dims)
            left = trained(each, lambda epoch, place=place: 1.0 + 0.1 * place)  # type: ignore[misc]
        outcomes.append(TaskOutcome(each, Status.DONE, figures(looked[each.phase], each, left)))
    (verdict,) = (v for v in evaluate_all(campaign, outcomes)["exploration"] if v.check == "conclusive")
    first, second = (f"[{','.join(map(str, dims))}]" for dims in architectures[:2])
    assert verdict.passed is True
    assert verdict.detail.startswith(f"alpha 0.3: {first} val_loss 1.0000, then {second} 1.1000, gap 0.1000; spread ")
    assert "; spread over seeds 0.0592 (at epoch 20, compared with values of epoch 25)" in verdict.detail


def curve(points: dict[int, float], epochs: int, **settings: Any) -> Any:
    """A seed in phase "s", validated at these epochs."""
    values: list[Any] = [points.get(epoch) for epoch in range(1, epochs + 1)]
    return done(task("s", epochs=epochs, **settings), [1.0] * epochs, values)


@pytest.mark.parametrize(
    ("validated", "expected"),
    [
        ((2,), "spread over seeds 0.0200"),
        ((1, 3), "spread over seeds 0.0100 (at epoch 1, compared with values of epoch 2)"),
        ((3,), "spread over seeds 0.0300 (at epoch 3, compared with values of epoch 2)"),
        ((5, 9), "spread over seeds 0.0500 (at epoch 5, compared with values of epoch 2)"),
    ],
)
def test_which_epoch_is_nearest(validated: tuple[int, ...], expected: str) -> None:
    """Two architectures end at epoch 2. At epoch n the two seeds lie so far apart that their spread is n / 100."""
    seeds = [
        curve({epoch: 0.5 + side * epoch / 100 / math.sqrt(2) for epoch in validated}, 9, seed=side) for side in (-1, 1)
    ]
    verdict = judge("conclusive", [*two_architectures(0.02), *seeds], seeds_from="s")
    assert verdict.detail.endswith(f"gap 0.0200; {expected}")


def test_the_later_epoch_is_the_nearer() -> None:
    """Compared at epoch 9: of 5 and 10 the latter, at which the seeds' spread is 0.1."""
    long = [done(task(dims=(d,), epochs=9), [1.0] * 9, [0.9] * 8 + [loss]) for d, loss in ((64, 0.5), (128, 0.75))]
    seeds = [curve({e: 0.5 + side * e / 100 / math.sqrt(2) for e in (5, 10)}, 20, seed=side) for side in (-1, 1)]
    verdict = judge("conclusive", [*long, *seeds], seeds_from="s")
    assert verdict.passed is True
    assert "spread over seeds 0.1000 (at epoch 10, compared with values of epoch 9)" in verdict.detail


def test_an_epoch_that_one_seed_has_alone_is_passed_over() -> None:
    """Its metrics were cut off: the other two share the epochs 1 and 4."""
    cut = curve({1: 0.5, 2: 0.5}, 2, seed=3)
    others = [curve({1: 0.5 + side / 50, 4: 0.9 + side}, 4, seed=side) for side in (-1, 1)]
    cut = replace(cut, task=replace(cut.task, trainer=replace(others[0].task.trainer, seed=3)))
    verdict = judge("conclusive", [*two_architectures(0.03), *others, cut], seeds_from="s")
    assert verdict.passed is True
    assert "spread over seeds 0.0200 (at epoch 1, compared with values of epoch 2)" in verdict.detail


def test_every_alpha_must_be_conclusive() -> None:
    seeds = [
        curve({2: 0.5 + side / 100 / math.sqrt(2)}, 2, seed=side, alpha=alpha)
        for side in (-1, 1)
        for alpha in (0.2, 0.3)
    ]
    both = [*two_architectures(0.02), *two_architectures(0.02, 0.2), *seeds]
    assert judge("conclusive", both, seeds_from="s").passed is True
    one = [*two_architectures(0.02), *two_architectures(0.005, 0.2), *seeds]
    assert judge("conclusive", one, seeds_from="s").passed is False


def test_an_architecture_that_was_never_validated_is_not_ranked() -> None:
    never = done(task(dims=(32,), epochs=2), [1.0, 1.0])
    seeds = [curve({2: 0.5 + side / 100 / math.sqrt(2)}, 2, seed=side) for side in (-1, 1)]
    verdict = judge("conclusive", [never, *two_architectures(0.02), *seeds], seeds_from="s")
    assert (verdict.passed, "[32]" in verdict.detail) == (True, False)


@pytest.mark.parametrize("turned", [False, True])
def test_of_several_repeated_configurations_the_largest_spread_counts(turned: bool) -> None:
    """Of one alpha two architectures were repeated, with a spread of 0.01 and of 0.03."""
    near, far = (
        [curve({2: 0.5 + side * spread / math.sqrt(2)}, 2, seed=side, dims=(dim,)) for side in (-1, 1)]
        for dim, spread in ((8, 0.01), (16, 0.03))
    )
    verdict = judge("conclusive", [*two_architectures(0.02), *(far + near if turned else near + far)], seeds_from="s")
    assert (verdict.passed, "spread over seeds 0.0300" in verdict.detail) == (False, True)


def test_seeds_that_did_not_train_as_far_tell_no_spread() -> None:
    seeds = [curve({1: 0.5 + side / 100}, 1, seed=side) for side in (1, 2)]
    verdict = judge("conclusive", [*two_architectures(0.02), *seeds], seeds_from="s")
    assert (verdict.passed, "have a val_loss at epoch 2" in verdict.detail) == (None, True)


def two_alphas() -> list[Any]:
    """One architecture a alpha, 0.03 apart, and seeds of one of them whose spread is 0.01."""
    tasks = [done(task(alpha=a, epochs=2), [1.0, 1.0], [0.9, loss]) for a, loss in ((0.2, 0.47), (0.3, 0.5))]
    return tasks + [curve({2: 0.5 + side / 100 / math.sqrt(2)}, 2, seed=side) for side in (-1, 1)]


def test_ranked_within_nothing() -> None:
    within_alpha = judge("conclusive", two_alphas(), seeds_from="s")
    assert (within_alpha.passed, within_alpha.detail) == (
        None,
        "there are no two configurations of one alpha to compare",
    )
    verdict = judge("conclusive", two_alphas(), seeds_from="s", within=())
    assert verdict.passed is True
    assert verdict.detail == "alpha 0.2 val_loss 0.4700, then alpha 0.3 0.5000, gap 0.0300; spread over seeds 0.0100"
    alone = judge("conclusive", two_alphas()[1:], seeds_from="s", within=())
    assert (alone.passed, alone.detail) == (None, "there are no two configurations to compare")


def test_ranked_within_other_settings() -> None:
    """Of each learning rate and alpha two architectures; seeds of one pair."""
    found = [
        replace(each, task=replace(each.task, trainer=replace(each.task.trainer, lr=lr)))
        for lr, alpha in ((1e-3, 0.2), (1e-3, 0.3), (1e-4, 0.3))
        for each in two_architectures(0.02, alpha)
    ]
    seeds = [curve({2: 0.5 + side / 100 / math.sqrt(2)}, 2, seed=side) for side in (-1, 1)]  # alpha 0.3, lr 1e-4
    verdict = judge("conclusive", [*found, *seeds], seeds_from="s", within=("lr", "alpha"))
    assert verdict.detail == (
        "lr 0.0001, alpha 0.3: [64] val_loss 0.5000, then [128] 0.5200, gap 0.0200; spread over seeds 0.0100; "
        "lr 0.001, alpha 0.2; lr 0.001, alpha 0.3 not judged: no seeds"
    )
    by_architecture = judge("conclusive", [*found, *seeds], seeds_from="s", within=("hidden_dims",))
    assert by_architecture.passed is False
    assert by_architecture.detail.startswith(
        "[64]: lr 0.001, alpha 0.2 val_loss 0.5000, then lr 0.001, alpha 0.3 0.5000"
    )
