"""Models beside the last: the best, and those of chosen epochs. Interruptions change no bit of them."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from cqltui.broker.protocol.queue import Queue
from tests.integration.place import Trained, as_trained
from tests.integration.sessions import ONE, OneTask, trained_alone
from trainer import checkpoint
from trainer.files import checkpoints

EPOCHS = 400
HOLD_S = 0.01
SETTINGS = f"""lr = 1e-4
epochs = {EPOCHS}
keep = ["best", 5, 60, 150, 400, 401]
validate_every = 7
"""
KEEPING = ONE.replace("epochs = 1000000\n", "").replace("lr = 1e-3\n", SETTINGS)
NAMES = {"model_best.safetensors", *(f"model_e{epoch}.safetensors" for epoch in (5, 60, 150, 400))}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints every tenth of a second, however slow the disk is."""
    monkeypatch.setattr("cqltui.worker.attempt.WRITE_SHARE", 0)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """What the task gives where nothing disturbs it."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "one.toml").write_text(KEEPING, encoding="utf-8")
    (found,) = trained_alone(folder / "one.toml", folder).values()
    assert set(dict(found.kept)) == NAMES
    return found


def interrupt(task: OneTask, epoch: int) -> None:
    """Train until at least two checkpoints, one of that epoch or a later one, and stop; claim it again."""

    def is_there() -> bool:
        """Until then the training is held back, so that it does not end before."""
        found = checkpoints(task.folder)
        is_so = len(found) == 2 and found[0][0] >= epoch
        if not is_so:
            time.sleep(HOLD_S)
        return is_so

    task.stop.once = is_there
    task.train()
    task.stop.once = None


def finished(task: OneTask) -> dict[str, str]:
    """Train to the end; the models that are to be published beside the last, by name."""
    task.train()
    left = as_trained(task.folder / "model.safetensors", [])
    return {name: digest for name, digest in left.kept if name in NAMES}


def test_a_task_keeps_the_same_models_however_often_it_is_interrupted(
    queue: Queue, tmp_path: Path, alone: Trained
) -> None:
    task = OneTask(queue, tmp_path, KEEPING)
    for epoch in (10, 80, 200):
        interrupt(task, epoch)
        newer = task.folder / "model_e60.safetensors"
        if epoch == 10 and not newer.exists():
            newer.write_bytes(b"of an epoch after the checkpoint")
        task.claim_again()
    assert finished(task) == dict(alone.kept)
    assert task.notices() == "", "each time the newest checkpoint was of use"


def damage(path: Path) -> None:
    """Flip a bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_epoch(path: Path) -> None:
    """Put another epoch's in its place."""
    path.write_bytes((path.parent / "model_e60.safetensors").read_bytes())


@pytest.mark.parametrize("spoil", [damage, Path.unlink, other_epoch])
def test_a_checkpoint_whose_kept_models_are_not_whole_is_passed_over(
    queue: Queue, tmp_path: Path, alone: Trained, spoil: Callable[[Path], None]
) -> None:
    task = OneTask(queue, tmp_path, KEEPING)
    interrupt(task, 80)
    spoil(task.folder / "model_e5.safetensors")
    task.claim_again()
    assert finished(task) == dict(alone.kept)
    assert "the model kept of epoch 5" in task.notices() or "model_e5.safetensors beside it is not" in task.notices()
    assert "it starts again" in task.notices()


def test_a_checkpoint_of_a_version_that_kept_none_goes_on(queue: Queue, tmp_path: Path, alone: Trained) -> None:
    task = OneTask(queue, tmp_path, KEEPING)
    interrupt(task, 160)
    for path in task.folder.glob("model_*"):
        path.unlink()
    for _, path in checkpoints(task.folder):
        saved = checkpoint.read(path)
        config = {name: value for name, value in saved.config.items() if name not in ("keep", "keep_metric")}
        checkpoint.write(path, replace(saved, config=config))
    task.claim_again()
    found = finished(task)
    assert task.notices() == ""
    assert "model_e400.safetensors" in found
    assert not found.keys() & {"model_e5.safetensors", "model_e60.safetensors", "model_e150.safetensors"}
    assert found.items() <= dict(alone.kept).items()
