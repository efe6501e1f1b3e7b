"""Checkpoints: resuming equals never having stopped, and no broken or foreign file is ever taken for one."""

import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import save_file

from tests.trainer.helpers import BASE, column, dataset, equal, tensors, train
from trainer.checkpoint import Checkpoint, CheckpointError, newest_good, prune, read, write
from trainer.config import Precision
from trainer.files import checkpoint_name
from trainer.model import read_model, write_model
from trainer.tensorfile import TensorFileError
from trainer.train import PackTrainer


@pytest.fixture
def checkpoint() -> Checkpoint:
    trainer = PackTrainer([BASE], dataset(episode=4))
    train(trainer, 2)
    return trainer.capture(0)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("episode", [1, 4])
@pytest.mark.parametrize("stop", [0, 1, 5, 11])
def test_resuming_at_any_epoch_ends_bit_for_bit_as_if_undisturbed(
    tmp_path: Path, stop: int, episode: int, precision: Precision
) -> None:
    data = dataset(episode=episode)
    config = replace(BASE, epochs=12, precision=precision)
    undisturbed = PackTrainer([config], data)
    expected = train(undisturbed, 12)

    killed = PackTrainer([replace(config, seed=1), config], data)
    train(killed, stop)
    write(tmp_path / "c.safetensors", killed.capture(1))
    resumed = PackTrainer([config, replace(config, seed=3)], data)  # in another pack and place
    resumed.restore(0, read(tmp_path / "c.safetensors"))
    assert column(train(resumed, 12 - stop), 0) == column(expected[stop:], 0)
    assert equal(tensors(resumed, 0), tensors(undisturbed))


