"""The fleet: all workers by machine and block, what each does, and who waits for a machine and why."""

import threading
from functools import partial
from typing import Any

import pytest

from cqltui.errors import ServerError
from cqltui.state.events import Event, Kind
from cqltui.state.placed import BlockInfo, JobInfo
from cqltui.ui.screens.fleet import FleetPanel, FleetScreen
from cqltui.ui.screens.help import HelpScreen
from cqltui.ui.screens.main import MainScreen
from tests.ui.conftest import Bench, Compare
from tests.ui.driving import RUNNING_S, started
from tests.ui.late import LateDraws
from tests.ui.night import Night

SLURM = BlockInfo(
    "slurm",
    "slurm",
    5,
    (
        JobInfo("slurm-1", "4711", "running"),
        JobInfo("slurm-2", "4712", "running"),
        JobInfo("slurm-3", "4713", "pending", "Resources"),
        JobInfo("slurm-4", "4714", "pending", "\x1b[31mPriority"),
        JobInfo("slurm-5", "4715", "unknown"),
    ),
    "squeue: Socket timed out",
)


def _worker(now: float, worker: str, seq: int, **data: object) -> Event:
    """One that has registered."""
    said = {"pid": 1, "host": "node17", "device": "cuda", "samples_per_s": 9_500.0, "memory_bytes": 734_003_200, **data}
    return Event(Kind.WORKER_STARTED, now, 1, seq, worker=worker, data=said)


def _with_blocks(*blocks: BlockInfo, **ports: Any) -> Any:
    return started(blocks=lambda: blocks, **ports)


def _shown(bench: Bench) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in bench.app.screen.query_one(FleetPanel).lines]


QUOTA = BlockInfo("user anna, 2 of 3 workers\x1b[2J", "quota", 3, (), "this run may have 1 of its workers now")


async def test_the_users_quota_stands_before_the_blocks() -> None:
    async with _with_blocks(QUOTA, SLURM, size=(120, 40)) as (bench, pilot):
        await pilot.press("F")
        await bench.until(pilot, lambda: bench.shows(FleetScreen) and "slurm-5" in "".join(_shown(bench)))
        lines = _shown(bench)
        at = lines.index("quota: user anna, 2 of 3 workers")
        assert lines[at + 1] == "this run may have 1 of its workers now"
        assert lines[at + 3].startswith("block slurm")


async def test_each_worker_with_its_machine_and_each_job_that_waits_with_the_reason() -> None:
    async with _with_blocks(SLURM, size=(120, 40)) as (bench, pilot):
        seq = max(event.seq for event in bench.given)
        bench.give(
            _worker(bench.now, "slurm-1", seq + 1),
            # Its job has ended, and the next one waits: what the server knows of it is of the former process.
            _worker(bench.now - 300, "slurm-3", seq + 2),
        )
        await bench.settle(pilot)
        await pilot.press("F")
        await bench.until(pilot, lambda: bench.shows(FleetScreen) and "slurm-5" in "".join(_shown(bench)))
        lines = _shown(bench)
        assert lines[0].startswith("2 machines   2 at work   1 idle   1 silent   2 waiting for a machine   "), lines[0]
        own = lines.index("lab: 2 workers")
        assert lines[own + 1].split()[:2] == ["●", "w1"]
        block = next(i for i, line in enumerate(lines) if line.startswith("block slurm (slurm), 5 wanted: 2 running"))
        assert lines[block].endswith("(1 Resources, 1 Priority)")
        assert lines[block + 1] == "squeue: Socket timed out"
        first, second, third, fourth, fifth = lines[block + 2 : block + 7]
        assert first.split() == ["●", "slurm-1", "node17", "cuda", "9.5", "k/s", "700M", "idle"]
        assert second.endswith("slurm-2               has a machine, and has not come to the server (job 4712)")
        assert third.endswith("waits for a machine: Resources (job 4713)")
        assert fourth.endswith("waits for a machine: Priority (job 4714)"), "without the escape sequence"
        assert fifth.endswith("its engine does not tell how it stands (job 4715)")


def _can_scroll(panel: FleetPanel) -> bool:
    return panel.max_scroll_y > 1


def _is_at(panel: FleetPanel, line: int) -> bool:
    return panel.scroll_offset.y == line


MANY = BlockInfo("lab", "command", 60, tuple(JobInfo(f"lab-{i}", str(i), "pending") for i in range(60)))


