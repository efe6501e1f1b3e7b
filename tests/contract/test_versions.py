"""Workers of another version of cqltui, and tasks of a later one."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import orjson
import pytest

import cqltui
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Directive, Registration
from cqltui.campaign.payload import PROTOCOL
from cqltui.machine import here
from cqltui.state import decode
from cqltui.state.model import RunState, Status
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.versions import Versions
from cqltui.worker.session import Session
from tests.contract.helpers import claim_one, claimed, eventually, life, state, task, worker
from tests.contract.test_stop_ends import Running
from tests.integration.sessions import OneTask

OURS = cqltui.__version__


def registered(queue: Queue, worker_id: str, program: str) -> Registration:
    """A worker elsewhere, of that version."""
    return queue.register_worker(worker_id, {"pid": 7, "program": program})


def notices(queue: Queue) -> list[str]:
    """What the user was told."""
    return [json.loads(raw)["data"]["text"] for raw in queue.client.lrange(queue.keys.notices, 0, -1)]


@pytest.fixture
def run(queue: Queue, tmp_path: Path) -> Iterator[Running]:
    """A supervisor at work on the task "a", and on one that never comes."""
    queue.enqueue(task("a"))
    queue.set_filled()
    made = Running(queue, tmp_path / "run", frozenset({"a", "b"}))
    eventually(lambda: "a" in made.supervisor.state.tasks)
    yield made
    made.supervisor.ask_stop()
    made.close()


def test_a_dismissed_worker_is_told_to_stop_and_gets_nothing_more(any_queue: Queue) -> None:
    for name in ("a", "b"):
        any_queue.enqueue(task(name))
    who = worker(any_queue)
    claim = claim_one(any_queue, who)
    assert any_queue.dismiss("w1", "of another version")
    assert not any_queue.dismiss("w1", "once more"), "the first word counts"
    assert not any_queue.dismiss("nobody", "why")
    report = any_queue.heartbeat(who, {claim.id: claim.token}, {})
    assert (report.leave, report.registered, report.fenced) == ("of another version", True, False)
    assert report.directives == {"a": Directive.STOP}
    any_queue.release("a", claim.token, Status.QUEUED)
    assert claimed(any_queue, who) == []
    again = worker(any_queue)
    assert any_queue.heartbeat(again, {}, {}).leave == "", "another process of the same id is asked nothing"
    assert claimed(any_queue, again) == ["a"]


def test_a_worker_of_another_version_has_not_even_a_first_task(any_queue: Queue) -> None:
    """Whoever comes before the supervisor has looked is refused by the claim itself, and told both versions."""
    any_queue.enqueue(task("a"))
    any_queue.set_program(OURS)
    other = any_queue.register_worker("w9", {"program": "9.9\n"})
    assert claimed(any_queue, other) == []
    leave = any_queue.heartbeat(other, {}, {}).leave
    assert leave == f"worker w9 is of cqltui 9.9?, this supervisor of {OURS}: it leaves after its checkpoint"
    kept = {"program": "9.9", "started_by": OURS}
    assert claimed(any_queue, any_queue.register_worker("w1", kept)) == ["a"], "any other would be of 9.9 too"


def test_after_an_upgrade_the_next_supervisor_decides(any_queue: Queue) -> None:
    for name in ("a", "b"):
        any_queue.enqueue(task(name))
    any_queue.set_program("9.8")
    former = any_queue.register_worker("w1", {"program": "9.8", "started_by": "9.8"})
    claim = claim_one(any_queue, former)
    any_queue.set_program(OURS)
    assert claimed(any_queue, former) == []
    assert any_queue.heartbeat(former, {claim.id: claim.token}, {}).directives == {"a": Directive.STOP}
    assert claimed(any_queue, any_queue.register_worker("w2", {"program": OURS})) == ["b"]


def test_a_cancel_is_still_a_cancel(queue: Queue) -> None:
    queue.enqueue(task("a"))
    who = worker(queue)
    claim = claim_one(queue, who)
    queue.dismiss("w1", "why")
    queue.cancel("a")
    assert queue.heartbeat(who, {"a": claim.token}, {}).directives == {"a": Directive.CANCEL}


def test_the_supervisor_tells_a_worker_of_another_version_to_leave(run: Running, queue: Queue) -> None:
    same, other, silent = (registered(queue, name, said) for name, said in (("w8", OURS), ("w9", "9.9.9"), ("w7", "")))
    eventually(lambda: bool(queue.heartbeat(other, {}, {"program": "9.9.9"}).leave))
    assert f"worker w9 is of cqltui 9.9.9, this supervisor of {OURS}" in queue.heartbeat(other, {}, {}).leave
    eventually(lambda: "of cqltui an earlier version" in queue.heartbeat(silent, {}, {}).leave)
    assert queue.heartbeat(same, {}, {"program": OURS}).leave == ""
    about = [text for text in notices(queue) if "worker w9 is of cqltui 9.9.9" in text]
    assert about == [
        f"worker w9 is of cqltui 9.9.9, this supervisor of {OURS}: it is told to leave after its checkpoint; where it "
        f"was started, install {OURS}"
    ]
    again = registered(queue, "w9", "9.9.8")
    eventually(lambda: "9.9.8" in queue.heartbeat(again, {}, {"program": "9.9.8"}).leave)


class OwnFleet:
    """In place of the fleet: w1 was started by this supervisor, w2 taken over."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pid(self, worker_id: str) -> int:
        """As of `Fleet`."""
        return {"w1": 11, "w2": 12}.get(worker_id, 0)

    def is_started(self, worker_id: str) -> bool:
        """As of `Fleet`."""
        return worker_id == "w1"

    def ask_to_leave(self, worker_id: str) -> None:
        """Keep it."""
        self.asked.append(worker_id)


