"""A run as its directory tells of it: what is accepted, what is saved, and when it ended."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from cqltui.cli import main
from cqltui.results import left
from cqltui.results.left import at_a_glance, earlier_result, from_disk, left_of
from cqltui.results.rundir import METRICS_HEADER, RunDir, metrics_lines, read_json, write_json
from cqltui.state.counting import tally
from cqltui.state.model import Lifecycle, Progress, RunState, Status, TaskInfo, TaskState
from cqltui.state.reduce import reduce
from cqltui.state.select import run_status
from cqltui.state.still import snapshot_of
from cqltui.supervisor import manifest
from trainer.progress import EpochMetrics

INFO = TaskInfo("1a2b3c4d", "quality", "a task", epochs=50, batch_size=128, epoch_steps=13)
LIFE = Lifecycle(status=Status.QUEUED, run=1, token="1-2", attempt=2, finished_ts=0.0)
LAUNCH = 1_700_000_000.0


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    """A run directory with nothing in it but its campaign."""
    found = RunDir(tmp_path / "run")
    said = {"name": "one", "title": "One", "phases": [{"name": "quality", "title": "Quality"}], "workers": {"count": 3}}
    write_json(found.campaign_json, {"created_ts": LAUNCH, "campaign": said, "finished_ts": 0.0})
    return found


def metrics(path: Path, epochs: int) -> None:
    """A metrics.csv; every tenth epoch is validated."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [EpochMetrics(epoch, 1 / epoch, 0.1, 0.1, 0.1, 1.0, 128.0) for epoch in range(1, epochs + 1)]
    rows[9::10] = [
        replace(row, val_loss=0.5 + row.epoch / 1000, val_td_loss=1.0, val_cql_loss=1.0) for row in rows[9::10]
    ]
    path.write_bytes(METRICS_HEADER + metrics_lines(rows))


def checkpoint(run_dir: RunDir, epoch: int, token: str = "1-2", run: int = 1, rows: int = 45) -> None:
    """A checkpoint with the metrics beside it, which go further."""
    folder = run_dir.attempt(INFO.id, run, token)
    metrics(folder / "metrics.csv", rows)
    (folder / f"checkpoint-{epoch:06}.safetensors").write_bytes(b"")


def result(run_dir: RunDir, token: str = "1-2", run: int = 1, **other: Any) -> None:
    """A published result."""
    last = {"epoch": 50, "loss": 0.1705, "td_loss": 0.1, "cql_loss": 0.2, "q_mean": 0.3, "grad_norm": 1.0}
    last |= {"samples_per_s": 128.0, "val_loss": 0.55, "val_td_loss": 0.5, "val_cql_loss": 0.5}
    said = {"task_id": INFO.id, "digest": "d", "token": token, "run": run, "attempt": 1, "epochs": 50}
    said |= {"metrics": last, "best_val_loss": 0.51, "best_val_epoch": 48, "seconds": 650.0}
    said |= {"started_ts": LAUNCH, "finished_ts": LAUNCH + 9}
    write_json(run_dir.result_json(INFO.id), said | other)


def remember(run_dir: RunDir, life: Lifecycle) -> None:
    """Its task.json."""
    write_json(run_dir.task_json(INFO.id), {"info": to_builtins(INFO), "life": to_builtins(life)})


def told(progress: Progress | None) -> tuple[int, float | None, float | None, float | None] | None:
    """Epoch, loss, validation and the best of it."""
    if progress is None:
        return None
    return progress.epoch, progress.metrics.get("loss"), progress.metrics.get("val_loss"), progress.best


def test_what_stopped_is_shown_as_its_newest_checkpoint(run_dir: RunDir) -> None:
    assert left_of(run_dir, INFO, LIFE) is None
    checkpoint(run_dir, 7, "1-1")
    checkpoint(run_dir, 43)
    checkpoint(run_dir, 31)
    for status in (Status.QUEUED, Status.RUNNING, Status.PAUSED, Status.CANCELLED, Status.DEAD, Status.WITHDRAWN):
        found = left_of(run_dir, INFO, replace(LIFE, status=status))
        assert told(found) == (43, 1 / 43, 0.54, 0.51)
        assert found is not None
        assert (found.token, found.step, found.trained_s, found.curve[-1]) == ("1-2", 559, 43 * 13.0, (43, 0.023256))
    assert left_of(run_dir, INFO, replace(LIFE, run=2)) is None, "a new run begins at nothing"


