"""What lies beside the checkpoints of an attempt: as many models as each of them needs, and no more."""

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from cqltui.worker.keeper import Keeper
from tests.unit.test_keeping import rows
from trainer.batches import random_state
from trainer.checkpoint import Checkpoint, CheckpointError, config_document
from trainer.config import ACTIONS, TrainerConfig
from trainer.data.standardise import Standardiser
from trainer.layout import initial_row, make_layout
from trainer.model import Model, read_model
from trainer.progress import EpochMetrics

CONFIG = TrainerConfig(60, 1e-3, 0.3, (4,), 1, validate_every=10, keep=("best", 15))
LOSSES = (0.5, 0.4, 0.6, 0.3, 0.7, 0.8)
"""Of epochs 10 to 60: the best is 10, then 20, then 40."""


def model(epoch: int) -> Model:
    """The weights after that epoch, made up."""
    layout = make_layout((4,), 2)
    scale = Standardiser(np.zeros(2, np.float32), np.ones(2, np.float32))
    return Model(layout.views(initial_row(layout, epoch)), scale, (4,), ("a", "b"), ACTIONS)


def train(keeper: Keeper, first: int, last: int, made: list[int] | None = None) -> None:
    """Add these epochs; `made`: those whose weights were asked for."""

    def current(epoch: int) -> Model:
        if made is not None:
            made.append(epoch)
        return model(epoch)

    for row in rows(*LOSSES)[first - 1 : last]:
        keeper.add(row, lambda row=row: current(row.epoch))  # type: ignore[misc]


def left(folder: Path) -> list[str]:
    return sorted(path.name.removesuffix(".safetensors") for path in folder.glob("*"))


def saved(epoch: int, config: TrainerConfig = CONFIG) -> Checkpoint:
    return Checkpoint({}, epoch, epoch, random_state(1, epoch), config_document(config), "d")


def until(epoch: int) -> list[EpochMetrics]:
    return rows(*LOSSES)[:epoch]


def test_weights_are_copied_where_they_are_kept_only(tmp_path: Path) -> None:
    made: list[int] = []
    train(Keeper("t", CONFIG, tmp_path), 1, 60, made)
    assert made == [10, 15, 20, 40]
    assert left(tmp_path) == ["model_e15"], "chosen ones at once, the best with a checkpoint"


def test_beside_a_checkpoint_and_the_one_before_lies_what_each_needs(tmp_path: Path) -> None:
    keeper = Keeper("t", CONFIG, tmp_path)
    for epoch, checkpoints, expected in (
        (12, [12], ["model_e10"]),
        (25, [25, 12], ["model_e10", "model_e15", "model_e20"]),
        (35, [35, 25], ["model_e15", "model_e20"]),
        (45, [45, 35], ["model_e15", "model_e20", "model_e40"]),
        (55, [55, 45], ["model_e15", "model_e40"]),
    ):
        train(keeper, {12: 1, 25: 13, 35: 26, 45: 36, 55: 46}[epoch], epoch)
        keeper.write()
        keeper.prune(checkpoints)
        assert left(tmp_path) == expected
        for checkpoint in checkpoints:
            found = Keeper("t", CONFIG, tmp_path / "next").found_beside(tmp_path, saved(checkpoint), until(checkpoint))
            best = 10 if checkpoint < 20 else 20 if checkpoint < 40 else 40
            assert found.keys() == {best} | ({15} if checkpoint >= 15 else set())
            assert np.array_equal(found[best].tensors["0.weight"], model(best).tensors["0.weight"])


def test_who_resumes_takes_over_and_ends_as_one_go(tmp_path: Path) -> None:
    one = Keeper("t", CONFIG, tmp_path / "one")
    train(one, 1, 60)
    killed = Keeper("t", CONFIG, tmp_path / "killed")
    train(killed, 1, 25)
    killed.write()
    train(killed, 26, 43)
    killed.write()  # and no checkpoint of it
    again = Keeper("t", CONFIG, tmp_path / "again")
    again.start(again.found_beside(tmp_path / "killed", saved(25), until(25)), until(25))
    again.write()
    assert left(tmp_path / "again") == ["model_e15", "model_e20"]
    train(again, 26, 60)
    expected = {"model_best.safetensors": 40, "model_e15.safetensors": 15}
    for keeper, folder in ((one, "one"), (again, "again")):
        assert keeper.finish(model(60), rows(*LOSSES)) == expected
        for name in expected:
            assert (tmp_path / folder / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert read_model(tmp_path / "again" / "model_best.safetensors").details["epoch"] == 40


def test_without_validation_the_best_is_the_last(tmp_path: Path) -> None:
    keeper = Keeper("t", replace(CONFIG, keep=("best",)), tmp_path)
    assert keeper.finish(model(60), rows(*[None] * 6)) == {"model_best.safetensors": 60}
    found = read_model(tmp_path / "model_best.safetensors")
    assert np.array_equal(found.tensors["0.weight"], model(60).tensors["0.weight"])


def test_on_a_full_disk_weights_wait_until_a_checkpoint_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    keeper = Keeper("t", CONFIG, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("cqltui.worker.keeper.write_model", full)
        train(keeper, 1, 25)
        with pytest.raises(OSError, match="No space"):
            keeper.write()
    keeper.write()
    assert left(tmp_path) == ["model_e15", "model_e20"]


@pytest.mark.parametrize(
    ("earlier", "needed"),
    [
        ({"keep": ["last"]}, set()),
        ({"keep": ["last", 15]}, {15}),
        ({"keep": ["last", "best"]}, {20}),
        ({"keep_metric": "val_loss"}, {15}),
        ({"validate_every": 5}, {15}),
        ({}, {15, 20}),
    ],
)
def test_a_checkpoint_needs_what_was_asked_for_when_it_was_written(
    tmp_path: Path, earlier: dict[str, object], needed: set[int]
) -> None:
    before = saved(25)
    before = replace(before, config=before.config | earlier)
    keeper = Keeper("t", CONFIG, tmp_path / "next")
    if needed:
        with pytest.raises(CheckpointError, match=f"the model kept of epoch {min(needed)} beside it cannot be used"):
            keeper.found_beside(tmp_path, before, until(25))
    writer = Keeper("t", CONFIG, tmp_path)
    train(writer, 1, 25)
    writer.write()
    for epoch in {15, 20} - needed:
        if epoch != 20 or "best" not in before.config["keep"]:
            (tmp_path / f"model_e{epoch}.safetensors").unlink()
    assert keeper.found_beside(tmp_path, before, until(25)).keys() >= needed