def test_a_file_reads_back_as_it_was_written(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = tmp_path / checkpoint_name(2)
    written = write(path, checkpoint)
    assert written.size_bytes == path.stat().st_size
    assert written.seconds > 0
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-000002.safetensors"]  # no temporary file is left
    found = read(path)
    assert equal(found.tensors, checkpoint.tensors)
    for key in ("epoch", "step", "random_state", "config", "data_digest"):
        assert getattr(found, key) == getattr(checkpoint, key)
    assert found.random_state["seed"] == BASE.seed
    assert found.config["hidden_dims"] == list(BASE.hidden_dims)


def test_header_is_plain_json(tmp_path: Path, checkpoint: Checkpoint) -> None:
    write(tmp_path / "c", checkpoint)
    raw = (tmp_path / "c").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    assert json.loads(header["__metadata__"]["cqltui"])["document"]["epoch"] == 2


def test_every_truncation_is_found(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = tmp_path / "c"
    write(path, checkpoint)
    whole = path.read_bytes()
    for length in (0, 1, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=str(path)):
            read(path)


def test_every_flipped_bit_is_found(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = tmp_path / "c"
    write(path, checkpoint)
    whole = path.read_bytes()
    for position in np.random.default_rng(0).integers(0, len(whole), 200):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << (position % 8)
        path.write_bytes(damaged)
        try:
            found = read(path)
        except CheckpointError:
            continue
        # A bit of the JSON that means nothing (the safetensors header's spaces) may flip, but no value.
        assert equal(found.tensors, checkpoint.tensors)
        assert (found.epoch, found.step, found.config) == (checkpoint.epoch, checkpoint.step, checkpoint.config)


def test_a_changed_value_in_the_header_is_found(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = tmp_path / "c"
    write(path, checkpoint)
    path.write_bytes(path.read_bytes().replace(b'\\"step\\": 12', b'\\"step\\": 13'))
    with pytest.raises(CheckpointError, match="checksum"):
        read(path)


class Trap:
    """Unpickling it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    path, sprung = tmp_path / "c", tmp_path / "sprung"
    path.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(CheckpointError):
        read(path)
    torch.save({"a": Trap(sprung)}, path)
    with pytest.raises(CheckpointError):
        read(path)
    assert not sprung.exists()


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with pytest.raises(CheckpointError, match="No such file"):
        read(path)
    save_file({"a": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="something else"):
        read(path)
    write_model(path, PackTrainer([BASE], dataset()).model(0))
    with pytest.raises(CheckpointError, match=r"expected 'cqltui\.checkpoint/1'"):
        read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CheckpointError):
        read(path)


def test_newest_good_passes_over_the_bad_ones_and_reports_them(tmp_path: Path, checkpoint: Checkpoint) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    write(old / checkpoint_name(4), replace(checkpoint, epoch=4))
    write(old / checkpoint_name(9), replace(checkpoint, epoch=9))
    write(new / checkpoint_name(7), replace(checkpoint, epoch=7))
    (old / checkpoint_name(9)).write_bytes(b"torn")
    (new / "notes.txt").write_text("not a checkpoint")
    (new / ".checkpoint-000011.safetensors.tmp").write_bytes(b"left by a crash")
    found = newest_good([old, new, tmp_path / "missing"])
    assert found.path == new / checkpoint_name(7)
    assert found.checkpoint is not None
    assert found.checkpoint.epoch == 7
    assert [path for path, _ in found.bad] == [old / checkpoint_name(9)]
    assert newest_good([tmp_path / "missing"]).checkpoint is None


def test_what_the_caller_cannot_use_is_passed_over_for_the_one_before(tmp_path: Path, checkpoint: Checkpoint) -> None:
    for epoch in (3, 5, 8):
        write(tmp_path / checkpoint_name(epoch), replace(checkpoint, epoch=epoch))
    asked: list[int] = []

    def accept(path: Path, found: Checkpoint) -> None:
        asked.append(found.epoch)
        if found.epoch > 3:
            raise CheckpointError(f"{path.name} is of another training")

    found = newest_good([tmp_path], accept)
    assert asked == [8, 5, 3], "the newest first, and none beyond the first of use"
    assert found.path == tmp_path / checkpoint_name(3)
    assert [reason for _, reason in found.bad] == [
        "checkpoint-000008.safetensors is of another training",
        "checkpoint-000005.safetensors is of another training",
    ]


def test_tensors_of_another_shape_are_refused(checkpoint: Checkpoint) -> None:
    fresh = PackTrainer([BASE], dataset(episode=4))
    before = tensors(fresh)
    name = next(name for name in checkpoint.tensors if name.startswith("exp_avg_sq/"))
    with pytest.raises(CheckpointError, match="do not fit"):
        fresh.restore(
            0, replace(checkpoint, tensors=checkpoint.tensors | {name: np.zeros((3, 5, 7), dtype=np.float32)})
        )
    rest = {other: tensor for other, tensor in checkpoint.tensors.items() if other != name}
    with pytest.raises(CheckpointError, match="do not fit"):
        fresh.restore(0, replace(checkpoint, tensors=rest))
    assert equal(before, tensors(fresh))


def test_prune_keeps_the_latest(tmp_path: Path) -> None:
    for epoch in (3, 12, 100, 7):
        (tmp_path / checkpoint_name(epoch)).touch()
    (tmp_path / "other").touch()
    prune(tmp_path, keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == [checkpoint_name(12), checkpoint_name(100), "other"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c"
    write(path, checkpoint)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainer.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, replace(checkpoint, epoch=3))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_of_another_training_is_refused(checkpoint: Checkpoint) -> None:
    data = dataset(episode=4)
    for change, word in (({"lr": 0.5}, "lr"), ({"seed": 1}, "seed"), ({"hidden_dims": (20, 13)}, "hidden_dims")):
        with pytest.raises(CheckpointError, match=word):
            PackTrainer([replace(BASE, **change)], data).restore(0, checkpoint)
    with pytest.raises(CheckpointError, match="other data"):
        PackTrainer([BASE], dataset(rows=201, episode=4)).restore(0, checkpoint)
    with pytest.raises(CheckpointError, match="random state"):
        PackTrainer([BASE], data).restore(0, replace(checkpoint, random_state={}))
    with pytest.raises(CheckpointError, match="step 11"):
        PackTrainer([BASE], data).restore(0, replace(checkpoint, step=11))
    without = {name: t for name, t in checkpoint.tensors.items() if not name.startswith("target/")}
    fresh = PackTrainer([BASE], data)
    before = tensors(fresh)
    with pytest.raises(CheckpointError, match="target"):
        fresh.restore(0, replace(checkpoint, tensors=without))
    assert equal(before, tensors(fresh))  # a refused checkpoint changes nothing
    longer = PackTrainer([replace(BASE, epochs=500)], data)
    longer.restore(0, checkpoint)  # more epochs are no other training
    assert longer.epochs_done == [2]


def test_a_model_file_is_usable_alone(tmp_path: Path) -> None:
    data = dataset()
    trainer = PackTrainer([BASE, replace(BASE, seed=1)], data)
    train(trainer, 2)
    path = tmp_path / "model.safetensors"
    write_model(path, trainer.model(1), {"task": "x"})
    model = read_model(path)
    assert (model.hidden_dims, model.state_cols) == (BASE.hidden_dims, data.state_cols)
    assert model.actions == ("no-bet", "small", "medium", "large")
    assert np.array_equal(model.q_values(data.validation.states), trainer.q_values(data.validation.states, 1))
    assert model.q_values(data.validation.states).shape == (50, 4)
    np.testing.assert_allclose(model.standardiser.mean, data.train.states.mean(0), rtol=1e-4)
    np.testing.assert_allclose(model.standardiser.std, data.train.states.std(0), rtol=1e-4)
    again = tmp_path / "again.safetensors"
    write_model(again, trainer.model(1), {"task": "x"})
    assert again.read_bytes() == path.read_bytes()
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(TensorFileError):
        read_model(path)


def test_a_constant_feature_is_left_in_place() -> None:
    part = dataset().train
    part.states[:, 3] = 7.0
    trainer = PackTrainer([BASE], replace(dataset(), train=part))
    assert trainer.model(0).standardiser.std[3] == 1.0
    assert np.isfinite(trainer.q_values(part.states, 0)).all()
