"""Checkpoints, results and data on their way between folders that do not see each other: sessions of this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cqltui.broker.protocol.queue import Queue
from cqltui.results.rundir import RunDir, read_json
from cqltui.state.model import RunState, Status
from cqltui.state.reduce import reduce
from cqltui.store import base
from cqltui.store.base import Store
from cqltui.store.folder import prove
from cqltui.store.objects import ObjectPlace
from cqltui.store.parcel import Key, run_folder
from cqltui.supervisor.errands import UNUSED_S, Errands
from cqltui.supervisor.publish import Publisher
from cqltui.supervisor.records import Records
from cqltui.worker.context import Context
from cqltui.worker.session import Session
from tests.contract.helpers import life
from tests.integration.sessions import ONE, OneTask, check_undisturbed
from tests.trainer.test_data_logged import bets, write

EPOCHS = 12
TEXT = ONE.replace("epochs = 1000000", f"epochs = {EPOCHS}").replace("checkpoint_s = 0.1", "checkpoint_s = 0.000001")


class Machine(OneTask):
    """A task claimed by a worker with a folder of its own."""

    def __init__(self, queue: Queue, folder: Path, *, sends: bool = True, store: Store | None = None) -> None:
        folder.mkdir()
        super().__init__(queue, folder, TEXT)
        self.context = Context(
            self.link, self.context.worker, self.run_dir, {}, self.stop, hands_over=sends, store=store
        )

    def dies_after(self, epochs: int) -> None:
        """Train until so many epochs are known, and end as by a kill: nothing more is said."""
        self.stop.once = lambda: self.noted_epoch >= epochs
        release, self.queue.release = self.queue.release, lambda *_, **__: True  # type: ignore[method-assign]
        try:
            self.train()
        finally:
            self.queue.release = release  # type: ignore[method-assign]
        self.queue.died(self.claim.id, self.claim.token, "killed", 3)

    def goes_on(self) -> int:
        """Train to the end; the epoch from which it went on."""
        self.train()
        check_undisturbed(self)
        return int((read_json(self.folder / "result.json") or {})["resumed_epoch"])


def state(queue: Queue) -> RunState:
    """As the supervisor has it."""
    return reduce(RunState(online=True), queue.snapshot())


def errands_of(queue: Queue, run_dir: RunDir, path: Path | None = None, digest: str = "d" * 64) -> Errands:
    """Those of a run whose data may be sent."""
    return Errands(queue, run_dir, Store(queue), path, digest, sends_data=True)


@contextmanager
def served(errands: Errands, other: Queue) -> Iterator[None]:
    """A supervisor that does errands meanwhile, over a connection of its own."""
    stop = threading.Event()

    def serve() -> None:
        while not stop.wait(0.02):
            errands.serve(state(other))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture(autouse=True)
def _at_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are written, and travel, at every epoch."""
    monkeypatch.setattr("cqltui.worker.attempt.WRITE_SHARE", 0)
    monkeypatch.setattr(base, "SERVER_BYTES_S", 1 << 40)
    monkeypatch.setattr("cqltui.store.objects.SHARE", 0)


@pytest.fixture
def other(queue: Queue) -> Queue:
    """The same queue over another connection."""
    return Queue(queue.client)


@pytest.fixture
def bucket(tmp_path: Path) -> ObjectPlace:
    """A place for objects."""
    return ObjectPlace(f"file://{tmp_path}/bucket", "one-1")


