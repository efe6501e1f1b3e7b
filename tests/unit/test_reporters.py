"""What --no-ui prints: lines, bars on a terminal, JSON lines."""

import io
import json
import math
import os
import re
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console

from cqltui.reporters.bench import BenchRow, bench_json, bench_table
from cqltui.reporters.jsonl import JsonReporter
from cqltui.reporters.lines import LineReporter, bars
from cqltui.reporters.plan import duration as plan_duration
from cqltui.reporters.tasks import task_table
from cqltui.reporters.wording import clock, finish_time, span
from cqltui.state import select
from cqltui.state.eta import estimate
from cqltui.state.events import Event, Kind
from cqltui.state.model import Progress, Status
from cqltui.streams import is_gone, protected
from cqltui.ui import format
from tests.unit.foreign import foreign_events
from tests.unit.history import Server
from tests.unit.runs import LAUNCH, info, queued
from tests.unit.telling import campaign_at, life, lines_of, tell

KEYS = ["v", "epoch", "seq", "ts", "kind", "task", "worker", "token", "attempt", "data"]


def test_a_line_per_lifecycle_event() -> None:
    report = {"task": "938fc1bd", "token": "1-1", "step": 13, "loss": 0.0712, "best_val_loss": 0.25}
    assert lines_of(
        life("queued", 1, priority=8),
        life("running", 2, worker="w1", token="1-1", attempt=1, started_ts=LAUNCH, priority=8),
        Event(Kind.PROGRESS, LAUNCH + 3, worker="w1", data={"members": [report]}),
        life("delayed", 4, attempt=1, ready_ts=LAUNCH + 10, error="worker w1 died\nits last lines", priority=8),
        life("running", 5, worker="w2", token="1-2", attempt=2, priority=8),
        life("running", 6, worker="w2", token="1-2", attempt=2, priority=8, want="pause"),
        life("paused", 7, attempt=2, paused_by="user", priority=8),
        life("queued", 8, attempt=2, priority=8),
        Event(Kind.TASK_PRIORITY, LAUNCH + 9, 1, 9, "938fc1bd", data={"status": "queued", "attempt": 2, "priority": 9}),
        life("done", 10, attempt=3, started_ts=LAUNCH, finished_ts=LAUNCH + 75, report=report),
    ) == [
        "task 938fc1bd quality 'Best overall (938fc1bd)' " + said
        for said in (
            "queued, priority 8",
            "claimed by w1",
            f"failed, is tried again at {clock(LAUNCH + 10)}: worker w1 died",
            "claimed by w2, attempt 2",
            "is asked to pause",
            "paused by user",
            "queued, priority 8",
            "has priority 9 now",
            "done in 0:01:15, loss 0.0712, best validation 0.2500",
        )
    ]


def test_who_asked_is_told() -> None:
    who = "anna@box\x1b[2J cli"
    wanted = Event(Kind.WANTED, LAUNCH, 1, 4, data={"wanted": "paused", "wanted_by": who})
    workers = {"wanted": "paused", "wanted_by": who, "asked_workers": 3, "asked_workers_by": "ben@lap screen"}
    assert lines_of(
        life("queued", 1, priority=8),
        life("queued", 2, priority=9, by=who),
        life("cancelled", 3, priority=9, by=who),
        wanted,
        Event(Kind.WORKERS, LAUNCH, 1, 5, data=workers),
    )[1:] == [
        "task 938fc1bd quality 'Best overall (938fc1bd)' has priority 9 now (anna@box cli)",
        "task 938fc1bd quality 'Best overall (938fc1bd)' cancelled (anna@box cli)",
        "campaign pauses: nothing is claimed, running tasks pause after a checkpoint (anna@box cli)",
        "3 workers asked for in place of 0 (ben@lap screen)",
    ]


