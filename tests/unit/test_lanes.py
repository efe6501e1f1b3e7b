"""Lanes: what each worker trained, trains and is planned to, as blocks and as lines of characters."""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from msgspec.structs import replace

from cqltui.state.described import PhaseInfo
from cqltui.state.eta import NOTHING, Estimate, TaskEstimate, estimate
from cqltui.state.lanes import Attempt, Block, Lanes, Mark, Past, Shown, Sign, lanes
from cqltui.state.model import Notice, RunState, Status, TaskState
from cqltui.ui import format as fmt
from cqltui.ui.lanelines import View, block_at, lane_lines, ticks, whole
from cqltui.ui.line import Line, width
from tests.unit.runs import LAUNCH, info, queued, run_of
from tests.unit.test_eta import running

NOON = 1_760_788_800.0
"""Saturday 18 October 2025, 12:00 UTC."""


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ticks are at round local times: here, UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def ended(task: TaskState, status: Status, finished_ts: float) -> TaskState:
    """The task as it ended then."""
    return replace(task, life=replace(task.life, status=status, finished_ts=finished_ts))


def night() -> RunState:
    """w1: two tasks in a pack, done, then one that runs. w2: one that died, then one that was interrupted and waits."""
    pack = [running(info(n, "quality", epochs=10), 10, 50.0, LAUNCH - 50.0) for n in (0, 1)]
    pack = [ended(task, Status.DONE, LAUNCH - 50.0 + n) for n, task in enumerate(pack)]
    runs = running(info(2, epochs=20), 10, 40.0, LAUNCH)
    died = ended(running(info(3, epochs=20), 10, 30.0, LAUNCH - 60.0, "w2"), Status.DEAD, LAUNCH - 60.0)
    waits = running(info(4, epochs=20), 5, 20.0, LAUNCH - 30.0, "w2")
    waits = replace(waits, life=replace(waits.life, status=Status.DELAYED, ready_ts=LAUNCH, queued_ts=LAUNCH - 25.0))
    phases = [PhaseInfo("quality", "Quality"), PhaseInfo("ensemble", "Ensemble")]
    notices = (Notice(LAUNCH - 60.0, "warning", "worker w2 died"), Notice(LAUNCH, "info", "all is well"))
    state = run_of([*pack, runs, died, waits], phases=phases)
    return replace(state, campaign=replace(state.campaign, started_ts=LAUNCH - 110.0), notices=notices)


def test_blocks_are_what_was_is_and_is_planned() -> None:
    state = night()
    found = lanes(state, estimate(state, LAUNCH), LAUNCH)
    told = {
        worker: [(b.shown, b.start_ts - LAUNCH, b.end_ts - LAUNCH, len(b.tasks)) for b in blocks]
        for worker, blocks in found.blocks.items()
    }
    assert found.workers == ("w1", "w2")
    assert told["w1"] == [(Shown.DONE, -100.0, -49.0, 2), (Shown.RUNNING, -40.0, 0.0, 1)]
    assert [each[:3] for each in told["w2"][:2]] == [(Shown.FAILED, -90.0, -60.0), (Shown.BROKEN, -50.0, -25.0)]
    shown, start, end, count = told["w2"][2]
    assert (shown, start, count) == (Shown.PLANNED, 0.0, 1)
    plan = estimate(state, LAUNCH).tasks
    assert end == pytest.approx(plan[info(4).id].finish_ts - LAUNCH)
    assert found.blocks["w1"][1].until_ts == plan[info(2).id].finish_ts
    assert found.start_ts == LAUNCH - 110.0
    assert found.between is not None
    assert found.end_ts == found.between[1]


def test_marks_are_the_launch_ends_of_phases_deaths_and_faults() -> None:
    state = night()
    found = lanes(state, estimate(state, LAUNCH), LAUNCH)
    assert [(mark.ts - LAUNCH, mark.sign, mark.reached) for mark in found.marks[:4]] == [
        (-110.0, Sign.LAUNCH, True),
        (-60.0, Sign.DEATH, True),
        (-60.0, Sign.FAULT, True),
        (-49.0, Sign.PHASE, True),
    ]
    last = found.marks[-1]
    assert (last.sign, last.reached, last.ts) == (Sign.PHASE, False, estimate(state, LAUNCH).phases["ensemble"])
    offline = replace(state, online=False, offline_since=LAUNCH - 5.0)
    assert Mark(LAUNCH - 5.0, Sign.FAULT, "the server does not answer") in lanes(offline, NOTHING, LAUNCH).marks