def test_a_task_goes_on_in_another_folder_and_nothing_is_left(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqltui.worker.attempt.cpu_model", lambda: "Xeon")
    first = Machine(queue, tmp_path / "a")
    first.dies_after(4)
    monkeypatch.setattr("cqltui.worker.attempt.cpu_model", lambda: "EPYC")
    assert len(queue.stowed_names()) <= 2, "the former ones are removed"
    second = Machine(queue, tmp_path / "b")
    assert second.claim.checkpoint_epoch == second.noted_epoch >= 4
    assert second.goes_on() == second.claim.checkpoint_epoch
    assert (read_json(second.folder / "result.json") or {})["cpu"] == "Xeon; EPYC", "who has trained it"
    assert set(queue.files(second.claim.id, second.claim.token, ["metrics.csv"])) == {"metrics.csv"}
    done = errands_of(queue, RunDir(tmp_path / "c"))
    done.sweep(state(queue), 1.0)
    assert queue.stowed_names() == set()


def test_what_the_queue_names_is_there_at_any_moment(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, tell = Machine(queue, tmp_path / "a"), queue.checkpoint
    named: list[str] = []
    gone: list[str] = []

    def checkpoint(task_id: str, *about: Any) -> bool:
        for when in ("before", "after"):
            key = queue.checkpoint_keys([task_id])[task_id]
            named.append(key)
            if key and key.partition(":")[2] not in queue.stowed_names():
                gone.append(f"{when} {key} is told")
            answer = when == "after" or tell(task_id, *about)
        return answer

    monkeypatch.setattr(queue, "checkpoint", checkpoint)
    first.train()
    assert len(set(named)) > 4
    assert not gone


def test_what_a_pause_gives_back_is_sent_at_once(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "SERVER_BYTES_S", 1)  # the next is not due for hours
    first = Machine(queue, tmp_path / "a")
    first.stop.once = lambda: first.epochs >= 5
    first.train()
    assert life(queue, first.claim.id).status is Status.QUEUED
    second = Machine(queue, tmp_path / "b")
    assert second.goes_on() >= 5


def test_a_checkpoint_that_cannot_be_read_is_no_fault_of_the_servers(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("cqltui.worker.travel.pack_saved", fails)
    first = Machine(queue, tmp_path / "a")
    first.stop.once = lambda: first.epochs >= 3
    first.train()
    assert first.link.reachable
    assert (life(queue, first.claim.id).status, queue.stowed_names()) == (Status.QUEUED, set())


def test_what_is_too_large_for_the_server_stays_or_goes_to_the_objects(
    queue: Queue, tmp_path: Path, bucket: ObjectPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cqltui.store.base.SERVER_BYTES", "cqltui.worker.travel.SERVER_BYTES"):
        monkeypatch.setattr(name, 1000)
    first = Machine(queue, tmp_path / "a")
    first.dies_after(3)
    told = first.notices()
    assert "its checkpoints stay on the machine of worker w1: " in told
    assert "give the campaign a [store] url" in told
    second = Machine(queue, tmp_path / "b", store=Store(queue, bucket))
    assert second.claim.checkpoint_key == ""
    second.context.travel._unanswered = 1e18  # nobody supervises it
    second.dies_after(second.claim.checkpoint_epoch + 2)
    third = Machine(queue, tmp_path / "c", store=Store(queue, bucket))
    assert third.claim.checkpoint_key.startswith("o:")
    assert queue.stowed_names() == set()
    third.claim = replace(third.claim, checkpoint_key="")  # as of a server that has lost it
    assert third.goes_on() >= 2
    _published(third, Store(queue, bucket), tmp_path / "run")
    assert bucket.keys(run_folder(third.claim.id, 1)) == []


def _published(machine: Machine, store: Store, folder: Path) -> None:
    """The supervisor publishes what a worker elsewhere has sent."""
    folder.mkdir()
    records = Records(RunDir(folder))
    task = state(machine.queue).tasks[machine.claim.id]
    try:
        records.remember(task)
        Publisher(machine.queue, records, store).publish(task)
    finally:
        records.close()
    published = read_json(RunDir(folder).result_json(machine.claim.id)) or {}
    assert published, machine.notices()
    assert "parcel" not in published
    assert RunDir(folder).model(machine.claim.id).read_bytes() == (machine.folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize("change", ["content", "another task's", "nothing there"])
def test_what_is_not_what_it_is_to_be_is_not_used(queue: Queue, tmp_path: Path, change: str) -> None:
    first = Machine(queue, tmp_path / "a")
    first.dies_after(4)
    (name,) = {key.partition(":")[2] for key in queue.checkpoint_keys([first.claim.id]).values()}
    content = queue.stowed(name, 1 << 20) or b""
    if change == "content":
        queue.client.execute_command("HSET", queue.keys.store, name, content.replace(b"0.", b"1."))
    elif change == "nothing there":
        queue.unstow([name])
    else:
        key = str(Key.read(f"s:{name}")).replace(first.claim.id, "0badcafe")
        queue.stow(key.partition(":")[2], content)
        queue.client.execute_command("HSET", queue.keys.task(first.claim.id), "checkpoint_key", key)
    second = Machine(queue, tmp_path / "b")
    second.context.travel._unanswered = 1e18  # nobody supervises it
    assert second.goes_on() == 0
    assert "cannot be had here" in second.notices()


def test_a_checkpoint_of_the_run_directory_is_sent_to_who_asks(queue: Queue, other: Queue, tmp_path: Path) -> None:
    here = Machine(queue, tmp_path / "here", sends=False)
    here.dies_after(4)
    assert queue.checkpoint_keys([here.claim.id]) == {here.claim.id: ""}
    there = Machine(queue, tmp_path / "there")
    with served(errands_of(other, here.run_dir), other):
        assert there.goes_on() >= 4


def test_and_back(queue: Queue, tmp_path: Path) -> None:
    there = Machine(queue, tmp_path / "there")
    there.dies_after(4)
    here = Machine(queue, tmp_path / "here", sends=False)
    assert here.goes_on() >= 4


@pytest.mark.parametrize("change", ["", "it is not to be sent", "damaged on its way"])
def test_data_is_sent_where_it_may_be(queue: Queue, other: Queue, tmp_path: Path, change: str) -> None:
    (folder := tmp_path / "there").mkdir()
    file = write(folder / "bets.csv", bets(600))
    text = TEXT.replace('source = "simulated"', 'source = "logged"\npath = "bets.csv"')
    there = OneTask(queue, folder, text)
    context = Context(there.link, there.context.worker, there.run_dir, {}, there.stop, hands_over=True)
    digest = str(there.claim.spec["data_digest"])
    queue.set_campaign({"sends_data": True})
    file = file.rename(tmp_path / "bets.csv")
    if change == "damaged on its way":
        file.write_bytes(file.read_bytes().replace(b"1", b"2"))
    may_go = change != "it is not to be sent"
    errands = Errands(other, RunDir(tmp_path), Store(other), file, digest, sends_data=may_go)
    with served(errands, other):
        Session(context, [there.claim]).run()
    found = life(queue, there.claim.id)
    if change:
        assert found.status is Status.QUEUED
        assert "gives its tasks back: bets.csv: it is not known where" in there.notices()
        assert "[store] send_data = true" in context.unable
    else:
        assert found.status is Status.DONE
        again = context.travel.data(there.run_dir, digest, "bets.csv")
        assert again is not None
        assert again.read_bytes() == file.read_bytes()


def test_a_folder_is_shared_if_each_sees_what_the_other_writes(queue: Queue, other: Queue, tmp_path: Path) -> None:
    own, copy = RunDir(tmp_path / "own"), RunDir(tmp_path / "copy")
    own.path.mkdir()
    copy.path.mkdir()
    with served(errands_of(other, own), other):
        assert prove(queue, own, "w")
        assert not prove(queue, copy, "w")
    assert list(own.proofs.iterdir()) == list(copy.proofs.iterdir()) == []


def test_a_shared_folder_without_a_supervisor_is_not_believed(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqltui.store.folder.ask", lambda *_: None)
    (tmp_path / "own").mkdir()
    assert not prove(queue, RunDir(tmp_path / "own"), "w")


def test_an_unused_parcel_goes_and_one_that_is_named_stays(queue: Queue, tmp_path: Path) -> None:
    first = Machine(queue, tmp_path / "a")
    first.dies_after(4)
    named = {key.partition(":")[2] for key in queue.checkpoint_keys([first.claim.id]).values()}
    orphan = str(Key(run_folder(first.claim.id, 1), "checkpoint", 1, "1-1", 3, "0" * 64)).partition(":")[2]
    queue.stow(orphan, b"abc")
    sweeping = errands_of(queue, RunDir(tmp_path / "c"))
    sweeping.sweep(state(queue), 1.0)
    assert queue.stowed_names() >= {orphan} | named
    sweeping.sweep(state(queue), 2.0 + UNUSED_S)
    assert queue.stowed_names() == named
