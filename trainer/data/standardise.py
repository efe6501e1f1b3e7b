"""What a network sees of a state: z-scores by the training states, or the numbers as they are."""

import numpy as np
from msgspec import Struct

from trainer.config import Scaler
from trainer.data.types import Float


class Standardiser(Struct, frozen=True, eq=False):
    """z = (x - mean) / std by feature."""

    mean: Float
    """[D]"""
    std: Float
    """[D], positive; 1 for a feature that does not vary."""

    def apply(self, states: Float) -> Float:
        """States [..., D] as the network sees them."""
        return ((states - self.mean) / self.std).astype(np.float32)


def fit_standardiser(states: Float, scaler: Scaler = "standard") -> Standardiser:
    """Return the mean and population standard deviation of states [N, D], N >= 1; computed in float64, given as
    float32. For "none" they are 0 and 1, which leaves every state as it is, bit for bit."""
    if scaler == "none":
        return Standardiser(np.zeros(states.shape[1], np.float32), np.ones(states.shape[1], np.float32))
    exact = states.astype(np.float64)
    # Compared by value: rounding gives a constant column a tiny, meaningless deviation instead of 0.
    varies = exact.max(axis=0) > exact.min(axis=0)
    std = np.where(varies, exact.std(axis=0), 1.0).astype(np.float32)
    return Standardiser(exact.mean(axis=0).astype(np.float32), np.where(std > 0, std, np.float32(1)))
