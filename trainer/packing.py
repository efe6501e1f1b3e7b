"""Which training runs can form one pack, and how much memory it takes. Free of torch, as planning is."""

from collections.abc import Sequence
from typing import NamedTuple

from trainer.config import ACTIONS, TrainerConfig, layer_sizes, param_count

FLOAT_BYTES, INT_BYTES = 4, 8
PACK_LIMIT = 64
"""Members of a pack: more gain nothing, but all of them would end late, and die together."""
BLOCK_STEPS = 64
"""Steps whose batches are gathered at once: an epoch of a small data set is one gather, a large one fits in memory."""
VALIDATION_ROWS = 4096
"""Rows that a forward pass without training takes at once."""


class PackKey(NamedTuple):
    """What members of a pack have in common; the rest of its settings is each member's own."""

    algorithm: str
    hidden_dims: tuple[int, ...]
    batch_size: int
    gamma: float
    precision: str
    target_update_steps: int
    grad_clip: float
    observation_scaler: str


def pack_key(config: TrainerConfig) -> PackKey:
    """Return what members of a pack share: training runs on the same data with the same key can train together."""
    return PackKey(
        config.algorithm,
        config.hidden_dims,
        config.batch_size,
        config.gamma,
        config.precision,
        config.target_update_steps,
        config.grad_clip,
        config.observation_scaler,
    )


def estimate_bytes(configs: Sequence[TrainerConfig], state_dim: int, rows: int, validation_rows: int = 0) -> int:
    """Return the memory of a pack's tensors at its peak, in bytes, the target network of multi-step data included.

    A process adds what its libraries and compiled code take, about 350 MB on a CPU. Generous rather than exact, to
    bound packs by.
    """
    data = (rows + validation_rows) * (FLOAT_BYTES * (2 * state_dim + 2) + INT_BYTES)
    return data + sum(_member_bytes(config, state_dim, rows, validation_rows) for config in configs)


def _member_bytes(config: TrainerConfig, state_dim: int, rows: int, validation_rows: int) -> int:
    """Parameters, gradients, two moments and target; one step's activations; one block's batches; validation."""
    rows_of_params = 5 if config.precision == "fp32" else 7  # half rows: weights, target, what products return
    params = rows_of_params * FLOAT_BYTES * param_count(config.hidden_dims, state_dim)
    width = sum(outputs for _, outputs in layer_sizes(config.hidden_dims, state_dim))
    training = 3 * width * config.batch_size  # linear, normed, outputs
    backward = 4 * max(config.hidden_dims, default=0) * config.batch_size
    block_rows = min(rows, BLOCK_STEPS * config.batch_size)
    block = block_rows * (2 * state_dim + 2 + 2 * len(ACTIONS)) * FLOAT_BYTES + block_rows * 2 * INT_BYTES
    validation = 3 * width * min(validation_rows, VALIDATION_ROWS)
    return params + FLOAT_BYTES * (max(training + backward, validation)) + block
