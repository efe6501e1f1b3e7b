"""Columns of a scale that nobody meant: cents for stakes, percent for probabilities."""

from collections.abc import Iterator, Sequence

import numpy as np

from trainer.data.types import Float

LARGE = 1e3
"""From here on a reward or a feature is taken for a mistake of units."""
PROBABILITIES = frozenset({"market_prob", "p_hat"})
DIFFERENCES = frozenset({"edge"})
"""Of two probabilities."""


def warnings(state_cols: Sequence[tuple[str, str]], states: Float, reward: str, rewards: Float) -> Iterator[str]:
    """Yield a line for each column of absurd scale, with its range. `state_cols`: (feature, column) of states [N, D];
    `reward`: the column of rewards [N]."""
    for (feature, column), values in zip(state_cols, states.T, strict=True):
        least, most = float(np.min(values)), float(np.max(values))
        named = f"column {column!r}: values from {least:g} to {most:g}"
        if feature in PROBABILITIES and (least < 0 or most > 1):
            yield f"{named} are no probabilities: use 0 to 1 ({most:g} % is {most / 100:g})"
        elif feature in DIFFERENCES and max(-least, most) > 1:
            yield f"{named} are no differences of probabilities: use -1 to 1"
        elif max(-least, most) >= LARGE:
            yield f"{named} are of an absurd scale for a feature: is the unit right?"
    least, most = float(np.min(rewards)), float(np.max(rewards))
    if max(-least, most) >= LARGE:
        yield (
            f"column {reward!r}: values from {least:g} to {most:g} are of an absurd scale for rewards, which are "
            "shares of the largest stake: divide by it"
        )
