"""What the supervisor tells, once, and what it remembers of it."""

import json
import logging
import os
import time
from datetime import datetime
from datetime import time as Hour  # noqa: N812
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cqltui.campaign.model import NotifyConfig
from cqltui.results.rundir import RunDir
from cqltui.state.alerts import Told
from cqltui.state.described import PhaseInfo, Verdict
from cqltui.state.eta import Estimate
from cqltui.state.events import Event, Kind
from cqltui.state.model import Lifecycle, RunState, Status, TaskState
from cqltui.state.notify import NotifyInfo
from cqltui.supervisor import notifying as notifying_module
from cqltui.supervisor import program
from cqltui.supervisor.courier import Courier
from cqltui.supervisor.notifying import Notifying, couriers, next_hour
from tests.unit.runs import LAUNCH, info, run_of


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying_module, "GATHER_S", 0.0)


def dead_run(**notify: Any) -> RunState:
    task = TaskState(info(1), Lifecycle((1, 1), Status.DEAD, attempt=3, error="KeyError: 'edge'", finished_ts=LAUNCH))
    state = run_of([task])
    return replace(state, campaign=replace(state.campaign, notify=NotifyInfo(**notify)))


def news(state: RunState, kind: Kind = Kind.TASK_DEAD) -> tuple[RunState, Event, RunState]:
    return state, Event(kind, LAUNCH, 1, 1), state


class Recorded(Courier):
    """Takes notices, and keeps them."""

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = []
        super().__init__("recorded", lambda _: None)

    def give(self, notice: bytes) -> None:
        """Keep it."""
        self.given.append(json.loads(notice))

    @property
    def texts(self) -> list[str]:
        """What was told."""
        return [notice["text"] for notice in self.given]


def test_what_was_told_is_not_told_again_after_a_restart_of_the_supervisor(tmp_path: Path) -> None:
    run_dir, state, given = RunDir(tmp_path), dead_run(), []
    for _ in range(2):
        to = Recorded()
        with Notifying(run_dir, [to]) as notifying:
            notifying.tick(state, LAUNCH)
            assert to.given == [], "nothing has happened"
            notifying.handle(*news(state, Kind.SNAPSHOT))
            notifying.tick(state, LAUNCH + 1.5)
            notifying.handle(*news(state))
            notifying.tick(state, LAUNCH + 2)
            ended = replace(state, finished_ts=LAUNCH + 3)
            notifying.handle(*news(ended, Kind.FINISHED))
        given.append(to.texts)
    assert given[0] == [
        "deep: task 00000001 (task 1) is dead: KeyError: 'edge'",
        "deep: the run has ended, 0 of 1 tasks done, 1 dead",
    ]
    assert given[1] == []


def test_the_payload_is_the_documented_one(tmp_path: Path) -> None:
    to = Recorded()
    with Notifying(RunDir(tmp_path), [to]) as notifying:
        notifying.handle(*news(dead_run()))
        notifying.tick(dead_run(), LAUNCH)
    page = (Path(__file__).parents[2] / "docs" / "notify.md").read_text("utf-8")
    example = json.loads(page.partition("```json\n")[2].partition("```")[0])
    (said,) = to.given
    assert set(said) == set(example)
    assert set(said["data"]) == set(example["data"])
    assert said["format"] == example["format"]
    assert (said["event"], said["content"]) == ("task.dead", said["text"])
    assert said["run_dir"] == str(tmp_path)
    assert datetime.fromisoformat(said["time"]).timestamp() == LAUNCH == said["ts"]
    assert (said["done"], said["total"], said["tasks"]) == (0, 1, {"dead": 1})
    assert all(f"`{key}`" in page for key in said)


def test_after_a_notice_others_are_gathered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying_module, "GATHER_S", 60.0)
    to = Recorded()
    with Notifying(RunDir(tmp_path), [to]) as notifying:
        state = dead_run()
        notifying.handle(*news(state))
        notifying.tick(state, LAUNCH)
        tasks = {f"{n:08x}": replace(state.tasks["00000001"], info=info(n)) for n in range(5)}
        more = replace(state, tasks=tasks)
        notifying.handle(*news(more))
        notifying.tick(more, LAUNCH + 1)
        assert len(to.given) == 1
        notifying._next_s = 0.0  # a minute later
        notifying.tick(more, LAUNCH + 61)
    assert to.texts[1] == "deep: 4 tasks are dead: 00000000, 00000002, 00000003, ..."


