"""The keys and the mouse on the curves."""

import re
from functools import partial

import pytest
from msgspec.structs import replace
from textual.content import Content
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from cqltui.results.curves import CurvesRead, CurveWish
from cqltui.state.curve import Curve, band, curve
from cqltui.ui.chart.content import Look, looked_at
from cqltui.ui.feeds import CURVES_S
from cqltui.ui.frame import Frame
from cqltui.ui.messages import StateChanged
from cqltui.ui.panels.curves import CurvesPanel
from cqltui.ui.ports import LeaveChoice
from tests.ui.conftest import Bench, Compare
from tests.ui.driving import ALL, RUNNING, started

LENGTH = 400
BY_ID = {task.id: task for task in ALL}


def line(task_id: str, metric: str) -> Curve:
    """Like the losses of the night, further apart, at full resolution."""
    task = BY_ID[task_id]
    apart = 1 + 0.2 * (task.index % 8)
    if metric.startswith("val_"):
        epochs = range(10, LENGTH + 1, 10)
        return curve(epochs, [apart * task.loss(epoch) * 1.07 + abs(epoch - 200) / 2_000 for epoch in epochs])
    shift = -1.0 if metric == "q_mean" else 0.0
    return curve(range(1, LENGTH + 1), [apart * task.loss(epoch) + shift for epoch in range(1, LENGTH + 1)])


def read(wish: CurveWish) -> CurvesRead:
    """All that is wished for but the norms of the gradients."""
    names = [name for name in wish.metrics if name != "grad_norm"]
    found = {(each.task_id, name): line(each.task_id, name) for each in wish.subjects for name in names}
    common = {name: band([its for (_, known), its in found.items() if known == name]) for name in names}
    return CurvesRead(found, {name: its for name, its in common.items() if its is not None})


class Seen:
    """The panel, as it is after keys."""

    def __init__(self, bench: Bench, pilot: Pilot[LeaveChoice]) -> None:
        self.bench, self.pilot = bench, pilot
        self.panel = bench.app.screen.query_one(CurvesPanel)

    async def press(self, *keys: str) -> str:
        """The title and the text, once keys have acted."""
        await self.pilot.press(*keys)
        await self.bench.rest(self.pilot)
        return self.text

    @property
    def text(self) -> str:
        """The title and all lines."""
        lines = ("".join(text for text, _ in line) for line in self.panel.lines)
        return "\n".join([str(self.panel.border_title), *lines])


def epoch_of(text: str) -> int:
    """The epoch that is read."""
    found = re.search(r"^epoch (\d+) ", text, re.MULTILINE)
    assert found, text
    return int(found[1])


async def test_the_keys_and_the_mouse_on_the_curves() -> None:
    async with started() as (bench, pilot):  # too small for the panel, which has read nothing yet
        bench.curves = read
        await pilot.resize_terminal(120, 30)
        seen = Seen(bench, pilot)
        await seen.press("tab", "underscore")
        assert seen.panel.has_focus
        assert Content.from_markup(seen.panel.border_title or "").plain == f"2 Curves · {RUNNING} · loss · log scale"
        assert "validation" in seen.text
        assert "at epoch 200" in seen.text  # the best
        await _options(seen)
        await _reading(seen)
        await _mouse(seen)
        await _metrics(seen)
        assert not bench.requests.calls  # + and - have changed no priority


async def _options(seen: Seen) -> None:
    plain = seen.text
    assert "· linear" in await seen.press("y")
    assert "· log scale" in await seen.press("y")
    for factor in ("0.6", "0.9", "0.97"):
        assert f"· smoothed {factor}" in await seen.press("s")
    assert await seen.press("s") == plain
    assert await seen.press("g") != plain
    assert await seen.press("g") == plain
    assert "loss, training rows ·" in await seen.press("v")
    assert "loss, validation rows ·" in await seen.press("v")
    assert await seen.press("v") == plain