def test_what_the_journal_tells_comes_beside_it() -> None:
    past = Past(
        (Attempt("00000004", "w3", LAUNCH - 90.0, LAUNCH - 70.0),), (Mark(LAUNCH - 80.0, Sign.PAUSE, "paused"),)
    )
    found = lanes(night(), NOTHING, LAUNCH, past)
    assert found.workers == ("w1", "w2", "w3")
    assert [(b.shown, b.end_ts - LAUNCH) for b in found.blocks["w3"]] == [(Shown.BROKEN, -70.0)]
    assert found.marks[1].sign is Sign.PAUSE


def test_workers_are_in_their_natural_order_and_who_is_only_expected_last() -> None:
    plans = {
        info(n).id: TaskEstimate(LAUNCH, LAUNCH + 1, worker) for n, worker in enumerate(("next 1", "w10", "w2", "v"))
    }
    state = replace(run_of([queued(info(n)) for n in range(4)]), workers={})
    assert lanes(state, Estimate(None, plans, {}), LAUNCH).workers == ("v", "w2", "w10", "next 1")
    assert lanes(run_of([]), NOTHING, LAUNCH).workers == ("w1", "w2"), "idle ones too"
    assert lanes(RunState(), NOTHING, LAUNCH) == Lanes((), {}, (), LAUNCH, LAUNCH)


def text(line: Line) -> str:
    """What is read."""
    return "".join(said for said, _ in line)


BLOCKS = (
    Block("w1", NOON, NOON + 1200, NOON + 1200, ("a",), Shown.DONE),
    Block("w1", NOON + 1200, NOON + 1800, NOON + 2400, tuple("bcdefghijk"), Shown.RUNNING),
    Block("w1", NOON + 2400, NOON + 3600, NOON + 3600, ("l",), Shown.PLANNED),
)
OTHER = Block("w2", NOON, NOON + 600, NOON + 600, ("m",), Shown.FAILED)
MARKS = (
    Mark(NOON, Sign.LAUNCH, ""),
    Mark(NOON + 600, Sign.DEATH, ""),
    Mark(NOON + 3000, Sign.PHASE, "", reached=False),
)
FOUND = Lanes(("w1", "w2"), {"w1": BLOCKS, "w2": (OTHER,)}, MARKS, NOON, NOON + 3600, (NOON + 3300, NOON + 3540))


def test_a_picture_of_an_hour() -> None:
    """A minute a cell. Ten tasks at once are said to be ten; now is half an hour after noon."""
    lines = lane_lines(FOUND, View(NOON, 3600.0), NOON + 1800, 64, 6, lambda task: f"task {task}")
    assert [text(line).rstrip() for line in lines[:4]] == [
        "    12:00          12:15          12:30          12:45",
        "    ▸─────────✗────┬──────────────▼──────────────┬────□────╍╍╍╍╍",
        " w1 ██████ task a █████▊▓▓▓▓▓ 10 tasks ░░░░░▏░░░░░ task l ░░░░░░",
        " w2 █ task m ✗                    │",
    ]
    assert text(lines[4]).startswith("✗ 12:10")
    assert text(lines[5]) == "█ done ▓ running ░ planned ✗ death □ phase end expected "
    assert all(width(line) <= 64 for line in lines)


def test_the_chosen_block_is_in_brackets_and_told_below() -> None:
    lines = lane_lines(FOUND, View(NOON, 3600.0), NOON + 1800, 64, 5, lambda task: f"task {task}", BLOCKS[1])
    assert text(lines[2]).startswith("›w1 ")
    assert "[▓▓▓▓ 10 tasks ░░░░]" in text(lines[2])
    assert text(lines[3]).startswith(" w2 ")
    assert text(lines[4]) == "w1 · running 12:20-~12:40, ~20m 00s · 10 tasks"
    planned = lane_lines(FOUND, View(NOON, 3600.0), NOON + 1800, 64, 5, lambda task: f"task {task}", BLOCKS[2])
    assert text(planned[4]) == "w1 · planned ~12:40-~13:00, ~20m 00s · task l"


