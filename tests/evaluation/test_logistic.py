"""The logistic regression: beside scikit-learn, beside the ratings' own, and that a fold is not fitted on itself."""

import numpy as np
import pytest

from trainer.data.ratings import fit_logistic
from trainer.data.types import Bool, Double
from trainer.evaluation.logistic import BLOCKS, RIDGE, cross_fitted, fit, newton, sigmoid, time_folds


def drawn(count: int, seed: int) -> tuple[Double, Bool]:
    """Three features of different scales, and outcomes that two of them move."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 3)) * (1, 10, 0.01) + (0, 45, 0.5)
    won = rng.random(count) < sigmoid(0.3 + 0.8 * features[:, 0] - 0.05 * (features[:, 1] - 45))
    return features, won


def test_a_fit_is_scikit_learns_on_standardised_features() -> None:
    from sklearn.linear_model import LogisticRegression

    features, won = drawn(400, 1)
    found = fit(features, won, ridge=1e-9)
    z = (features - features.mean(axis=0)) / features.std(axis=0)
    reference = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000).fit(z, won)
    assert found.weights == pytest.approx([*reference.intercept_, *reference.coef_[0]], abs=1e-5)
    assert found.probabilities(features) == pytest.approx(reference.predict_proba(z)[:, 1], abs=1e-6)


def test_a_penalty_is_that_of_scikit_learn_with_an_unpenalised_intercept() -> None:
    from sklearn.linear_model import LogisticRegression

    features, won = drawn(400, 2)
    z = (features - features.mean(axis=0)) / features.std(axis=0)
    design = np.concatenate([np.ones((400, 1)), z], axis=1)
    weights, _ = newton(design, won, np.array([0.0, 50, 50, 50]))
    reference = LogisticRegression(C=1 / 50, tol=1e-10, max_iter=1000).fit(z, won)
    assert weights == pytest.approx([*reference.intercept_, *reference.coef_[0]], abs=1e-5)


def test_the_fit_of_the_ratings_is_a_case_of_it_bit_for_bit() -> None:
    for seed in range(20):
        features, won = drawn(50 + 37 * seed, seed)
        x = 7 * features[:, 0]
        weights, _ = newton(np.stack([np.ones(len(x)), x], axis=1), won, np.full(2, RIDGE))
        assert tuple(weights.tolist()) == fit_logistic(x, won)


def test_the_covariance_is_the_spread_of_the_weights_over_fresh_samples() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=300)
    design = np.stack([np.ones(300), x], axis=1)
    fits = [newton(design, rng.random(300) < sigmoid(0.2 + 0.7 * x), np.full(2, RIDGE)) for _ in range(300)]
    spread = np.cov(np.array([weights for weights, _ in fits]).T)
    assert np.mean([np.diag(covariance) for _, covariance in fits], axis=0) == pytest.approx(np.diag(spread), rel=0.25)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_separated_classes_and_constant_features_have_a_finite_fit(scale: float) -> None:
    x = np.linspace(-1, 1, 40) * scale
    found = fit(np.stack([x, np.full(40, 0.1)], axis=1), x > 0)
    assert found.scale == pytest.approx([x.std(), 1])
    assert fit(np.full((40, 1), 1e9 / 3), x > 0).scale.tolist() == [1]
    assert np.isfinite(found.weights).all()
    assert found.weights[2] == pytest.approx(0)
    chances = found.probabilities(np.stack([x, np.full(40, 0.1)], axis=1))
    assert (chances[x > 0] > 0.75).all()
    assert (chances[x < 0] < 0.25).all()


def test_a_maximum_is_reached_where_newtons_step_alone_would_leave() -> None:
    # Outliers that decide a rare class: whole steps overshoot, so they are halved until the likelihood rises.
    for seed in range(40):
        rng = np.random.default_rng(seed)
        features = rng.standard_t(1, size=(60, 4))
        won = features @ (1, -1, 1, 1) > 20
        design = np.concatenate([np.ones((60, 1)), features / features.std(axis=0)], axis=1)
        weights, _ = newton(design, won, np.full(5, RIDGE))
        gradient = design.T @ (won - sigmoid(design @ weights)) - RIDGE * weights
        assert np.abs(gradient).max() < 1e-6


def test_a_fold_is_predicted_by_the_other_folds_alone() -> None:
    features, won = drawn(90, 4)
    folds = np.arange(90) % 3
    chances = cross_fitted(features, won, folds)
    assert chances[folds == 1] == pytest.approx(
        fit(features[folds != 1], won[folds != 1]).probabilities(features[folds == 1])
    )
    flipped = np.where(folds == 1, ~won, won)
    assert (cross_fitted(features, flipped, folds)[folds == 1] == chances[folds == 1]).all()
    assert (cross_fitted(features, flipped, folds)[folds == 0] != chances[folds == 0]).all()


def test_seasons_are_folds_where_there_are_three() -> None:
    seasons = np.array([2019, 2019, 2020, 2021, 2021])
    assert time_folds(seasons, np.array([1, 2, 1, 1, 2])).tolist() == [0, 0, 1, 2, 2]


def test_fewer_seasons_are_cut_into_runs_of_whole_weeks() -> None:
    seasons, weeks = np.repeat([2019, 2020], 40), np.tile(np.repeat(np.arange(1, 11), 4), 2)
    folds = time_folds(seasons, weeks)
    assert np.unique(folds, return_counts=True)[1].tolist() == [16] * BLOCKS
    assert (np.diff(folds) >= 0).all()
    order = np.random.default_rng(5).permutation(80)
    assert (time_folds(seasons[order], weeks[order]) == folds[order]).all()
    assert len(np.unique(time_folds(seasons[:8], weeks[:8]))) == 2


def test_what_cannot_be_fitted_is_refused() -> None:
    features, won = drawn(10, 6)
    with pytest.raises(ValueError, match="two folds"):
        cross_fitted(features, won, np.zeros(10, dtype=np.int64))
    with pytest.raises(ValueError, match="no row"):
        fit(features[:0], won[:0])
    with pytest.raises(ValueError, match="10 rows of features for 9"):
        fit(features, won[:9])
    with pytest.raises(ValueError, match="not finite"):
        newton(np.where(np.arange(10) == 5, np.nan, 1.0)[:, None], won, np.zeros(1))
    with pytest.raises(ValueError, match="negative"):
        fit(features, won, ridge=-1)
    with pytest.raises(ValueError, match="hold no row"):
        time_folds(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), 0)
