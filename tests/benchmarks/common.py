"""What all contenders train on: the deep campaign's data and settings."""

import numpy as np
from msgspec import Struct

from trainer import data
from trainer.config import DataConfig, Precision, TrainerConfig
from trainer.data.standardise import fit_standardiser
from trainer.data.types import Dataset, Float, Int

CONFIG = TrainerConfig(epochs=2**62, lr=1e-4, alpha=0.3, hidden_dims=(256, 128, 64), seed=42, validate_every=2**62)


class Row(Struct, frozen=True):
    """A line of the table: a network, how many of it, in which precision."""

    hidden_dims: tuple[int, ...]
    members: int
    precision: Precision


def dataset() -> Dataset:
    """1,675 training rows, all terminal: 13 steps an epoch at batch 128."""
    return data.load(DataConfig())


def arrays() -> tuple[Float, Int, Float]:
    """States [N, D], standardised as the trainer does, actions [N] and rewards [N] of the training rows."""
    rows = dataset().train
    states = fit_standardiser(rows.states).apply(rows.states)
    return states, rows.actions.astype(np.int64), rows.rewards.astype(np.float32)
