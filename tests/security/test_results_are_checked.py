"""A result is what it says it is: nothing is published under a task's name that its own attempt did not leave."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from msgspec.structs import replace
from safetensors.numpy import save

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim, Result
from cqltui.broker.protocol.wire import RESULT_BYTES
from cqltui.campaign.model import WorkersConfig
from cqltui.placement.process import Launcher
from cqltui.results.rundir import RESULT_FILES, RunDir, read_json, write_json
from cqltui.state.model import Lifecycle, Status, TaskInfo, TaskState
from cqltui.supervisor.accepted import RefusedResultError
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.guard import Guard
from cqltui.supervisor.publish import Publisher
from cqltui.supervisor.records import Records
from tests.contract.helpers import claim_one, state, task, worker
from tests.unit.made import leave_result
from trainer.data.standardise import Standardiser
from trainer.model import read_model, write_model

TOKEN = "1-7"
INFO = TaskInfo("a1", "p", epochs=10, settings={"hidden_dims": (4,)}, params=50)


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path)


@pytest.fixture
def records(run_dir: RunDir) -> Iterator[Records]:
    made = Records(run_dir)
    made.remember(TaskState(INFO, Lifecycle(status=Status.RUNNING, run=1, token=TOKEN)))
    yield made
    made.close()


def left(run_dir: RunDir) -> tuple[Path, dict[str, Any]]:
    """The folder of an attempt at a1 that has left a good result, and what its result.json holds."""
    folder = run_dir.attempt("a1", 1, TOKEN)
    return folder, leave_result(folder, "a1", 1, TOKEN)


def test_a_good_result_is_published_under_the_identity_that_was_accepted(run_dir: RunDir, records: Records) -> None:
    _, document = left(run_dir)
    assert records.publish(Result("a1", 1, 3, TOKEN, "w9", 5.0, document))
    published = read_json(run_dir.result_json("a1")) or {}
    assert {name: published[name] for name in ("task_id", "run", "attempt", "token", "worker")} == {
        "task_id": "a1",
        "run": 1,
        "attempt": 3,
        "token": TOKEN,
        "worker": "w9",
    }


def _another_model(folder: Path) -> None:
    leave_result(folder.parent / "other", "b2", 1, TOKEN)
    (folder.parent / "other" / "model.safetensors").replace(folder / "model.safetensors")


def _flip(folder: Path) -> None:
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)


def _link(folder: Path) -> None:
    outside = folder.parent / "outside.csv"
    (folder / "metrics.csv").replace(outside)
    (folder / "metrics.csv").symlink_to(outside)


def _sparse(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(1 << 26)


def _changed(**change: Any) -> Callable[[Path], object]:
    def harm(folder: Path) -> None:
        path = folder / "model.safetensors"
        write_model(path, replace(read_model(path), **change), {"task": "a1"})

    return harm


def _actions(*names: str) -> Callable[[Path], object]:
    """Another model's, with Q values to match."""

    def harm(folder: Path) -> None:
        _changed(actions=names)(folder)
        (folder / "q_heldout.safetensors").write_bytes(save({"q": np.ones((3, len(names)), np.float32)}))

    return harm


def _not_a_number(folder: Path) -> None:
    model = read_model(folder / "model.safetensors")
    weight = np.full_like(model.tensors["head.weight"], np.nan)
    _changed(tensors={**model.tensors, "head.weight": weight})(folder)


def _last_row_alone(folder: Path) -> None:
    lines = (folder / "metrics.csv").read_text().splitlines(keepends=True)
    (folder / "metrics.csv").write_text(lines[0] + lines[-1])