def test_a_checkpoint_without_its_metrics_is_passed_over(run_dir: RunDir) -> None:
    checkpoint(run_dir, 30, "1-1")
    checkpoint(run_dir, 43, rows=42)
    assert told(left_of(run_dir, INFO, LIFE)) == (30, 1 / 30, 0.53, 0.51)
    (run_dir.attempt(INFO.id, 1, "1-2") / "checkpoint-x.safetensors").write_bytes(b"")
    assert told(left_of(run_dir, INFO, LIFE)) == (30, 1 / 30, 0.53, 0.51)


def test_what_was_written_down_counts_where_the_checkpoints_are_elsewhere(run_dir: RunDir) -> None:
    known = replace(LIFE, report=Progress("1-2", epoch=20, metrics={"loss": 0.2}))
    assert told(left_of(run_dir, INFO, known)) == (20, 0.2, None, None)
    checkpoint(run_dir, 43)
    assert told(left_of(run_dir, INFO, known)) == (43, 1 / 43, 0.54, 0.51)


@pytest.mark.parametrize("status", [Status.DONE, Status.WITHDRAWN])
def test_what_is_done_is_shown_as_its_accepted_result(run_dir: RunDir, status: Status) -> None:
    stale = replace(LIFE, status=status, report=Progress("1-2", epoch=43, metrics={"loss": 0.1849}))
    result(run_dir)
    metrics(run_dir.metrics_csv(INFO.id), 50)
    found = left_of(run_dir, INFO, stale)
    assert told(found) == (50, 0.1705, 0.55, 0.51)
    assert found is not None
    assert (found.trained_s, found.best_epoch, len(found.curve)) == (650.0, 48, 50), "the curve is that of metrics.csv"
    result(run_dir, token="1-9")
    assert told(left_of(run_dir, INFO, stale)) == (43, 0.1849, None, None), "a result of another attempt"


def test_the_state_and_when_it_ended(run_dir: RunDir) -> None:
    checkpoint(run_dir, 43)
    remember(run_dir, LIFE)
    run_dir.task("nonsense:x").mkdir(parents=True)
    (run_dir.task("nonsense:x") / "task.json").write_text(json.dumps({"info": {}, "life": {"status": "done"}}))
    state = from_disk(run_dir)
    assert list(state.tasks) == [INFO.id]
    assert (state.tasks[INFO.id].epochs_done, state.finished_ts, run_status(state)) == (43, 0.0, "offline")
    assert (state.campaign.started_ts, state.campaign.workers, state.campaign.run_dir) == (LAUNCH, 3, str(run_dir.path))
    assert manifest.finish(run_dir, state, LAUNCH + 60) == LAUNCH + 60
    state = from_disk(run_dir)
    assert (state.finished_ts, run_status(state)) == (LAUNCH + 60, "stopped")


def glance(run_dir: RunDir, step_s: float = 0.0) -> RunState:
    """What is seen at once, on a disk that takes `step_s` for a task."""
    clock = itertools.count(100.0, step_s)
    return at_a_glance(run_dir, read_json(run_dir.campaign_json) or {}, 1.0, lambda: next(clock))


def test_at_a_glance_a_run_is_as_it_was_last_written_down(run_dir: RunDir) -> None:
    checkpoint(run_dir, 43)
    report = Progress(token="1-2", epoch=40, epochs=50, ts=LAUNCH + 400)
    remember(run_dir, replace(LIFE, status=Status.RUNNING, worker="w1", report=report))
    write_json(run_dir.task_json("damaged"), {"info": {"title": "no life"}})
    write_json(run_dir.task_json("odd"), {"info": {"title": "odd"}, "life": {"status": "flying"}})
    write_json(run_dir.task_json("not:ours"), {"info": {}, "life": {"status": "done"}})
    run_dir.task_json("torn").parent.mkdir()
    run_dir.task_json("torn").write_text('{"info": {', "utf-8")
    run_dir.journal.touch()
    os.utime(run_dir.journal, (LAUNCH + 500, LAUNCH + 500))
    state = glance(run_dir)
    assert list(state.tasks) == [INFO.id]
    task = state.tasks[INFO.id]
    assert (task.status, task.epochs_done) == (Status.RUNNING, 40), "by task.json alone"
    assert tally(state) is state.counted, "it is not counted again at each draw"
    assert state.counted.running == (INFO.id,)
    assert (state.online, state.offline_since, state.finished_ts) == (False, LAUNCH + 500, 0.0)
    assert (state.campaign.title, state.campaign.workers, state.campaign.started_ts) == ("One", 3, LAUNCH)
    snapshot = snapshot_of(replace(state, epoch=1, seq=9, tasks={}), LAUNCH + 501)
    assert not reduce(state, snapshot).tasks, "what the server says counts"


