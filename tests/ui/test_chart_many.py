"""Charts of all metrics at once."""

import pytest

from cqltui.ui.chart.draw import Memo
from cqltui.ui.chart.many import GAP, LEAST_CELLS, LEAST_ROWS, draw_many, epoch_in, showing_at, tiles
from cqltui.ui.chart.model import Chart, Options
from cqltui.ui.line import width
from tests.ui.conftest import Compare
from tests.ui.driving import RUNNING, started
from tests.ui.test_chart import GROUP, MANY, ONE
from tests.ui.test_curves_panel import Seen, read

CHARTS = [
    ("loss", ONE),
    ("many", MANY),
    ("group", GROUP),
    ("none", Chart(notes=("No values of it are known here. " * 9,))),
]
MEMOS = [Memo() for _ in CHARTS]


@pytest.mark.parametrize(
    ("cells", "rows", "shape"),
    [
        (28, 6, (1, 1)),
        (10, 3, (1, 1)),
        (40, 36, (1, 6)),
        (70, 24, (2, 6)),
        (158, 40, (2, 6)),
        (220, 20, (3, 6)),
        (400, 7, (6, 6)),
        (60, 12, (2, 4)),
    ],
)
def test_charts_stand_in_a_grid_without_meeting(cells: int, rows: int, shape: tuple[int, int]) -> None:
    found = tiles(6, cells, rows)
    assert (len({tile.x for tile in found}), len(found)) == shape
    for i, tile in enumerate(found):
        assert tile.x + tile.cells <= max(cells, 1)
        assert tile.y + tile.rows <= rows
        assert len(found) == 1 or (tile.cells >= LEAST_CELLS and tile.rows >= LEAST_ROWS)
        for other in found[:i]:
            assert other.x + other.cells + GAP <= tile.x or other.y + other.rows <= tile.y


@pytest.mark.parametrize(("cells", "rows"), [(120, 30), (61, 13), (30, 6), (20, 2), (200, 12)])
@pytest.mark.parametrize("epoch", [None, 700.0])
def test_the_lines_fit_and_name_the_current_one(cells: int, rows: int, epoch: float | None) -> None:
    for current, (name, _) in enumerate(CHARTS):
        lines, drawn = draw_many(CHARTS, current, cells, rows, Options(epoch=epoch), MEMOS)
        assert len(lines) == rows
        assert max(map(width, lines)) <= cells
        assert current in [small.place for small in drawn]
        text = "\n".join("".join(text for text, _ in line) for line in lines)
        assert f"▸ {name}" in text
        assert text.count("▸") == 1


def test_values_are_those_at_the_epoch_that_is_read_or_at_the_end() -> None:
    for epoch, said in ((None, "0.0010"), (1_000.0, "0.0020")):
        lines, _ = draw_many(CHARTS[:1], 0, 80, 10, Options(epoch=epoch), MEMOS)
        assert f"train {said}" in "".join(text for text, _ in lines[0])


def test_the_mouse_finds_the_chart_and_its_epoch() -> None:
    _, drawn = draw_many(CHARTS, 0, 120, 30, Options(), MEMOS)
    for small in drawn[:2]:
        x, y = small.tile.x + small.tile.cells - 1, small.tile.y + small.tile.rows - 1
        found = showing_at(drawn, x, y)
        assert found is small
        assert epoch_in(small, x) == pytest.approx(2_000, rel=0.02)
        assert epoch_in(small, small.tile.x) is None, "left of its axis"
    assert showing_at(drawn, drawn[0].tile.cells, 0) is None, "between two"


async def test_all_metrics_at_once(compare: Compare) -> None:
    async with started(size=(120, 40)) as (bench, pilot):
        bench.curves = read
        seen = Seen(bench, pilot)
        await seen.press("2", "underscore")
        text = await seen.press("a")
        assert f"{RUNNING} · all metrics" in text
        assert all(name in text for name in ("▸ loss", "TD loss", "CQL loss", "Q mean", "gradient norm", "speed"))
        assert "▸ TD loss" in await seen.press("right_square_bracket")
        assert "▸ gradient norm" in await seen.press(*["right_square_bracket"] * 3)
        await seen.press("right_square_bracket", "right_square_bracket")
        await seen.press("home", "shift+right")
        compare(bench.app, "curves-all-120x40")
        await pilot.click(seen.panel, offset=(100, 5))
        await bench.rest(pilot)
        assert "▸ TD loss" in seen.text, "the second chart is the current one"
        assert (seen.panel._options.epoch or 0) > 200, "and is read there"
        assert "TD loss · log scale" in await seen.press("a")