async def _reading(seen: Seen) -> None:
    """First at an end, then by cells, and at the ends; closer, and back. Reading goes beyond what is seen."""
    plain = seen.text
    assert "epoch 400 " in await seen.press("left")
    back = await seen.press("left", "left")
    assert 385 < epoch_of(back) < 399
    assert await seen.press("right", "left") == back
    far = await seen.press("shift+left")
    assert 340 < epoch_of(far) < 375
    assert await seen.press("shift+right") == back
    assert await seen.press("pageup") == far
    assert await seen.press("ctrl+d") == back
    assert "epoch 1 " in await seen.press("home")
    assert f"{line(RUNNING, 'loss').values[0]:.4f} training" in seen.text
    assert "epoch 400 " in await seen.press("end")
    assert "· epochs 200-400" in await seen.press("plus")
    assert "· epochs 350-400" in await seen.press("equals_sign", "plus")
    assert "· epochs 1-51" in await seen.press("home")
    assert "· epochs 1-101" in await seen.press("minus")
    assert "· epochs 1-200" in await seen.press("down")
    assert "· epochs 1-101" in await seen.press("up")
    assert await seen.press("0") == plain


async def _mouse(seen: Seen) -> None:
    plain, panel, pilot = seen.text, seen.panel, seen.pilot
    await pilot.hover(panel, offset=(60, 5))
    middle = await seen.press()
    assert 185 < epoch_of(middle) < 215
    await pilot.hover(panel, offset=(80, 5))
    assert epoch_of(await seen.press()) > epoch_of(middle) + 50
    await pilot.hover("#header")
    assert await seen.press() == plain
    await pilot.click(panel, offset=(60, 5))
    await pilot.hover("#header")
    assert await seen.press() == middle
    await pilot._post_mouse_events([MouseScrollUp], panel, (60, 5))
    closer = await seen.press()
    assert "· epochs" in closer
    assert epoch_of(closer) == epoch_of(middle)
    await pilot._post_mouse_events([MouseScrollDown], panel, (60, 5))
    await pilot._post_mouse_events([MouseScrollDown], panel, (60, 5))
    assert "· epochs" not in await seen.press()
    assert await seen.press("0") == plain


async def _metrics(seen: Seen) -> None:
    titles = [(await seen.press("right_square_bracket")).splitlines()[0] for _ in range(6)]
    assert [title.split(" · ")[2] for title in titles] == [
        "TD loss", "CQL loss", "Q mean", "gradient norm", "speed, samples/s", "loss",
    ]  # fmt: skip
    assert "speed" in await seen.press("left_square_bracket")
    assert "No values of gradient norm are known here." in await seen.press("left_square_bracket")
    assert "Q mean · linear" in await seen.press("left_square_bracket")
    assert "linear: not all above 0" in await seen.press("y")


async def test_marked_tasks_lie_over_each_other_and_a_group_shows_its_median(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[CurveWish] = []

    def slowly(wish: CurveWish) -> CurvesRead:
        asked.append(wish)
        return replace(read(wish), unfinished=len(asked) < 3)

    def enough(count: int) -> bool:
        return len(asked) >= count

    async with started() as (bench, pilot):
        bench.curves = slowly
        await pilot.resize_terminal(160, 33)
        seen = Seen(bench, pilot)
        await seen.press("g", *["space"] * 10, "tab", "underscore", "g")
        assert "Curves · loss, training rows · log scale" in seen.text
        assert "and 2 more" in seen.text
        compare(bench.app, "curves-marked-160x33")
        assert "loss, validation rows" in await seen.press("v")
        assert "loss, training rows" in await seen.press("v")
        # What was not read to its end is read on, though nothing else has changed.
        asked.clear()
        await seen.press("v", "v")
        for count in (2, 3):
            bench.now += CURVES_S + 1
            bench.app.post_message(StateChanged())
            await bench.until(pilot, partial(enough, count))
        group = tuple(task.id for task in ALL[5:17])

        def grouped(frame: Frame) -> Look:
            return looked_at(replace(frame, chosen=replace(frame.chosen, marked=(), group=group)))

        monkeypatch.setattr("cqltui.ui.panels.curves.looked_at", grouped)
        await pilot.resize_terminal(80, 24)
        bench.app.post_message(StateChanged())
        await bench.until(pilot, lambda: "of 12 tasks" in seen.text)
        await bench.rest(pilot)
        await seen.press("left", *["shift+left"] * 3)
        compare(bench.app, "curves-group-80x24")
