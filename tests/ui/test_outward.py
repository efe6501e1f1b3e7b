"""What is told beside the screen: toast, bell and title."""

import os
from select import select
from threading import Thread

import pytest
from msgspec.structs import replace

from cqltui.state.eta import estimate
from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState, Status
from cqltui.state.notify import NotifyInfo
from cqltui.state.reduce import reduce_all
from cqltui.ui.app import CqltuiApp
from cqltui.ui.driver import Exit, PatientDriver
from cqltui.ui.frame import Frame
from cqltui.ui.outward import Outward
from tests.ui.driving import RUNNING, RUNNING_S, changed, started
from tests.ui.night import Night


class Desk:
    """What was told, rung and titled."""

    def __init__(self) -> None:
        self.toasts: list[tuple[str, str]] = []
        self.bells = 0
        self.titles: list[str] = []
        self.outward = Outward(lambda *toast: self.toasts.append(toast), self._ring, self.titles.append)

    def _ring(self) -> None:
        self.bells += 1

    def show(self, state: RunState, now: float) -> None:
        """A frame of it."""
        self.outward.show(Frame(state, estimate(state, now), now))


@pytest.mark.parametrize("bell", [True, False])
def test_what_happens_while_one_looks_is_told_and_rung_once(bell: bool) -> None:
    night, desk = Night(RUNNING_S), Desk()
    state = reduce_all(RunState(), night.events())
    state = replace(state, campaign=replace(state.campaign, notify=NotifyInfo(bell=bell)))
    desk.show(state, night.now)
    assert (desk.toasts, desk.bells) == ([], 0), "what there was is on the screen"
    task = state.tasks[RUNNING]
    dead = replace(task, life=replace(task.life, status=Status.DEAD, error="MemoryError: too large"))
    state = replace(state, tasks={**state.tasks, RUNNING: dead}, seq=state.seq + 1)
    desk.show(state, night.now + 0.3)
    assert desk.toasts == [], "it is looked at once a second"
    for later in (1.1, 2.2):
        desk.show(state, night.now + later)
    assert [level for _, level in desk.toasts] == ["warning"]
    assert f"task {RUNNING}" in desk.toasts[0][0]
    assert "MemoryError" in desk.toasts[0][0]
    assert desk.bells == int(bell)
    assert set(desk.titles) == {f"cqltui {state.campaign.name} 17/49"}


def test_a_run_at_rest_is_not_looked_at_again_but_keeps_its_title(monkeypatch: pytest.MonkeyPatch) -> None:
    night, desk = Night(RUNNING_S), Desk()
    state = reduce_all(RunState(), night.events())
    for second in range(3):
        desk.show(state, night.now + second)
    monkeypatch.setattr("cqltui.state.alerts.look", lambda *_: pytest.fail("nothing has happened"))
    for second in range(3, 6):
        desk.show(state, night.now + second)
    assert len(desk.titles) == 6, "a screen that was suspended has lost it"
    late = replace(state, campaign=replace(state.campaign, notify=NotifyInfo(late_ts=night.now)))
    with pytest.raises(pytest.fail.Exception, match="nothing has happened"):
        desk.show(late, night.now + 6)


async def test_a_task_that_dies_is_a_toast_and_the_terminals_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[None] = []
    monkeypatch.setattr(CqltuiApp, "bell", lambda self: rung.append(None))
    async with started() as (bench, pilot):
        bench.now += 1
        bench.give(changed(bench, Kind.TASK_DEAD, RUNNING, "dead", error="MemoryError: [b]too large"))
        bench.give(Event(Kind.TICK, bench.now))
        await bench.until(
            pilot, lambda: any("MemoryError: [b]too large" in n.message for n in bench.app._notifications)
        )
        assert len(rung) == 1


def test_the_thread_that_reads_keys_sleeps_until_it_is_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.ui.driver.SILENCES", 0)  # it waits without end from the start
    ours, theirs = os.openpty()
    driver = PatientDriver.__new__(PatientDriver)
    driver.fileno, driver.exit_event = theirs, Exit()
    for _ in range(2):  # it is stopped and continued
        thread = Thread(target=driver.run_input_thread, daemon=True)
        thread.start()
        driver.exit_event.set()
        driver.exit_event.set()
        thread.join(10)
        assert not thread.is_alive()
        driver.exit_event.clear()
        assert not select([driver.exit_event.descriptor], [], [], 0)[0], "else the next one never sleeps"
    os.close(theirs)
    os.close(ours)


@pytest.mark.parametrize("taken_down", [True, False])
def test_a_screen_that_could_not_come_back_in_the_background_does_in_the_foreground(taken_down: bool) -> None:
    come_back: list[bool] = []
    ours, theirs = os.openpty()
    driver = PatientDriver.__new__(PatientDriver)
    driver.fileno, driver._key_thread, driver.resumes = theirs, None, taken_down
    driver.resume_application_mode = lambda: come_back.append(driver._sets_up)  # type: ignore[method-assign]
    driver._set_up_again()
    assert come_back == [True] * taken_down, "a signal of somebody else's starts nothing"
    os.close(theirs)
    os.close(ours)
