"""Lists of numbers in an evaluation, of which nothing is believed."""

import math

from cqltui.judging.evaluated import at, figure_at
from cqltui.report.figure import Values
from cqltui.report.material import Material
from cqltui.report.reading import AGAIN, no_policies

LONGEST = 100_000
"""Numbers that are read of a list."""


def numbers_at(value: object, *path: str) -> Values:
    """Return the numbers of the list at a path, NaN where something else is in their place; empty where there is no
    list."""
    found = at(value, *path[:-1]).get(path[-1])
    if not isinstance(found, list):
        return ()
    return tuple(math.nan if (number := figure_at({"it": its}, "it")) is None else number for its in found[:LONGEST])


def equally_long(*lists: Values) -> bool:
    """Return whether there is something in every list, and as much in each."""
    return len({len(its) for its in lists}) == 1 and len(lists[0]) > 0


def why_not(material: Material, what: str) -> str:
    """Return why an evaluation does not tell `what`, as a sentence."""
    return no_policies(material) or f"The evaluation does not hold {what}, which earlier versions left out: {AGAIN}."
