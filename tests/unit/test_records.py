"""What the supervisor publishes: the accepted attempt's files, whatever lies there already."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cqltui.broker.protocol.records import Result
from cqltui.results.rundir import RESULT_FILES, RunDir, write_json
from cqltui.state.model import Lifecycle, Status
from cqltui.supervisor.records import Records
from tests.unit.made import leave_result

NEW, OLD = "2-8", "1-3"


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path)


@pytest.fixture
def records(run_dir: RunDir) -> Iterator[Records]:
    made = Records(run_dir)
    yield made
    made.close()


def leave(run_dir: RunDir, run: int, token: str) -> Result:
    """What a worker leaves in its attempt's folder, with a checkpoint; and what it handed over."""
    folder = run_dir.attempt("a1", run, token)
    document = leave_result(folder, "a1", run, token)
    (folder / "checkpoint-9.safetensors").write_text("the end", encoding="utf-8")
    (folder / "result.json").unlink()  # the supervisor writes what the server has of it
    return Result("a1", run, 1, token, "w1", 5.0, document)


def is_published(run_dir: RunDir, run: int, token: str) -> bool:
    """Whether each file of the task is that of the attempt."""
    source = run_dir.attempt("a1", run, token)
    return all((run_dir.task("a1") / name).read_bytes() == (source / name).read_bytes() for name in RESULT_FILES)


def test_a_new_result_takes_the_place_of_an_older_one(run_dir: RunDir, records: Records) -> None:
    assert records.publish(leave(run_dir, 1, OLD))
    assert records.publish(leave(run_dir, 2, NEW))
    assert is_published(run_dir, 2, NEW)
    assert not is_published(run_dir, 1, OLD)
    assert not list(run_dir.run("a1", 2).glob("*/checkpoint-*")), "they have served"


def test_what_is_published_already_is_left_alone(run_dir: RunDir, records: Records) -> None:
    result = leave(run_dir, 2, NEW)
    assert records.publish(result)
    (run_dir.attempt("a1", 2, NEW) / "model.safetensors").rename(kept := run_dir.path / "kept")
    assert records.publish(result)
    assert kept.read_bytes() == run_dir.model("a1").read_bytes()


def test_without_the_attempts_files_nothing_is_published(run_dir: RunDir, records: Records) -> None:
    assert records.publish(leave(run_dir, 1, OLD))
    assert not records.publish(Result("a1", 2, 1, NEW, "w1", 5.0, {"token": NEW}))
    assert is_published(run_dir, 1, OLD)


def test_the_result_of_another_attempt_is_not_taken_for_the_accepted_one(run_dir: RunDir, records: Records) -> None:
    records.publish(leave(run_dir, 1, OLD))
    life = Lifecycle(status=Status.DONE, run=2, attempt=4, token=NEW, worker="w2", finished_ts=9.0)
    assert records.result("a1", life) is None
    left = leave(run_dir, 2, NEW)
    write_json(run_dir.attempt("a1", 2, NEW) / "result.json", dict(left.data))
    found = records.result("a1", life)
    assert found == Result("a1", 2, 4, NEW, "w2", 9.0, dict(left.data))
    assert is_published(run_dir, 2, NEW), "a supervisor that was killed had not published it"
