"""Charts: where values lie, what is drawn of them, and what is said."""

import math
from array import array
from collections.abc import Callable
from itertools import pairwise

import pytest
from msgspec.structs import replace

from cqltui.state.curve import Curve, band, curve
from cqltui.ui import format as fmt
from cqltui.ui.chart.dots import PATTERNS, Layer, paint, sample, shade, trace
from cqltui.ui.chart.draw import Memo, Picture, draw
from cqltui.ui.chart.model import Chart, Options, Series
from cqltui.ui.chart.scale import Scale, Window
from cqltui.ui.chart.words import words
from cqltui.ui.line import ROLES, width

NAN = math.nan


def made(epochs: range, value: Callable[[int], float]) -> Curve:
    return curve(array("q", epochs), array("d", map(value, epochs)))


def of(*values: float) -> Curve:
    """From epoch 1 on."""
    return made(range(1, len(values) + 1), lambda epoch: values[epoch - 1])


FALLING = made(range(1, 2_001), lambda epoch: 2.0 / epoch)
VALIDATED = made(range(10, 2_001, 10), lambda epoch: 3.0 / epoch)
ONE = Chart(
    (Series("training", FALLING), Series("validation", VALIDATED, style=1)),
    baseline=0.01,
    best=(1_000, 0.003, "best validation 0.0030 at epoch 1,000"),
)
MANY = Chart(
    tuple(
        Series(f"0000000{n} alpha 0.{n}", made(range(1, 2_001), lambda e, n=n: n + 2.0 / e), n - 1, n)  # type: ignore[misc]
        for n in range(1, 9)
    ),
    notes=("and 5 more",),
)
GROUP = Chart(band=band([of(1, 1, 1), of(2, 2, 2), of(3, 3, 3)]), notes=("of 3 tasks",))


def texts(picture: Picture) -> list[str]:
    return ["".join(text for text, _ in line) for line in picture.lines]


def role_at(picture: Picture, y: int, x: int) -> str:
    """The role of a cell."""
    for text, role in picture.lines[y]:
        if x < len(text):
            return role
        x -= len(text)
    return ""


# Scales


def test_a_line_joins_its_points() -> None:
    x, y = Scale(1, 3, 5), Scale(0, 4, 5)
    assert trace(of(0, 4, 2), x, y) == [(0, 4, 4), (1, 2, 3), (2, 0, 1), (3, 1, 1), (4, 2, 2)]


def test_a_gap_is_free() -> None:
    x, y = Scale(1, 5, 5), Scale(0, 4, 5)
    assert [run[0] for run in trace(of(0, 1, NAN, 3, 4), x, y)] == [0, 1, 3, 4]


def test_what_is_outside_is_cut_off_at_the_edge() -> None:
    x, y = Scale(2, 3, 5), Scale(0, 40, 41)
    runs = trace(of(0, 10, 20, 40), x, y)
    assert {run[0] for run in runs} == set(range(5))
    assert (runs[0], runs[-1][1]) == ((0, 30, 31), 20)
    # A window between two points has the line from one to the other.
    between = trace(curve([0, 100], [0.0, 40.0]), Scale(40, 60, 5), y)
    assert [run[0] for run in between] == list(range(5))
    assert between[2][1] == 20


def test_many_points_of_a_column_show_their_extremes() -> None:
    values = [50.0] * 1_000
    values[437], values[438] = 0.0, 100.0
    for epochs in (range(1, 1_001), range(1, 2_001, 2)):
        x, y = Scale(epochs[0], epochs[-1], 101), Scale(0, 100, 101)
        runs = trace(curve(epochs, array("d", values)), x, y)
        assert sorted({run[0] for run in runs}) == list(range(101))
        spike = [run for run in runs if run[2] > run[1]]
        assert spike == [(44, 0, 100)]
        assert all(run == (run[0], 50, 50) for run in runs if run not in spike)


