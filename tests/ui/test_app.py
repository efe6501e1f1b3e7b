"""What the app does beside the keys: foreign text, offline, threads that die, colours, many tasks."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.filter import NoColor
from textual.pilot import Pilot
from textual.strip import Strip

from cqltui.errors import ServerError
from cqltui.state.events import Event, Kind
from cqltui.ui.app import CqltuiApp
from cqltui.ui.panels.banner import Banner
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.panels.view import LineView
from cqltui.ui.ports import LeaveChoice, Ports
from cqltui.ui.screens.dialog import Choice, Dialog
from tests.ui.conftest import Bench, run_to_its_end
from tests.ui.driving import started
from tests.ui.fakes import FakeLogs, FakeRequests, FakeSource
from tests.ui.night import LAUNCH_TS, Night, tasks

HOSTILE = "[bold red]x[/] [/nonsense \x1b[2J\x1b]0;title\x07\x9b31m\ud800 \u202e tail"


def seen(app: CqltuiApp) -> str:
    """The text on the screen."""
    return "\n".join(strip.text for view in app.screen.query(LineView) for strip in _strips(view))


def _strips(view: LineView) -> list[Strip]:
    return [view.render_line(y) for y in range(view.size.height)]


def hostile_events() -> list[Event]:
    """A run in which every text is hostile."""
    life = {"status": "dead", "priority": 8, "run": 1, "error": HOSTILE, "worker": HOSTILE}
    info = {"phase": "p", "title": HOSTILE, "description": HOSTILE, "epochs": 10}
    phase = {
        "name": "p", "title": HOSTILE, "goal": HOSTILE, "questions": [HOSTILE], "expected": HOSTILE,
        "verdicts": [{"text": HOSTILE, "passed": False, "detail": HOSTILE}],
        "answers": [{"question": HOSTILE, "lines": [HOSTILE]}],
    }  # fmt: skip
    meta = {"wanted": "running", "campaign": {"title": HOSTILE, "phases": [phase], "started_ts": LAUNCH_TS}}
    notice = {"level": "error", "text": HOSTILE}
    return [
        Event(Kind.CONNECTION, LAUNCH_TS, data={"online": True}),
        Event(Kind.CAMPAIGN, LAUNCH_TS, 1, 1, data=meta),
        Event(Kind.TASK_DEAD, LAUNCH_TS, 1, 2, HOSTILE, data={**life, "info": info}),
        Event(Kind.WORKER_STARTED, LAUNCH_TS, 1, 3, worker=HOSTILE, data={"device": HOSTILE}),
        Event(Kind.NOTICE, LAUNCH_TS, 1, 4, data=notice),
    ]


async def test_foreign_text_is_shown_plainly() -> None:
    bench = Bench(hostile_events(), LAUNCH_TS + 5, [HOSTILE, "x" * 1_000_000])
    async with bench.open((160, 48)) as pilot:
        await bench.settle(pilot)
        text = seen(bench.app)
        assert "[bold red]x[/]" in text
        assert not any(sign in text for sign in "\x1b\x9b\x07\u202e\ud800")
        seq = Event(Kind.NOTICE, LAUNCH_TS + 1, 1, 5, data={"level": "error", "text": HOSTILE})
        bench.give(seq)
        await bench.settle(pilot)
        await pilot.press("enter")
        await bench.settle(pilot)
        assert "[bold red]x[/]" in seen(bench.app)
        await pilot.press("escape", "r", "x", "escape", "slash", *"[/bold]", "escape", "q", "escape")
        assert bench.app.is_running
        bench.app.export_screenshot()


async def test_the_banner_shows_while_the_server_is_away() -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    async with bench.open() as pilot:
        await bench.settle(pilot)
        banner = bench.app.screen.query_one(Banner)
        assert not banner.display
        bench.give(Event(Kind.CONNECTION, night.now, data={"online": False}))
        await bench.settle(pilot)
        assert banner.display
        refuses = {"online": False, "why": "the server is full (maxmemory)"}
        bench.give(Event(Kind.CONNECTION, night.now, data=refuses))
        await bench.until(pilot, lambda: "the server is full (maxmemory)" in banner.render_line(0).text)
        bench.give(Event(Kind.CONNECTION, night.now + 1, data={"online": True}))
        await bench.settle(pilot)
        assert not banner.display


@pytest.mark.usefixtures("ticking")
async def test_what_holds_up_the_supervisor_is_told_while_the_server_answers() -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    async with bench.open() as pilot:
        await bench.settle(pilot)
        bench.hindered = "the server's user may not (NOPERM)"
        await bench.until(pilot, lambda: "held up: the server's user may not (NOPERM)" in seen(bench.app))
        bench.hindered = ""
        await bench.until(pilot, lambda: "held up" not in seen(bench.app))


@pytest.mark.usefixtures("ticking")
async def test_a_run_without_a_supervisor_says_so_after_a_while() -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    async with bench.open() as pilot:
        await bench.settle(pilot)
        assert "ETA ~" in seen(bench.app)
        bench.supervised = False
        asked = bench.asked
        await bench.until(pilot, lambda: bench.asked > asked + 1)
        assert "No supervisor" not in seen(bench.app), "there is none for a moment while it is replaced"
        bench.now += 3
        words = ("No supervisor runs", "unsupervised")
        await bench.until(pilot, lambda: all(word in seen(bench.app) for word in words))
        await bench.until(pilot, lambda: "ETA ~" not in seen(bench.app))
        bench.supervised = True
        await bench.until(pilot, lambda: "ETA ~" in seen(bench.app) and "No supervisor" not in seen(bench.app))


async def test_what_was_cancelled_or_waits_is_counted() -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    async with bench.open((160, 48)) as pilot:
        await bench.settle(pilot)
        assert "cancelled" not in seen(bench.app)
        ids = [task.id for task in tasks()][-4:]
        seq = max(event.seq for event in bench.given)
        for n, (task_id, status) in enumerate(zip(ids, ("cancelled", "cancelled", "cancelled", "paused"), strict=True)):
            kind = Kind(f"task.{status}")
            bench.give(Event(kind, bench.now, 1, seq + n + 1, task_id, data={"status": status, "run": 1}))
        await bench.settle(pilot)
        text = seen(bench.app)
        assert "3 cancelled" in text
        assert "without 1 paused" in text
        assert "1 paused" in next(line for line in text.splitlines() if "Robustness - Ensemble" in line)


@pytest.mark.usefixtures("ticking")
async def test_a_finished_run_needs_no_supervisor() -> None:
    night = Night(1e6)
    bench = Bench(night.events(), night.now)
    bench.supervised = False
    async with bench.open() as pilot:
        await bench.settle(pilot)
        bench.now += 10
        asked = bench.asked
        await bench.until(pilot, lambda: bench.asked > asked + 1)
        await bench.settle(pilot)
        assert "No supervisor" not in seen(bench.app)


class Failing(FakeSource):
    """Raises instead of answering."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def poll(self, timeout_s: float) -> list[Event]:
        """Fail."""
        raise self._error


