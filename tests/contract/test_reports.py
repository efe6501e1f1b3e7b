"""What readers are shown of a task that does not run: its accepted result, else what it has saved."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cqltui.broker.feed.stream import events_after
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim, Registration
from cqltui.state.model import RunState, Status, TaskState
from cqltui.state.reduce import reduce_all
from tests.contract.helpers import claim_one, state, task, worker

RESULT = {
    "seconds": 12.5, "epochs": 10, "steps": 130, "elapsed_s": 4.0, "resumed_epoch": 6, "best_val_loss": 0.3,
    "best_val_epoch": 7,
    "curve": [[1, 0.9], [10, 0.1705]],
    "metrics": {"epoch": 10, "loss": 0.1705, "td_loss": 0.1, "cql_loss": 0.2, "val_loss": 0.35, "samples_per_s": 9.0},
}  # fmt: skip


def said(claim: Claim, epoch: int) -> dict[str, Any]:
    """A report as of that epoch."""
    return {"task": claim.id, "token": claim.token, "epoch": epoch, "step": 13 * epoch, "loss": 1 / epoch}


def result(token: str, **other: object) -> Mapping[str, Any]:
    """What an attempt ends with."""
    return {**RESULT, "token": token, **other}


def shown(queue: Queue) -> TaskState:
    """The task x, for one who has heard of everything and one who comes late: both are shown the same."""
    heard, late = reduce_all(RunState(), events_after(queue, (0, 0))).tasks["x"], state(queue).tasks["x"]
    assert heard.life == late.life
    assert late.life.report is None or late.life.report.ts > 0
    return late


def trained(queue: Queue, who: Registration) -> Claim:
    """Claims x, trains it for 43 epochs, of which 40 are saved."""
    claim = claim_one(queue, who)
    queue.progress(who, [said(claim, 40)], {})
    assert queue.checkpoint("x", claim.token, 40, said(claim, 40))
    queue.progress(who, [said(claim, 43)], {})
    assert state(queue).tasks["x"].epochs_done == 43, "it runs: as it says"
    return claim


def told(queue: Queue) -> tuple[Status, int, float | None]:
    """State, epochs and loss."""
    found = shown(queue)
    return found.status, found.epochs_done, found.progress.metrics.get("loss") if found.progress else None


def begun(queue: Queue) -> Registration:
    """A worker, and a task of 50 epochs."""
    queue.enqueue(task("x", epochs=50))
    return worker(queue)


def test_what_stops_shows_what_it_has_saved(any_queue: Queue) -> None:
    queue = any_queue
    who = begun(queue)
    claim = trained(queue, who)
    assert queue.died("x", claim.token, "killed", 3)
    assert told(queue) == (Status.QUEUED, 40, 1 / 40)
    again = claim_one(queue, who)
    assert told(queue) == (Status.RUNNING, 40, 1 / 40), "until the next attempt speaks"
    assert queue.fail("x", again.token, "boom", 3600.0)
    assert told(queue) == (Status.DELAYED, 40, 1 / 40)
    queue.promote("x")
    again = claim_one(queue, who)
    queue.pause("x")
    assert queue.release("x", again.token, Status.PAUSED, "user", said(again, 42)), "told with the release"
    assert told(queue) == (Status.PAUSED, 42, 1 / 42)
    queue.cancel("x")
    assert told(queue) == (Status.CANCELLED, 42, 1 / 42)


def test_a_withdrawn_task_shows_what_it_has(queue: Queue) -> None:
    who = begun(queue)
    claim = trained(queue, who)
    queue.withdraw(["x"])
    assert told(queue) == (Status.WITHDRAWN, 40, 1 / 40)
    queue.enqueue(task("x", epochs=50))
    claim = claim_one(queue, who)
    assert queue.complete("x", claim.token, result(claim.token))
    queue.withdraw(["x"])
    assert told(queue) == (Status.WITHDRAWN, 10, 0.1705)


def test_nothing_is_left_of_what_was_never_saved(queue: Queue) -> None:
    who = begun(queue)
    claim = claim_one(queue, who)
    queue.progress(who, [said(claim, 43)], {})
    queue.died("x", claim.token, "killed", 3)
    assert told(queue) == (Status.QUEUED, 0, None)


def test_a_checkpoint_that_turned_out_to_be_damaged_counts_no_more(queue: Queue) -> None:
    who = begun(queue)
    queue.died("x", trained(queue, who).token, "killed", 3)
    claim = claim_one(queue, who)
    queue.checkpoint("x", claim.token, 0)
    queue.died("x", claim.token, "killed", 3)
    assert told(queue) == (Status.QUEUED, 0, None)


def test_what_is_done_shows_its_accepted_result_whatever_was_reported(any_queue: Queue) -> None:
    queue = any_queue
    claim = trained(queue, begun(queue))
    assert queue.complete("x", claim.token, result(claim.token))
    found = shown(queue)
    progress = found.progress
    assert progress is not None
    assert (found.status, found.epochs_done, progress.epoch, progress.metrics["loss"]) == (Status.DONE, 50, 10, 0.1705)
    assert (progress.metrics["val_loss"], progress.best, progress.trained_s) == (0.35, 0.3, 12.5)
    assert (progress.elapsed_s, progress.step, progress.resumed_epoch) == (4.0, 130, 6)
    assert progress.best_epoch == 7
    assert progress.curve == ((1, 0.9), (10, 0.1705))


@pytest.mark.parametrize("how", ["queued", "paused", "running", "failed", "died", "dead"])
def test_a_cancelled_rerun_brings_the_result_back(any_queue: Queue, how: str) -> None:
    queue = any_queue
    who = begun(queue)
    first = claim_one(queue, who)
    queue.complete("x", first.token, result(first.token))
    before = shown(queue).life
    assert queue.resubmit("x")
    assert told(queue) == (Status.QUEUED, 0, None), "a new run has nothing yet"
    if how == "paused":
        queue.pause("x")
    elif how != "queued":
        claim = trained(queue, who)
        if how == "dead":
            queue.fail("x", claim.token, "boom", None)
    assert queue.cancel("x")
    if how == "running":
        assert queue.release("x", claim.token)
    elif how == "failed":
        assert queue.fail("x", claim.token, "boom", 1.0)
    elif how == "died":
        assert queue.died("x", claim.token, "killed", 3)
    life = shown(queue).life
    same = ("status", "run", "attempt", "worker", "token", "started_ts", "claimed_ts", "finished_ts", "error", "report")
    assert {name: getattr(life, name) for name in same} == {name: getattr(before, name) for name in same}
    kept = queue.result("x", life.run)
    assert kept is not None
    assert kept.token == life.token
    assert queue.complete("x", first.token, RESULT), "it is the attempt that did it"
    assert queue.leases() == []
    assert queue.resubmit("x")
    assert shown(queue).life.run == 3, "the folder of the run that was cancelled is not used again"
    claim = claim_one(queue, who)
    assert queue.complete("x", claim.token, result(claim.token, seconds=1.0))
    assert (shown(queue).life.run, shown(queue).status) == (3, Status.DONE)


def test_a_task_that_was_never_done_is_cancelled(queue: Queue) -> None:
    who = begun(queue)
    queue.fail("x", claim_one(queue, who).token, "boom", None)
    queue.resubmit("x")
    queue.cancel("x")
    assert shown(queue).status is Status.CANCELLED


def test_what_was_rebuilt_from_the_run_directory_shows_the_same(queue: Queue) -> None:
    who = begun(queue)
    first = claim_one(queue, who)
    queue.complete("x", first.token, result(first.token))
    done = shown(queue).life
    kept = queue.result("x", 1)
    queue.client.flushall()
    queue.restore(task("x", epochs=50), done, kept)
    life = shown(queue).life
    assert life.report is not None
    assert (life.report.metrics["loss"], life.report.curve) == (0.1705, ((1, 0.9), (10, 0.1705)))
    assert (life.started_ts, life.claimed_ts, life.finished_ts) == (done.started_ts, done.claimed_ts, done.finished_ts)

    queue.resubmit("x")
    trained(queue, worker(queue))
    running = state(queue).tasks["x"].life
    queue.client.flushall()
    queue.restore(task("x", epochs=50), running, None, done)
    assert told(queue) == (Status.QUEUED, 0, None)
    queue.cancel("x")
    assert told(queue) == (Status.DONE, 50, 0.1705)
    assert shown(queue).life.token == first.token


def test_numbers_are_numbers(queue: Queue) -> None:
    claim = trained(queue, begun(queue))
    queue.fail("x", claim.token, "boom", 3600.0)
    texts = {"was", "status", "worker", "token", "paused_by", "want", "by", "error"}
    snapshot = queue.snapshot().data
    lives = [event.data for event in events_after(queue, (0, 0)) if event.task]
    for life in (*lives, snapshot["tasks"]["x"]["life"]):
        wrong = {
            name: value
            for name, value in life.items()
            if name not in texts | {"info", "report"} and not isinstance(value, int | float)
        }
        assert wrong == {}
        assert all(isinstance(life[name], str) for name in texts & set(life))
    places = (snapshot["tasks"]["x"]["seq"], snapshot["meta"]["seq"], snapshot["meta"]["finished_ts"])
    assert all(isinstance(value, int | float) for value in (*places, snapshot["workers"]["w1"]["ts"]))


def test_a_number_that_somebody_overwrote_breaks_no_event(queue: Queue) -> None:
    begun(queue)
    for wrong in ("nan", "0x10", "1e5x", "-", ""):
        queue.client.hset(queue.keys.task("x"), "deaths", wrong)
        queue.set_priority("x", 7)
        queue.set_priority("x", 8)
        assert json.loads(json.dumps(shown(queue).life.deaths)) == 0