def test_dense_columns_meet() -> None:
    steps = made(range(1, 1_001), lambda epoch: float(epoch // 100))
    runs = trace(steps, Scale(1, 1_000, 51), Scale(0, 10, 101))
    for (_, top, bottom), (_, next_top, next_bottom) in pairwise(runs):
        assert next_top <= bottom + 1
        assert next_bottom >= top - 1


def test_runs_are_painted_into_characters() -> None:
    layer: Layer = {}
    paint(layer, [(0, 0, 0), (1, 2, 5), (9, 0, 3), (2, -9, 99)], 2, 2)
    # In the first character a dot at the top left and two at the right, which go on below; the third column is whole.
    assert layer == {0: 0x01 | 0x20 | 0x80, 2: 0x08 | 0x10, 1: 0x47, 3: 0x47, 4: 0xB8} | {4: 0x80 | 0x38}
    dotted: Layer = {}
    paint(dotted, [(column, 0, 0) for column in range(6)], 3, 1, "100")
    assert dotted == {0: 0x01, 1: 0x08}


def test_a_band_is_shaded_between_its_lines() -> None:
    low, high = [(0, 4, 4), (1, 6, 6), (2, 9, 9)], [(0, 0, 0), (1, 1, 2), (3, 0, 0)]
    assert sorted(shade(low, high)) == [(0, 0, 0), (0, 2, 2), (0, 4, 4), (1, 1, 1), (1, 3, 3), (1, 5, 5)]


def test_every_style_looks_different() -> None:
    assert len({sample(pattern) for pattern in PATTERNS}) == len(PATTERNS) == 8
    assert all(pattern[0] == "1" for pattern in PATTERNS)


# Pictures


@pytest.mark.parametrize("chart", [ONE, MANY, GROUP])
@pytest.mark.parametrize("options", [Options(), Options(False, True, 2, Window(5, 9), 7.0)])
def test_a_picture_fills_its_size_and_no_more(chart: Chart, options: Options) -> None:
    for cells, rows in ((24, 4), (38, 5), (50, 8), (78, 20), (156, 44), (298, 56)):
        picture = draw(chart, cells, rows, options)
        assert len(picture.lines) <= rows
        assert max(map(width, picture.lines)) <= cells
        assert {role for line in picture.lines for _, role in line} <= set(ROLES)
        assert picture.x is not None
        assert picture.x.dots == 2 * (cells - picture.left)


def test_there_is_nothing_to_draw_before_two_epochs_or_without_room() -> None:
    assert texts(draw(Chart(), 80, 20, Options())) == ["The curve appears after two epochs."]
    assert texts(draw(Chart(notes=("Reading.",)), 80, 20, Options())) == ["Reading."]
    assert texts(draw(Chart(), 20, 20, Options())) == ["The curve appears", "after two epochs."]
    assert draw(Chart((Series("", of(1)),)), 80, 20, Options()).x is None
    for cells, rows in ((23, 20), (80, 3)):
        assert texts(draw(ONE, cells, rows, Options())) == ["The curves need more room."]


def test_one_task_has_two_styles_a_baseline_and_its_best_epoch() -> None:
    picture = draw(ONE, 80, 24, Options())
    said = texts(picture)
    assert picture.log
    assert "0.0010 training" in said[-2]
    assert "0.0015 validation" in said[-2]
    assert "baseline 0.0100" in "".join(said[:-2])
    assert "◆ best validation 0.0030 at epoch 1,000" in said[-1]
    (row,) = [y for y, text in enumerate(said[:-2]) if "◆" in text]
    assert picture.epoch(said[row].index("◆")) == pytest.approx(1_000, abs=picture.step)
    assert said[-3].split() == ["epoch", "500", "1,000", "1,500", "2,000"]
    roles = {role for line in picture.lines[:-2] for _, role in line}
    assert {"curve1", "curve2", "paused", "done"} <= roles
    assert "baseline" not in "".join(texts(draw(replace(ONE, baseline=None), 80, 24, Options())))


def test_a_baseline_far_off_leaves_the_room_to_the_curves() -> None:
    curve_ = Series("training", of(12, 13, 14))
    for baseline, side in ((11.0, ""), (1.0, ", below"), (15.0, ""), (90.0, ", above")):
        for log in (False, True):
            said = texts(draw(Chart((curve_,), baseline=baseline), 90, 20, Options(log=log)))
            assert said[-1].rstrip().endswith(f"baseline {fmt.number(baseline)}{side}"), (baseline, log)
            ticks = [float(text.split("┤")[0]) for text in said if "┤" in text]
            assert 11 <= min(ticks) < max(ticks) <= 15
            assert any("baseline" in text for text in said[:-1]) == (not side)


def test_a_line_falls_from_corner_to_corner() -> None:
    picture = draw(Chart((Series("", of(3, 2, 1)),), loss=False), 44, 12, Options())
    plot = [text[picture.left :] for text in texts(picture) if text[picture.left - 1] in "│┤"]
    assert plot[0][0] != " "
    assert plot[-1].rstrip()[-1] != " "
    assert len(plot[-1].rstrip()) == 44 - picture.left
    assert not plot[0][5:].strip()
    assert not plot[-1][:-5].strip()


def test_the_scale_is_logarithmic_where_it_can_be() -> None:
    zero = Chart((Series("", of(1, 2, 0)),))
    assert draw(ONE, 80, 24, Options()).log
    assert not draw(replace(ONE, loss=False), 80, 24, Options()).log
    assert draw(replace(ONE, loss=False), 80, 24, Options(log=True)).log
    assert not draw(ONE, 80, 24, Options(log=False)).refused
    for chart in (zero, replace(ONE, baseline=0.0), Chart((Series("", of(1, NAN, -1)),))):
        found = draw(chart, 80, 24, Options(log=True))
        assert (found.log, found.refused) == (False, True)
    assert draw(Chart((Series("", of(1, NAN, 2)),)), 80, 24, Options()).log


def test_values_are_read_at_an_epoch() -> None:
    picture = draw(ONE, 80, 24, Options(epoch=504))
    said = texts(picture)[-2]
    assert said.startswith("epoch 504 ")
    assert "0.0040 training" in said
    assert "0.0060 at 500 validation" in said
    column = round(picture.x.dot(504)) // 2 + picture.left if picture.x else 0
    upright = [text[column] for text in texts(picture)[:10]]
    assert "│" in upright
    # A curve that has ended says nothing more.
    short = Chart((Series("a", of(1, 2, 3)), Series("b", of(5, 6), 1)))
    assert texts(draw(short, 60, 16, Options(epoch=3)))[-1].split() == ["epoch", "3", sample(PATTERNS[0]), "3.0000",
                                                                        "a", sample(PATTERNS[1]), "–", "b"]  # fmt: skip


def test_an_epoch_lies_at_a_cell() -> None:
    picture = draw(ONE, 80, 24, Options())
    assert picture.epoch(picture.left - 1) is None
    assert picture.epoch(80) is None
    assert picture.epoch(picture.left) == pytest.approx(1, abs=picture.step)
    assert picture.epoch(79) == pytest.approx(2_000, abs=picture.step)
    assert picture.step == pytest.approx(1_999 / (80 - picture.left - 1))
    assert Picture(()).epoch(5) is None


def test_several_tasks_are_numbered_and_named() -> None:
    picture = draw(MANY, 150, 44, Options())
    said = texts(picture)
    legend = [text for text in said if "alpha" in text]
    assert all(f"{n} {sample(PATTERNS[n - 1])} " in "".join(legend) for n in range(1, 9))
    assert "and 5 more" in said[-1]
    plot = [text for text in said if text[picture.left - 1] in "│┤"]
    for n in range(1, 9):
        (y,) = [y for y, text in enumerate(plot) if str(n) in text[picture.left :]]
        assert role_at(picture, y, plot[y].index(str(n), picture.left)) == f"curve{n}"


@pytest.mark.parametrize("cells", [30, 40, 60, 100])
def test_a_legend_with_little_room_still_has_the_values(cells: int) -> None:
    said = texts(draw(ONE, cells, 9, Options()))[-1]
    assert "0.0010 t" in said
    assert len(said) <= cells


def test_a_group_has_a_median_and_a_band() -> None:
    picture = draw(GROUP, 80, 16, Options(epoch=2))
    said = texts(picture)
    assert "median 2.0000" in said[-2] + said[-1]
    assert "quartiles 1.5000-2.5000" in said[-2] + said[-1]
    assert "of 3 tasks" in said[-2] + said[-1]
    roles = {role for line in picture.lines[:8] for _, role in line[2:]}
    assert {"curve1", "dim"} <= roles


def test_gaps_are_told() -> None:
    chart = Chart((Series("training", of(1, NAN, 3, math.inf)),))
    assert "gaps: 2 values are no numbers" in texts(draw(chart, 100, 16, Options()))[-1]
    one = Chart((Series("training", of(1, NAN, 3)),))
    assert "gaps: 1 value is no number" in texts(draw(one, 100, 16, Options(epoch=2)))[-1]
    assert "nan training" in texts(draw(one, 100, 16, Options(epoch=2)))[-1]


def test_a_smoothed_curve_leaves_its_values_faint() -> None:
    rough = made(range(1, 201), lambda epoch: 1.0 + epoch % 2)
    chart = Chart((Series("training", rough),), loss=False)
    raw, smooth = (draw(chart, 80, 20, Options(smoothing=n)) for n in (0, 2))
    assert all(role_at(raw, y, 40) == "curve1" for y in range(2, 14))
    assert [role_at(smooth, y, 40) for y in range(2, 14)].count("curve1") <= 3
    assert [role_at(smooth, y, 40) for y in range(2, 14)].count("faint") >= 9
    assert "2.0000 training" not in texts(smooth)[-1]  # what is read are the values
    assert "1.0000 training" in texts(smooth)[-1]


def test_a_grid_stands_at_the_ticks() -> None:
    for grid in (False, True):
        picture = draw(ONE, 80, 24, Options(grid=grid))
        ticks = [y for y, text in enumerate(texts(picture)) if "┤" in text]
        assert all((role_at(picture, y, 70) == "faint") == grid for y in ticks[:2])


def test_a_window_shows_its_epochs_alone() -> None:
    picture = draw(ONE, 80, 24, Options(window=Window(100, 200)))
    assert picture.x is not None
    assert (picture.x.low, picture.x.high) == (100, 200)
    assert texts(picture)[-3].split() == ["epoch", "120", "140", "160", "180", "200"]
    assert "best validation" in texts(picture)[-1]
    assert not any("◆" in text for text in texts(picture)[:-2])
    assert "baseline 0.0100" in texts(picture)[-2] + texts(picture)[-1]


def test_a_memo_gives_the_same_picture() -> None:
    memo = Memo()
    for options in (Options(), Options(epoch=700), Options(smoothing=1), Options(window=Window(5, 90))):
        for _ in range(2):
            assert draw(ONE, 80, 24, options, memo) == draw(ONE, 80, 24, options)


# Words


def test_a_chart_in_words() -> None:
    assert words(Chart(), None) == ["The curve appears after two epochs."]
    assert words(ONE, None) == [
        "training: from 2.0000 at epoch 1 to 0.0010 at epoch 2,000; "
        "lowest 0.0010 at epoch 2,000, highest 2.0000 at epoch 1",
        "validation: from 0.3000 at epoch 10 to 0.0015 at epoch 2,000; "
        "lowest 0.0015 at epoch 2,000, highest 0.3000 at epoch 10",
        "baseline 0.0100",
        "best validation 0.0030 at epoch 1,000",
    ]
    assert words(GROUP, 2)[:2] == ["first quartile: 1.5000 at epoch 2", "median of 3 tasks: 2.0000 at epoch 2"]
    gap = Chart((Series("a", of(1, NAN, 3), number=1), Series("b", of(NAN, NAN), number=2)))
    assert words(gap, 2) == ["1: a: no value at epoch 2", "2: b: no values", "values that are no numbers: 3"]
    assert words(gap, 3)[0] == "1: a: 3.0000 at epoch 3"
    assert words(MANY, 3_000)[0].endswith("no value at epoch 3,000")
    assert words(MANY, None)[-1] == "and 5 more"
