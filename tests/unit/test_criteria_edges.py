"""The checks of success criteria where a slightly wrong one would judge otherwise."""

import math

import numpy as np
import pytest

from cqltui.judging.checks import roughness
from tests.unit.test_criteria import done, judge, member, seeds, task, two_architectures


def test_a_gap_as_large_as_the_spread_is_not_conclusive() -> None:
    even = [done(task("s", seed=n, epochs=2), [1.0, 1.0], [0.9, 0.5]) for n in range(2)]
    same = two_architectures(0.0)
    verdict = judge("conclusive", [*same, *even], seeds_from="s")
    assert verdict.passed is False
    assert "gap 0.0000; spread over seeds 0.0000" in verdict.detail


def test_conclusive_reads_the_spread_where_the_longest_compared_training_ends() -> None:
    short = done(task(dims=(64,), epochs=2), [1.0, 1.0], [0.9, 0.5])
    long = done(task(dims=(128,), epochs=3), [1.0] * 3, [0.9, 0.8, 0.6])
    # The seeds lie 0.01 apart at epoch 2, and 1.41 at epoch 3.
    assert judge("conclusive", [short, long, *seeds(0.01)], seeds_from="s").passed is False
    assert judge("conclusive", [*two_architectures(0.1), *seeds(0.01)], seeds_from="s").passed is True


def test_conclusive_names_the_alphas_that_it_leaves_out() -> None:
    other = [done(task(alpha=0.2, dims=d, epochs=2), [1.0, 1.0], [0.1, 0.1]) for d in ((64,), (128,))]
    verdict = judge("conclusive", [*other, *two_architectures(0.02), *seeds(0.01)], seeds_from="s")
    assert verdict.detail.endswith("; spread over seeds 0.0100; alpha 0.2 not judged: no seeds")


def test_still_falling_compares_what_ends_at_the_epoch_with_the_last() -> None:
    """Medians of the epochs 11 to 20 and 31 to 40: the drop comes right after epoch 20."""
    verdict = judge("still_falling", [done(task(), [9.0] * 10 + [10.0] * 10 + [4.0] * 20)], after_epoch=20)
    assert (verdict.passed, "fell by 60.0%" in verdict.detail) == (True, True)
    risen = judge("still_falling", [done(task(), [4.0] * 20 + [5.0] * 20)], after_epoch=20)
    assert (risen.passed, "fell by -25.0%" in risen.detail) == (False, True)


def test_still_falling_tells_the_least_and_the_largest_fall() -> None:
    """From 10 to 4 and from 10 to 1."""
    found = [done(task(seed=n), [10.0] * 20 + [end] * 20) for n, end in enumerate((4.0, 1.0))]
    detail = judge("still_falling", found, after_epoch=20).detail
    assert "the loss fell by 60.0% (" in detail
    assert ") to 90.0%, wanted at least 1.0%" in detail


def test_two_members_are_enough_for_a_spread() -> None:
    """Q of 1 and 3 everywhere: a sample standard deviation of sqrt(2)."""
    verdict = judge("ensemble_diversity", [member(n, np.full((5, 4), q)) for n, q in enumerate((1.0, 3.0))])
    assert verdict.detail == "std of Q 1.4142 over 2 members (mean of 5 validation rows), wanted > 0"


@pytest.mark.parametrize(
    ("epochs", "window", "half"), [(40, 0.2, 4), (40, 0.0, 1), (9, 1.0, 4), (6, 1.0, 2), (40, 0.11, 2)]
)
def test_roughness_worked_out_by_hand(epochs: int, window: float, half: int) -> None:
    losses = np.linspace(2.0, 1.0, epochs) + np.where(np.arange(epochs) % 3 == 0, 0.1, 0.0)
    width = 2 * half + 1
    trend = np.convolve(losses, np.full(width, 1 / width), "valid")
    inner = losses[half : epochs - half]
    expected = math.sqrt(float(((inner - trend) ** 2).mean())) / float(losses[0] - trend[-1])
    assert roughness(losses.tolist(), window) == pytest.approx(expected)


def test_metric_at_its_limit() -> None:
    outcomes = [done(task(), [0.5])]
    passed = {op: judge("metric", outcomes, metric="loss", op=op, value=0.5).passed for op in ("<", "<=", ">", ">=")}
    assert passed == {"<": False, "<=": True, ">": False, ">=": True}


@pytest.mark.parametrize(("rise", "passed"), [(0.25, True), (0.24, False)])
def test_the_rise_of_the_validation_loss_at_its_limit(rise: float, passed: bool) -> None:
    outcome = done(task(), [3.0, 2.0, 1.0], [1.0, 0.5, 0.625])
    assert judge("no_overfitting", [outcome], max_rise=rise).passed is passed


@pytest.mark.parametrize("check", ["no_leak", "uncertainty_correlates", "deployment_ready"])
def test_what_no_training_answers_says_so_from_the_start(check: str) -> None:
    verdict = judge(check, [done(task(), [1.0])], [task(seed=9)])
    assert verdict.detail == ("not yet evaluated: `cqltui evaluate` does, and the campaign once every task is done")


def test_seeds_that_diverged_tell_no_spread() -> None:
    broken = [done(task("s", seed=n, epochs=2), [1.0, 1.0], [0.9, value]) for n, value in enumerate((0.5, math.nan))]
    verdict = judge("conclusive", [*two_architectures(0.02), *broken], seeds_from="s")
    assert verdict.passed is None
    assert "the spread over seeds is not known" in verdict.detail


def test_an_alpha_that_diverged_has_no_mean() -> None:
    outcomes = [done(task(alpha=0.2), [math.nan]), done(task(alpha=0.3), [0.4])]
    assert judge("alpha_sensitivity", outcomes).detail == (
        "alpha 0.2: loss not finite, td_loss not finite; alpha 0.3: loss 0.4000, td_loss 0.2000"
    )