def _no_q(folder: Path) -> None:
    (folder / "q_heldout.safetensors").write_bytes(save({"q": np.ones((3, 99), np.float32)}))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_another_model, "model.safetensors: is of task 'b2'"),
        (_flip, "model.safetensors: the checksum does not match, the file is damaged"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "not a readable safetensors file"),
        (_sparse, "model.safetensors: 67,108,864 bytes, expected at most"),
        (_link, "metrics.csv: is no regular file"),
        (lambda folder: (folder / "metrics.csv").unlink(), "metrics.csv: is missing"),
        (lambda folder: (folder / "metrics.csv").write_text("x" * 10_000), "metrics.csv: 10,000 bytes, expected"),
        (lambda folder: (folder / "metrics.csv").write_text("x"), "its last whole epoch is none, expected 10"),
        (_last_row_alone, "metrics.csv: it does not have each epoch once"),
        (_not_a_number, "model.safetensors: a weight, or what its inputs are scaled by, is no number"),
        (_changed(standardiser=Standardiser(np.zeros(2, np.float32), np.zeros(2, np.float32))), "is no number"),
        (_actions("large", "no-bet"), "model.safetensors: its actions are"),
        (_actions(), "model.safetensors: its actions are"),
        (_no_q, "q_heldout.safetensors: holds no Q values of the model's actions"),
    ],
)
def test_files_that_are_no_result_are_refused(
    run_dir: RunDir, records: Records, harm: Callable[[Path], object], said: str
) -> None:
    folder, document = left(run_dir)
    harm(folder)
    with pytest.raises(RefusedResultError, match=said.replace("(", r"\(")):
        records.publish(Result("a1", 1, 1, TOKEN, "w1", 5.0, document))
    assert not [name for name in RESULT_FILES if (run_dir.task("a1") / name).exists()]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task_id": "b2"}, "task_id is 'b2', expected 'a1'"),
        ({"token": "1-8"}, "token is '1-8', expected '1-7'"),
        ({"run": 2}, "run is '2', expected 1"),
        ({"epochs": 3}, "3 epochs, metrics of epoch 10, expected 10"),
        ({"seconds": "ages"}, "a figure is missing, or has the wrong type"),
        ({"device": ["cpu"]}, "a figure is missing, or has the wrong type"),
        ({"metrics": {"epoch": 10}}, "a figure is missing, or has the wrong type"),
        ({"worker": "w" * 1_000_000, "device": "x" * 1_000_000}, "a figure is missing, or has the wrong type"),
    ],
)
def test_documents_that_are_no_result_are_refused(
    run_dir: RunDir, records: Records, change: dict[str, object], said: str
) -> None:
    _, document = left(run_dir)
    with pytest.raises(RefusedResultError, match=said):
        records.publish(Result("a1", 1, 1, TOKEN, "w1", 5.0, document | change))
    assert not run_dir.model("a1").exists()


def test_a_result_that_was_left_untold_is_not_another_tasks(run_dir: RunDir, records: Records) -> None:
    folder, document = left(run_dir)
    assert records.finished("a1", 1, TOKEN) is not None
    write_json(folder / "result.json", document | {"task_id": "b2"})
    assert records.finished("a1", 1, TOKEN) is None


class Night:
    """Two tasks of a campaign, claimed by one worker, and the supervisor's part."""

    def __init__(self, queue: Queue, folder: Path) -> None:
        self.queue, self.run_dir = queue, RunDir(folder)
        self.records = Records(self.run_dir)
        self.publisher = Publisher(queue, self.records)
        queue.enqueue_many([task("a"), task("b")])
        self.who = worker(queue)
        self.a, self.b = claim_one(queue, self.who), claim_one(queue, self.who)

    def leave(self, claim: Claim) -> dict[str, Any]:
        """A good result in the attempt's folder."""
        return leave_result(self.run_dir.attempt(claim.id, claim.run, claim.token), claim.id, claim.run, claim.token)

    def supervise(self) -> None:
        """Publish what is done."""
        for known in state(self.queue).tasks.values():
            self.records.remember(known)
            if known.status is Status.DONE:
                self.publisher.publish(known)

    def published(self) -> set[str]:
        """Tasks with a published model."""
        return {path.parent.name for path in self.run_dir.tasks.glob("*/model.safetensors")}

    def notices(self) -> list[str]:
        """What the user is told."""
        raw = self.queue.client.execute_command("LRANGE", self.queue.keys.notices, 0, -1)
        return [orjson.loads(event)["data"]["text"] for event in raw]


@pytest.fixture
def night(queue: Queue, tmp_path: Path) -> Iterator[Night]:
    (tmp_path / "run").mkdir()
    made = Night(queue, tmp_path / "run")
    yield made
    made.records.close()


