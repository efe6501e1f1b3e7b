"""Rectangles of the screen, and the cells of a line. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from textual.geometry import Region
from textual.map_geometry import MapGeometry
from textual.strip import Strip
from textual.widget import Widget

Span = tuple[int, int]
"""The first cell of a line, and the one behind the last."""
Drawn = tuple[int, int, Strip]
"""Where a part of a line begins, the cell behind it, and what it is."""


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


def rendered(
    spans: Iterable[tuple[int, int, int]], visible: Mapping[Widget, tuple[Region, Region]]
) -> Mapping[int, Sequence[Drawn]]:
    """Return what is seen in these spans (line, first cell, the one behind the last), by the line: from front to back,
    until nothing of them is bare. `visible`: widgets, the one in front first, each with its region and what it is
    clipped by."""
    bare: dict[int, list[Span]] = {}
    for y, start, end in spans:
        bare.setdefault(y, []).append((start, end))
    lines: dict[int, list[Drawn]] = {y: [] for y in bare}
    for widget, (region, clip) in visible.items():
        if not bare:
            break
        seen = region.intersection(clip)
        left, right = seen.x, seen.right
        rows = [y for y in seen.line_range if y in bare and meets(bare[y], left, right)]
        for first, count in runs(rows):
            part = Region(0, first - region.y, region.width, count)
            for y, strip in enumerate(widget.render_lines(part), first):
                still: list[Span] = []
                for start, end in bare.pop(y):
                    low, high = max(start, left), min(end, right)
                    if low < high:
                        lines[y].append((low, high, strip.crop(low - region.x, high - region.x)))
                        still += [span for span in ((start, low), (high, end)) if span[0] < span[1]]
                    else:
                        still.append((start, end))
                if still:
                    bare[y] = still
    return lines


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
