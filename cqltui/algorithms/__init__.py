"""The kinds of training that there are."""

from cqltui.algorithms.base import Algorithm
from cqltui.algorithms.cql import Cql

DEFAULT = Cql.name
ALGORITHMS: dict[str, Algorithm] = {algorithm.name: algorithm for algorithm in (Cql(),)}
"""By the name that a campaign file gives as `algorithm`."""


def named(name: str) -> Algorithm:
    """Return the algorithm of that name. What came from elsewhere and names one that is not known is read as the
    default's: what both declare is shown, the rest is passed over."""
    return ALGORITHMS.get(name, ALGORITHMS[DEFAULT])
