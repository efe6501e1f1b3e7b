"""Checkpoints that are damaged, foreign or without their metrics: the one before is used, and the user is told."""

import pickle
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from cqltui.broker.protocol.queue import Queue
from cqltui.state.select import notices_about
from tests.integration.sessions import ONE, OneTask, check_undisturbed
from trainer import checkpoint

EPOCHS = 300
HOLD_S = 0.01

Interrupted = tuple[OneTask, list[Path]]


def damage(path: Path) -> None:
    """Flip a bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    """Leave its beginning."""
    path.write_bytes(path.read_bytes()[:1000])


def swap(path: Path) -> None:
    """A good one, of a training with another seed."""
    saved = checkpoint.read(path)
    checkpoint.write(path, replace(saved, config=saved.config | {"seed": 7}))


def lose_rows(path: Path) -> None:
    """Only the metrics up to the checkpoint before are there."""
    metrics = path.parent / "metrics.csv"
    before = min(int(other.stem.rpartition("-")[2]) for other in path.parent.glob("checkpoint-*"))
    metrics.write_text("\n".join(metrics.read_text().splitlines()[: before + 1]) + "\n")


@pytest.fixture
def interrupted(queue: Queue, tmp_path: Path) -> Interrupted:
    """A task that was stopped and is claimed again; its two checkpoints, the newest first."""
    task = OneTask(queue, tmp_path, ONE.replace("epochs = 1000000", f"epochs = {EPOCHS}"))
    folder = task.folder

    def saved_twice() -> bool:
        """Until then the training is held back: on a slow disk checkpoints are rare, and it would end before."""
        is_so = len(list(folder.glob("checkpoint-*"))) == 2
        if not is_so:
            time.sleep(HOLD_S)
        return is_so

    task.stop.once = saved_twice
    task.train()
    task.stop.once = None
    task.claim_again()
    return task, sorted(folder.glob("checkpoint-*"), reverse=True)


def told(task: OneTask) -> list[str]:
    """The notices about the task, as its details show them."""
    return [notice.text for notice in notices_about(task.state(), task.claim.id)]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (damage, "the checksum does not match"),
        (cut_off, "not a readable safetensors file"),
        (swap, "seed is 7, the task's is 42"),
        (lose_rows, "the metrics beside it are incomplete"),
    ],
)
def test_the_one_before_is_used(interrupted: Interrupted, spoil: Callable[[Path], None], reason: str) -> None:
    task, (newest, before) = interrupted
    spoil(newest)
    task.train()
    (text,) = told(task)
    assert text.startswith(f"task {task.claim.id}: {newest.stem} of attempt {newest.parent.name} passed over: ")
    assert reason in text
    assert text.endswith(f"; it goes on from epoch {checkpoint.read(before).epoch}")
    check_undisturbed(task)


def test_without_any_it_starts_again(interrupted: Interrupted) -> None:
    task, (newest, before) = interrupted
    damage(before)
    newest.write_bytes(pickle.dumps({"epoch": 3}))
    task.train()
    (text,) = told(task)
    assert text.startswith(f"task {task.claim.id}: {newest.stem} of attempt")
    assert text.endswith(" (and 1 more); it starts again")
    progress = task.state().tasks[task.claim.id].progress
    assert progress is not None
    assert progress.resumed_epoch == 0
    check_undisturbed(task)
