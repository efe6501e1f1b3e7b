"""A recorded run told again: the clock, what is told of a moment however one came there, and what is not known."""

import io
import json
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cqltui.app.asof import LogsAsOf, log_end, record_as_of
from cqltui.app.recorded import events, extent, samples
from cqltui.app.replaying import Replaying, moment
from cqltui.broker.protocol.codec import encode_event
from cqltui.errors import InputError
from cqltui.results.curves import CurveFiles, CurveSubject, CurveWish
from cqltui.results.rundir import METRICS_HEADER, RunDir, metrics_lines
from cqltui.results.traces import AttemptTrace
from cqltui.state.events import Event, Kind
from cqltui.state.live import live_workers
from cqltui.state.model import RunState, Status
from cqltui.state.playhead import Playhead
from cqltui.state.record import Attempt, FileEntry, TaskRecord
from cqltui.state.reduce import reduce_all
from cqltui.state.replay import UNKNOWN, Replay, Sample, sample_of
from tests.unit.small_run import metrics_of
from tests.unit.telling import queued_together

T0 = 1_760_000_000.0
EPOCHS, STEPS, BATCH = 100, 10, 10
SPEED = 50.0
"""Samples a second: an epoch takes two."""
INFO = {"phase": "p", "title": "one", "epochs": EPOCHS, "epoch_steps": STEPS, "batch_size": BATCH}


def life(status: str, token: str = "", **more: Any) -> dict[str, Any]:
    """A task's lifecycle after a change."""
    return {"status": status, "run": 1, "token": token, "worker": "w1" if token else "", **more}


def story() -> Iterator[Event]:
    """a trains from 10 s to 110 s, dies, and again from 200 s on until it is done at 400 s."""
    rows: tuple[tuple[float, Kind, str, Mapping[str, Any]], ...] = (
        (0, Kind.CAMPAIGN, "", {"wanted": "running", "campaign": {"name": "c", "workers": 1}}),
        (1, Kind.TASK_QUEUED, "a", {**life("queued"), "info": INFO}),
        (5, Kind.WORKER_STARTED, "", {"pid": 7, "since": 3}),
        (10, Kind.TASK_CLAIMED, "a", life("running", "1-1", claimed_ts=T0 + 10)),
        (110, Kind.TASK_DELAYED, "a", life("delayed")),
        (200, Kind.TASK_CLAIMED, "a", life("running", "1-2", claimed_ts=T0 + 200)),
        (
            400,
            Kind.TASK_DONE,
            "a",
            life("done", "1-2", report={"token": "1-2", "epoch": EPOCHS, "metrics": {"loss": 1}}),
        ),
    )
    for seq, (at_s, kind, task, data) in enumerate(rows, 1):
        yield Event(kind, T0 + at_s, 1, seq, task, "w1" if kind is Kind.WORKER_STARTED or task else "", data=data)


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    """A run of which both attempts have left their metrics."""
    run = RunDir(tmp_path)
    run.journal.write_bytes(b"".join(encode_event(event) + b"\n" for event in story()))
    rows = [replace(row, samples_per_s=SPEED) for row in metrics_of(0.5, EPOCHS)]
    for token in ("1-1", "1-2"):
        folder = run.attempt("a", 1, token)
        folder.mkdir(parents=True)
        (folder / "metrics.csv").write_bytes(METRICS_HEADER + metrics_lines(rows[: 40 if token == "1-1" else EPOCHS]))
    return run


def write_history(run: RunDir, *lines: dict[str, Any]) -> None:
    """Write history.jsonl; `ts` since the begin."""
    whole = ({**line, "ts": T0 + line["ts"], "workers": line.get("workers", {"w1": 1000})} for line in lines)
    run.history.write_text("".join(json.dumps(line) + "\n" for line in whole))


def told(run: RunDir, *at_s: float) -> RunState:
    """The state after these moments."""
    has = run.history.exists()
    replay = Replay(events(run), samples(run), partial(AttemptTrace, run), has_history=has)
    return reduce_all(RunState(), [event for one in at_s for event in replay.until(T0 + one)])


