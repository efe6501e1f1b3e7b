"""Keys that change the run as a whole, or take back what was asked; and a screen that changes nothing."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from cqltui.errors import CqltuiError, InputError
from cqltui.state.events import Event, Kind
from cqltui.state.model import Wanted
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.ports import FileChanges, LeaveChoice
from cqltui.ui.screens.dialog import Dialog
from cqltui.ui.screens.help import HelpScreen
from cqltui.ui.screens.main import MainScreen
from cqltui.ui.screens.number import NumberDialog
from tests.ui.conftest import Bench
from tests.ui.driving import ALL, DONE, QUEUED, RUNNING, RUNNING_S, changed, sent, started
from tests.ui.night import Night


def _told(bench: Bench) -> list[str]:
    return [notification.message for notification in bench.app._notifications]


async def _says(bench: Bench, pilot: Pilot[LeaveChoice], text: str) -> None:
    await bench.until(pilot, lambda: any(text in said for said in _told(bench)))


def _details(bench: Bench) -> str:
    return str(bench.app.screen.query_one("#details", Static).render())


def _told_of_run(bench: Bench, kind: Kind, **data: object) -> Event:
    """An event about the whole run."""
    seq = max(event.seq for event in bench.given) + 1
    state = bench.app.frame.state if bench.app.frame else None
    assert state is not None
    return Event(kind, bench.now, 1, seq, data={"wanted": str(state.wanted), **data})


async def test_u_takes_back_the_newest_first() -> None:
    async with started() as (bench, pilot):
        await pilot.press("u")
        await _says(bench, pilot, "nothing to take back")
        await pilot.press("plus", "p", "u", "u")
        raised, paused = ("priority", RUNNING, 8), ("pause", RUNNING)
        await sent(bench, pilot, raised, paused, ("undo", *paused), ("undo", "priority", RUNNING))
        await _says(bench, pilot, f"Taken back: pause of {RUNNING}.")
        await _says(bench, pilot, f"Taken back: priority of {RUNNING}.")
        bench.requests.calls.clear()
        await pilot.press("space", "space", "x", "y", "u")
        pair = (ALL[17].id, ALL[18].id)
        asked = [("cancel", task_id) for task_id in pair]
        await sent(bench, pilot, *asked, *(("undo", *call) for call in reversed(asked)))
        await _says(bench, pilot, "Taken back: cancel of 2 tasks.")
        bench.requests.calls.clear()
        await pilot.press("P", "u")
        await sent(bench, pilot, ("want", Wanted.PAUSED), ("want", Wanted.RUNNING, Wanted.PAUSED))
        await _says(bench, pilot, "Taken back: pause of the run.")


async def test_u_says_what_cannot_be_taken_back() -> None:
    async with started() as (bench, pilot):
        bench.give(changed(bench, Kind.TASK_CANCELLED, DONE, "cancelled", finished_ts=bench.now))
        await bench.settle(pilot)
        await pilot.press("p")
        await sent(bench, pilot, ("pause", RUNNING))
        bench.requests.refuse = "task: it has started since"
        await pilot.press("u")
        await _says(bench, pilot, "Not taken back: task: it has started since.")
        await pilot.press("plus")  # the server refuses it
        await bench.commands(pilot)
        await pilot.press("u")
        await _says(bench, pilot, "nothing to take back")
        bench.requests.refuse = ""
        bench.requests.calls.clear()
        await pilot.press("g", "r", "u")
        await _says(bench, pilot, "A new run is not taken back by u")
        await sent(bench, pilot, ("resubmit", DONE))


async def test_w_asks_for_workers_and_before_some_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.ui.typed.REPEAT_S", 0.0)  # else a second Enter that is so quick is dropped
    async with started() as (bench, pilot):
        info = {"name": "deep", "workers": 2, "workers_limit": 4}
        bench.give(_told_of_run(bench, Kind.CAMPAIGN, campaign=info))
        await bench.settle(pilot)
        await pilot.press("w")
        assert isinstance(bench.app.screen, NumberDialog)
        assert bench.app.screen.query_one(Input).value == "2"
        await pilot.press("backspace", "9", "enter")
        assert "to 4, as many as the run's machine can have" in _details(bench)
        await pilot.press("backspace", "3", "enter")
        await sent(bench, pilot, ("workers", 3))
        await _says(bench, pilot, "3 workers asked for, in place of 2.")
        bench.give(_told_of_run(bench, Kind.WORKERS, campaign=info, asked_workers=3))
        await bench.settle(pilot)
        await pilot.press("w", "backspace", "1", "enter")
        assert isinstance(bench.app.screen, Dialog)
        assert "w2, w3 would write a checkpoint" in _details(bench)
        await pilot.press("enter")
        assert await bench.commands(pilot) == [("workers", 3)], "No is preselected"
        await pilot.press("w", "backspace", "1", "enter", "y", "u")
        await sent(bench, pilot, ("workers", 3), ("workers", 1), ("workers", 3, 1))
        for keys in (["enter"], ["escape"], ["backspace", "0", "enter", "escape"]):
            await pilot.press("w", *keys)
            assert isinstance(bench.app.screen, MainScreen), keys
        assert len(await bench.commands(pilot)) == 3


async def test_d_and_capital_r_ask_with_no_preselected() -> None:
    async with started() as (bench, pilot):
        await pilot.press("R")
        await _says(bench, pilot, "No task is dead")
        bench.give(changed(bench, Kind.TASK_DEAD, DONE, "dead", error="boom"))
        bench.give(changed(bench, Kind.TASK_DEAD, QUEUED, "dead", error="boom"))
        await bench.settle(pilot)
        for key, named in (("R", DONE), ("d", "would train to the end")):
            for answer in ("enter", key, "escape"):
                await pilot.press(key)
                assert isinstance(bench.app.screen, Dialog)
                assert named in _details(bench)
                await pilot.press(answer)
                if answer == key:
                    assert isinstance(bench.app.screen, Dialog), "the key that asks is no answer"
                    await pilot.press("n")
                assert isinstance(bench.app.screen, MainScreen)
        assert await bench.commands(pilot) == []
        await pilot.press("R", "y")
        await sent(bench, pilot, ("resubmit", DONE), ("resubmit", QUEUED))
        await pilot.press("d", "y")
        await sent(bench, pilot, ("resubmit", DONE), ("resubmit", QUEUED), ("want", Wanted.DRAINING))


async def test_y_copies() -> None:
    async with started() as (bench, pilot):
        bench.give(changed(bench, Kind.TASK_DEAD, RUNNING, "dead", error="boom\x1b[31m\nat line 3"))
        await bench.settle(pilot)
        await pilot.press(*"gjjjjjjjjjjjjjjjjj", "y", "i")
        assert bench.app.clipboard == RUNNING
        await pilot.press("y", "c")
        assert bench.app.clipboard.startswith(f"cqltui logs {RUNNING}")
        await pilot.press("y", "e")
        assert "at line 3\n\nrun it again with" in bench.app.clipboard
        assert "\x1b" not in bench.app.clipboard, "foreign text types nothing into a terminal"
        await pilot.press("y", "escape", "y", "n", "j", "space", "space", "y", "i")
        assert len(bench.app.clipboard.split()) == 2, "of all that are marked"
        assert await bench.commands(pilot) == []


async def test_a_read_only_screen_changes_nothing_and_says_so() -> None:
    async with started(size=(160, 48), read_only=True) as (bench, pilot):
        assert "read-only" in "".join(text for line in bench.app.screen.query_one(Header).lines for text, _ in line)
        shown = bench.app.screen.query_one(KeyLine).render_line(0).text
        assert all(name in shown for name in ("Details", "Copy", "Leave")), shown
        assert not re.search("Pause|All|Rerun|Cancel|Prio|Undo|Workers|Drain", shown), shown
        for key in ("p", "P", "r", "x", "plus", "minus", "u", "w", "d", "g", "r"):
            bench.app.clear_notifications()
            await pilot.press(key)
            assert isinstance(bench.app.screen, MainScreen), key
            assert key == "g" or any("This screen is read-only" in said for said in _told(bench)), key
        assert await bench.commands(pilot) == []
        await pilot.press("q")
        await bench.until(pilot, lambda: not bench.app.is_running)
    assert bench.app.return_value is LeaveChoice.BACKGROUND


async def test_a_refusal_that_still_stands_is_counted_and_not_stacked() -> None:
    night = Night(RUNNING_S)
    bench = Bench(night.events(), night.now, read_only=True)
    async with (app := bench.app).run_test(size=(80, 24), notifications=True) as pilot:
        await bench.settle(pilot)
        await pilot.press(*"pppp", "u")
        refusal = "This screen is read-only: it changes nothing of the run."
        await bench.until(pilot, lambda: len(app.screen.query("Toast")) == 1)
        assert _told(bench) == [f"{refusal} (5 times)"]
        first = next(iter(app._notifications))
        app.say(refusal, "information")
        app.say("Something else.", "error")
        await pilot.press("question_mark")
        app.say(refusal, first.severity)
        await _says(bench, pilot, "(6 times)")
        await bench.until(pilot, lambda: isinstance(app.screen, HelpScreen) and len(app.screen.query("Toast")) == 3)
        assert _told(bench) == [refusal, "Something else.", f"{refusal} (6 times)"], "renewed, and so the last"
        assert first.identity not in {told.identity for told in app._notifications}
        holders = [len(screen.query("ToastHolder")) for screen in app.screen_stack]
        assert holders == [2, 3], "what is gone leaves no empty widgets, on the screen below neither"
        for told in app._notifications:
            told.timeout = 0.0
        app.say(refusal, first.severity)
        await bench.until(pilot, lambda: _told(bench) == [refusal])
        await pilot.press("escape", *"ttt")
        assert _told(bench) == [refusal, f"Theme: {app.theme}."], "of themes the last, or they would fill the screen"


async def test_who_has_paused_the_run_is_seen_on_other_screens() -> None:
    async with started(size=(160, 48)) as (bench, pilot):
        bench.give(_told_of_run(bench, Kind.WANTED, wanted="paused", wanted_by="anna@box screen"))
        await bench.settle(pilot)
        header = "".join(text for line in bench.app.screen.query_one(Header).lines for text, _ in line)
        assert "by anna@box screen" in header


class FakeFile:
    """A campaign file, whose edits are what the test says."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.found: CqltuiError | FileChanges = FileChanges((), "")
        self.missing = self.fails = ""
        self.back = 0
        """How often the screen has had its terminal back."""

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """As Textual's: nothing comes back after an error."""
        yield
        self.back += 1

    def path(self) -> Path:
        """Where it is said to be."""
        if self.missing:
            raise CqltuiError(self.missing)
        return Path("/c/deep.toml")

    def edit(self, path: Path) -> None:
        """Record it."""
        if self.fails:
            raise CqltuiError(self.fails)
        self.calls.append(path.name)

    def changes(self) -> FileChanges:
        """What the test says."""
        if isinstance(self.found, CqltuiError):
            raise self.found
        return self.found

    def apply(self, changes: FileChanges, tell: Callable[[str], None]) -> None:
        """Record it."""
        tell("Stopping the run.")
        self.calls.append(changes.fingerprint)


