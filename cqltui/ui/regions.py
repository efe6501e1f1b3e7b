"""Rectangles of the screen, and the cells of a line. Pure."""

from collections.abc import Iterable, Sequence

from textual.geometry import Region

Span = tuple[int, int]
"""The first cell of a line, and the one behind the last."""


def without(region: Region, cover: Region) -> list[Region]:
    """Return what is left of a region beside another one."""
    common = region.intersection(cover)
    if not common:
        return [region]
    pieces = (
        Region.from_corners(region.x, region.y, region.right, common.y),
        Region.from_corners(region.x, common.y, common.x, common.bottom),
        Region.from_corners(common.right, common.y, region.right, common.bottom),
        Region.from_corners(region.x, common.bottom, region.right, region.bottom),
    )
    return [piece for piece in pieces if piece]


def meets(spans: Sequence[Span], start: int, end: int) -> bool:
    """Return whether any of the spans has a cell between these two, the second of which does not count."""
    return any(low < end and high > start for low, high in spans)


def runs(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return ascending rows, those one below the other together: the first one, and how many."""
    found: list[tuple[int, int]] = []
    for y in rows:
        if found and y == sum(found[-1]):
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((y, 1))
    return found