def test_the_time_is_the_events() -> None:
    out = io.StringIO()
    tell(LineReporter(out), [life("dead", 1, error="NaN loss")])
    assert out.getvalue().startswith(f"{clock(LAUNCH + 1)} task 938fc1bd ")
    assert re.fullmatch(r"\d\d:\d\d:\d\d", clock(LAUNCH))
    assert clock(1e300) == clock(-1e300) == "--:--:--"
    assert finish_time(None, LAUNCH) == "unknown"
    assert finish_time(LAUNCH + 3661, LAUNCH) == f"{clock(LAUNCH + 3661)} (in 1:01:01)"


def test_repeated_events_give_no_second_line() -> None:
    claimed = life("running", 2, worker="w1", attempt=1)
    notice = Event(Kind.NOTICE, LAUNCH, 1, 3, data={"level": "warning", "text": "id refused"})
    assert lines_of(claimed, life("queued", 1), claimed, notice, notice) == [
        "task 938fc1bd quality 'Best overall (938fc1bd)' claimed by w1",
        "warning: id refused",
    ]


def test_a_run_that_stopped_is_no_campaign_that_has_ended() -> None:
    finished = Event(Kind.FINISHED, 13.0, 1, 4, data={"wanted": "stopped", "finished_ts": 13.0})
    for status, said in (
        ("queued", "run has ended, its results so far are written"),
        ("done", "campaign has ended, results are written"),
    ):
        assert lines_of(life(status, 1), finished)[-1] == said


def test_workers_and_the_campaign() -> None:
    start = Event(Kind.WORKER_STARTED, 10.0, 1, 1, worker="w1", data={"device": "cpu", "pid": 77})
    assert lines_of(
        Event(Kind.CONNECTION, 9.0, data={"online": True}),
        start,
        start,
        Event(Kind.WANTED, 11.0, 1, 2, data={"wanted": "draining"}),
        Event(Kind.WORKER_STOPPED, 12.0, 1, 3, worker="w1"),
        Event(Kind.FINISHED, 13.0, 1, 4, data={"wanted": "draining", "finished_ts": 13.0}),
        Event(Kind.CONNECTION, 14.0, data={"online": False}),
    ) == [
        "server answers",
        "worker w1 started on cpu (pid 77)",
        "campaign drains: nothing is claimed, running tasks end",
        "worker w1 stopped",
        "campaign has ended, results are written",
        "server does not answer; workers train on",
    ]


def test_a_server_that_refuses_is_not_called_silent() -> None:
    online = Event(Kind.CONNECTION, 9.0, data={"online": True})
    refuses = Event(Kind.CONNECTION, 10.0, data={"online": False, "why": "the server is full\x1b[31m"})
    silent = Event(Kind.CONNECTION, 11.0, data={"online": False})
    assert lines_of(online, refuses, refuses, silent) == [
        "server answers",
        "the server is full; workers train on",
        "server does not answer; workers train on",
    ]


def test_what_only_a_snapshot_tells_is_told() -> None:
    server = Server()
    server.apply("enqueue", "a", "")
    server.apply("enqueue", "b", "")
    first = server.snapshot()
    server.apply("claim", "a", "w1")
    server.apply("done", "a", "")
    said = lines_of(first, server.snapshot())
    assert said == ["campaign : 2 tasks: 2 queued", "task a quality 'of a' done in 1.0 s, loss 0.2500"]


def many(kind: Kind, status: str, number: int, seq: int = 0) -> list[Event]:
    """That many tasks come to the same."""
    return [
        Event(kind, LAUNCH, 1, seq + n + 1, f"{n:08x}", data={"status": status, "attempt": seq}) for n in range(number)
    ]


