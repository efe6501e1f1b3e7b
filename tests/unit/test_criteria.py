"""The checks of success criteria, each on curves made so that the answer is known."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from msgspec import Struct

from cqltui.algorithms.base import REQUIRED
from cqltui.campaign.criteria import CHECKS
from cqltui.campaign.model import Criterion, ParamValue, Phase, TaskSpec
from cqltui.judging.checks import roughness
from cqltui.judging.judge import evaluate, figures
from cqltui.judging.outcomes import Left, TaskOutcome
from cqltui.state.described import Verdict
from cqltui.state.model import Status
from trainer.config import TrainerConfig
from trainer.progress import EpochMetrics


def task(
    phase: str = "p", alpha: float = 0.3, dims: tuple[int, ...] = (64,), seed: int = 42, epochs: int = 4
) -> TaskSpec:
    trainer = TrainerConfig(epochs=epochs, lr=1e-4, alpha=alpha, hidden_dims=dims, seed=seed)
    return TaskSpec(phase, f"{alpha:g} {dims} {seed}", "", 1, trainer, digest=f"{phase}{alpha}{dims}{seed}")


def epoch(number: int, loss: float, val_loss: float | None = None) -> EpochMetrics:
    return EpochMetrics(number, loss, loss / 2, loss, 0.1, 1.0, 1000.0 * number, val_loss=val_loss)


class Task(Struct, frozen=True, eq=False):
    """How a task of a test stands, and what it has left if it is done."""

    task: TaskSpec
    status: Status
    metrics: tuple[EpochMetrics, ...] = ()
    q_heldout: np.ndarray | None = None
    error: str = ""

    def outcome(self, criterion: Criterion) -> TaskOutcome:
        """The same for a criterion."""
        left = Left(lambda: self.metrics, lambda: self.q_heldout)
        found = figures([criterion], self.task, left) if self.status is Status.DONE else None
        return TaskOutcome(self.task, self.status, found, self.error)


def done(spec: TaskSpec, losses: Sequence[float], val: Sequence[float] | None = None) -> Task:
    validation: Iterable[float | None] = val if val is not None else [None] * len(losses)
    pairs = enumerate(zip(losses, validation, strict=True), start=1)
    return Task(spec, Status.DONE, tuple(epoch(number, loss, v) for number, (loss, v) in pairs))


def judge(check: str, found: Sequence[Task], waiting: Sequence[TaskSpec] = (), /, **params: ParamValue) -> Verdict:
    """Evaluate a check of phase "p", whose tasks are those found in it and the ones waiting."""
    tasks = (*(each.task for each in found if each.task.phase == "p"), *waiting)
    phase = Phase("p", "P", 1, "", (), "", tasks, ())
    known = CHECKS[check].params.items()
    defaults = {name: p.default for name, p in known if p.default is not REQUIRED and not p.unsaid}
    criterion = Criterion("text", check, tuple((defaults | params).items()))
    outcomes: dict[str, list[TaskOutcome]] = {}
    for each in found:
        outcomes.setdefault(each.task.phase, []).append(each.outcome(criterion))
    return evaluate(criterion, phase, outcomes)


def test_all_done() -> None:
    outcomes = [done(task(seed=1), [1.0]), done(task(seed=2), [1.0])]
    assert judge("all_done", outcomes).passed is True
    waiting = judge("all_done", outcomes, [task(seed=3)])
    assert (waiting.passed, waiting.detail) == (None, "2 of 3 tasks done")
    dead = Task(task(seed=3), Status.DEAD, error="ValueError: x\ntraceback")
    failed = judge("all_done", [*outcomes, dead], [task(seed=4)])
    assert failed.passed is False
    assert failed.detail == "2 of 4 tasks done; 1 failed, first 0.3 (64,) 3 (dead: ValueError: x)"


@pytest.mark.parametrize("check", sorted(CHECKS.keys() - {"all_done"}))
def test_nothing_is_judged_before_the_phase_has_ended(check: str) -> None:
    required: dict[str, dict[str, ParamValue]] = {
        "metric": {"metric": "loss", "op": "<", "value": 9.0},
        "still_falling": {"after_epoch": 1},
        "conclusive": {"seeds_from": "p"},
    }
    params = required.get(check, {})
    unfinished = judge(check, [done(task(seed=1), [3.0, 2.0, 1.0])], [task(seed=2)], **params)
    assert unfinished.passed is None
    assert unfinished.detail.startswith("not yet evaluated")
    nothing = judge(check, [Task(task(), Status.DEAD)], **params)
    assert nothing.passed is None


@pytest.mark.parametrize(
    ("metric", "reduce", "value"),
    [
        ("loss", "best", 0.1),
        ("loss", "worst", 0.3),
        ("loss", "mean", 0.2),
        ("loss", "median", 0.2),
        ("loss", "max", 0.3),
        ("samples_per_s", "best", 2000.0),
        ("samples_per_s", "min", 2000.0),
    ],
)
def test_metric_reduces_the_last_epochs(metric: str, reduce: str, value: float) -> None:
    outcomes = [done(task(seed=n), [9.0, loss]) for n, loss in enumerate((0.3, 0.1, 0.2))]
    below = judge("metric", outcomes, metric=metric, reduce=reduce, op="<", value=value * 1.01)
    above = judge("metric", outcomes, metric=metric, reduce=reduce, op="<", value=value * 0.99)
    assert (below.passed, above.passed) == (True, False)
    assert f"{reduce} {metric} {value:.4f}" in below.detail


def test_metric_names_the_task_of_the_best_value() -> None:
    outcomes = [done(task(alpha=0.2), [0.05]), done(task(alpha=0.3), [0.06])]
    verdict = judge("metric", outcomes, metric="loss", op="<", value=0.08)
    assert verdict.passed is True
    assert "alpha 0.2, lr 0.0001, [64], seed 42" in verdict.detail


def test_a_training_that_diverged_is_never_the_best() -> None:
    outcomes = [done(task(seed=1), [math.nan]), done(task(seed=2), [0.5])]
    assert judge("metric", outcomes, metric="loss", op="<", value=1.0).passed is True
    assert judge("metric", outcomes, metric="loss", reduce="worst", op="<", value=1.0).passed is False
    assert judge("metric", outcomes, metric="loss", reduce="mean", op="<", value=1.0).passed is False


def test_a_metric_that_was_not_measured() -> None:
    verdict = judge("metric", [done(task(), [1.0])], metric="val_loss", op="<", value=1.0)
    assert (verdict.passed, verdict.detail) == (None, "val_loss was not measured")


def test_still_falling() -> None:
    falling = done(task(seed=1), [100.0 / n for n in range(1, 401)])
    flat = done(task(seed=2), [max(1.0, 100.0 / n) for n in range(1, 401)])
    assert judge("still_falling", [falling], after_epoch=200).passed is True
    verdict = judge("still_falling", [falling, flat], after_epoch=200)
    assert verdict.passed is False
    assert "seed 2" in verdict.detail
    assert judge("still_falling", [flat], after_epoch=50).passed is True
    assert judge("still_falling", [falling], after_epoch=400).passed is None
    assert judge("still_falling", [done(task(), [3.0, 2.0, math.nan])], after_epoch=1).passed is False


def test_one_lucky_epoch_is_no_fall() -> None:
    losses = [1.0] * 400
    losses[-1] = 0.1
    assert judge("still_falling", [done(task(), losses)], after_epoch=200).passed is False


def exponential(noise: float, epochs: int = 1000) -> list[float]:
    draws = np.random.default_rng(0).normal(0, noise, epochs)
    return [float(loss) for loss in 0.05 + 0.45 * np.exp(-np.arange(epochs) / 200) + draws]


def test_roughness_measures_the_noise_relative_to_the_drop() -> None:
    drop = 0.45
    assert roughness(exponential(0.0), 0.05) == pytest.approx(0.0, abs=1e-3)
    for noise in (0.005, 0.02, 0.05):
        assert roughness(exponential(noise), 0.05) == pytest.approx(noise / drop, rel=0.15)


def test_roughness_has_no_scale_and_no_offset() -> None:
    losses = exponential(0.01)
    scaled = [3 * loss + 7 for loss in losses]
    assert roughness(scaled, 0.05) == pytest.approx(roughness(losses, 0.05))


def test_a_straight_line_is_smooth_and_a_rising_curve_is_not() -> None:
    assert roughness([100.0 - n for n in range(100)], 0.1) == pytest.approx(0.0, abs=1e-9)
    assert roughness([float(n) for n in range(100)], 0.1) == math.inf
    assert roughness([1.0, 0.5, math.nan, 0.4, 0.3, 0.2], 0.1) == math.inf
    assert roughness([1.0, 0.5, 0.4, 0.3], 0.1) is None


def test_smooth() -> None:
    assert judge("smooth", [done(task(seed=1), exponential(0.01))]).passed is True
    verdict = judge("smooth", [done(task(seed=1), exponential(0.01)), done(task(seed=2), exponential(0.05))])
    assert verdict.passed is False
    assert "seed 2" in verdict.detail
    assert judge("smooth", [done(task(), [2.0, 1.0])]).passed is None


def seeds(spread: float) -> list[Task]:
    """Two seeds whose sample standard deviation is `spread` at epoch 2 and far more later."""
    offsets = (-spread / math.sqrt(2), spread / math.sqrt(2))
    return [
        done(task("s", seed=n, epochs=3), [1.0] * 3, [0.9, 0.5 + offset, 100.0 * offset])
        for n, offset in enumerate(offsets)
    ]


def two_architectures(gap: float, alpha: float = 0.3) -> list[Task]:
    wide = done(task(alpha=alpha, dims=(128,), epochs=2), [1.0, 1.0], [0.9, 0.5 + gap])
    return [wide, done(task(alpha=alpha, dims=(64,), epochs=2), [1.0, 1.0], [0.9, 0.5])]


def test_conclusive_compares_the_gap_with_the_spread_over_seeds_at_the_same_epoch() -> None:
    verdict = judge("conclusive", [*two_architectures(0.02), *seeds(0.01)], seeds_from="s")
    assert verdict.passed is True
    assert "alpha 0.3: [64] val_loss 0.5000, then [128] 0.5200, gap 0.0200; spread over seeds 0.0100" in verdict.detail
    assert judge("conclusive", [*two_architectures(0.02), *seeds(0.03)], seeds_from="s").passed is False


def test_conclusive_never_compares_different_alphas() -> None:
    """The lower alpha has the lower loss and settles nothing; what counts is the alpha that the seeds share."""
    other = [done(task(alpha=0.2, dims=d, epochs=2), [1.0, 1.0], [0.1, 0.1]) for d in ((64,), (128,))]
    verdict = judge("conclusive", [*other, *two_architectures(0.02), *seeds(0.01)], seeds_from="s")
    assert verdict.passed is True
    assert "0.2:" not in verdict.detail


def test_conclusive_waits_for_the_seeds() -> None:
    verdict = judge("conclusive", [*two_architectures(0.02), Task(task("s"), Status.RUNNING)], seeds_from="s")
    assert verdict.passed is None
    assert "0 of 1 seeds have ended" in verdict.detail
    unfinished = [*seeds(0.0001), Task(task("s", seed=9), Status.RUNNING)]
    assert judge("conclusive", [*two_architectures(0.02), *unfinished], seeds_from="s").passed is None


def test_conclusive_compares_at_one_epoch_only() -> None:
    short = [done(task("s", seed=n, epochs=1), [1.0], [0.5 + n / 100]) for n in range(3)]
    verdict = judge("conclusive", [*two_architectures(0.02), *short], seeds_from="s")
    assert verdict.passed is None
    assert "have a val_loss at epoch 2" in verdict.detail


def test_a_verdict_says_when_tasks_are_missing_from_it() -> None:
    dead = Task(task(seed=3), Status.DEAD)
    verdict = judge("metric", [done(task(seed=1), [0.05]), dead], metric="loss", reduce="best", op="<", value=0.08)
    assert verdict.detail.endswith("; judged from 1 of 2 tasks")


def test_conclusive_where_the_runner_up_diverged() -> None:
    assert judge("conclusive", [*two_architectures(math.nan), *seeds(0.01)], seeds_from="s").passed is False


def test_alpha_sensitivity() -> None:
    outcomes = [done(task(alpha=a, dims=(d,)), [loss]) for a, d, loss in [(0.2, 1, 0.1), (0.2, 2, 0.3), (0.3, 1, 0.4)]]
    verdict = judge("alpha_sensitivity", outcomes)
    assert verdict.passed is True
    assert verdict.detail == (
        "alpha 0.2: loss 0.2000 ± 0.1414, td_loss 0.1000 ± 0.0707; alpha 0.3: loss 0.4000, td_loss 0.2000"
    )
    dead = Task(task(alpha=0.4), Status.DEAD)
    assert judge("alpha_sensitivity", [*outcomes, dead]).passed is False
    assert judge("alpha_sensitivity", outcomes[:2]).passed is None


def test_no_overfitting() -> None:
    good = done(task(seed=1), [3.0, 2.0, 1.0], [1.0, 0.50, 0.54])
    bad = done(task(seed=2), [3.0, 2.0, 1.0], [1.0, 0.50, 0.56])
    assert judge("no_overfitting", [good]).passed is True
    verdict = judge("no_overfitting", [good, bad])
    assert verdict.passed is False
    assert verdict.detail.startswith("1 of 2 tasks end within 10%")
    assert "12.0% since epoch 2" in verdict.detail
    assert judge("no_overfitting", [done(task(), [1.0])]).passed is None
    assert judge("no_overfitting", [done(task(), [1.0] * 3, [0.6, 0.5, math.nan])]).passed is False
    assert judge("no_overfitting", [done(task(), [1.0, 1.0], [0.6, 0.5])]).passed is None  # too few to tell


def member(seed: int, q: np.ndarray) -> Task:
    return Task(task(seed=seed), Status.DONE, (epoch(1, 1.0),), q_heldout=q)


def test_ensemble_diversity_is_the_mean_standard_deviation_over_members() -> None:
    draws = np.random.default_rng(0).normal(0, 0.04, (20, 50, 4)).astype(np.float32)  # members, rows, actions
    verdict = judge("ensemble_diversity", [member(seed, q) for seed, q in enumerate(draws)])
    assert verdict.passed is True
    assert f"std of Q {draws.std(axis=0, ddof=1).mean():.4f} over 20 members" in verdict.detail
    same = [member(seed, draws[0]) for seed in range(3)]
    assert judge("ensemble_diversity", same).passed is False
    assert judge("ensemble_diversity", same[:1]).passed is None
    assert judge("ensemble_diversity", [member(1, draws[0]), member(2, draws[1][:5])]).passed is None
    broken = np.full((50, 4), np.nan, np.float32)
    assert judge("ensemble_diversity", [*same, member(9, broken)]).passed is False


@pytest.mark.parametrize("check", ["uncertainty_correlates", "deployment_ready"])
def test_what_no_training_can_answer_stays_open(check: str) -> None:
    verdict = judge(check, [done(task(), [1.0])])
    assert verdict.passed is None
    assert verdict.detail.startswith("not yet evaluated")