def test_the_hour_is_looked_at_now_and_then_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    task = TaskState(info(1), Lifecycle((1, 1), Status.RUNNING))
    state = run_of([task])
    state = replace(state, campaign=replace(state.campaign, notify=NotifyInfo(late_ts=LAUNCH + 60)))
    made: list[float] = []

    def estimated(_: RunState, now: float) -> Estimate:
        made.append(now)
        return Estimate(LAUNCH + 3600, {}, {})

    monkeypatch.setattr(notifying_module, "estimate", estimated)
    to = Recorded()
    with Notifying(RunDir(tmp_path), [to]) as notifying:
        for now in (LAUNCH, LAUNCH + 0.5):
            notifying.tick(state, now)
        assert made == [LAUNCH], "an estimate of thousands of tasks is not made twice a second"
        for now in (LAUNCH + 10, LAUNCH + 60, LAUNCH + 70):
            notifying._expect_s = 0.0  # ten seconds later
            notifying.tick(state, now)
    assert [notice["event"] for notice in to.given] == ["eta.late"]
    assert made == [LAUNCH, LAUNCH + 10, LAUNCH + 60, LAUNCH + 70]
    assert f"notice: {to.texts[0]}" in caplog.text


def test_a_verdict_is_told_though_no_time_passes_after_it(tmp_path: Path) -> None:
    to = Recorded()
    with Notifying(RunDir(tmp_path), [to]) as notifying:
        judged = replace(dead_run(), tasks={})
        phases = (PhaseInfo("one", verdicts=(Verdict("a", False),)),)
        notifying.handle(*news(replace(judged, campaign=replace(judged.campaign, phases=phases)), Kind.CAMPAIGN))
    assert to.texts == ["deep: a criterion of one fails: a"]


def test_a_directory_that_cannot_be_written_to_costs_no_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    to = Recorded()
    gone = RunDir(tmp_path / "gone" / "away")
    (tmp_path / "gone").write_text("a file")
    with Notifying(gone, [to]) as notifying:
        for _ in range(2):
            notifying.handle(*news(dead_run()))
            notifying.tick(dead_run(), LAUNCH)
    assert len(to.given) == 1
    assert "notified.json cannot be written" in caplog.text


@pytest.mark.parametrize(
    ("now", "hour", "then"),
    [
        ("2026-11-27T22:00:00", Hour(7, 30), "2026-11-28T07:30:00"),
        ("2026-11-28T03:00:00", Hour(7, 30), "2026-11-28T07:30:00"),
        ("2026-11-28T07:30:00", Hour(7, 30), "2026-11-29T07:30:00"),
        ("2026-10-24T22:00:00", Hour(7, 30), "2026-10-25T07:30:00"),  # the clock is set back in between
    ],
)
def test_the_hour_is_the_next_one_of_the_machines_clock(
    now: str, hour: Hour, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        found = next_hour(hour, datetime.fromisoformat(now).timestamp())
        assert datetime.fromtimestamp(found) == datetime.fromisoformat(then)
        assert next_hour(None, 0.0) == 0.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_without_news_nothing_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notified.json").write_text('{"told": [1, null, "task.dead:00000001:1"]}')
    looked: list[Told] = []

    def look(*given: Any) -> tuple[tuple[()], Told]:
        looked.append(given[3])
        return (), given[3]

    monkeypatch.setattr("cqltui.state.alerts.look", look)
    with Notifying(RunDir(tmp_path), [Recorded()]) as notifying:
        notifying.handle(*news(dead_run()))
        notifying.handle(*news(dead_run(), Kind.PROGRESS))
        for now in range(3):
            notifying.tick(dead_run(), LAUNCH + now)
    assert looked == [Told(frozenset({"task.dead:00000001:1"}))], "what is no key in the file is passed over"


def test_the_last_notice_has_the_time_that_any_has(tmp_path: Path) -> None:
    """It was ended after five seconds, which a program that has to start needs on a machine whose cores all train."""

    class Left(Recorded):
        deadline = 0.0

        def leave(self, deadline: float) -> None:
            """Keep it."""
            self.deadline = deadline

    to, began = Left(), time.monotonic()
    with Notifying(RunDir(tmp_path), [to]):
        pass
    assert to.deadline >= began + program.LIMIT_S


def test_nobody_is_told_where_nothing_is_set(tmp_path: Path) -> None:
    assert couriers(NotifyConfig()) == []
    with Notifying(RunDir(tmp_path), []) as notifying:
        notifying.handle(*news(dead_run()))
        notifying.tick(dead_run(), LAUNCH)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
