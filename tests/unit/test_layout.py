"""The layout at every size from 40x10 to 220x60: what must be seen is, and all of it fits."""

from itertools import product

import pytest

from cqltui.ui.layout import BORDER, FOOTER, HEADER, TABS, details_layout, dialog_classes, fitting, main_layout
from cqltui.ui.panels.columns import widths
from cqltui.ui.panels.tasks import HEADING, MARGIN

CELLS, ROWS = range(40, 221), range(10, 61)
PHASES, WORKERS = (0, 1, 3, 8, 20), (1, 2, 16)
FRAME = 5
"""Cells that a panel's frame, its padding and its scrollbar take."""


@pytest.mark.parametrize("phases", PHASES)
def test_rows_add_up_and_the_list_and_the_phases_have_theirs(phases: int) -> None:
    for cells, rows, workers in product(CELLS, ROWS, WORKERS):
        at = f"{cells}x{rows}, {workers} workers"
        found = main_layout(cells, rows, phases, workers)
        assert HEADER + TABS * found.small + found.top + found.body + FOOTER == rows, at
        list_rows = found.body - found.bottom - BORDER - HEADING
        assert list_rows >= min(3, rows - 8), at
        assert found.top == 0 or found.top > BORDER, at
        seen = max(found.top - BORDER, 0)
        room = rows - HEADER - TABS - FOOTER
        allowed = min(room // 2 - BORDER, room - BORDER - 6) if found.small else room // 3
        assert seen >= min(phases, allowed), f"{at}: every phase as room allows"
        if rows >= 16:
            assert seen >= min(phases, 3), at
        if found.small:
            assert (found.side, found.bottom, found.queue) == (0, 0, 0), at
        else:
            assert found.timeline + found.evaluation + found.hardware + found.events == found.body, at
            assert min(found.timeline, found.evaluation, found.hardware, found.bottom) >= 5, at
            assert found.side >= 29, at
            assert cells - found.side >= 80, at
            assert found.hardware - BORDER - 2 >= min(workers, found.body // 3 - BORDER - 2), at


def test_a_larger_terminal_shows_no_fewer_phases() -> None:
    for cells, phases in product(CELLS, PHASES):
        seen = [main_layout(cells, rows, phases, 2).top for rows in range(10, 34)]
        assert seen == sorted(seen), f"{cells} cells, {phases} phases"


def test_the_columns_of_the_list_fit_at_every_width() -> None:
    for cells, rows in product(CELLS, (24, 48)):
        room = cells - main_layout(cells, rows, 3, 2).side - FRAME - MARGIN
        found = widths(room)
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
