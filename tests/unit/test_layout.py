"""The layout at every size from 40x10 to 300x80: what must be seen is, all of it fits, and no cell is left over."""

from itertools import combinations, product

import pytest

from cqltui.ui.layout import (
    BORDER,
    FOOTER,
    HEADER,
    HEADING,
    LEAST,
    PANELS,
    Counts,
    Layout,
    Place,
    Wish,
    details_layout,
    dialog_classes,
    fitting,
    header_rows,
    is_small,
    main_layout,
)
from cqltui.ui.panels.columns import COLUMNS
from cqltui.ui.panels.fit import widths
from cqltui.ui.panels.rows import MARGIN

CELLS, ROWS = range(40, 221), range(10, 61)
NAMED = (
    (40, 10), (60, 15), (80, 24), (100, 30), (100, 50), (110, 34),
    (120, 30), (120, 40), (160, 48), (200, 60), (220, 60), (300, 80),
)  # fmt: skip
HIDEABLE = [panel for panel in PANELS if panel != "tasks"]
FRAME = 5
"""Cells that a panel's frame, its padding and its scrollbar take."""
CAMPAIGN = Counts(phases=3, workers=2, tasks=49)
NIGHT = Counts(phases=20, workers=128, tasks=10_000)


def laid_out(cells: int, rows: int, counts: Counts = CAMPAIGN, wish: Wish | None = None) -> Layout:
    """The body of a terminal of this size; every cell of it belongs to one panel."""
    height = rows - header_rows(rows) - FOOTER
    found = main_layout(cells, height, counts, wish or Wish())
    at = f"{cells}x{rows}, {counts}, {wish}: {found.places}"
    taken = [
        (x, y)
        for place in found.places.values()
        for x, y in product((place.x, place.x + place.cells - 1), (place.y, place.y + place.rows - 1))
    ]
    assert all(0 <= x < cells and 0 <= y < height for x, y in taken), at
    for (name, one), (other_name, other) in combinations(found.places.items(), 2):
        beside = one.x + one.cells <= other.x or other.x + other.cells <= one.x
        below = one.y + one.rows <= other.y or other.y + other.rows <= one.y
        assert beside or below, f"{name} lies over {other_name} at {at}"
    assert sum(place.cells * place.rows for place in found.places.values()) == cells * height, f"a band is left at {at}"
    return found


def rows_of(found: Layout, panel: str) -> int:
    """How high it is; 0 if it is not seen."""
    return found.places[panel].rows if panel in found.places else 0


def is_roomy(panel: str, place: Place, small: bool) -> bool:
    """Whether the panel has what it needs at least."""
    if panel == "tabs":
        return place.rows == 1
    if panel in ("phases", "queue"):
        return place.rows > BORDER and (panel == "phases" or place.cells >= 29)
    if small:
        return place.rows >= BORDER + HEADING + 3
    return place.rows >= LEAST[panel] and place.cells >= 30


@pytest.mark.parametrize(("cells", "rows"), NAMED)
def test_whatever_is_hidden_gives_its_room_to_the_others(cells: int, rows: int) -> None:
    """And each of those has what it needs; the list is always seen, or the panel with the keys in its place."""
    for n in range(len(HIDEABLE) + 1):
        for hidden in map(frozenset, combinations(HIDEABLE, n)):
            found = laid_out(cells, rows, wish=Wish(hidden))
            assert "tasks" in found.places
            for panel, place in found.places.items():
                assert is_roomy(panel, place, found.small), f"{panel} at {cells}x{rows} without {sorted(hidden)}"
            if not found.small:
                assert not hidden & set(found.places)
                assert ("queue" in found.places) == (cells >= 110 and "phases" in found.places)