def test_workers_of_our_own_start_stay_after_an_upgrade_and_those_taken_over_leave(queue: Queue) -> None:
    who = {name: queue.register_worker(name, {"pid": pid, "program": "9.9"}) for name, pid in (("w1", 11), ("w2", 12))}
    fleet = OwnFleet()
    versions, seen = Versions(queue, cast("Fleet", fleet)), state(queue)
    for _ in range(2):
        versions.check(seen)
    assert fleet.asked == ["w2"]
    assert queue.heartbeat(who["w1"], {}, {}).leave == "", "the next of that slot would be of the same version"
    assert queue.heartbeat(who["w2"], {}, {}).leave
    first, second = sorted(notices(queue))
    assert first.startswith(f"cqltui was upgraded from {OURS} to 9.9 while this supervisor runs")
    assert second.endswith(f"it is told to leave after its checkpoint; one of {OURS} takes its place")


def test_a_worker_that_is_gone_is_told_nothing(queue: Queue) -> None:
    queue.register_worker("w3", {"pid": 7, "program": "9.9"})
    gone = {"machine": here().machine, "boot": here().boot, "pid_namespace": here().pid_namespace, "uid": here().uid}
    raw = {"pid": 2**22 + 1, "program": "9.9", "process": gone | {"pid": 2**22 + 1, "started": 1.0}}
    found = {"w4": decode.worker("w4", raw, state(queue).workers["w3"].ts, 1), "w5": decode.worker("w5", {}, 1.0, 1)}
    Versions(queue, cast("Fleet", OwnFleet())).check(RunState(workers=found))
    assert notices(queue) == []


def test_a_task_of_a_later_version_is_given_back_and_its_worker_leaves(queue: Queue, tmp_path: Path) -> None:
    with closing(queue.client):
        one = OneTask(queue, tmp_path)
        later = {**one.claim.spec, "protocol": PROTOCOL + 1, "program": "9.9.9", "unknown": {"to": "us"}}
        one.queue.release(one.claim.id, one.claim.token, Status.QUEUED)
        queue.client.hset(queue.keys.task(one.claim.id), "spec", orjson.dumps(later))
        session = Session(one.context, [one.claim_again()])
        assert session.leases() == {one.claim.id: one.claim.token}
        session.run()
        found = life(queue, one.claim.id)
        assert (found.status, found.error, found.deaths) == (Status.QUEUED, "", 0), "another worker can train it"
        said = (
            f"task {one.claim.id} was submitted by cqltui 9.9.9 (protocol {PROTOCOL + 1}), this worker is of {OURS} "
            f"(protocol {PROTOCOL}) and leaves it"
        )
        assert said in one.context.unable
        assert said in one.notices()
        assert one.stop.is_set()
        assert not one.folder.exists()