def test_at_a_glance_a_part_of_the_tasks_is_none(run_dir: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(run_dir, LIFE)
    for number in range(3):
        write_json(run_dir.task_json(f"t{number}"), {"info": to_builtins(INFO), "life": to_builtins(LIFE)})
    assert len(glance(run_dir, 0.1).tasks) == 4
    state = glance(run_dir, 0.4)
    assert (len(state.tasks), state.campaign.title) == (0, "One")
    assert state.offline_since > 0, "there is no journal yet: as of campaign.json"
    monkeypatch.setattr(left, "MOST", 3)
    assert not glance(run_dir).tasks


def test_a_state_survives_as_a_snapshot(run_dir: RunDir) -> None:
    result(run_dir, curve=[[1, 1.0], [50, 0.1705]])
    remember(run_dir, replace(LIFE, status=Status.DONE, finished_ts=LAUNCH + 9))
    state = from_disk(run_dir)
    again = reduce(RunState(), snapshot_of(state, LAUNCH + 10))
    assert {t.id: replace(t, info_version=(0, 0)) for t in again.tasks.values()} == dict(state.tasks)
    assert (again.campaign, again.finished_ts, again.wanted) == (state.campaign, state.finished_ts, state.wanted)
    assert again.tasks[INFO.id].progress == state.tasks[INFO.id].progress


def state_of(*lives: Lifecycle) -> RunState:
    """A run of tasks in these states."""
    return RunState(tasks={str(n): TaskState(replace(INFO, id=str(n)), life) for n, life in enumerate(lives)})


def test_a_run_that_had_ended_keeps_its_time_unless_a_task_has_ended_since(run_dir: RunDir) -> None:
    def again(state: RunState, now: float) -> float:
        known = json.loads(run_dir.campaign_json.read_text())
        before = known["finished_ts"] or known.get("last_finished_ts", 0.0)
        write_json(run_dir.campaign_json, known | {"finished_ts": 0.0, "last_finished_ts": before})
        return manifest.finish(run_dir, state, now)

    done = replace(LIFE, status=Status.DONE, finished_ts=LAUNCH + 195)
    assert again(state_of(done), LAUNCH + 198) == LAUNCH + 198
    assert again(state_of(done), LAUNCH + 297) == LAUNCH + 198, "nothing has happened"
    assert again(state_of(done, LIFE), LAUNCH + 400) == LAUNCH + 400, "stopped with a task left"
    later = replace(done, finished_ts=LAUNCH + 500)
    assert again(state_of(done, later), LAUNCH + 501) == LAUNCH + 501
    assert again(state_of(done, later), LAUNCH + 900) == LAUNCH + 501


def test_how_a_task_was_done_before_it_was_submitted_again(run_dir: RunDir) -> None:
    again = replace(LIFE, run=2, token="")
    assert earlier_result(run_dir, INFO, "d", again) is None
    result(run_dir)
    before = earlier_result(run_dir, INFO, "d", again)
    assert before is not None
    assert (before.status, before.run, before.token, before.finished_ts) == (Status.DONE, 1, "1-2", LAUNCH + 9)
    assert told(before.report) == (50, 0.1705, 0.55, 0.51)
    assert earlier_result(run_dir, INFO, "other", again) is None, "it was another training"
    assert earlier_result(run_dir, INFO, "d", LIFE) is None, "it is the result of this very run"


def test_a_campaign_that_cannot_be_read_is_told(run_dir: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    result(run_dir)
    remember(run_dir, replace(LIFE, status=Status.DONE, finished_ts=LAUNCH + 9))
    run_dir.campaign_json.write_text("{", encoding="utf-8")
    assert main(["status", str(run_dir.path)]) == 0
    assert capsys.readouterr().out.startswith("this run: its campaign.json is missing or damaged; the campaign's ")