async def test_e_edits_the_campaign_file_and_applies_it_after_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    file = FakeFile()
    async with started(file=file) as (bench, pilot):
        await pilot.press("e")
        await _says(bench, pilot, "cannot be given to an editor")  # nor can this test's
        monkeypatch.setattr(bench.app, "suspend", file.suspend)
        file.fails = "false ended with exit code 1: the file is not applied"
        await pilot.press("e")
        await _says(bench, pilot, file.fails)
        assert file.back == 1, "the screen is there again"
        file.fails = ""
        file.missing = "deep.toml: the campaign file is no longer here"
        await pilot.press("e")
        await _says(bench, pilot, file.missing)
        file.missing = ""
        await pilot.press("e")
        await _says(bench, pilot, "The file changes nothing of this run.")
        file.found = InputError("/c/deep.toml:3: trainer.lrr: unknown key")
        await pilot.press("e")
        await bench.until(pilot, lambda: bench.shows(Dialog))
        assert _details(bench) == "line 3: trainer.lrr: unknown key"
        file.found = FileChanges(tuple(f"  new  task {number}" for number in range(40)), "agreed")
        await pilot.press("e")
        await bench.until(pilot, lambda: len(file.calls) == 3 and bench.shows(Dialog))
        assert "new  task 0" in _details(bench)
        assert "more lines" in _details(bench)
        await pilot.press("enter")
        await bench.until(pilot, lambda: bench.shows(MainScreen))
        assert file.calls == ["deep.toml"] * 3, "No is preselected"
        await pilot.press("e")
        await bench.until(pilot, lambda: bench.shows(Dialog))
        await pilot.press("y")
        await _says(bench, pilot, "The run goes on with the changed file.")
        assert file.calls == [*["deep.toml"] * 4, "agreed"]
    async with started(file=file, read_only=True) as (bench, pilot):
        await pilot.press("e")
        await _says(bench, pilot, "This screen is read-only")