def test_a_playhead_goes_stands_and_is_moved() -> None:
    head = Playhead(100.0, 1000.0, 100.0, 5.0, speed=10.0)
    assert (head.ts(5.0), head.ts(8.0), head.ts(500.0)) == (100.0, 130.0, 1000.0)
    assert not head.goes(500.0)
    paused = head.toggled(8.0)
    assert (paused.ts(99.0), paused.paused, paused.toggled(99.0).ts(100.0)) == (130.0, True, 140.0)
    assert head.toggled(500.0).ts(500.0) == 100.0, "from the end it begins anew"
    faster = head.faster(8.0, 1)
    assert (faster.speed, faster.ts(8.0), faster.ts(9.0)) == (60.0, 130.0, 190.0)
    assert (replace(head, speed=45.0).faster(5.0, -1).speed, replace(head, speed=1800.0).faster(5.0, 1).speed) == (
        10,
        1800,
    )
    assert (head.sought(8.0, 5e9).ts(8.0), head.sought(8.0, 0.0).ts(8.0), head.share(550.0)) == (1000.0, 100.0, 0.5)


def test_tasks_that_were_submitted_together_are_known_when_they_train(run_dir: RunDir) -> None:
    first, second, *rest = story()
    many = queued_together("ab", second.seq, second.ts)
    lines = [encode_event(event) + b"\n" for event in (first, many, *rest)]
    run_dir.journal.write_bytes(b"".join(lines))
    state = told(run_dir, 30)
    assert (state.tasks["b"].info.title, state.tasks["b"].status) == ("no. 1", Status.QUEUED)
    assert state.tasks["a"].progress is not None
    assert state.tasks["a"].progress.epoch == 10


def test_between_samples_epochs_last_as_long_as_their_metrics_say(run_dir: RunDir) -> None:
    task = told(run_dir, 60).tasks["a"]
    assert (task.status, task.epochs_done) == (Status.RUNNING, 25), "50 s at two seconds an epoch"
    assert task.progress is not None
    assert task.progress.trained_s == pytest.approx(50.0)
    write_history(
        run_dir,
        {"ts": 50, "running": {"a": {"epoch": 10, "worker": "w1"}}},
        {"ts": 70, "running": {"a": {"epoch": 20, "worker": "w1"}}},
    )
    assert [told(run_dir, at).tasks["a"].epochs_done for at in (50, 60, 70)] == [10, 15, 20]
    assert told(run_dir, 48).tasks["a"].epochs_done == 9, "it began late: what follows tells"


@pytest.mark.parametrize("stops", [(60,), (120,), (300,), (400,)])
def test_a_moment_is_the_same_however_one_came_there(run_dir: RunDir, stops: tuple[float, ...]) -> None:
    slowly = told(run_dir, *range(0, int(stops[0]), 7), stops[0])
    at_once = told(run_dir, *stops)
    assert (slowly.tasks["a"].life, slowly.tasks["a"].progress) == (
        at_once.tasks["a"].life,
        at_once.tasks["a"].progress,
    )
    assert slowly.workers.keys() == at_once.workers.keys()
    assert slowly.now == at_once.now == T0 + stops[0]


def test_an_attempt_that_ended_tells_its_last_word(run_dir: RunDir) -> None:
    task = told(run_dir, 150).tasks["a"]
    assert (task.status, task.progress) == (Status.DELAYED, None)
    assert task.live is not None
    assert task.live.epoch == 40, "its metrics have no more"
    assert told(run_dir, 500).tasks["a"].epochs_done == EPOCHS


def test_without_metrics_the_samples_tell(run_dir: RunDir) -> None:
    (run_dir.attempt("a", 1, "1-1") / "metrics.csv").unlink()
    write_history(
        run_dir, {"ts": 50, "running": {"a": {"epoch": 10, "worker": "w1", "loss": 0.25}}}, {"ts": 100, "running": {}}
    )
    task = told(run_dir, 60).tasks["a"]
    assert (task.epochs_done, task.headline) == (10, 0.25)


def test_where_nobody_wrote_nothing_is_said(run_dir: RunDir) -> None:
    write_history(run_dir, {"ts": 50, "running": {"a": {"epoch": 10, "worker": "w1"}}}, {"ts": 390, "running": {}})
    known, unknown = told(run_dir, 60), told(run_dir, 100)
    assert known.online
    assert len(live_workers(known, known.now)) == 1
    assert (unknown.online, unknown.offline_why, live_workers(unknown, unknown.now)) == (False, UNKNOWN, ())
    assert told(run_dir, 100, 120).offline_since == T0 + 100, "what the journal got later changes nothing of that"