@pytest.mark.parametrize("counts", [CAMPAIGN, NIGHT, Counts(), Counts(1, 1, 1), Counts(8, 16, 2_000)])
def test_every_cell_is_a_panel_s_and_the_list_has_rows(counts: Counts) -> None:
    for cells, rows in [*product((40, 59, 60, 79, 80, 99, 100, 109, 110, 160, 199, 200, 300), ROWS), (300, 80)]:
        found = laid_out(cells, rows, counts)
        at = f"{cells}x{rows}"
        assert rows_of(found, "tasks") >= BORDER + HEADING + 3 - (rows == 10), at
        if rows >= 16:
            seen = rows_of(found, "phases") - BORDER
            assert seen >= min(counts.phases, 3), at
        assert all(is_roomy(panel, place, found.small) for panel, place in found.places.items()), at


@pytest.mark.parametrize(("cells", "rows"), NAMED)
def test_the_panel_with_the_keys_is_seen_and_zoomed_it_has_the_body(cells: int, rows: int) -> None:
    for counts, panel in product((CAMPAIGN, NIGHT), PANELS):
        found = laid_out(cells, rows, counts, Wish(current=panel))
        assert panel in found.places
        assert found.small or "tasks" in found.places
        zoomed = laid_out(cells, rows, counts, Wish(current=panel, zoomed=True))
        assert set(zoomed.places) - {"queue"} == {panel}
        assert ("queue" in zoomed.places) <= (panel == "phases")


@pytest.mark.parametrize(("cells", "rows"), NAMED)
def test_the_lowest_panels_lend_their_rows_to_what_is_typed_below_and_no_other_panel_moves(
    cells: int, rows: int
) -> None:
    height = rows - header_rows(rows) - FOOTER
    for counts, panel, lent in product((CAMPAIGN, NIGHT), PANELS, (1, 2)):
        wish = Wish(current=panel)
        whole, found = (main_layout(cells, height - less, counts, wish, less) for less in (0, lent))
        if rows <= 15 and found == main_layout(cells, height - lent, counts, wish):
            continue  # there is no room to lend
        assert found.places.keys() == whole.places.keys()
        for name, place in found.places.items():
            was = whole.places[name]
            assert (place.x, place.y, place.cells) == (was.x, was.y, was.cells)
            assert was.rows - place.rows == (lent if was.y + was.rows == height else 0)
            assert place.rows > BORDER or name == "tabs"
        assert rows_of(found, "tasks") >= min(BORDER + HEADING + 3, rows_of(whole, "tasks") - lent)


def test_where_the_panels_of_a_campaign_stand() -> None:
    """Worked out by hand: x, y, cells, rows."""

    def places(cells: int, rows: int, wish: Wish | None = None) -> dict[str, tuple[int, int, int, int]]:
        found = laid_out(cells, rows, wish=wish).places
        return {panel: (place.x, place.y, place.cells, place.rows) for panel, place in found.items()}

    assert places(40, 10) == {"tabs": (0, 0, 40, 1), "tasks": (0, 1, 40, 6)}
    assert places(80, 24) == {"phases": (0, 0, 80, 5), "tabs": (0, 5, 80, 1), "tasks": (0, 6, 80, 14)}
    assert places(80, 24, Wish(current="phases")) == {
        "tabs": (0, 0, 80, 1), "phases": (0, 1, 80, 6), "queue": (0, 7, 80, 13),
    }  # fmt: skip
    assert places(80, 24, Wish(frozenset({"phases"}))) == {"tabs": (0, 0, 80, 1), "tasks": (0, 1, 80, 19)}
    assert places(100, 30)["phases"] == (0, 0, 100, 6), "with a heading"
    assert places(160, 48) == {
        "phases": (0, 0, 116, 6), "queue": (116, 0, 44, 6), "tasks": (0, 6, 116, 26),
        "log": (0, 32, 69, 12), "curves": (69, 32, 47, 12), "details": (116, 6, 44, 11), "timeline": (116, 17, 44, 8),
        "evaluation": (116, 25, 44, 6), "hardware": (116, 31, 44, 7), "events": (116, 38, 44, 6),
    }  # fmt: skip
    assert places(110, 34)["timeline"][:3] == (78, 6, 32), "the side has 32 cells at least"
    assert places(200, 60) == {
        "phases": (0, 0, 96, 6), "queue": (96, 0, 60, 6), "tasks": (0, 6, 96, 37), "log": (0, 43, 96, 13),
        "curves": (96, 6, 60, 20), "details": (96, 26, 60, 20), "timeline": (96, 46, 60, 10),
        "evaluation": (156, 0, 44, 25), "hardware": (156, 25, 44, 16), "events": (156, 41, 44, 15),
    }  # fmt: skip
    without = Wish(frozenset({"curves", "details", "timeline"}))
    assert places(200, 60, without)["queue"] == (113, 0, 43, 6)
    alone = Wish(frozenset(PANELS) - {"tasks", "log", "phases"})
    assert places(219, 60, alone)["queue"] == (163, 0, 56, 6), "of the queue 56 cells are enough"
    assert places(100, 60) == {
        "phases": (0, 0, 100, 6), "tabs": (0, 6, 100, 1), "tasks": (0, 7, 100, 25), "curves": (0, 32, 100, 8),
        "timeline": (0, 40, 100, 5), "log": (0, 45, 100, 6), "evaluation": (0, 51, 100, 5),
    }  # fmt: skip
    assert places(99, 60)["phases"] == (0, 0, 99, 5), "without a heading"


