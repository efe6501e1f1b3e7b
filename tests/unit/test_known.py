"""The run that a directory holds: what is known of it, what is carried over, and where its results go."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from cqltui.app.started import recorded_campaign
from cqltui.broker.protocol.records import Result
from cqltui.campaign.difference import KnownTask, difference
from cqltui.campaign.model import TaskSpec
from cqltui.campaign.payload import DataSummary
from cqltui.results.earlier import keep_earlier
from cqltui.results.known import id_length, newest_saved, read_known
from cqltui.results.rundir import METRICS_HEADER, RunDir, metrics_lines, read_metrics, write_json
from cqltui.results.tables import write_results
from cqltui.state.model import Lifecycle, Status, TaskInfo, TaskState
from cqltui.supervisor import manifest
from cqltui.supervisor.continuing import carry_over
from cqltui.supervisor.records import Records
from tests.unit.made import leave_result
from tests.unit.test_difference import DATA, FILE, all_done, campaign_of, counts, known_of
from trainer.files import checkpoint_name, write_bytes
from trainer.progress import EpochMetrics


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "run")


def rows_of(epochs: int, every: int = 10, end: int = 100) -> list[EpochMetrics]:
    """A training's rows, validated as one of `end` epochs is."""
    return [
        EpochMetrics(n, 0.1 * n, 0.2, 0.3, 0.4, 0.5, 100.0, *(3 * [0.01 * n] if n % every == 0 or n == end else []))
        for n in range(1, epochs + 1)
    ]


def attempt_of(run_dir: RunDir, task: TaskSpec, saved_epoch: int, token: str = "1-1", run: int = 1) -> Path:
    """An attempt's folder, with a checkpoint and the metrics up to an epoch or two later."""
    folder = run_dir.attempt(task.id, run, token)
    write_bytes(
        folder / "metrics.csv", METRICS_HEADER + metrics_lines(rows_of(saved_epoch + 2, end=task.trainer.epochs))
    )
    write_bytes(folder / checkpoint_name(saved_epoch), b"weights of %d" % saved_epoch)
    return folder


def tell(run_dir: RunDir, task: TaskSpec, status: Status, run: int = 1, token: str = "1-1") -> None:
    """Write the task's task.json as the supervisor does."""
    info = TaskInfo(task.id, task.phase, task.title, epochs=task.trainer.epochs)
    with closing(Records(run_dir)) as records:
        records.remember(TaskState(info, Lifecycle(status=status, run=run, token=token)))


def publish(run_dir: RunDir, task: TaskSpec, token: str = "1-1", run: int = 1) -> None:
    """What a supervisor does with the result of an attempt."""
    folder, epochs = run_dir.attempt(task.id, run, token), task.trainer.epochs
    data = leave_result(folder, task.id, run, token, epochs=epochs, digest=task.digest)
    write_bytes(folder / "metrics.csv", METRICS_HEADER + metrics_lines(rows_of(epochs, end=epochs)))
    with closing(Records(run_dir)) as records:
        assert records.publish(Result(task.id, run, 1, token, "w1", 1.0, data))


def test_the_last_checkpoint_is_kept_with_its_result(file: Path, run_dir: RunDir) -> None:
    task = next(campaign_of(file).tasks)
    attempt_of(run_dir, task, 40, "1-1")
    attempt_of(run_dir, task, 90, "1-2")
    write_bytes(run_dir.attempt(task.id, 1, "1-2") / checkpoint_name(100), b"the end")
    publish(run_dir, task, "1-2")
    assert [path.name for path in run_dir.tasks.rglob("checkpoint-*")] == [checkpoint_name(100)]
    kept = newest_saved(run_dir, task.id, 1)
    assert kept is not None
    assert (kept.epoch, kept.path.parent, kept.path.read_bytes()) == (100, run_dir.task(task.id), b"the end")

    attempt_of(run_dir, task, 70, "1-9", run=2)
    publish(run_dir, task, "1-9", run=2)
    assert [path.read_bytes() for path in run_dir.tasks.rglob("checkpoint-*")] == [b"weights of 70"], "of this result"


def test_what_the_directory_holds_is_read_from_it(file: Path, run_dir: RunDir) -> None:
    first, second, third = campaign_of(file).tasks
    assert read_known(run_dir, ()) == {}
    said = {"campaign": json.loads(json.dumps(to_builtins(campaign_of(file), enc_hook=str))), "id_length": 16}
    write_json(run_dir.campaign_json, said)
    assert read_known(run_dir, ()) == {
        task.id: KnownTask(task.id, task.phase, task.title, 100) for task in (first, second, third)
    }
    attempt_of(run_dir, first, 100)
    publish(run_dir, first)
    attempt_of(run_dir, second, 40)
    attempt_of(run_dir, third, 60)
    for task, status in ((first, Status.WITHDRAWN), (second, Status.RUNNING), (third, Status.DEAD)):
        tell(run_dir, task, status)
    found = read_known(run_dir, ())
    assert found[first.id] == replace(known_of(first), withdrawn=True)
    assert found[second.id] == known_of(second, done=False, saved_epoch=40)
    assert not found[third.id].trained, "it is dead"
    assert read_known(run_dir, {first.id})[first.id].done

    write_json(run_dir.attempt(second.id, 1, "1-1") / "result.json", {"token": "1-1"})
    assert read_known(run_dir, ())[second.id].done, "it ended while nobody supervised the run"
    (run_dir.attempt(second.id, 1, "1-1") / "metrics.csv").write_text("torn")
    assert read_known(run_dir, ())[second.id].saved_epoch == 0
    run_dir.task_json(third.id).write_bytes(b"[1, 2")
    run_dir.campaign_json.write_bytes(b"{}")
    assert set(read_known(run_dir, ())) == {first.id, second.id}