def test_the_newest_fault_is_told_and_foreign_names_break_nothing() -> None:
    marks = (
        Mark(NOON + 60, Sign.FAULT, "old"),
        Mark(NOON + 120, Sign.FAULT, "worker w2 died"),
        Mark(NOON, Sign.PHASE, "x"),
    )
    foreign = Block("w\x1b[2J日本", NOON, NOON + 3600, NOON + 3600, ("a",), Shown.DONE)
    found = replace(FOUND, marks=marks, workers=(foreign.worker,), blocks={foreign.worker: (foreign,)})
    lines = lane_lines(found, View(NOON, 3600.0), NOON + 1800, 64, 6, lambda task: "日本", foreign)
    assert text(lines[4]) == "! 12:02 worker w2 died"
    assert text(lines[5]).startswith("█ done")
    assert all(width(line) <= 64 for line in lines)
    assert all("\x1b" not in text(line) for line in lines)


def test_the_legend_names_what_is_drawn_and_nothing_else() -> None:
    def legend_of(seconds: float, shown: Shown, *signs: Sign, cells: int = 64) -> str:
        block = Block("w1", NOON, NOON + seconds, NOON + seconds, ("a",), shown)
        marks = tuple(Mark(NOON + 600 * number, sign, "") for number, sign in enumerate(signs, 1))
        found = Lanes(("w1",), {"w1": (block,)}, marks, NOON, NOON + 3600)
        return text(lane_lines(found, View(NOON, 3600.0), NOON + 3500, cells, 9, lambda _: "PR!")[-1])

    assert legend_of(60, Shown.BROKEN) == "╳ interrupted "
    assert legend_of(1200, Shown.BROKEN) == "▒╳ interrupted "
    assert legend_of(1200, Shown.FAILED) == "✗ death "
    assert legend_of(1200, Shown.DONE) == "█ done ", "the letters of a title are no marks"
    assert legend_of(60, Shown.DONE, Sign.PAUSE, Sign.RESUME) == "█ done P pause R resumed "
    assert legend_of(60, Shown.BROKEN, Sign.PAUSE, cells=12) == "P pause ", "what is too long gives way"


def test_lanes_that_have_no_room_are_scrolled_to() -> None:
    lines = lane_lines(FOUND, View(NOON, 3600.0), NOON, 64, 3, str, first=1)
    assert len(lines) == 3
    assert text(lines[2]).startswith(" w2 ")


def test_a_block_that_is_narrower_than_a_cell_is_seen() -> None:
    lines = lane_lines(FOUND, View(NOON - 86_400, 2 * 86_400.0), NOON, 40, 5, str)
    assert text(lines[3]).strip() == "w2" + " " * 19 + "✗"


@pytest.mark.parametrize(
    ("span_s", "cells", "first", "step_s"),
    [
        (3600.0, 60, "12:00", 900),
        (86_400.0, 60, "12:00", 21_600),
        (60.0, 60, "12:00:00", 15),
        (1.2e6, 33, "19 Oct", 604_800),
    ],
)
def test_ticks_are_at_round_times_and_have_room(span_s: float, cells: int, first: str, step_s: int) -> None:
    view = View(NOON, span_s)
    found = ticks(view, cells)
    if step_s < 86_400:
        assert found[0] == (0, first)
    assert all(b - a >= 11 for (a, _), (b, _) in pairwise(found))
    assert all(abs((b - a) - step_s / span_s * cells) <= 1 for (a, _), (b, _) in pairwise(found))
    assert found


def test_zoom_keeps_a_moment_in_its_place_and_has_ends() -> None:
    view = View(NOON, 3600.0)
    near = view.zoomed(0.5, NOON + 900)
    assert (near.start_ts, near.span_s) == (NOON + 450, 1800.0)
    assert near.column(NOON + 900, 60) == view.column(NOON + 900, 60)
    assert view.zoomed(1e-9, NOON).span_s == 10.0
    assert view.moved(0.25) == View(NOON + 900, 3600.0)
    assert whole(FOUND).shows(NOON + 3600)
    nonsense = whole(replace(FOUND, end_ts=1e25))
    assert len(ticks(nonsense, 60)) < 10


def test_a_range_names_its_day_once_and_is_none_within_a_minute() -> None:
    told = [fmt.between((NOON + a, NOON + b), NOON) for a, b in ((60, 3000), (0, 50_000), (86_400, 90_000), (0, 10))]
    assert told == ["12:01-12:50", "12:00-Sun 01:53", "Sun 12:00-13:00", ""]
    assert fmt.between(None, NOON) == ""


def test_the_block_at_a_moment() -> None:
    assert [block_at(BLOCKS, NOON + s) for s in (-5, 0, 1300, 2400, 99_999)] == [0, 0, 1, 2, 2]
