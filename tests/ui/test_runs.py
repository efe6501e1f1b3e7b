"""The list of runs: its lines, its keys, and what becomes of runs that are put away."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from textual.widgets import Static

from cqltui.app.shelf import archive, delete, size_of
from cqltui.errors import CqltuiError, InputError
from cqltui.results.overview import RunOverview
from cqltui.results.rundir import RunDir
from cqltui.supervisor.lock import RunLock
from cqltui.ui.line import Line, width
from cqltui.ui.panels.view import LineView
from cqltui.ui.runs.app import RunsApp
from cqltui.ui.runs.ports import RunsPorts
from cqltui.ui.runs.rows import Row, columns, heading, line, total_line
from cqltui.ui.runs.screens import ComparisonScreen
from cqltui.ui.runs.view import RunsView
from cqltui.ui.screens.dialog import Dialog
from tests.ui.conftest import DEADLINE_S, Compare

NOW = 1_767_996_000.0
RUNS = (
    RunOverview("deep", "runs/deep", "running", 49, 17, 0, 0.4207, NOW - 4_200, 0.0, NOW + 7_200),
    RunOverview("games", "runs/games", "finished", 49, 48, 1, 0.4987, NOW - 90_000, NOW - 86_400, 0.0, "loses"),
    RunOverview("[bold]odd[/]", "runs/odd", "empty"),
)
SIZES = {"runs/deep": 673_000_000, "runs/games": 1_300_000_000, "runs/odd": 4_096}


def text(found: Line) -> str:
    """A line without its colours."""
    return "".join(part for part, _ in found)


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (40, ["run", "state", "done"]),
        (78, ["run", "state", "done", "best", "when", "verdict"]),
        (160, ["run", "state", "progress", "done", "failed", "best", "when", "size", "verdict"]),
    ],
)
def test_columns_give_way_and_lines_fit(cells: int, shown: list[str]) -> None:
    rows = [Row(run, SIZES[run.path]) for run in RUNS]
    found = columns(rows, cells)
    assert [name for name in found if name in shown] == shown
    assert max(width(one) for one in (heading(found), *(line(row, found, NOW) for row in rows))) <= cells + 1


def test_a_line_tells_state_progress_eta_or_age_size_and_verdict() -> None:
    found = columns([Row(run) for run in RUNS], 160)
    rows = [Row(run, SIZES[run.path], run is RUNS[1]) for run in RUNS]
    running, ended, odd = (text(line(row, found, NOW)) for row in rows)
    assert running.startswith("    deep")
    assert "▶ running" in running
    assert "17/49" in running
    assert "ETA ~" in running
    assert "642 MiB" in running
    assert ended.startswith(" +  games")
    assert "1d 00h ago" in ended
    assert ended.rstrip().endswith("loses")
    assert "[bold]odd[/]" in odd
    assert "0/0" in odd
    torn = RunOverview("torn", "runs/torn", "unreadable", why="is no JSON: line 2: Expecting value")
    found = columns([Row(torn)], 160)
    shown = text(line(Row(torn), found, NOW))
    assert "✗ unreadable" in shown
    assert "campaign.json is no JSON: line 2" in shown
    assert "0/0" not in shown, "nobody knows"
    assert total_line(rows) == "3 runs · 1.8 GiB · 1 marked"


class Recorded:
    """What a list of runs asks for."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.refuse = ""

    def ports(self) -> RunsPorts:
        """Ports that record."""
        return RunsPorts(
            look=lambda: RUNS,
            size_of=lambda path: SIZES[path],
            archive=lambda path: self._put_away("archive", path),
            delete=self._delete,
            compare=self._compare,
            clock=lambda: NOW,
        )

    def _put_away(self, what: str, path: str) -> str:
        self.calls.append((what, path))
        if self.refuse:
            raise CqltuiError(self.refuse)
        return path

    def _delete(self, path: str) -> None:
        self._put_away("delete", path)

    def _compare(self, paths: Sequence[str], cells: int) -> list[str]:
        self.calls.append(("compare", *paths))
        return ["what differs", "[red]nothing[/]"]


