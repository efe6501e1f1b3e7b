"""The cross-fitted reward model, beside least squares and what happens when a response is moved."""

import numpy as np
import pytest

from tests.evaluation.betlogs import seeded
from trainer.evaluation.rewardmodel import RIDGE, draw_folds, fit


def test_each_row_is_predicted_by_a_ridge_regression_on_the_other_folds() -> None:
    rng = np.random.default_rng(2)
    states = np.concatenate([rng.normal(3, 2, (60, 2)), np.full((60, 1), 7.0)], axis=1)
    responses, fitted_on = rng.normal(size=60), rng.random((60, 2)) < 0.6
    folds = rng.integers(0, 3, 60)
    models = fit(states, responses, fitted_on, folds)
    z = (states[:, :2] - states[:, :2].mean(axis=0)) / states[:, :2].std(axis=0)
    for fold in range(3):
        for model in range(2):
            rows_of = fitted_on[:, model] & (folds != fold)
            # Least squares with a row of sqrt(RIDGE) for each penalised coefficient.
            x = np.concatenate([np.ones((rows_of.sum(), 1)), z[rows_of]], axis=1)
            augmented = np.concatenate([x, np.sqrt(RIDGE) * np.eye(3)[1:]])
            beta = np.linalg.lstsq(augmented, np.concatenate([responses[rows_of], [0, 0]]), rcond=None)[0]
            inside = folds == fold
            assert models.predictions[inside, model] == pytest.approx(beta[0] + z[inside] @ beta[1:])


def test_a_model_of_an_action_that_was_never_taken_predicts_zero() -> None:
    fitted_on = np.array([[True, False]] * 6)
    models = fit(np.zeros((6, 1)), np.arange(6.0), fitted_on, np.array([0, 0, 1, 1, 2, 2]))
    assert models.predictions[:, 0] == pytest.approx([3.5, 3.5, 2.5, 2.5, 1.5, 1.5])
    assert not models.predictions[:, 1].any()


def test_the_correction_is_how_a_rows_residual_moves_the_estimate() -> None:
    rng = np.random.default_rng(4)
    states, responses = rng.normal(size=(40, 3)), rng.normal(size=40)
    fitted_on, folds, coefficients = rng.random((40, 2)) < 0.7, rng.integers(0, 4, 40), rng.normal(size=(40, 2))
    models = fit(states, responses, fitted_on, folds)

    def total(model: int, row: int) -> float:
        """The sum, with one response of one model moved by 1: it is linear in them."""
        moved = fit(states, responses + (np.arange(40) == row), fitted_on[:, [model]], folds)
        return float((coefficients[:, model] * moved.predictions[:, 0]).sum())

    for row in (0, 7, 31):
        expected = 0.0
        for model in np.flatnonzero(fitted_on[row]).tolist():
            residual = responses[row] - models.predictions[row, model]
            still = float((coefficients[:, model] * models.predictions[:, model]).sum())
            expected += residual * (total(model, row) - still)
        assert models.correction(coefficients)[row] == pytest.approx(expected, abs=1e-10)


def test_folds_keep_a_week_together_and_are_of_equal_size() -> None:
    blocks = np.repeat(np.arange(50), 7)
    folds = draw_folds(blocks, seeded())
    assert all(len(set(folds[blocks == block].tolist())) == 1 for block in range(50))
    assert np.bincount(folds).tolist() == [70] * 5
    order = seeded().permutation(len(blocks))
    assert np.array_equal(draw_folds(blocks[order], seeded()), folds[order])
