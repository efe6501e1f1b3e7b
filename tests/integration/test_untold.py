"""A result that its worker has written and could not tell: it is handed over from the disk, and never trained again."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import redis
from msgspec.structs import replace

from cqltui.app.dataset import load_data
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.handle import ServerHandle
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import WorkersConfig
from cqltui.placement.process import Launcher
from cqltui.placement.protocol import End
from cqltui.results.rundir import RESULT_FILES, read_json
from cqltui.state.model import RunState, Status
from cqltui.state.reduce import reduce
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.guard import Guard
from cqltui.supervisor.records import Records
from cqltui.supervisor.submit import submit
from tests.contract.helpers import claim_one, life, worker
from tests.integration.place import Place, Trained, until
from tests.integration.sessions import ONE, OneTask, check_undisturbed

SHORT = ONE.replace("epochs = 1000000", "epochs = 3")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes are a moment."""
    monkeypatch.setattr("cqltui.worker.session.PATIENCE_S", 0.1)
    monkeypatch.setattr("cqltui.worker.session.KEPT_S", 0.1)


@contextmanager
def refused(client: redis.Redis) -> Iterator[None]:
    """No write is taken meanwhile."""
    client.execute_command("CONFIG", "SET", "min-replicas-to-write", 1)
    try:
        yield
    finally:
        client.execute_command("CONFIG", "SET", "min-replicas-to-write", 0)


def leaves_untold(task: OneTask) -> None:
    """The worker trains to the end, waits in vain, and leaves."""
    with refused(task.queue.client):
        task.train()
        assert (task.folder / "result.json").is_file()
        assert task.stop.is_set(), "it is to leave"
        task.link.sign_off()
    assert life(task.queue, task.claim.id).status is Status.RUNNING


@pytest.fixture
def task(queue: Queue, tmp_path: Path, impatient: None) -> OneTask:
    """A short one."""
    (tmp_path / "run").mkdir()
    return OneTask(queue, tmp_path, SHORT)


class Room:
    """What a supervisor needs to judge the run of a task."""

    def __init__(self, task: OneTask) -> None:
        self.queue = task.queue
        self.records = Records(task.run_dir)
        fleet = Fleet(Launcher([], {}, task.run_dir.logs), 0)
        self.guard = Guard(self.queue, fleet, WorkersConfig(), self.records)

    def state(self) -> RunState:
        """As a late reader sees it, but for the workers: this process lives, in which they were."""
        return replace(reduce(RunState(online=True), self.queue.snapshot()), workers={})

    def hears_of_the_end(self, worker_id: str) -> None:
        """The worker's process is gone."""
        self.guard.note_death(worker_id, End.of_code(0))
        self.guard.check(self.state(), 1.0)


@pytest.fixture
def room(task: OneTask) -> Iterator[Room]:
    """That of the short task's run."""
    made = Room(task)
    yield made
    made.records.close()


def test_the_supervisor_hands_it_over(task: OneTask, room: Room) -> None:
    leaves_untold(task)
    room.hears_of_the_end("w1")
    ended = life(task.queue, task.claim.id)
    assert (ended.status, ended.attempt, ended.deaths, ended.token) == (Status.DONE, 1, 0, task.claim.token)
    assert "is done: its worker left before it could tell" in task.notices()
    result = task.queue.result(task.claim.id, 1)
    assert result is not None
    assert dict(result.data) == read_json(task.folder / "result.json")
    check_undisturbed(task)
    assert task.queue.complete(task.claim.id, task.claim.token, result.data), "its worker may say so still"


def test_that_of_an_older_attempt_is_refused(task: OneTask, room: Room) -> None:
    leaves_untold(task)
    first = task.claim
    assert task.queue.died(first.id, first.token, "its lease expired", 3)
    second = claim_one(task.queue, worker(task.queue, "w2"))
    room.hears_of_the_end("w1")
    held = life(task.queue, first.id)
    assert (held.status, held.token) == (Status.RUNNING, second.token)
    room.hears_of_the_end("w2")
    back = life(task.queue, first.id)
    assert (back.status, back.deaths) == (Status.DELAYED, 2), "its own attempt has left no result"
    assert task.queue.result(first.id, 1) is None


