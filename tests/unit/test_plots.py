"""Plots of characters, worked out by hand."""

import math

import pytest

from cqltui.report.figure import Axis, Band, Bars, Line, Panel, Points, Rule
from cqltui.reporters.plots import ROWS, plot, shown

WIDTH = 24


def lines(panel: Panel, *, braille: bool = True, colors: bool = True, width: int = WIDTH) -> list[str]:
    return [line.plain for line in plot(panel, width, braille=braille, colors=colors)]


def of(*marks: Line | Band | Points | Bars | Rule, x: Axis | None = None, y: Axis | None = None) -> Panel:
    return Panel("a panel", x or Axis("epoch"), y or Axis("loss"), marks)


def test_a_falling_line_goes_from_the_left_upper_corner_to_the_right_lower_one() -> None:
    found = lines(of(Line("loss", (0.0, 1.0), (2.0, 0.0))))
    # 22 characters have 44 columns of dots, 10 rows 40 of them: two columns go down by one row, or by two.
    assert (found[0].rstrip(), found[ROWS - 1]) == ("2 ⠑⢄", "0" + " " * 21 + "⠑⢄")
    assert found[ROWS] == "  0       epoch        1"
    assert found[ROWS + 1] == "⠒ loss  0"
    assert max(map(len, found)) <= WIDTH


def test_without_braille_or_colors_each_mark_is_a_letter() -> None:
    two = of(Line("up", (0.0, 1.0), (0.0, 1.0)), Line("down", (0.0, 1.0), (1.0, 0.0), color=1))
    for braille, colors in ((False, True), (True, False)):
        found = lines(two, braille=braille, colors=colors)
        assert found[0].endswith("a")
        assert found[ROWS - 1].endswith("b")
        assert found[-2:] == ["a up  1", "b down  0"]
    one = of(Line("up", (0.0, 1.0), (0.0, 1.0)))
    assert "\u2800" < lines(one, colors=False)[0][-1] <= "\u28ff", "one alone needs no letter"
    assert all(line.isascii() for line in lines(two, braille=False))


def test_a_scale_of_logarithms_passes_over_what_has_none() -> None:
    found = lines(
        of(Line("loss", (1.0, 10.0, 100.0), (100.0, 0.0, 1.0)), y=Axis("loss", "log"), x=Axis("epoch", "log"))
    )
    assert found[0].startswith("100 ")
    assert found[ROWS - 1].startswith("  1 ")
    middle = lines(of(Points("p", (1.0, 10.0, 100.0), (1.0, 1.0, 1.0)), x=Axis("epoch", "log")), width=23)
    row = next(line for line in middle if "\u2801" <= line[-1] <= "\u28ff")
    assert row[12] != " ", "ten is in the middle of one and a hundred"


def test_gaps_and_infinities_are_not_drawn() -> None:
    whole = lines(of(Line("loss", (0.0, 1.0, 2.0), (1.0, 1.0, 2.0))))
    gap = lines(of(Line("loss", (0.0, 1.0, 2.0), (1.0, math.nan, 2.0))))
    assert sum(line.count("⠉") + line.count("⣀") for line in gap) < sum(
        line.count("⠉") + line.count("⣀") for line in whole
    )
    assert lines(of(Line("loss", (0.0,), (math.nan,)))) == ["nothing to draw"]
    assert lines(of(Line("loss", (0.0, 1.0), (math.inf, 1.0))))[0].startswith("1 ")


def test_names_of_an_upright_axis_are_read_from_the_top() -> None:
    rows = Points("ROI", (1.0, 0.0), (0.0, 1.0), low=(0.5, 0.0), high=(1.0, 0.0), across=True)
    found = lines(of(rows, x=Axis("ROI", format="percent"), y=Axis("", categories=("first", "second"))))
    assert found[0].startswith(" first")
    assert found[ROWS - 1].startswith("second ")
    assert found[0].rstrip() == found[0], "the first reaches to the right end"
    assert found[ROWS].split() == ["0", "%", "ROI", "100", "%"]


def test_bars_bands_rules_and_a_group_of_faint_lines() -> None:
    faint = [Line("task", (0.0, 1.0), (0.0, float(end)), faint=True, group="all tasks") for end in (1, 2)]
    found = lines(of(*faint, Band("90 %", (0.0, 1.0), (0.0, 0.0), (1.0, 3.0)), Rule("even", 1.0)), braille=False)
    assert [line for line in found if line.endswith("tasks")] == ["a all tasks"], "one entry for all of them"
    assert any("-" in line for line in found[:ROWS])
    bars = lines(of(Bars("bets", (0.0, 1.0), (2.0, 1.0))), braille=False)
    assert bars[0].startswith("2|a")
    assert bars[ROWS - 1].endswith("a")
    assert not bars[0].endswith("a")


@pytest.mark.parametrize(
    ("axis", "value", "text"),
    [
        (Axis(""), 1234.5, "1,234"),
        (Axis(""), 0.12345, "0.123"),
        (Axis("", format="percent"), 0.125, "12.5 %"),
        (Axis("", format="time"), 90_000.0, "02 01:00"),
        (Axis("", categories=("a", "b")), 1.0, "b"),
        (Axis("", categories=("a", "b")), 2.0, ""),
    ],
)
def test_values_read_as_the_axis_says(axis: Axis, value: float, text: str) -> None:
    assert shown(axis, value) == text


def test_no_room_draws_nothing() -> None:
    assert lines(of(Line("loss", (0.0, 1.0), (2.0, 0.0))), width=8) == ["nothing to draw"]
