"""What screen tests share: a fixed time zone, an app over fakes, and the comparison with the kept pictures."""

import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.screen import Screen

from cqltui.results.curves import CurvesRead
from cqltui.state.events import Event
from cqltui.state.lanes import Past
from cqltui.state.model import RunState
from cqltui.state.record import TaskRecord
from cqltui.ui.app import CqltuiApp
from cqltui.ui.ports import LeaveChoice, Ports, ReadCurves
from cqltui.ui.remembered import Remembered
from tests.ui.fakes import FakeLogs, FakeRequests, FakeSource
from tests.ui.late import LateDraws
from tests.ui.night import reduce_once
from tests.ui.rest import at_rest

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
UPDATE = "UPDATE_SCREENSHOTS"
DEADLINE_S = 90.0

Compare = Callable[[App[Any], str], None]

_parse_rules = Stylesheet._parse_rules
_rules: dict[object, list[RuleSet]] = {}


def parse_rules(sheet: Stylesheet, css: str, *where: Any, **how: Any) -> list[RuleSet]:
    """As an app's stylesheet does; what one app has parsed the next ones need not."""
    key = (css, *where, *how.values(), frozenset(sheet._variables.items()))
    if key not in _rules:
        _rules[key] = _parse_rules(sheet, css, *where, **how)
    return _rules[key]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clock times are local: here, UTC. The user's wish for no colours would change every picture."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No fixed pauses: what the app has left to do is looked at, and a draw follows its cause at once."""
    for module in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{module}.wait_for_idle", at_rest)
    for pause in ("app.REFRESH_S", "pump.GATHER_S", "pump.REPORTS_S"):
        monkeypatch.setattr(f"cqltui.ui.{pause}", 0.005)
    monkeypatch.setattr("cqltui.ui.panels.details.REST_S", 0.01)
    # A message stays until it was looked at, which on a busy machine may be after its five seconds.
    monkeypatch.setattr("cqltui.ui.base.BaseApp.NOTIFICATION_TIMEOUT", 3600.0)
    monkeypatch.setattr("cqltui.ui.base.THEME_S", 3600.0)
    monkeypatch.setattr(Stylesheet, "_parse_rules", parse_rules)
    monkeypatch.setattr("cqltui.ui.pump.reduce_all", reduce_once)


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app looks ten times a second whether the run is supervised."""
    monkeypatch.setattr("cqltui.ui.app.TICK_S", 0.1)


async def run_to_its_end(app: CqltuiApp) -> None:
    """Run an app that ends by itself. Raises what the app raises."""
    async with app.run_test(size=(80, 24)) as pilot:
        deadline = time.monotonic() + DEADLINE_S
        while app.is_running and time.monotonic() < deadline:
            await pilot.pause(0.01)


class Bench:
    """An app over fakes, whose clock stands."""

    def __init__(
        self,
        events: list[Event],
        now: float,
        lines: list[str] | None = None,
        remembered: Remembered | None = None,
        **ports: Any,
    ) -> None:
        """`ports`: more of them."""
        self.now = now
        self.given = list(events)
        self.source, self.requests, self.logs = FakeSource(events), FakeRequests(), FakeLogs(lines)
        self.curves: ReadCurves = lambda wish: CurvesRead()
        self.supervised, self.hindered, self.asked = True, "", 0
        self.kept: list[Remembered] = []
        self.past = Past()
        self.draws: LateDraws | None = None
        """Where drawing is put off until the app is at rest."""
        self._state, self._told = RunState(), 0
        self.records: dict[str, TaskRecord] = {}
        """Task id -> what its files tell."""
        self.app = CqltuiApp(
            Ports(
                source=self.source,
                requests=self.requests,
                logs=self.logs,
                curves=lambda wish: self.curves(wish),
                record=lambda subject: self.records.get(subject.task_id, TaskRecord()),
                clock=lambda: self.now,
                supervised=self._is_supervised,
                hindered=lambda: self.hindered,
                remembered=remembered or Remembered(),
                keep=self.kept.append,
                **ports,
                past=lambda: self.past,
            )
        )
        self.app.animation_level = "none"

    @asynccontextmanager
    async def open(self, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[LeaveChoice]]:
        """Run the app. It is drawn when it is at rest, and not on the way to there."""
        with pytest.MonkeyPatch.context() as patch:
            self.draws = LateDraws(self.app, patch)
            async with self.app.run_test(size=size) as pilot:
                yield pilot

    def _is_supervised(self) -> bool:
        self.asked += 1
        return self.supervised

    async def settle(self, pilot: Pilot[LeaveChoice]) -> None:
        """Wait until the app has drawn all events, and nothing is left to do."""
        self._state, self._told = reduce_once(self._state, self.given[self._told :]), len(self.given)
        await self.until(pilot, lambda: (frame := self.app.frame) is not None and frame.state == self._state)
        await self.rest(pilot)

    async def rest(self, pilot: Pilot[LeaveChoice]) -> None:
        """Wait until nothing is left to do."""
        # A layout may ask for a draw, and a draw for a layout: twice is what there is.
        for _ in range(3):
            await pilot.pause()
            await self.until(pilot, lambda: not self.app.busy)
        await pilot.pause()
        self._draw()

    async def commands(self, pilot: Pilot[LeaveChoice]) -> list[tuple[object, ...]]:
        """Return what was asked of the run, once all keys have acted and each command was answered."""
        await pilot.pause()
        await self.until(pilot, lambda: not self.app.busy)
        answered: list[None] = []
        self.app._calls.call(lambda: None, answered.append, lambda _: None)  # behind those that were given before
        await self.until(pilot, lambda: bool(answered))
        await pilot.pause()
        self._draw()
        return self.requests.calls

    def _draw(self) -> None:
        if self.draws is not None:
            self.draws.draw()

    def shows(self, kind: type[Screen[Any]]) -> bool:
        """Whether there is such a screen, with all its widgets."""
        screen = self.app.screen
        return isinstance(screen, kind) and screen.is_mounted

    def give(self, *events: Event) -> None:
        """More events for the app."""
        self.given += events
        self.source.give(*events)

    async def until(self, pilot: Pilot[LeaveChoice], happened: Callable[[], bool]) -> None:
        """Wait for something, with a deadline."""
        deadline = time.monotonic() + DEADLINE_S
        while not happened():
            assert time.monotonic() < deadline, "it did not happen in time"
            await pilot.pause(0.01)


@pytest.fixture
def compare() -> Compare:
    """Compares the screen with `screenshots/<name>.svg`; with UPDATE_SCREENSHOTS=1 in the environment, writes it."""

    def _compare(app: App[Any], name: str) -> None:
        # Textual numbers the classes of each picture it makes.
        svg = re.sub(r"terminal-\d+-", "", app.export_screenshot(simplify=True))
        path = SCREENSHOTS / f"{name}.svg"
        if os.environ.get(UPDATE):
            path.parent.mkdir(exist_ok=True)
            path.write_text(svg, encoding="utf-8")
            return
        if not path.exists() or path.read_text(encoding="utf-8") != svg:
            found = Path(tempfile.mkdtemp(prefix="cqltui-")) / path.name
            found.write_text(svg, encoding="utf-8")
            pytest.fail(f"the screen differs from {path}: look at {found}; if it is right, run with {UPDATE}=1")

    return _compare
