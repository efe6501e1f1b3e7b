"""A worker that is told to leave within a long epoch goes back to the last one's end, and loses no bit by it."""

from pathlib import Path

import pytest

from cqltui.broker.protocol.queue import Queue
from cqltui.state.model import Status
from cqltui.worker import session
from tests.integration.sessions import ONE, OneTask, check_undisturbed

EPOCHS = 8
SHORT = ONE.replace("epochs = 1000000", f"epochs = {EPOCHS}").replace("checkpoint_s = 0.1", "checkpoint_s = 100")


@pytest.fixture
def task(queue: Queue, tmp_path: Path) -> OneTask:
    """One that writes no checkpoint before its end."""
    return OneTask(queue, tmp_path, SHORT)


def leave_after(task: OneTask, steps: int) -> None:
    """Train until so many steps were done, and leave."""
    asked = 0

    def is_it() -> bool:
        nonlocal asked
        asked += 1
        return asked > steps

    task.stop.once = is_it
    task.train()
    task.stop.once = None


def test_a_long_epoch_is_left_within_a_step(task: OneTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PATIENT_S", 0.0)
    steps = int(task.claim.spec["epoch_steps"])
    leave_after(task, 3 * steps + 5)  # some of them are asked between epochs
    left = task.seen()
    assert left.status is Status.QUEUED
    assert left.life.deaths == 0
    at = task.noted_epoch
    assert 1 <= at <= 3
    assert task.epochs == at, "as of the last whole epoch"
    task.claim_again()
    task.train()
    assert task.seen().status is Status.DONE
    check_undisturbed(task)


def test_in_the_first_epoch_there_is_nothing_to_go_back_to(task: OneTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PATIENT_S", 0.0)
    leave_after(task, 5)
    assert task.noted_epoch == 0
    task.claim_again()
    task.train()
    check_undisturbed(task)


def test_a_short_epoch_is_finished(task: OneTask) -> None:
    """With the bounds as they are: an epoch of these takes milliseconds."""
    leave_after(task, 2)
    left = task.seen()
    assert left.status is Status.QUEUED
    assert task.noted_epoch >= 1
