"""Which rows a step trains on: a function of (seed, epoch) alone, so that no generator has to be carried along."""

from typing import Any

import numpy as np

from trainer.data.types import Int

BATCHES = 1


def epoch_order(seed: int, epoch: int, rows: int) -> Int:
    """Return the permutation [rows] in which epoch `epoch` (from 0) of a member with this seed visits the training
    rows."""
    return np.random.Generator(_bits(seed, epoch)).permutation(rows)


def random_state(seed: int, epoch: int) -> dict[str, Any]:
    """Return the random state at the start of epoch `epoch`, for a checkpoint's header. JSON; 128-bit integers as
    text."""
    state = _bits(seed, epoch).state
    inner = {name: str(value) for name, value in state["state"].items()}
    return {"seed": seed, "epoch": epoch, "generator": state["bit_generator"], "state": inner}


def _bits(seed: int, epoch: int) -> np.random.PCG64:
    # The key keeps them apart from the streams of the data, which may have the same seed.
    return np.random.PCG64(np.random.SeedSequence((seed, epoch), spawn_key=(BATCHES,)))