async def test_runs_are_opened_compared_archived_and_deleted_after_a_question(compare: Compare) -> None:
    recorded = Recorded()
    app = RunsApp(recorded.ports(), "runs/games", "a notice")
    app.animation_level = "none"

    async def until(happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not happened():
            assert time.monotonic() < deadline, "it did not happen in time"
            await pilot.pause(0.02)

    async with app.run_test(size=(160, 48)) as pilot:
        view = app.screen.query_one(RunsView)
        await until(lambda: "1.8 GiB" in str(view.border_subtitle) and "4.0 KiB" in str(view.lines))
        assert view.at == RUNS[1], "the cursor is on the run that was opened last"
        compare(app, "runs-160x48")
        await pilot.resize_terminal(80, 24)
        compare(app, "runs-80x24")
        await pilot.press("c")
        assert not recorded.calls, "one run is compared with nothing"
        await pilot.press("space", "k", "k", "space", "c")
        await until(lambda: isinstance(app.screen, ComparisonScreen) and app.screen.is_mounted)
        compared = app.screen.query_one("#comparison", LineView)
        await until(lambda: "differs" in str(compared.lines))
        assert recorded.calls == [("compare", "runs/deep", "runs/games")]
        await pilot.press("escape", "escape")
        assert view.chosen() == (view.at,), "Escape has removed the marks"
        for key in ("D", "a"):
            await pilot.press("g", key)
            await until(lambda: any("deep goes on" in one.message for one in app._notifications))
            assert not isinstance(app.screen, Dialog), "no question in vain"
            app.clear_notifications()
        await pilot.press("j", "D")
        await until(lambda: isinstance(app.screen, Dialog) and app.screen.is_mounted)
        assert str(app.screen.query_one("#question", Static).content) == "Delete games, 1.2 GiB?"
        await pilot.press("D", "enter")
        assert recorded.calls[1:] == [], "neither the key that asked nor the answer that is preselected deletes"
        recorded.refuse = "it is at work"
        await pilot.press("D", "y")
        await until(lambda: any("it is at work" in one.message for one in app._notifications))
        recorded.refuse = ""
        await pilot.press("j", "a", "y")
        await until(lambda: len(recorded.calls) == 3)
        assert recorded.calls[1:] == [("delete", "runs/games"), ("archive", "runs/odd")]
        await pilot.press("g", "enter")
    assert app.return_value == "runs/deep"


def made(tmp_path: Path) -> Path:
    """A run directory that rests."""
    run = tmp_path / "runs" / "old"
    (run / "tasks").mkdir(parents=True)
    (run / "campaign.json").write_text('{"campaign": {"name": "old"}}', "utf-8")
    (run / "tasks" / "model").write_bytes(b"x" * 100_000)
    return run


def test_a_run_that_rests_is_archived_whole_or_deleted_and_nothing_else(tmp_path: Path) -> None:
    run = made(tmp_path)
    (run / "link").symlink_to("/usr")
    assert 100_000 <= size_of(str(run)) < 200_000, "links are not followed"
    lock = RunLock(RunDir(run))
    for act in (archive, delete):
        with pytest.raises(InputError, match="supervisor already"):
            act(str(run))
    lock.free()
    kept = Path(archive(str(run)))
    assert kept == tmp_path / "runs" / "archive" / "old"
    assert (kept / "tasks" / "model").stat().st_size == 100_000
    assert not run.exists()
    again = made(tmp_path)
    with pytest.raises(InputError, match="already"):
        archive(str(again))
    delete(str(again))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["archive"]
    led = tmp_path / "runs" / "led"
    led.symlink_to(kept)
    with pytest.raises(InputError, match="is a link"):
        delete(str(led))
    assert (kept / "campaign.json").exists()
