"""A full disk: what is on it stays whole, tasks go on or wait for room, and end as if there had been room all the time.

The disk is a small tmpfs; where none can be mounted the tests are skipped.
"""

import errno
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cqltui.broker.protocol.queue import Queue
from cqltui.results.rundir import read_metrics
from cqltui.state.model import Status
from cqltui.worker.failure import MAX_ATTEMPTS
from tests.integration.place import until
from tests.integration.sessions import ONE, OneTask, check_undisturbed
from trainer import checkpoint
from trainer.checkpoint import newest_good

SIZE = "32m"
EPOCHS = 300
HOLD_S = 0.01
SHORT = ONE.replace("epochs = 1000000", f"epochs = {EPOCHS}")
FULL = "No space left on device"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of `SIZE`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte; the file that takes the room."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return filler


def test_a_training_goes_on_without_checkpoints_while_the_disk_is_full(
    queue: Queue, disk: Path, tmp_path: Path
) -> None:
    task = OneTask(queue, tmp_path, run_dir=disk / "run")
    with task.trains(queue.client):
        until(lambda: task.noted_epoch > 0, "a checkpoint")
        filler = fill(disk)
        until(lambda: "no checkpoint could be written" in task.notices(), "the warning")
        kept, reached = newest_good([task.folder]), task.seen().epochs_done
        assert kept.bad == (), "what is on the disk is whole"
        assert kept.checkpoint is not None
        until(lambda: task.seen().epochs_done >= reached + EPOCHS, "epochs meanwhile")
        assert newest_good([task.folder]).path == kept.path
        on = task.seen()
        assert (on.status, on.life.attempt) == (Status.RUNNING, 1)
        filler.unlink()
        until(lambda: task.noted_epoch >= reached + EPOCHS, "a checkpoint once there is room")
    rows = read_metrics(task.folder / "metrics.csv")
    assert [row.epoch for row in rows] == list(range(1, len(rows) + 1)), "every epoch is there, and once"
    assert len(rows) >= task.noted_epoch
    assert task.notices().count(FULL) == 1, "told once"


def test_a_task_whose_result_finds_no_room_waits_for_it(queue: Queue, disk: Path, tmp_path: Path) -> None:
    task = OneTask(queue, tmp_path, SHORT, run_dir=disk / "run")
    filler = fill(disk)
    folders = set()
    for attempt in range(1, MAX_ATTEMPTS + 3):
        task.train()
        life = task.seen().life
        assert (life.status, life.attempt) == (Status.DELAYED, attempt), "not dead: it is not the task's fault"
        assert life.error.startswith(f"{FULL}: {disk}")
        assert "tried again by itself" in life.error
        folders |= set(task.run_dir.run(task.claim.id, 1).glob("*/*"))
        assert queue.promote(task.claim.id) == 1
        task.claim_again()
    assert folders == set(), "attempts that could not begin leave nothing"
    filler.unlink()
    task.train()
    assert task.seen().status is Status.DONE
    check_undisturbed(task)


def test_a_task_goes_on_from_its_checkpoint_once_there_is_room(queue: Queue, disk: Path, tmp_path: Path) -> None:
    task = OneTask(queue, tmp_path, SHORT, run_dir=disk / "run")
    filled: list[Path] = []

    def fill_after_a_checkpoint() -> bool:
        """Until then the training is held back: it would end before."""
        if not filled:
            if list(task.folder.glob("checkpoint-*")):
                filled.append(fill(disk))
            else:
                time.sleep(HOLD_S)
        return False

    task.stop.once = fill_after_a_checkpoint
    task.train()
    assert task.seen().life.error.startswith(FULL)
    assert not (task.folder / "model.safetensors").exists(), "half a result takes no room"
    filled[0].unlink()
    queue.promote(task.claim.id)
    task.claim_again()
    task.train()
    progress = task.seen().progress
    assert progress is not None
    assert 0 < progress.resumed_epoch < EPOCHS
    check_undisturbed(task)


def test_a_result_counts_though_its_end_finds_no_room_as_a_checkpoint(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    task = OneTask(queue, tmp_path, SHORT)

    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, FULL, str(path))

    monkeypatch.setattr(checkpoint, "write", full)
    task.train()
    assert "its last checkpoint could not be written: No space left" in caplog.text
    assert task.seen().status is Status.DONE
    check_undisturbed(task)