async def test_of_keys_that_come_faster_than_draws_each_counts() -> None:
    async with _with_blocks(MANY) as (bench, pilot):
        await pilot.press("F")
        await bench.until(pilot, lambda: bench.shows(FleetScreen) and len(_shown(bench)) > 60)
        panel = bench.app.screen.query_one(FleetPanel)
        await bench.until(pilot, partial(_can_scroll, panel))
        page, last = panel.size.height - 1, panel.max_scroll_y
        down, up, page_down = panel.action_down, panel.action_up, panel.action_page_down
        for keys, line in (
            ((down, down, down, up), 2),
            ((panel.action_top, page_down, page_down, panel.action_page_up), page),
            ((panel.action_bottom, up, up), last - 2),
        ):
            for key in keys:
                key()
            assert panel.scroll_offset.y == line


async def test_its_keys() -> None:
    async with _with_blocks(MANY) as (bench, pilot):
        for leave in ("escape", "F"):
            await pilot.press("F")
            await bench.until(pilot, lambda: bench.shows(FleetScreen) and len(_shown(bench)) > 60)
            panel = bench.app.screen.query_one(FleetPanel)
            await bench.until(pilot, partial(_can_scroll, panel))
            await pilot.press("j", "j")  # one scrolls as in any list
            await bench.until(pilot, partial(_is_at, panel, 2))
            await pilot.press("k")
            await bench.until(pilot, partial(_is_at, panel, 1))
            await pilot.press("question_mark")
            await bench.until(pilot, lambda: bench.shows(HelpScreen))
            await pilot.press("q")  # Escape twice in a moment would be once
            await bench.until(pilot, lambda: bench.shows(FleetScreen))
            await pilot.press(leave)
            await bench.until(pilot, lambda: bench.shows(MainScreen))
        assert await bench.commands(pilot) == [], "nothing is asked of the run"


async def test_it_follows_the_run_and_says_what_cannot_be_read() -> None:
    answers: list[BlockInfo] = []

    def blocks() -> tuple[BlockInfo, ...]:
        if not answers:
            raise ServerError("the server refuses")
        return tuple(answers)

    async with started(blocks=blocks) as (bench, pilot):
        await pilot.press("F")
        await bench.until(pilot, lambda: bench.shows(FleetScreen))
        panel = bench.app.screen.query_one(FleetPanel)
        await bench.until(pilot, lambda: "cannot be read: the server refuses" in str(panel.border_subtitle))
        assert any(line.startswith("● w1") for line in _shown(bench)), (
            "what the run's state tells is shown all the same"
        )
        answers.append(SLURM)
        bench.now += 10
        bench.give(_worker(bench.now, "w9", max(event.seq for event in bench.given) + 1, host="late"))
        await bench.until(pilot, lambda: any("Resources" in line for line in _shown(bench)))
        assert str(panel.border_subtitle or "") == ""
        await bench.until(pilot, lambda: "late: 1 worker" in _shown(bench))  # told by the run, not with the blocks


async def test_a_server_that_is_away_is_not_asked() -> None:
    night = Night(RUNNING_S)
    gone = Event(Kind.CONNECTION, night.now - 12, data={"online": False})
    asked = threading.Event()

    def blocks() -> tuple[BlockInfo, ...]:
        asked.set()
        return ()

    bench = Bench([*night.events(), gone], night.now, blocks=blocks)
    async with bench.app.run_test(size=(80, 24)) as pilot:
        await bench.settle(pilot)
        await pilot.press("F")
        await bench.until(pilot, lambda: bench.shows(FleetScreen))
        await bench.rest(pilot)
        assert any(line.startswith("as of ") for line in _shown(bench))
    assert not asked.is_set()


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_its_picture(size: tuple[int, int], compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    LateDraws.pictures(monkeypatch)
    night = Night(RUNNING_S)
    events = night.events()
    seq = max(event.seq for event in events)
    case = Bench([*events, _worker(night.now, "slurm-1", seq + 1)], night.now, blocks=lambda: (SLURM,))
    async with case.app.run_test(size=size) as pilot:
        await case.settle(pilot)
        await pilot.press("F")
        await case.until(pilot, lambda: case.shows(FleetScreen) and "slurm-5" in "".join(_shown(case)))
        await case.settle(pilot)
        await pilot.wait_for_scheduled_animations()
        compare(case.app, f"fleet-{size[0]}x{size[1]}")
