"""Rectangles of the screen."""

import pytest
from textual.geometry import Region

from cqltui.ui.regions import meets, runs, without


@pytest.mark.parametrize(
    ("cover", "left"),
    [
        (Region(20, 0, 5, 5), {Region(0, 0, 10, 6)}),
        (Region(0, 0, 10, 6), set()),
        (Region(-3, -3, 90, 90), set()),
        (Region(2, 1, 3, 2), {Region(0, 0, 10, 1), Region(0, 1, 2, 2), Region(5, 1, 5, 2), Region(0, 3, 10, 3)}),
        (Region(8, 4, 9, 9), {Region(0, 0, 10, 4), Region(0, 4, 8, 2)}),
    ],
)
def test_what_is_left_of_a_region(cover: Region, left: set[Region]) -> None:
    assert set(without(Region(0, 0, 10, 6), cover)) == left


def test_rows_one_below_the_other_are_together() -> None:
    assert runs([3, 4, 5, 8, 10, 11]) == [(3, 3), (8, 1), (10, 2)]
    assert runs([]) == []


@pytest.mark.parametrize(("start", "end", "met"), [(0, 2, False), (0, 3, True), (4, 6, False), (5, 7, True)])
def test_spans_end_before_their_last_number(start: int, end: int, met: bool) -> None:
    assert meets([(2, 4), (6, 9)], start, end) is met