def test_of_many_tasks_the_first_have_lines_and_the_others_are_counted() -> None:
    events = [
        *many(Kind.TASK_QUEUED, "queued", 2000),
        *many(Kind.TASK_CLAIMED, "running", 40, 3000),
        *many(Kind.TASK_DEAD, "dead", 2, 4000),
    ]
    out = io.StringIO()
    reporter = LineReporter(out)
    state = tell(reporter, events)
    lines = out.getvalue().splitlines()
    assert [sum(said in line for line in lines) for said in (" queued", " claimed", " dead")] == [30, 30, 2]
    reporter.tick(state, LAUNCH + 1)
    assert out.getvalue().splitlines()[62] == (
        f"{clock(LAUNCH)} and 1,980 more tasks: 1,970 queued, 10 running (each with -v)"
    )
    tell(reporter, many(Kind.TASK_DEAD, "dead", 40, 9000)[2:], state)
    reporter.close()
    reporter.close()
    assert out.getvalue().count("and 8 more tasks: 8 dead (each with -v)") == 1
    whole = io.StringIO()
    reporter = LineReporter(whole, verbose=True)
    reporter.tick(tell(reporter, events), LAUNCH + 1)
    reporter.close()
    assert sum(" task " in line for line in whole.getvalue().splitlines()) == 2042
    assert "more tasks" not in whole.getvalue()
    messages = io.StringIO()
    tell(JsonReporter(messages), events)
    assert len(messages.getvalue().splitlines()) == 2042


def test_a_snapshot_of_many_changes_is_counted_too() -> None:
    before = Event(Kind.SNAPSHOT, LAUNCH, 1, 1, data={"tasks": _lives("queued", 1)})
    after = Event(Kind.SNAPSHOT, LAUNCH, 1, 2, data={"tasks": _lives("cancelled", 2)})
    lines = lines_of(before, after)
    assert len(lines) == 1 + 30


