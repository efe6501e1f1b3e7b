"""The cross-fitted reward model of the off-policy estimates: ridge regressions, and how they move an estimate.

An estimate is linear in what the models predict, so that the error of the models shows in it as a weighted sum of their
residuals. `fit` returns those weights too: the direct method's standard error is far too small without them.
"""

import numpy as np
from msgspec import Struct

from trainer.data.types import Bool, Double, Int

RIDGE = 10.0
"""Penalty of each squared coefficient of a z-scored feature, in rows. The intercept is free."""
FOLDS = 5


class RewardModels(Struct, frozen=True, eq=False):
    """K ridge regressions, each row predicted by those that were fitted without its fold."""

    inputs: Double
    """[N, 1 + D], a one and the z-scored states."""
    responses: Double
    """[N], what was regressed. 0 where no model was fitted on the row: what is not known may be NaN there, which a
    product with 0 would not remove."""
    fitted_on: Bool
    """[N, K], the rows of each model."""
    folds: Int
    """[N]"""
    inverses: Double
    """[folds, K, 1 + D, 1 + D], inverses of the penalised Gram matrices of the other folds."""
    predictions: Double
    """[N, K]"""

    def correction(self, coefficients: Double) -> Double:
        """Return how each row's noise moves, through the models, the sum of `coefficients` [N, K] x predictions: [N].

        A fold's predictions are linear in the other folds' responses; a row's residual counts with its weights in all
        of them.
        """
        found = np.zeros(len(self.responses))
        residuals = self.fitted_on * (self.responses[:, None] - self.predictions)
        for fold, inverses in enumerate(self.inverses):
            inside = self.folds == fold
            sums = coefficients[inside].T @ self.inputs[inside]  # [K, 1 + D]
            pulls = np.stack([row @ inverse for row, inverse in zip(sums, inverses, strict=True)])
            found[~inside] += ((self.inputs[~inside] @ pulls.T) * residuals[~inside]).sum(axis=1)
        return found


def draw_folds(blocks: Int, rng: np.random.Generator, folds: int = FOLDS) -> Int:
    """Return a fold for each row [N], equal for rows of one block, so that no row is predicted by what happened in
    its week. Depends on the blocks' names, not on the order of the rows."""
    names, place = np.unique(blocks, return_inverse=True)
    fold = rng.permutation(len(names)) % folds
    return np.asarray(fold[place], dtype=np.int64)


def fit(states: Double, responses: Double, fitted_on: Bool, folds: Int) -> RewardModels:
    """Fit K ridge regressions of `responses` [N] on `states` [N, D], each on its rows of `fitted_on` [N, K].

    A model without rows predicts 0; features that do not vary are left out.
    """
    varies = np.ptp(states, axis=0) > 0 if len(states) else np.zeros(states.shape[1], dtype=np.bool_)
    exact = states[:, varies].astype(np.float64)
    z = (exact - exact.mean(axis=0)) / exact.std(axis=0) if len(exact) else exact
    inputs = np.concatenate([np.ones((len(z), 1)), z], axis=1)
    used = np.where(fitted_on.any(axis=1), responses, 0.0)
    penalty = RIDGE * np.eye(inputs.shape[1])
    penalty[0, 0] = 0.0
    predictions = np.zeros(fitted_on.shape)
    inverses = []
    for fold in range(int(folds.max(initial=0)) + 1):
        inside = folds == fold
        row = []
        for model in range(fitted_on.shape[1]):
            known = fitted_on[:, model] & ~inside
            x = inputs[known]
            inverse = np.linalg.inv(x.T @ x + penalty) if len(x) else np.zeros_like(penalty)
            predictions[inside, model] = inputs[inside] @ (inverse @ (x.T @ used[known]))
            row.append(inverse)
        inverses.append(np.stack(row))
    return RewardModels(inputs, used, fitted_on, folds, np.stack(inverses), predictions)
