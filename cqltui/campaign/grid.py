"""The grid of a phase: the product of lists of settings, in a documented and stable order."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cqltui.algorithms.base import settings_title

Axes = Mapping[str, Sequence[Any]]
"""Setting -> its values, in the order of the file."""


def size(axes: Axes) -> int:
    """Return the number of points, without making them."""
    return math.prod(len(values) for values in axes.values())


def points(axes: Axes) -> Iterator[dict[str, Any]]:
    """Yield all combinations. The file's first key varies slowest, its last key fastest; values keep their order."""
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def point_title(axes: Axes, point: Mapping[str, Any]) -> str:
    """Return what sets a point apart within its grid: the settings that vary, e.g. `alpha 0.2, [512, 256]`."""
    varying = [name for name, values in axes.items() if len(values) > 1]
    return settings_title({name: point[name] for name in varying or axes})
