"""What the network sees of a state: z-scores, or the numbers of the source."""

import json
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from tests.trainer.helpers import BASE, dataset, equal, tensors, train
from trainer import checkpoint
from trainer.batched import BatchedEngine
from trainer.config import NORM_EPS, Precision, TrainerConfig
from trainer.data.types import Double, Float
from trainer.layout import Layout
from trainer.mixed import MixedEngine
from trainer.model import read_model, write_model
from trainer.native import NativeEngine
from trainer.pack import Data, Engine, EngineFactory, State
from trainer.tensorfile import TensorFileError, read_tensors, write_tensors
from trainer.train import PackTrainer

RAW = replace(BASE, observation_scaler="none", validate_every=1, hidden_dims=(77, 65))
ENGINES: list[tuple[EngineFactory, Precision]] = [
    (NativeEngine, "fp32"),
    (MixedEngine, "bf16"),
    (BatchedEngine, "fp32"),
    (BatchedEngine, "bf16"),
]


def by_hand(layers: dict[str, Float], states: Float) -> Double:
    """The network's Q values of exactly these inputs, in float64."""
    x: Double = states.astype(np.float64)
    for layer in ("0", "1"):
        z = x @ layers[f"{layer}.weight"] + layers[f"{layer}.bias"]
        normed = (z - z.mean(1, keepdims=True)) / np.sqrt(z.var(1, keepdims=True) + NORM_EPS)
        x = np.maximum(normed * layers[f"{layer}.gain"] + layers[f"{layer}.shift"], 0)
    found: Double = x @ layers["head.weight"] + layers["head.bias"]
    return found


@pytest.mark.parametrize(("engine", "precision"), ENGINES)
def test_with_none_the_network_sees_the_sources_numbers(engine: EngineFactory, precision: Precision) -> None:
    data = dataset()
    seen: list[np.ndarray] = []

    def watched(layout: Layout, state: State, members: list[TrainerConfig], rows: Data, device: str = "cpu") -> Engine:
        seen.extend((rows.states, rows.next_states))
        return engine(layout, state, members, rows, device)

    trainer = PackTrainer([replace(RAW, precision=precision)], data, engine=watched)  # type: ignore[arg-type]
    metrics = train(trainer, 2)[-1][0]
    assert [rows.tobytes() for rows in seen] == [data.train.states.tobytes(), data.train.next_states.tobytes()]
    model = trainer.model(0)
    q = by_hand(model.tensors, data.validation.states)
    taken = q[np.arange(len(q)), data.validation.actions]
    expected = np.mean(np.log(np.exp(q).sum(1)) - taken)
    assert metrics.val_cql_loss == pytest.approx(expected, rel=1e-4 if precision == "fp32" else 2e-2)
    np.testing.assert_allclose(model.q_values(data.validation.states), q, rtol=1e-3, atol=1e-4)


def test_scalers_give_other_weights_and_do_not_share_a_pack() -> None:
    data = dataset()
    raw, standard = (PackTrainer([config], data) for config in (RAW, replace(RAW, observation_scaler="standard")))
    assert train(raw, 1)[0][0].loss != train(standard, 1)[0][0].loss
    with pytest.raises(ValueError, match="members of a pack differ"):
        PackTrainer([RAW, replace(RAW, observation_scaler="standard")], data)


@pytest.mark.parametrize("scaler", ["standard", "none"])
def test_a_model_says_which_it_was(tmp_path: Path, scaler: str) -> None:
    data = dataset()
    trainer = PackTrainer([replace(RAW, observation_scaler=scaler)], data)
    train(trainer, 1)
    write_model(tmp_path / "model.safetensors", trainer.model(0))
    read = read_model(tmp_path / "model.safetensors")
    assert read.observation_scaler == scaler
    assert np.array_equal(read.q_values(data.validation.states), trainer.q_values(data.validation.states, 0))


def test_a_model_of_before_was_trained_on_z_scores(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_model(path, PackTrainer([BASE], dataset()).model(0))
    parts, document = read_tensors(path, "cqltui.model/1")
    del document["observation_scaler"]
    write_tensors(path, "cqltui.model/1", parts, document)
    assert read_model(path).observation_scaler == "standard"


@pytest.mark.parametrize("said", ["none", "other", ["none"], None])
def test_a_model_whose_scaler_is_not_what_its_inputs_say_is_refused(tmp_path: Path, said: object) -> None:
    path = tmp_path / "model.safetensors"
    write_model(path, PackTrainer([BASE], dataset()).model(0))
    parts, document = read_tensors(path, "cqltui.model/1")
    write_tensors(path, "cqltui.model/1", parts, document | {"observation_scaler": said})
    with pytest.raises(TensorFileError, match="observation_scaler"):
        read_model(path)


def test_a_checkpoint_of_before_goes_on_and_one_of_the_other_scaler_does_not() -> None:
    trainer = PackTrainer([BASE], dataset())
    train(trainer, 2)
    saved = trainer.capture(0)
    before = replace(saved, config={k: v for k, v in json.loads(json.dumps(saved.config)).items() if k in EARLIER})
    resumed = PackTrainer([BASE], dataset())
    resumed.restore(0, before)
    assert equal(tensors(resumed), saved.tensors)
    other = PackTrainer([replace(BASE, observation_scaler="none")], dataset())
    for found in (saved, before):
        with pytest.raises(checkpoint.CheckpointError, match="observation_scaler is 'standard', the task's is 'none'"):
            other.restore(0, found)


EARLIER = {
    "epochs", "lr", "alpha", "hidden_dims", "seed", "batch_size", "gamma", "algorithm", "precision",
    "target_update_steps", "grad_clip", "validate_every",
}  # fmt: skip
"""The settings that 0.1.0's first checkpoints hold."""
