"""The grid of a phase: the product of lists of settings, in a documented and stable order."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Axes = Mapping[str, Sequence[Any]]
"""Setting -> its values, in the order of the file."""


def size(axes: Axes) -> int:
    """Number of points, without making them."""
    return math.prod(len(values) for values in axes.values())


def points(axes: Axes) -> Iterator[dict[str, Any]]:
    """All combinations. The file's first key varies slowest, its last key fastest; values keep their order."""
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def point_title(axes: Axes, point: Mapping[str, Any]) -> str:
    """What sets a point apart within its grid: the settings that vary, e.g. `alpha 0.2, [512, 256]`."""
    varying = [name for name, values in axes.items() if len(values) > 1]
    return settings_title({name: point[name] for name in varying or axes})


def settings_title(settings: Mapping[str, Any]) -> str:
    """Settings in a few words: `alpha 0.2, lr 5e-05, [512, 256], seed 43`."""
    return ", ".join(_setting(name, value) for name, value in settings.items())


def _setting(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
