"""Round numbers between two ends, and short texts for them."""

import math
from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"


def short(value: float) -> str:
    """Return a number in few characters: 0.05, 1,000, 44.1k, 2.5M, 1e−05."""
    size = abs(value)
    if size and (size < 1e-4 or size >= 1e12):
        text = f"{value:.3g}"
    elif size >= 1e9:
        text = f"{value / 1e9:.6g}G"
    elif size >= 1e6:
        text = f"{value / 1e6:.6g}M"
    elif size >= 1e4:
        text = f"{value / 1e3:.6g}k"
    else:
        text = f"{value:,.6g}" if size < 1e3 else f"{value:,.10g}"
    return text.replace("-", MINUS)


def linear(low: float, high: float, most: int) -> Sequence[float]:
    """Return about `most` round values between two ends, in ascending order; of no span its end alone."""
    span = high - low
    if not 0 < span < math.inf:
        return (low,)
    rough = span / max(1, most)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, min(last, first + 100) + 1)]


def logarithmic(low: float, high: float, most: int) -> Sequence[float]:
    """Return at most about `most` values between two ends above 0: 1, 2 and 5 of each decade, or as many of them as
    there is room for; round values where the ends are so near that these are not two."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    decades = math.log10(high / low)
    for sizes in ((1, 2, 5), (1, 3), (1,)):
        if decades * len(sizes) <= most:
            found = [float(f"{size}e{power}") for power in range(first - 1, last + 1) for size in sizes]
            within = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
            return within if len(within) > 1 else linear(low, high, most)
    stride = math.ceil((last - first + 1) / most)
    return [float(f"1e{power}") for power in range(first, last + 1, stride)]
