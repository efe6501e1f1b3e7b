"""A trained network that is usable alone: weights, the standardisation of its inputs, and what they mean."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer.data.standardise import Standardiser
from trainer.data.types import Float
from trainer.network import forward, layers, make_layout
from trainer.packing import VALIDATION_ROWS
from trainer.tensorfile import TensorFileError, Written, read_tensors, write_tensors

KIND = "cqltui.model/1"


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One network on the CPU."""

    tensors: dict[str, Tensor]
    """`0.weight` [inputs, outputs], `0.bias`, `0.gain`, `0.shift` [1, outputs], ..., `head.weight`, `head.bias`."""
    standardiser: Standardiser
    """Of the states, as fitted on the training rows."""
    hidden_dims: tuple[int, ...]
    state_cols: tuple[str, ...]
    """The features, in order."""
    actions: tuple[str, ...]
    """What the columns of the Q values stand for."""

    def q_values(self, states: Float) -> Float:
        """Q values [N, A] of states [N, D] as in the source (not standardised), in fp32."""
        layout = make_layout(self.hidden_dims, len(self.state_cols))
        net = layers(layout, layout.row(self.tensors)[None])  # a pack of one
        x = torch.from_numpy(self.standardiser.apply(states))[None]  # [1, N, D]
        with torch.no_grad():
            parts = [forward(net, part)[0] for part in torch.split(x, VALIDATION_ROWS, dim=1)]
        q: Float = torch.cat(parts, dim=1)[0].numpy()
        return q


def write_model(path: Path, model: Model, details: dict[str, Any] | None = None) -> Written:
    """Write model.safetensors atomically; `details` go into its header as they are. Raises OSError."""
    document = {
        "hidden_dims": list(model.hidden_dims),
        "state_cols": list(model.state_cols),
        "actions": list(model.actions),
        "details": details or {},
    }
    mean, std = model.standardiser.mean, model.standardiser.std
    standard = {"input.mean": torch.from_numpy(mean), "input.std": torch.from_numpy(std)}
    return write_tensors(path, KIND, model.tensors | standard, document)


def read_model(path: Path) -> Model:
    """Raises TensorFileError for a file that is absent, cut off, damaged or no model."""
    tensors, document = read_tensors(path, KIND)
    try:
        standardiser = Standardiser(tensors.pop("input.mean").numpy(), tensors.pop("input.std").numpy())
        hidden_dims = tuple(int(size) for size in document["hidden_dims"])
        state_cols, actions = tuple(document["state_cols"]), tuple(document["actions"])
        make_layout(hidden_dims, len(state_cols)).row(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise TensorFileError(f"{path}: the tensors do not fit the header ({error})") from error
    return Model(tensors, standardiser, hidden_dims, state_cols, actions)