def test_a_checkpoint_is_carried_over_with_the_rows_of_one_go(file: Path, run_dir: RunDir) -> None:
    short, long = campaign_of(file, "trainer.epochs=25"), campaign_of(file, "trainer.epochs=60")
    for task in short.tasks:
        attempt_of(run_dir, task, 25)
        publish(run_dir, task)
        tell(run_dir, task, Status.DONE)
    found = difference(long, DATA, read_known(run_dir, {task.id for task in long.tasks}))
    assert counts(found) == (0, 0, 3, 0)
    for _ in range(2):  # whoever is killed in between does it again
        carry_over(run_dir, found.continued)
    for item in found.continued:
        (folder,) = run_dir.run(item.task.id, 1).iterdir()
        assert read_metrics(folder / "metrics.csv") == tuple(rows_of(25, end=60)), "epoch 25 is no end any more"
        kept = run_dir.task(item.source.id) / checkpoint_name(25)
        assert (folder / checkpoint_name(25)).samefile(kept), "it takes no room"
        carried, own = (newest_saved(run_dir, item.task.id, 1, carried=carried) for carried in (True, False))
        assert (carried is not None, own) == (True, None), "it is no work of the task's own"

    tell_all = {task.id: task for task in long.tasks}
    for task in tell_all.values():  # killed after the queue had them, before it was told of those that leave
        tell(run_dir, task, Status.QUEUED)
    again = difference(long, DATA, read_known(run_dir, tell_all))
    assert counts(again) == (0, 3, 0, 0)
    assert (again.changes, again.leaving) == (False, found.leaving), "the same command goes on unasked"
    assert set(again.epochs_done.values()) == {25}


def test_a_checkpoint_that_is_gone_meanwhile_is_no_reason_to_stop(
    file: Path, run_dir: RunDir, caplog: pytest.LogCaptureFixture
) -> None:
    found = difference(campaign_of(file, "trainer.epochs=250"), DATA, all_done(campaign_of(file)))
    carry_over(run_dir, found.continued)
    assert caplog.text.count("it starts again: its checkpoint is gone") == 3
    assert not run_dir.tasks.exists()


def test_results_of_another_file_are_kept_under_numbers_of_their_own(file: Path, run_dir: RunDir) -> None:
    assert keep_earlier(run_dir) == []
    campaign = campaign_of(file)
    for turn in ("first", "second"):
        write_json(run_dir.campaign_json, turn)
        write_results(run_dir, campaign, {})
        run_dir.summary_txt.write_text(turn)
        (run_dir.results / "notes.txt").write_text("mine")
        moved = keep_earlier(run_dir)
        assert len(moved) == 4
        assert [path.name for path in run_dir.results.iterdir() if path.is_file()] == ["notes.txt"]
    assert [(run_dir.earlier / f"summary-{n}.txt").read_text() for n in (1, 2)] == ["first", "second"]
    assert [json.loads((run_dir.earlier / f"campaign-{n}.json").read_text()) for n in (1, 2)] == ["first", "second"]


def test_no_table_lies_beside_the_results_of_a_file_that_has_no_such_phase(file: Path, run_dir: RunDir) -> None:
    write_results(run_dir, campaign_of(file), {})
    table = run_dir.phase_csv(2, "two").read_bytes()
    shorter = file.with_name("shorter.toml")
    shorter.write_text(FILE[: FILE.rindex("[[phase]]")], encoding="utf-8")
    write_results(run_dir, campaign_of(shorter), {})
    write_results(run_dir, campaign_of(shorter), {})
    names = {path.name for path in run_dir.results.iterdir()}
    assert names == {"phase1_one_results.csv", "summary.json", "summary.txt", "earlier"}
    assert [path.read_bytes() for path in run_dir.earlier.iterdir()] == [table]


@pytest.mark.parametrize(
    ("said", "folder", "length"),
    [
        (None, None, 16),
        (None, "1a2b3c4d", 8),
        (None, "1a2b3c4d5e6f7a8b", 16),
        ({"campaign": {}}, None, 8),
        ({"id_length": 16}, None, 16),
        ({"id_length": 8}, "1a2b3c4d", 8),
        ({"id_length": [64]}, None, 8),
    ],
)
def test_a_run_keeps_ids_of_the_length_that_it_began_with(
    run_dir: RunDir, said: object, folder: str | None, length: int
) -> None:
    if said is not None:
        write_json(run_dir.campaign_json, said)
    if folder is not None:
        run_dir.task(folder).mkdir(parents=True)
    assert id_length(run_dir) == length


def test_a_run_of_todays_ids_knows_its_tasks_by_them(run_dir: RunDir, file: Path) -> None:
    former = replace(campaign_of(file), id_length=8).identified(DATA)
    manifest.write(run_dir, former, DataSummary(DATA, 1, 1), [], 1.0, own_server=False)
    assert read_known(run_dir, ()).keys() == {task.id for task in former.tasks}
    assert {len(task_id) for task_id in read_known(run_dir, ())} == {8}
    assert [task.id for task in recorded_campaign(run_dir).tasks] == [task.id for task in former.tasks]
