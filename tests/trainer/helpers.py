"""Small data and configs for the tests of the trainer. Importing it sets one thread, as a worker does."""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from trainer.config import STATE_COLUMNS, TrainerConfig
from trainer.data.types import Dataset, Float, Transitions
from trainer.progress import EpochMetrics
from trainer.threads import one_thread
from trainer.train import PackTrainer

one_thread()

BASE = TrainerConfig(
    epochs=50, lr=1e-3, alpha=0.3, hidden_dims=(20, 12), seed=42, batch_size=32, target_update_steps=7, validate_every=3
)


def transitions(rows: int, seed: int, episode: int = 1) -> Transitions:
    """Random transitions of episodes of `episode` steps (1: all terminal), with features of different scales."""
    draw = np.random.default_rng(seed)
    scales = np.array([5.0, 40.0, 1.0, 0.2, 0.2, 0.05])
    states = (draw.normal(size=(rows, 6)) * scales + scales).astype(np.float32)
    terminals = np.arange(1, rows + 1) % episode == 0
    following = np.roll(states, -1, axis=0)
    following[terminals] = 0.0
    actions = draw.integers(0, 4, rows)
    rewards = (0.3 * states[:, 2] * (actions - 1) + draw.normal(size=rows)).astype(np.float32)
    return Transitions(states, actions, rewards, following, terminals)


def dataset(rows: int = 200, validation: int = 50, episode: int = 1) -> Dataset:
    """A data set of random transitions."""
    parts = transitions(rows, 1, episode), transitions(validation, 2, episode), transitions(20, 3, episode)
    return Dataset(STATE_COLUMNS, *parts)


def train(trainer: PackTrainer, epochs: int) -> list[list[EpochMetrics]]:
    """Metrics [epochs][M], with the one figure that is measured set to zero."""
    return [[replace(m, samples_per_s=0.0) for m in trainer.run_epoch()] for _ in range(epochs)]


def tensors(trainer: PackTrainer, member: int = 0) -> dict[str, Float]:
    """All of a member's state."""
    return trainer.capture(member).tensors


def equal(one: dict[str, Float], other: dict[str, Float]) -> bool:
    """Whether two sets of tensors have the same names and bits."""
    return one.keys() == other.keys() and all(np.array_equal(tensor, other[name]) for name, tensor in one.items())


def column(metrics: Sequence[Sequence[EpochMetrics]], member: int) -> list[EpochMetrics]:
    """One member's metrics."""
    return [epoch[member] for epoch in metrics]