def test_one_that_was_replaced_under_its_id_is_refused(task: OneTask, room: Room) -> None:
    leaves_untold(task)
    worker(task.queue, "w1")
    room.guard.check(room.state(), 1.0)
    assert life(task.queue, task.claim.id).status is Status.QUEUED


def test_one_whose_result_is_not_whole_goes_back(task: OneTask, room: Room) -> None:
    leaves_untold(task)
    (task.folder / "result.json").unlink()
    room.hears_of_the_end("w1")
    assert life(task.queue, task.claim.id).status is Status.QUEUED


def test_what_a_worker_elsewhere_has_handed_over_counts_too(task: OneTask, room: Room, tmp_path: Path) -> None:
    leaves_untold(task)
    files = {name: (task.folder / name).read_bytes() for name in RESULT_FILES}
    task.queue.put_files(task.claim.id, task.claim.token, files)
    for name in RESULT_FILES:
        (task.folder / name).unlink()
    room.hears_of_the_end("w1")
    assert life(task.queue, task.claim.id).status is Status.DONE


def test_when_the_servers_data_is_lost_meanwhile(
    task: OneTask, room: Room, server: ServerHandle, tmp_path: Path
) -> None:
    leaves_untold(task)
    room.records.remember(room.state().tasks[task.claim.id])
    task.queue.client.flushall()
    assert open_epoch(task.queue.client, server.run_dir / "server" / "epoch")[1], "a new epoch"
    campaign, data = load_data(load_campaign(tmp_path / "one.toml"))
    submit(task.queue, campaign, data, room.records)
    ended = life(task.queue, task.claim.id)
    assert (ended.status, ended.token) == (Status.DONE, task.claim.token)
    assert ended.finished_ts == pytest.approx((task.folder / "result.json").stat().st_mtime, abs=5)
    assert task.run_dir.model(task.claim.id).is_file()


def test_one_on_another_machines_disk_waits_for_the_server(task: OneTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.worker.session.KEPT_S", 600.0)
    task.context.hands_over = True
    tried: list[str] = []
    put_files = task.queue.put_files

    def put(task_id: str, token: str, files: Mapping[str, bytes]) -> bool:
        tried.append(token)
        return put_files(task_id, token, files)

    monkeypatch.setattr(task.queue, "put_files", put)
    training = Thread(target=task.train)
    with refused(task.queue.client):
        training.start()
        until(lambda: len(tried) >= 3, "more tries than the patience of others lasts for")
        assert training.is_alive()
        assert not task.stop.is_set()
    until(lambda: not training.is_alive(), "the result's arrival")
    assert life(task.queue, task.claim.id).status is Status.DONE
    assert set(task.queue.files(task.claim.id, task.claim.token, RESULT_FILES)) == set(RESULT_FILES)


def test_a_run_whose_worker_dies_with_its_result_untold(place: Place, expected: dict[str, Trained]) -> None:
    run = place.begin()
    until(lambda: place.running(checkpointed=False), "a running task")
    with place.queue() as queue:
        with refused(queue.client):
            until(lambda: untold(place), "a result that could not be told")
            (task_id, token), *_ = untold(place).items()
            os.kill(place.worker_pids()["w1"], signal.SIGKILL)
            until(lambda: "takes no writes with so few replicas (NOREPLICAS)" in run.err, "the supervisor says why")
        assert "does not answer" not in run.err
    run.ends(0)
    assert place.trained() == expected
    assert place.result(task_id)["token"] == token
    assert place.result(task_id)["attempts"] == 1


def untold(place: Place) -> dict[str, str]:
    """Task to token of the attempts that have left a result which is not accepted."""
    found = place.run_dir.tasks.glob("*/run-1/*/result.json")
    return {path.parts[-4]: path.parts[-2] for path in found if not place.run_dir.result_json(path.parts[-4]).exists()}