def test_columns_by_width() -> None:
    def columns(cells: int, rows: int) -> int:
        found = laid_out(cells, rows)
        return len({place.x for name, place in found.places.items() if name in {"tasks", "timeline", "evaluation"}})

    assert [columns(cells, 60) for cells in (60, 109, 110, 199, 200, 300)] == [1, 1, 2, 2, 3, 3]
    assert laid_out(80, 24).small
    assert not is_small(110, 24), "a window of 120x30 has columns"
    shown = set(PANELS) | {"queue"}
    assert all(set(laid_out(*size).places) == shown for size in ((160, 44), (160, 48), (200, 60), (300, 80)))
    without = shown - {"details"}
    assert all(set(laid_out(*size).places) == without for size in ((110, 34), (120, 40), (159, 80), (160, 43)))
    assert "tabs" in laid_out(100, 50).places, "what finds no room is named"


def test_a_wide_terminal_gives_its_cells_to_the_list() -> None:
    lists = [laid_out(cells, 60).places["tasks"].cells for cells in range(200, 301, 25)]
    assert lists == sorted(lists)
    assert lists[-1] >= 148
    assert max(laid_out(300, 80).places[panel].cells for panel in ("evaluation", "hardware", "events")) <= 62


def test_a_short_list_leaves_its_rows_to_what_stands_below() -> None:
    for cells in (110, 160, 200, 300):
        few, many = (laid_out(cells, 60, Counts(2, 2, tasks)) for tasks in (4, 400))
        assert rows_of(few, "tasks") == LEAST["tasks"]
        assert rows_of(few, "log") > rows_of(many, "log")
        alone = laid_out(cells, 60, Counts(2, 2, 4), Wish(frozenset({"log", "curves"})))
        assert rows_of(alone, "tasks") > 40


