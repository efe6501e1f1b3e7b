"""The bootstrap and the comparison of policies beside those of arch (Sheppard)."""

import numpy as np
import pytest

from trainer.data.types import Double
from trainer.evaluation.blocks import Blocks, resample, week_blocks
from trainer.evaluation.intervals import Bootstrap, means
from trainer.evaluation.selection import max_t

WEEKS = 60


def one_season() -> Blocks:
    return week_blocks(np.zeros(WEEKS, dtype=np.int64), np.arange(WEEKS))


def bootstrap(weekly: Double, resamples: int) -> Bootstrap:
    blocks = one_season()
    return means(weekly, np.full(weekly.shape, True), blocks, resample(blocks, np.random.default_rng(4), resamples))


def standard_error(_: Double, rows: Double) -> Double:
    return np.atleast_1d(rows.std(ddof=1) / np.sqrt(len(rows)))


def test_the_studentised_interval_of_a_skewed_mean_is_archs() -> None:
    from arch.bootstrap import IIDBootstrap

    weekly = np.random.default_rng(0).exponential(size=(WEEKS, 1))
    (ours,) = bootstrap(weekly, 8_000).estimates()
    theirs = IIDBootstrap(weekly[:, 0], seed=1).conf_int(
        lambda rows: np.atleast_1d(rows.mean()), reps=8_000, method="studentized", std_err_func=standard_error
    )
    assert (ours.lower, ours.upper) == pytest.approx(theirs[:, 0].tolist(), abs=0.03)
    assert ours.upper is not None
    assert ours.value is not None
    assert ours.lower is not None
    assert ours.upper - ours.value > 1.2 * (ours.value - ours.lower)  # skewed as the mean is, and not the other way


def test_the_percentile_interval_is_archs() -> None:
    from arch.bootstrap import IIDBootstrap

    weekly = np.random.default_rng(0).exponential(size=(WEEKS, 1))
    (ours,) = bootstrap(weekly, 8_000).percentile_estimates()
    theirs = IIDBootstrap(weekly[:, 0], seed=1).conf_int(
        lambda rows: np.atleast_1d(rows.mean()), reps=8_000, method="percentile"
    )
    assert (ours.lower, ours.upper) == pytest.approx(theirs[:, 0].tolist(), abs=0.03)


@pytest.mark.parametrize("planted", [(), (3,), (1, 4, 7)])
def test_step_down_finds_the_policies_that_archs_stepm_finds(planted: tuple[int, ...]) -> None:
    from arch.bootstrap import StepM

    rng = np.random.default_rng(11)
    weekly = rng.normal(size=(WEEKS, 10)) + 0.5 * rng.normal(size=(WEEKS, 1))
    weekly -= weekly.mean(axis=0)  # no policy seems good by chance
    weekly[:, list(planted)] += 0.8
    ours = [it.step_down_p is not None and it.step_down_p < 0.05 for it in max_t(bootstrap(weekly, 4_000))]
    stepm = StepM(np.zeros(WEEKS), -weekly, size=0.05, block_size=1, reps=2_000, studentize=True, seed=5)
    stepm.compute()
    assert np.flatnonzero(ours).tolist() == list(planted)
    assert np.sort(np.array(stepm.superior_models, dtype=np.int64)).tolist() == list(planted)
