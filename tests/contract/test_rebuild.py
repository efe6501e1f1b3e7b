"""Data that was lost, or is older than the run directory: the queue is made again, and no token comes back."""

from pathlib import Path

import pytest
import redis
from msgspec.structs import replace

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.epoch import open_epoch
from cqltui.errors import ServerError
from cqltui.state.model import Lifecycle, Status
from tests.contract.helpers import claim_one, life, put_into, task, worker


def test_what_ended_is_restored_with_its_result(queue: Queue) -> None:
    put_into(queue, Status.DONE, "done")
    (result,) = queue.results()
    queue.client.flushall()
    submission = task("done")
    known = Lifecycle(status=Status.DONE, priority=5, run=result.run, attempt=3, finished_ts=12.0)
    assert queue.restore(submission, known, result)
    assert not queue.restore(submission, known, result)
    assert list(queue.results()) == [result]
    assert (life(queue, "done").status, life(queue, "done").finished_ts) == (Status.DONE, 12.0)
    assert queue.complete("done", result.token, {}), "its worker asks again, which has not heard that it was accepted"
    assert not queue.complete("done", "9-9", {})
    assert list(queue.results()) == [result]
    queue.enqueue(submission)
    assert queue.depth() == 0
    with pytest.raises(ValueError, match="without a result"):
        queue.restore(task("q"), known)


@pytest.mark.parametrize("by", ["user", "campaign"])
def test_a_paused_task_is_restored_as_paused_by_whoever_did(queue: Queue, by: str) -> None:
    assert queue.restore(task("a"), Lifecycle(status=Status.PAUSED, priority=5, paused_by=by))
    assert (life(queue, "a").status, life(queue, "a").paused_by) == (Status.PAUSED, by)
    assert queue.resume("a")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.DELAYED])
def test_what_had_not_ended_is_queued_with_its_run_and_priority(queue: Queue, status: Status) -> None:
    known = Lifecycle(status=status, priority=9, run=3, attempt=2, token="1-7", worker="w9")
    assert queue.restore(task("a", 5), known)
    queue.enqueue_many([task("a", 5), task("b", 8)])
    now = life(queue, "a")
    assert (now.status, now.priority, now.run, now.token) == (Status.QUEUED, 9, 3, "")
    claim = claim_one(queue, worker(queue))
    assert (claim.id, claim.run, claim.attempt) == ("a", 3, 3)


def test_a_queue_is_filled_once_in_an_epoch(queue: Queue, client: redis.Redis, tmp_path: Path) -> None:
    assert not queue.is_filled()
    queue.set_filled()
    assert queue.is_filled()
    (tmp_path / "epoch").write_text("1\n")
    client.flushall()
    assert not queue.is_filled()
    assert open_epoch(client, tmp_path / "epoch") == (2, True)
    assert not queue.is_filled()


def test_tokens_from_before_a_rebuild_are_never_valid_again(queue: Queue, client: redis.Redis, tmp_path: Path) -> None:
    path = tmp_path / "epoch"
    open_epoch(client, path)
    queue.enqueue(task("a"))
    old = claim_one(queue, queue.register_worker("w", {}))
    path.write_text("7\n")  # the run directory knows of later lives than this data
    assert open_epoch(client, path) == (8, True)
    assert path.read_text() == "8\n"
    queue.enqueue(task("a"))
    assert not queue.complete("a", old.token, {})
    new = claim_one(queue, queue.register_worker("w", {}))
    assert new.token.startswith("8-")
    assert not queue.complete("a", old.token, {})
    assert queue.complete("a", new.token, {})
    path.unlink()
    assert open_epoch(client, path) == (8, False), "the data knows it too"
    path.write_text("nonsense")
    with pytest.raises(ServerError, match="expected a whole number"):
        open_epoch(client, path)


def test_data_that_is_older_than_the_run_directory_is_kept_aside_and_removed(
    queue: Queue, client: redis.Redis, tmp_path: Path
) -> None:
    kept: list[int] = []
    path = tmp_path / "epoch"
    open_epoch(client, path)
    queue.enqueue_many([task("a"), task("b")])
    client.set("other", "x")
    client.set("cq", "x")
    version = queue.version()
    assert open_epoch(client, path, known=version) == (1, False)
    newer = (version[0], version[1] + 1)
    assert open_epoch(client, path, known=newer, keep=lambda: kept.append(queue.depth())) == (2, True)
    assert kept == [2], "before it is removed"
    assert queue.ids() == []
    assert queue.version() == (2, 0)
    assert (client.get("other"), client.get("cq")) == (b"x", b"x"), "what is not ours stays"


def test_data_with_a_damaged_event_is_kept_aside_and_removed(queue: Queue, client: redis.Redis, tmp_path: Path) -> None:
    path = tmp_path / "epoch"
    epoch, _ = open_epoch(client, path)
    queue.enqueue(task("a"))
    known = queue.version()
    client.execute_command("XADD", queue.keys.events, "*", "e", "a stranger's")
    assert open_epoch(client, path, known=known) == (epoch, False)
    client.delete(queue.keys.events)
    client.execute_command("XADD", queue.keys.events, f"{epoch}-{known[1] + 1}", "e", b'{"v":1,"ts":\xff\x00')
    client.execute_command("HINCRBY", queue.keys.meta, "seq", 1)
    queue.enqueue(task("b"))
    assert open_epoch(client, path, known=queue.version()) == (epoch, False), "its damage is past"
    assert open_epoch(client, path, known=known) == (epoch + 1, True)
    assert queue.ids() == []
    client.set(queue.keys.events, "of another type")
    assert open_epoch(client, path, known=(epoch + 1, 0)) == (epoch + 1, False)


def test_another_runs_data_is_discarded_on_request_only(queue: Queue, client: redis.Redis, tmp_path: Path) -> None:
    queue.enqueue(task("a"))
    before = queue.version()
    assert open_epoch(client, tmp_path / "epoch") == (before[0], False)
    assert queue.ids() == ["a"]
    assert open_epoch(client, tmp_path / "epoch", discard=True) == (before[0] + 1, True)
    assert queue.ids() == []


def test_namespaces_are_removed_apart(client: redis.Redis, tmp_path: Path) -> None:
    one, two = Queue(client, "one"), Queue(client, "two")
    for queue in (one, two):
        open_epoch(client, tmp_path / queue.keys.prefix.strip(":"), queue.keys.prefix.strip(":"))
        queue.enqueue(task("a"))
    open_epoch(client, tmp_path / "one", "one", known=(1, 99))
    assert (one.ids(), two.ids()) == ([], ["a"])


def test_a_result_of_an_old_epoch_is_no_result_of_the_new(queue: Queue, client: redis.Redis, tmp_path: Path) -> None:
    path = tmp_path / "epoch"
    open_epoch(client, path)
    queue.enqueue(task("a"))
    claim = claim_one(queue, worker(queue))
    assert queue.complete("a", claim.token, {"loss": 1.0})
    open_epoch(client, path, known=(1, 999))
    assert list(queue.results()) == []
    assert queue.restore(task("a"), replace(Lifecycle(status=Status.CANCELLED, priority=5), error="by hand"))
    assert life(queue, "a").error == "by hand"
