"""How often what has come makes a state that is drawn."""

import gc
import time
from collections.abc import Sequence
from threading import Event as Flag

import pytest

from cqltui.state.events import Event, Kind
from cqltui.ui.pump import Pump
from tests.ui.fakes import FakeSource

LIMIT_S = 10.0


def report(number: int) -> Event:
    member = {"task": "a", "token": "1-7", "step": number}
    return Event(Kind.PROGRESS, float(number), 1, worker="w1", data={"report": number, "members": [member]})


def test_reports_wait_for_each_other_and_what_happens_brings_them_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.ui.pump.REPORTS_S", 1e6)
    monkeypatch.setattr("cqltui.ui.pump.GATHER_S", 0.001)
    source, shown = FakeSource([Event(Kind.WANTED, 0.0, 1, 1)]), Flag()
    steps: list[int] = []

    def changed() -> None:
        state = pump.take()
        steps.append(live.step if (live := state.tasks["a"].live if state.tasks else None) else 0)
        shown.set()

    pump = Pump(source, time.time, changed, lambda error: pytest.fail(str(error)))
    pump.start()
    try:
        assert shown.wait(LIMIT_S)
        shown.clear()
        for number in range(1, 6):
            source.give(report(number))
            deadline = time.monotonic() + LIMIT_S
            while source.waiting and time.monotonic() < deadline:
                time.sleep(0.001)
        source.give(Event(Kind.WANTED, 0.0, 1, 2))
        assert shown.wait(LIMIT_S)
    finally:
        pump.stop()
    assert steps == [0, 5], "each report that made a state of its own would be another one"


def test_a_key_is_answered_first_and_one_that_is_held_down_holds_up_nothing_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cqltui.ui.pump.HUSH_S", 1e6)
    monkeypatch.setattr("cqltui.ui.pump.LONGEST_S", 0.2)
    monkeypatch.setattr("cqltui.ui.pump.GATHER_S", 0.001)
    source, shown = FakeSource([Event(Kind.WANTED, 0.0, 1, 1)]), Flag()
    pump = Pump(source, time.time, shown.set, lambda error: pytest.fail(str(error)))
    pump.start()
    try:
        assert shown.wait(LIMIT_S)
        pump.take()
        shown.clear()
        pump.hush()
        began = time.monotonic()
        source.give(*map(report, range(1, 100)))
        assert shown.wait(LIMIT_S)
        assert time.monotonic() - began > 0.19
        live = pump.take().tasks["a"].live
        assert live is not None
        assert live.step == 99
    finally:
        pump.stop()


def test_what_events_were_read_into_is_gone_before_garbage_is_looked_for() -> None:
    looked: list[tuple[bool, bool]] = []
    """At each poll: whether garbage is looked for, and whether the events of the one before are still held."""
    made: list[bool] = []
    enough = Flag()

    class Source(FakeSource):
        """Remembers what it has given."""

        given: Sequence[Event] = ()

        def poll(self, timeout_s: float) -> list[Event]:
            looked.append((gc.isenabled(), bool(self.given)))
            if timeout_s:  # the first poll of a turn
                self.given = events = super().poll(timeout_s)
                return events
            return super().poll(timeout_s)

    def changed() -> None:
        made.append(gc.isenabled())
        pump.take()
        if len(made) < 3:
            source.give(Event(Kind.WANTED, 0.0, 1, len(made) + 1))
        else:
            enough.set()

    source = Source([Event(Kind.WANTED, 0.0, 1, 1)])
    pump = Pump(source, time.time, changed, lambda error: pytest.fail(str(error)))
    assert gc.isenabled()
    pump.start()
    try:
        assert enough.wait(LIMIT_S)
    finally:
        pump.stop()
    assert made == [False, False, False]
    assert (True, True) not in looked
    assert (True, False) in looked
    assert gc.isenabled()