async def test_a_source_that_gives_up_is_asked_again_and_the_screen_says_offline() -> None:
    bench = Bench([], LAUNCH_TS)
    bench.app = CqltuiApp(
        Ports(source=Failing(ServerError("away")), requests=bench.requests, logs=bench.logs, clock=lambda: LAUNCH_TS)
    )
    async with bench.open() as pilot:
        await bench.until(pilot, lambda: bench.app.frame is not None and "offline" in seen(bench.app))


async def test_an_error_of_ours_in_a_thread_ends_the_app_with_a_return_code() -> None:
    app = CqltuiApp(Ports(source=Failing(RuntimeError("a bug")), requests=FakeRequests(), logs=FakeLogs()))
    with pytest.raises(RuntimeError, match="a bug"):
        await run_to_its_end(app)
    assert app.return_code == 1


async def test_a_clock_that_was_set_back_before_the_start_gives_no_false_duration() -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    async with bench.open((160, 48)) as pilot:
        await bench.settle(pilot)
        assert "elapsed 1h 10m" in seen(bench.app)
        bench.now = LAUNCH_TS - 60.0
        bench.give(Event(Kind.CONNECTION, bench.now, data={"online": False}))
        await bench.until(pilot, lambda: "offline" in seen(bench.app))
        assert "elapsed" not in seen(bench.app)