def _lives(status: str, seq: int) -> dict[str, Any]:
    return {f"{n:08x}": {"life": {"status": status}, "info": {"phase": "p"}, "seq": seq} for n in range(2000)}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (9e13, "for ever"),
        (math.inf, "for ever"),
        (math.nan, "for ever"),
        (0.31, "0.3 s"),
        (9.94, "9.9 s"),
        (9.96, "0:00:10"),
        (75.4, "0:01:15"),
        (-3.0, "0.0 s"),
    ],
)
def test_a_short_time_is_no_zero(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_what_is_due_is_not_in_zero_seconds() -> None:
    assert finish_time(LAUNCH, LAUNCH) == f"{clock(LAUNCH)} (any moment)"


def test_a_phase_with_a_paused_task_has_no_end() -> None:
    state, now = campaign_at(0.3)
    (running,) = [task for task in state.tasks.values() if task.id == "00000002"]
    paused = replace(running, life=replace(running.life, status=Status.PAUSED))
    state = replace(state, tasks={**state.tasks, paused.id: paused})
    out = io.StringIO()
    LineReporter(out).tick(state, now)
    assert "1 paused" in out.getvalue().splitlines()[0]
    assert "ends" not in out.getvalue().splitlines()[0]
    drawn = io.StringIO()
    Console(file=drawn, width=120).print(bars(state, estimate(state, now), now))
    assert "1 paused" in drawn.getvalue().splitlines()[0]
    assert drawn.getvalue().rstrip().endswith("without 1 paused")


def test_only_the_titles_of_the_task_list_give_way() -> None:
    task = queued(replace(info(0, "exploration"), title="a description " * 20))
    life = replace(task.life, status=Status.DEAD, error="boom " * 40 + "\nTraceback")
    report = Progress("1-1", epoch=40, metrics={"loss": 0.5, "val_loss": 0.25})
    other = replace(queued(info(1)), life=replace(task.life, status=Status.PAUSED, report=report, error=""))
    tasks = [replace(task, life=life), other]
    for width in (None, 200, 100, 80, 10):
        heading, first, second = task_table(tasks, width)
        assert heading.split() == ["id", "phase", "task", "status", "epochs", "loss", "val", "error"]
        assert re.fullmatch(r"00000000  exploration  a desc.*  dead    0/1000 {19}(boom )*boom", first), width
        assert re.fullmatch(r"00000001  ensemble     task 1 +  paused  40/1000  0.5000  0.2500", second), width
        place = heading.index("status")
        assert (first[place : place + 4], second[place : place + 6]) == ("dead", "paused")
        if width is None:
            assert task.info.title.strip() in first, "a pipe has no edge"
        elif width >= 80:
            room = heading.index("status") - heading.index("task") - 2
            assert room == 12 or first.index("boom") + 40 <= width
            assert len(second) <= width


def test_foreign_text_cannot_move_the_cursor() -> None:
    about = {"phase": "\x1b[2Jq", "title": "[red]x[/]\x1b]0;t\x07\r\n" + "y" * 500}
    event = Event(Kind.TASK_DEAD, LAUNCH, 1, 1, "a", data={"status": "dead", "info": about, "error": "\x07bad"})
    (line,) = lines_of(event)
    assert line.startswith("task a q '[red]x[/]  yyy")
    assert line.endswith("…' dead: bad")
    assert line.isprintable()


def test_json_lines_have_stable_keys() -> None:
    out = io.StringIO()
    data: Any = MappingProxyType({"loss": math.nan, "curve": ((1, math.inf), (2, 0.5)), "text": "\ud800\x1b", 3: {"x"}})
    events = [
        Event(Kind.PROGRESS, 1.5, worker="w1", data=data),
        Event(Kind.TICK, 2.0),
        Event(Kind.TASK_DONE, 3.0, 1, 7, "a", "w1", "1-2", 2, {"status": "done"}),
        Event(Kind.SNAPSHOT, 4.0, 1, 7, data={"tasks": {}}),
    ]
    tell(JsonReporter(out), events)
    messages = [json.loads(line, parse_constant=pytest.fail) for line in out.getvalue().splitlines()]
    assert [list(message) for message in messages] == [KEYS] * 3
    assert messages[0]["data"] == {"loss": None, "curve": [[1, None], [2, 0.5]], "text": "\ud800\x1b", "3": ["x"]}
    values = [1, 1, 7, 3.0, "task.done", "a", "w1", "1-2", 2, {"status": "done"}]
    assert messages[1] == dict(zip(KEYS, values, strict=True))
    assert messages[2]["kind"] == "snapshot"
    assert out.getvalue().isascii()


@pytest.mark.parametrize("make", [LineReporter, JsonReporter])
def test_a_reader_that_leaves_ends_nothing(make: type[LineReporter] | type[JsonReporter]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        out = protected(pipe)
        reporter = make(out)
        state = tell(reporter, [life("queued", 1), life("running", 2)])
        reporter.tick(state, LAUNCH)
        reporter.close()
        assert is_gone(out)


@settings(max_examples=50)
@given(st.lists(foreign_events, max_size=12), st.floats(allow_nan=False, allow_infinity=False))
def test_nonsense_is_shown_without_error(foreign: list[Event], now: float) -> None:
    lines, messages = io.StringIO(), io.StringIO()
    reporter = LineReporter(lines)
    state = tell(reporter, foreign)
    tell(JsonReporter(messages), foreign)
    reporter.tick(state, now)
    assert all(line.isprintable() for line in lines.getvalue().split("\n"))
    for line in messages.getvalue().splitlines():
        assert list(json.loads(line)) == KEYS
    select.milestones(state, estimate(state, now), now)
    select.queue_history(state, now, 40)
    select.ordered(state)
    select.run_status(state)


def test_a_limit_that_was_beaten_is_none() -> None:
    row = BenchRow(
        "[16]",
        {"hidden_dims": (16,)},
        128,
        "fp32",
        1,
        13,
        1000,
        1 << 20,
        step_s=0.001,
        limit_s=0.00312,
        peak_bytes=1 << 20,
    )
    slow = replace(row, step_s=0.004)
    assert (bench_json(row)["limit_share"], bench_json(slow)["limit_share"]) == (None, pytest.approx(0.78))
    drawn = io.StringIO()
    Console(file=drawn, width=160).print(bench_table([row, slow], "cpu"))
    lines = drawn.getvalue().splitlines()
    assert ("–" in lines[-2], "%" in lines[-2], "78%" in lines[-1]) == (True, False, True)


@pytest.mark.parametrize("value", [1e300, math.inf, -math.inf, math.nan, -1e300])
def test_a_time_that_no_calendar_has_is_shown_as_none(value: float) -> None:
    assert format.duration(value) == format.stamp(value or 0.0) == format.clock(value, LAUNCH) == format.NONE
    assert plan_duration(abs(value)) == "for ever"
