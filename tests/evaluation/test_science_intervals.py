"""A short run of what `tests/science/intervals.py` measures at length, with ranges as much wider as it is shorter."""

import math

from tests.science.intervals import rows

REPLICATIONS = 40
FULL = 2_000


def test_a_short_run_stays_within_ranges_that_are_wider_by_chance_alone() -> None:
    measured = list(rows(REPLICATIONS, seed=1, resamples=400))
    assert len(measured) == 10
    for name, figure, lowest, highest in measured:
        assert 0 <= lowest < highest <= 1
        slack = 3 * (_error(lowest, highest, REPLICATIONS) - _error(lowest, highest, FULL))
        assert lowest - slack <= figure <= highest + slack, name


def _error(lowest: float, highest: float, replications: int) -> float:
    """Standard error of a share that is in the middle of the range."""
    middle = (lowest + highest) / 2
    return math.sqrt(middle * (1 - middle) / replications)
