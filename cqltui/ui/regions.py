"""Rectangles of the screen, and the cells of a line. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from textual.geometry import Region
from textual.map_geometry import MapGeometry
from textual.widget import Widget

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


def in_order(old: Mapping[Widget, MapGeometry], new: Mapping[Widget, MapGeometry]) -> bool:
    """Return whether no widget has come before another one that is still there."""
    both = [widget for widget in old if widget in new]
    return sorted(both, key=lambda one: old[one].order) == sorted(both, key=lambda one: new[one].order)


def differing(old: Mapping[Widget, MapGeometry], new: Mapping[Widget, MapGeometry]) -> set[Region]:
    """Return where widgets were or are that have come, gone or moved, but for what those cover that stay."""
    seen = [{widget: one.region.intersection(one.clip) for widget, one in there.items()} for there in (old, new)]
    still = [
        widget
        for widget in old.keys() & new.keys()
        if old[widget].region == new[widget].region and seen[0][widget] == seen[1][widget]
    ]
    found: set[Region] = set()
    for there, shown in zip((old, new), seen, strict=True):
        for widget in there.keys() - set(still):
            parts = [shown[widget]]
            for other in still:
                if there[other].order > there[widget].order:
                    parts = [piece for part in parts for piece in without(part, shown[other])]
            found.update(filter(None, parts))
    return found