def test_under_one_tasks_token_no_other_is_published(night: Night) -> None:
    """The result's JSON ends early and goes on with an identity of its own: the last of equal keys would count."""
    document = night.leave(night.a)
    night.leave(night.b)
    forged = orjson.dumps({"result": document, "task": "b", "token": night.b.token})[1:-1]
    night.queue._scripts.run("complete", "a", night.a.token, b"{}," + forged + b',"x":{}', "")
    night.supervise()
    assert night.published() <= {"a"}
    assert state(night.queue).tasks["b"].status is Status.RUNNING


def test_what_was_written_into_the_results_by_hand_is_not_published(night: Night) -> None:
    document = night.leave(night.a)
    assert night.queue.complete("a", night.a.token, document)
    forged = {"task": "b", "run": 1, "attempt": 1, "token": night.b.token, "worker": "w1", "ts": 1.0}
    night.leave(night.b)
    stored = orjson.dumps(forged | {"result": document})
    night.queue.client.hset(night.queue.keys.results, "a/1", stored)
    assert night.queue.result("a", 1) is None
    assert list(night.queue.results()) == []
    night.supervise()
    assert night.published() == {"a"}, "what its attempt has left is its result all the same"


def test_a_refused_result_is_told_and_trained_again(night: Night) -> None:
    document = night.leave(night.a)
    model = night.run_dir.attempt("a", 1, night.a.token) / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-1])
    assert night.queue.complete("a", night.a.token, document)
    night.supervise()
    assert night.published() == set()
    life = state(night.queue).tasks["a"].life
    assert (life.status, life.run) == (Status.QUEUED, 2)
    (said,) = [text for text in night.notices() if "refused" in text]
    assert said.startswith("task a was done, but its result is refused (model.safetensors: not a readable safetensors")
    assert said.endswith("it is trained again")


def test_of_handed_over_files_only_those_of_a_result_are_taken(night: Night) -> None:
    elsewhere = night.run_dir.path.parent / "elsewhere"
    document = leave_result(elsewhere, "a", 1, night.a.token)
    files = {name: (elsewhere / name).read_bytes() for name in RESULT_FILES}
    night.queue.put_files("a", night.a.token, files | {"../../../../journal.jsonl": b"x", "task.json": b"x"})
    assert night.queue.complete("a", night.a.token, document)
    night.supervise()
    assert night.published() == {"a"}
    found = {path.name for path in night.run_dir.attempt("a", 1, night.a.token).iterdir()}
    assert found == set(RESULT_FILES)
    assert night.queue.files("a", night.a.token, RESULT_FILES) == {}


def test_handed_over_files_that_are_too_large_are_not_written(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = night.run_dir.path.parent / "elsewhere"
    document = leave_result(elsewhere, "a", 1, night.a.token)
    files = {name: (elsewhere / name).read_bytes() for name in RESULT_FILES}
    night.queue.put_files("a", night.a.token, files | {"metrics.csv": b"1" * 100_000})
    assert night.queue.complete("a", night.a.token, document)
    monkeypatch.setattr(night.queue, "files", lambda *_: pytest.fail("what is too large is read"))
    night.supervise()
    assert not night.run_dir.attempt("a", 1, night.a.token).exists()
    assert any("metrics.csv: 100,000 bytes, expected at most" in text for text in night.notices())
    assert state(night.queue).tasks["a"].status is Status.QUEUED


def test_what_a_dead_worker_has_handed_over_is_measured_first(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(Launcher([], {}, night.run_dir.logs), 0)
    guard = Guard(night.queue, fleet, WorkersConfig(), night.records)
    document = leave_result(night.run_dir.path.parent / "elsewhere", "a", 1, night.a.token)
    night.queue.put_files("a", night.a.token, {"result.json": orjson.dumps(document)})
    assert guard._received("a", night.a.token) == document
    night.queue.put_files("a", night.a.token, {"result.json": b" " * RESULT_BYTES + orjson.dumps(document)})
    monkeypatch.setattr(night.queue, "files", lambda *_: pytest.fail("what is too large is read"))
    assert guard._received("a", night.a.token) is None
