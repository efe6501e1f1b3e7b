"""Calibration: by hand, beside scikit-learn, and on probabilities that are known to be right or wrong."""

import math

import numpy as np
import pytest

from trainer.data.types import Bool, Double
from trainer.evaluation.calibration import calibration
from trainer.evaluation.intervals import wilson
from trainer.evaluation.logistic import sigmoid


def drawn(count: int, seed: int, slope: float = 1.0, intercept: float = 0.0) -> tuple[Double, Bool]:
    """Predictions, and outcomes whose logits are intercept + slope x those of the predictions."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=count)
    return sigmoid(logits), rng.random(count) < sigmoid(intercept + slope * logits)


def test_scores_and_bins_by_hand() -> None:
    found = calibration(np.array([0.2, 0.4, 0.6, 0.8]), np.array([False, True, False, True]), bins=2)
    assert found.brier == pytest.approx((0.04 + 0.36 + 0.36 + 0.04) / 4)
    assert found.log_loss == pytest.approx(-(2 * math.log(0.8) + 2 * math.log(0.4)) / 4)
    low, high = found.bins
    assert [low.predicted, high.predicted] == pytest.approx([0.3, 0.7])
    assert (low.count, low.observed, high.count, high.observed) == (2, 0.5, 2, 0.5)
    assert found.intercept == pytest.approx(0, abs=1e-9)


def test_scores_and_bins_are_scikit_learns() -> None:
    from sklearn.calibration import calibration_curve
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import brier_score_loss, log_loss

    predicted, won = drawn(500, 1)
    found = calibration(predicted, won)
    assert found.brier == pytest.approx(brier_score_loss(won, predicted))
    assert found.log_loss == pytest.approx(log_loss(won, predicted))
    observed, mean = calibration_curve(won, predicted, n_bins=10, strategy="quantile")
    assert [one.observed for one in found.bins] == pytest.approx(observed)
    assert [one.predicted for one in found.bins] == pytest.approx(mean)
    assert {one.count for one in found.bins} == {50}
    logits = np.log(predicted / (1 - predicted))[:, None]
    reference = LogisticRegression(C=1e9, tol=1e-10).fit(logits, won)
    assert found.slope == pytest.approx(reference.coef_[0, 0], abs=1e-4)
    assert found.intercept == pytest.approx(reference.intercept_[0], abs=1e-4)


@pytest.mark.parametrize(("hits", "count"), [(0, 7), (3, 10), (50, 50), (260, 500)])
def test_wilsons_interval_is_scipys(hits: int, count: int) -> None:
    from scipy.stats import binomtest

    interval = binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson(hits / count, count) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_right_probabilities_are_found_calibrated_as_often_as_they_should() -> None:
    found = [calibration(*drawn(300, seed)) for seed in range(300)]
    assert 0.06 < np.mean([one.p_value < 0.1 for one in found]) < 0.14
    assert np.mean([one.slope for one in found]) == pytest.approx(1, abs=0.05)
    assert np.std([one.slope for one in found]) == pytest.approx(np.mean([one.slope_se for one in found]), rel=0.15)
    assert np.std([one.intercept for one in found]) == pytest.approx(
        np.mean([one.intercept_se for one in found]), rel=0.15
    )


def test_too_extreme_and_shifted_probabilities_are_found_out() -> None:
    extreme = calibration(*drawn(2000, 2, slope=0.4))
    assert extreme.slope == pytest.approx(0.4, abs=3 * extreme.slope_se)
    assert extreme.p_value < 1e-6
    shifted = calibration(*drawn(2000, 3, intercept=0.5))
    assert shifted.intercept == pytest.approx(0.5, abs=3 * shifted.intercept_se)
    assert shifted.slope == pytest.approx(1, abs=3 * shifted.slope_se)
    assert shifted.p_value < 1e-6


def test_equal_predictions_share_a_bin_and_have_no_slope() -> None:
    won = np.arange(100) % 4 == 0
    found = calibration(np.full(100, 0.5), won)
    assert len(found.bins) == 1
    assert found.bins[0].observed == 0.25
    assert math.isnan(found.slope)
    assert found.intercept == pytest.approx(math.log(1 / 3), abs=1e-3)
    # A fourth won instead of half: log 3 by an information of 100 x 3/16, squared, is a chi-square of 22.63.
    assert found.p_value == pytest.approx(math.erfc(math.sqrt(22.63 / 2)), rel=0.01)
    halves = calibration(np.repeat([0.3, 0.6], 50), won)
    assert [one.count for one in halves.bins] == [50, 50]


def test_shuffling_the_rows_changes_nothing() -> None:
    predicted, won = drawn(400, 4)
    predicted = predicted.round(1)
    order = np.random.default_rng(5).permutation(400)
    found, other = calibration(predicted, won), calibration(predicted[order], won[order])
    assert [(one.count, one.observed) for one in other.bins] == [(one.count, one.observed) for one in found.bins]
    assert other.slope == pytest.approx(found.slope)
    assert other.log_loss == pytest.approx(found.log_loss)


def test_certain_predictions_that_fail_cost_much_and_nothing_infinite() -> None:
    found = calibration(np.array([0.0, 1.0, 1.0]), np.array([False, True, False]))
    assert 10 < found.log_loss < 13
    assert math.isfinite(found.slope)


def test_one_bin_holds_everything() -> None:
    predicted, won = drawn(60, 6)
    (only,) = calibration(predicted, won, bins=1).bins
    assert only.count == 60
    assert only.predicted == pytest.approx(predicted.mean())


def test_what_is_no_probability_is_refused() -> None:
    won = np.array([True, False])
    for bad in (1.2, -0.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            calibration(np.array([0.5, bad]), won)
    with pytest.raises(ValueError, match="0 predictions"):
        calibration(np.zeros(0), won[:0])
    with pytest.raises(ValueError, match="hold no row"):
        calibration(np.array([0.5, 0.5]), won, bins=0)
