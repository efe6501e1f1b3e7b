"""A trained network that is usable alone, without PyTorch: weights, how inputs are standardised, what they mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
from msgspec import Struct, field

from trainer.config import NORM_EPS, Scaler
from trainer.data.standardise import Standardiser
from trainer.data.types import Float
from trainer.layout import make_layout
from trainer.tensorfile import TensorFileError, Written, read_tensors, write_tensors

KIND = "cqltui.model/1"


class Model(Struct, frozen=True, eq=False):
    """One network."""

    tensors: dict[str, Float]
    """`0.weight` [inputs, outputs], `0.bias`, `0.gain`, `0.shift` [1, outputs], ..., `head.weight`, `head.bias`."""
    standardiser: Standardiser
    """Of the states, as fitted on the training rows."""
    hidden_dims: tuple[int, ...]
    state_cols: tuple[str, ...]
    """The features, in order."""
    actions: tuple[str, ...]
    """What the columns of the Q values stand for."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What its writer put into the header of the file that it was read from: the task and its settings."""
    observation_scaler: Scaler = "standard"
    """Whether the network was trained on z-scores ("standard") or on the source's own numbers ("none")."""

    def q_values(self, states: Float) -> Float:
        """Return Q values [N, A] of states [N, D] as in the source (not standardised), in fp32."""
        x = self.standardiser.apply(states)
        for layer in range(len(self.hidden_dims)):
            z = self._linear(x, str(layer))  # [N, H]
            normed = (z - z.mean(1, keepdims=True)) / np.sqrt(z.var(1, keepdims=True) + np.float32(NORM_EPS))
            x = np.maximum(normed * self.tensors[f"{layer}.gain"] + self.tensors[f"{layer}.shift"], 0)
        return self._linear(x, "head")

    def _linear(self, x: Float, name: str) -> Float:
        """Map [N, inputs] to [N, outputs]."""
        found: Float = x @ self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]
        return found


def write_model(path: Path, model: Model, details: dict[str, Any] | None = None) -> Written:
    """Write model.safetensors atomically; `details` go into its header as they are. Raises OSError."""
    document = {
        "hidden_dims": list(model.hidden_dims),
        "state_cols": list(model.state_cols),
        "actions": list(model.actions),
        "observation_scaler": model.observation_scaler,
        "details": details or {},
    }
    mean, std = model.standardiser.mean, model.standardiser.std
    return write_tensors(path, KIND, model.tensors | {"input.mean": mean, "input.std": std}, document)


def read_model(path: Path) -> Model:
    """Read a model. Raises TensorFileError for a file that is absent, cut off, damaged or no model."""
    tensors, document = read_tensors(path, KIND)
    try:
        hidden_dims = tuple(int(size) for size in document["hidden_dims"])
        state_cols, actions = tuple(document["state_cols"]), tuple(document["actions"])
        inputs = (len(state_cols),)
        expected = {slot.name: slot.shape for slot in make_layout(hidden_dims, *inputs).slots}
        # Compared before anything is made of these sizes: the header may promise a network of terabytes.
        for name, shape in (expected | {"input.mean": inputs, "input.std": inputs}).items():
            if tensors[name].shape != shape or tensors[name].dtype != np.float32:
                raise ValueError(f"{name} is {tensors[name].dtype} {tensors[name].shape}, not float32 {shape}")
        standardiser = Standardiser(tensors.pop("input.mean"), tensors.pop("input.std"))
        scaler = document.get("observation_scaler", "standard")  # models of before were all trained on z-scores
        if scaler not in get_args(Scaler):
            raise ValueError(f"observation_scaler is {str(scaler)[:40]!a}")
        if scaler == "none" and (standardiser.mean.any() or (standardiser.std != 1).any()):
            raise ValueError('observation_scaler is "none", but the inputs are scaled')
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise TensorFileError(f"{path}: the tensors do not fit the header ({error})") from error
    details = document.get("details")
    found = details if isinstance(details, dict) else {}
    return Model(tensors, standardiser, hidden_dims, state_cols, actions, found, scaler)
