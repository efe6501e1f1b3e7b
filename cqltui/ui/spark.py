"""Curves in text, in one colour: a handful of characters costs a terminal far less than a drawn chart."""

import math
from collections.abc import Sequence
from itertools import pairwise

BLOCKS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], cells: int, zero: bool = False) -> str:
    """Return the values as `cells` block characters at most, the mean of each bucket; `zero` starts the scale at 0."""
    if not values or cells < 1:
        return ""
    n = min(cells, len(values))
    edges = [i * len(values) // n for i in range(n + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = (0.0 if zero else min(means)), max(means)
    span = high - low
    if span <= 0:
        return BLOCKS[0] * n
    return "".join(BLOCKS[round((mean - low) / span * (len(BLOCKS) - 1))] for mean in means)


def loss_values(losses: Sequence[float]) -> list[float]:
    """Logarithms where all losses are positive, the start cut off at the 90th percentile: so the tail still shows."""
    if not losses:
        return []
    ceiling = sorted(losses)[int(0.9 * (len(losses) - 1))]
    clipped = [ceiling if loss > ceiling else loss for loss in losses]
    return list(map(math.log, clipped)) if min(clipped) > 0 else clipped


def bar(fraction: float, cells: int) -> tuple[str, str]:
    """Return a bar: the filled part, and the rest, which is thinner: they are told apart without colours."""
    halves = round(min(max(fraction, 0.0), 1.0) * cells * 2)
    full, half = divmod(halves, 2)
    filled = "━" * full + "╸" * half
    return filled, "─" * (cells - len(filled))