def test_damaged_lines_are_passed_over(run_dir: RunDir) -> None:
    run_dir.journal.write_bytes(b"{\n" + run_dir.journal.read_bytes() + b'{"v":1,"kind":"anew"}\n[]\n{"torn')
    assert told(run_dir, 500).tasks["a"].status is Status.DONE
    assert sample_of({"ts": "x"}) is None
    assert sample_of({"ts": 5.0, "running": [1], "workers": 7}) == Sample(5.0)
    assert extent(run_dir) == (T0, T0 + 400)


def test_back_is_told_from_the_beginning_and_curves_end_where_the_moment_is(run_dir: RunDir) -> None:
    wall = [0.0]
    replaying = Replaying(run_dir, Playhead(T0, T0 + 400, T0 + 500, speed=10.0), lambda: wall[0])
    state = reduce_all(RunState(), replaying.poll(0.0))
    assert state.tasks["a"].status is Status.DONE
    assert len(replaying.past().attempts) == 1
    replaying.seek(T0 + 60)
    found = replaying.poll(0.0)
    assert found[0].kind is Kind.ANEW
    state = reduce_all(state, found)
    assert (state.tasks["a"].status, state.now, replaying.past().attempts) == (Status.RUNNING, T0 + 60, ())
    curves = CurveFiles(run_dir.path, replaying.reached, past=True)
    wish = CurveWish((CurveSubject("a", 1, "1-1"),), ("loss",))
    assert curves.read(wish).curves["a", "loss"].epochs[-1] == 25
    assert replaying.poll(0.0) == [], "time stands"
    wall[0] = 1.0
    assert reduce_all(state, replaying.poll(0.0)).now == T0 + 70


def test_a_lost_end_is_told_by_the_directory(run_dir: RunDir) -> None:
    run_dir.campaign_json.write_text(json.dumps({"finished_ts": T0 + 450}))
    replaying = Replaying(run_dir, Playhead(*extent(run_dir), T0 + 449, paused=True), lambda: 0.0)
    state = reduce_all(RunState(), replaying.poll(0.0))
    assert not state.finished_ts
    replaying.seek(T0 + 450)
    assert reduce_all(state, replaying.poll(0.0)).finished_ts == T0 + 450


def test_moments_are_times_of_day_or_since_the_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    begin = 1_760_734_800.0  # 21:00
    end = begin + 6 * 3600
    assert moment("22:10", begin, end) == begin + 4200
    assert moment("1:30:05", begin, end) == begin + 4.5 * 3600 + 5, "after midnight"
    assert moment("1h20m", begin, end) == begin + 4800
    assert moment("90s", begin, end) == begin + 90
    for wrong in ("20:30", "7h", "25:00", "soon", "-1h"):
        with pytest.raises(InputError, match="--at"):
            moment(wrong, begin, end)
    with pytest.raises(InputError, match="nothing of this run was recorded"):
        extent(RunDir(Path("/nonexistent")))
    monkeypatch.undo()
    time.tzset()


def test_logs_end_at_the_moment(run_dir: RunDir) -> None:
    line = "{} INFO a Epoch {}\n  more of it\n"
    stamps = [time.strftime("%Y-%m-%d %H:%M:%S,000", time.localtime(T0 + at)) for at in range(0, 3000, 3)]
    text = "".join(line.format(stamp, number) for number, stamp in enumerate(stamps))
    path = run_dir.log("w1")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    for at, last in ((0, 0), (10, 3), (1500, 500), (9000, 999)):
        found = LogsAsOf(run_dir.path, lambda at=at: T0 + at).tail("w1", 5, "a")  # type: ignore[misc]
        assert found[-2].endswith(f"Epoch {last}"), at
        assert found[-1] == "  more of it"
    assert LogsAsOf(run_dir.path, lambda: T0 - 5).tail("w1", 5) == []
    assert log_end(io.BytesIO(b"no times\n"), T0) is None


def test_a_record_has_what_was_there() -> None:
    record = TaskRecord(
        attempts=(
            Attempt(1, 1, "t1", "w1", T0, T0 + 5, "died", "x"),
            Attempt(1, 2, "t2", "w1", T0 + 6, T0 + 9, "done"),
        ),
        files=(FileEntry("early", 1, T0 + 1), FileEntry("late", 1, T0 + 8)),
    )
    found = record_as_of(record, T0 + 7)
    assert [(one.number, one.end, one.ended_ts) for one in found.attempts] == [(1, "died", T0 + 5), (2, "", 0.0)]
    assert [one.name for one in found.files] == ["early"]
    assert record_as_of(record, T0 + 5.5).attempts[0].end == "died"
    assert len(record_as_of(record, T0 + 5.5).attempts) == 1