async def test_the_source_is_closed_at_the_end() -> None:
    bench = Bench([], LAUNCH_TS)
    async with bench.open() as pilot:
        await pilot.pause()
    assert bench.source.closed


async def test_an_end_that_comes_while_a_question_is_opened_waits_for_its_widgets() -> None:
    async with started() as (bench, pilot):
        bench.app.push_screen(Dialog("Sure?", (), (Choice("n", "", "No"),)))
        bench.app.leave_now()
        await bench.until(pilot, lambda: not bench.app.is_running)
    assert bench.app.return_value is LeaveChoice.BACKGROUND


async def test_no_color_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    async with bench.open() as pilot:
        await bench.settle(pilot)
        assert bench.app.native_ansi_color
        assert any(isinstance(line_filter, NoColor) for line_filter in bench.app._filters)
        styles = [s.style for strip in bench.app.screen._compositor.render_strips() for s in strip if s.style]
        shown = [NoColor().apply([Segment("x", style)], Color(0, 0, 0))[0].style for style in styles]
        assert shown
        colors = [color for style in shown if style for color in (style.color, style.bgcolor) if color]
        assert all(color.is_default for color in colors)
        assert any(style and style.reverse for style in shown), "the cursor is seen without colours"


async def test_nothing_is_drawn_when_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    async with bench.app.run_test(size=(160, 48)) as pilot:
        await bench.settle(pilot)
        drawn: list[int] = []
        for view in bench.app.screen.query(LineView):
            monkeypatch.setattr(view, "render_line", partial(_recorded, view.render_line, drawn))
        # Textual's pause takes a process that gets little of a busy machine for an idle one: what the first layout
        # asked for may still be drawn. It comes to an end.
        for _ in range(20):
            drawn.clear()
            await _tick(bench, pilot)
            if not drawn:
                break
        assert drawn == []
        bench.give(Event(Kind.CONNECTION, night.now, data={"online": False}))
        await bench.settle(pilot)
        assert drawn, "the recording works"


async def _tick(bench: Bench, pilot: Pilot[LeaveChoice]) -> None:
    """Have a frame drawn that differs in nothing."""
    frame = bench.app.frame
    bench.give(Event(Kind.TICK, bench.now))
    await bench.until(pilot, lambda: bench.app.frame is not frame)
    await pilot.pause()


def _recorded(render: Callable[[int], Strip], drawn: list[int], y: int) -> Strip:
    drawn.append(y)
    return render(y)


async def test_two_thousand_tasks_are_listed_and_only_what_is_seen_is_drawn() -> None:
    events = [Event(Kind.CONNECTION, LAUNCH_TS, data={"online": True})]
    for i in range(2_000):
        info = {"phase": "p", "title": f"task {i}", "index": i, "epochs": 100}
        life = {"status": "queued", "priority": 5, "order": i, "info": info}
        events.append(Event(Kind.TASK_QUEUED, LAUNCH_TS, 1, i + 1, f"{i:08x}", data=life))
    bench = Bench(events, LAUNCH_TS + 5)
    async with bench.open() as pilot:
        await bench.settle(pilot)
        table = bench.app.screen.query_one(TaskTable)
        assert len(table.ids) == 2_000
        assert len(table._strips) < 100
        await pilot.press("G")
        assert table.cursor_id == f"{1999:08x}"
        assert "task 1999" in seen(bench.app)


async def test_a_draw_that_is_due_at_once_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer of Textual's whose time has passed when it looks first is never called."""
    clock = SimpleNamespace(monotonic=lambda: 1.0)
    monkeypatch.setattr("cqltui.ui.app.time", clock)
    monkeypatch.setattr("cqltui.ui.app.REFRESH_S", 1e-12)
    bench = Bench([Event(Kind.CONNECTION, LAUNCH_TS, data={"online": True})], LAUNCH_TS)
    async with bench.app.run_test(size=(80, 24)) as pilot:
        for online in (False, True, False):
            bench.give(Event(Kind.CONNECTION, LAUNCH_TS, data={"online": online}))
            await bench.settle(pilot)