def test_workers_have_a_line_each_as_far_as_there_is_room() -> None:
    for cells, workers in product((110, 160, 220), (1, 8, 16)):
        room = 60 if cells >= 200 else 40
        assert rows_of(laid_out(cells, 60, Counts(3, workers, 49)), "hardware") - BORDER >= min(workers, room // 3 - 4)
    found = [rows_of(laid_out(120, 60, Counts(3, workers, 49)), "hardware") for workers in (1, 3, 4, 8, 16, 40)]
    assert found == [13, 12, 13, 16, 19, 19], "a row more for each, up to a third of the column"


def test_a_timeline_has_no_more_rows_than_its_lanes_need_unless_it_is_alone() -> None:
    lanes = [rows_of(laid_out(220, 60, Counts(3, workers, 49)), "timeline") for workers in (1, 2, 6, 40)]
    assert lanes == [9, 10, 14, 14]
    assert rows_of(laid_out(220, 60, wish=Wish(frozenset({"curves", "details"}))), "timeline") == 50


def test_many_phases_have_a_third_of_the_rows_at_most() -> None:
    many = Counts(20, 2, 49)
    found = [rows_of(laid_out(*size, many), "phases") for size in ((110, 28), (110, 34), (160, 48), (200, 60))]
    assert found == [8, 10, 14, 18]
    assert [rows_of(laid_out(160, 48, Counts(n, 2, 49)), "phases") for n in (0, 1, 3, 4, 8)] == [6, 6, 6, 7, 11]


def test_the_header_of_a_low_terminal_has_no_bar() -> None:
    assert [header_rows(rows) for rows in (10, 13, 14, 60)] == [2, 2, 3, 3]


def test_a_larger_terminal_shows_no_fewer_phases() -> None:
    for cells, phases in product(CELLS[::7], (0, 1, 3, 8, 20)):
        seen = [rows_of(laid_out(cells, rows, Counts(phases, 2, 49)), "phases") for rows in range(10, 27)]
        assert seen == sorted(seen), f"{cells} cells, {phases} phases"


def test_the_columns_of_the_list_fit_at_every_width() -> None:
    for cells, rows, folded in product(range(40, 301), (24, 48), (False, True)):
        room = laid_out(cells, rows).places["tasks"].cells - FRAME - MARGIN
        if folded and room < 60:
            continue
        found = widths(room, COLUMNS, title_cells=30, folded=folded)
        names = {column.name for column, _ in found}
        assert sum(width for _, width in found) + len(found) - 1 <= room, f"{cells} cells"
        assert {"state", "title", "epoch", "loss"} <= names, f"{cells} cells"
        assert {column.name: width for column, width in found}["title"] >= 8, f"{cells} cells"


def test_the_fields_of_a_task_have_rows_at_every_size() -> None:
    for cells, rows in product(CELLS, ROWS):
        found = details_layout(cells, rows)
        assert rows - HEADER - FOOTER - found.curve - BORDER >= 4, f"{cells}x{rows}"
        assert found.curve > 0 or not found.small or rows < 22, f"{cells}x{rows}"
        if not found.small:
            assert rows - HEADER - FOOTER - found.curve - found.low - BORDER >= 3, f"{cells}x{rows}: the log"
            assert found.low // (2 if found.stacked else 1) - BORDER >= 4, f"{cells}x{rows}: files and phase"
            assert cells - found.fields >= 60, f"{cells}x{rows}"


def test_the_fields_of_a_task_are_two_fifths_wide_within_bounds() -> None:
    assert [details_layout(cells, 48).fields for cells in (110, 119, 125, 160, 180, 220)] == [48, 48, 50, 64, 72, 72]


def test_the_answers_of_a_question_have_rows_at_every_size() -> None:
    """A question of two lines with four answers, or with two and seven lines of details."""
    for cells, rows in product(CELLS, ROWS):
        classes = dialog_classes(cells, rows)
        blank = 0 if classes["-tight"] else 4
        for details, answers in ((1, 4), (7, 2)):
            lines = BORDER + blank + 1 + (0 if classes["-low"] else details) + answers
            assert lines <= (rows if classes["-tight"] else rows * 9 // 10), f"{cells}x{rows}"


def test_of_a_line_of_keys_the_first_are_kept_and_then_what_fits_from_the_left() -> None:
    assert fitting([5, 5, 5], [2], 20) == [0, 1, 2]
    assert fitting([5, 5, 5], [2], 14) == [0, 2]
    assert fitting([5, 5, 5], [2], 5) == [2]
    assert fitting([5, 5, 5], [], 9) == [0]
    assert fitting([], [], 9) == []
