"""Where transitions come from. One interface over three sources; free of torch."""

import math
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from trainer.config import LARGEST_EDGE_SIZE, DataConfig, Split
from trainer.data import conventions, scale
from trainer.data.games import load_games
from trainer.data.logged import REWARD, load_logged
from trainer.data.simulated import load_simulated
from trainer.data.standardise import Standardiser, fit_standardiser
from trainer.data.types import DataError, Dataset, Transitions

__all__ = ["DataError", "Dataset", "Standardiser", "Transitions", "fit_standardiser", "load"]


def load(config: DataConfig) -> Dataset:
    """Return the transitions that a config names, split by time. The same config and file give the same bytes.

    Raises:
        DataError: a setting or the file cannot be used; the message says where and how to fix it.
    """
    _check(config)
    match config.source:
        case "simulated":
            return load_simulated(config)
        case "logged":
            return _looked_over(load_logged(_path(config), config), config)
        case "games":
            return _looked_over(load_games(_path(config), config), config)


def _looked_over(dataset: Dataset, config: DataConfig) -> Dataset:
    """Return the dataset with warnings of what looks like a mistake."""
    parts = dataset.train, dataset.validation  # what is made of test rows is the evaluation's alone
    states, rewards = (np.concatenate(arrays) for arrays in zip(*((p.states, p.rewards) for p in parts), strict=True))
    found = (
        *scale.warnings(config.state_cols, states, REWARD, rewards),
        *conventions.constant_features(config.state_cols, states),
    )
    return replace(dataset, warnings=(*dataset.warnings, *found))


def _path(config: DataConfig) -> Path:
    if config.path is None:
        raise DataError(f"data.source = {config.source!r} needs data.path, the CSV file to read")
    return config.path


def _check(config: DataConfig) -> None:
    if not (math.isfinite(config.edge_size) and 0 <= config.edge_size <= LARGEST_EDGE_SIZE):
        raise DataError(f"data.edge_size = {config.edge_size}: use 0 to {LARGEST_EDGE_SIZE:g} points")
    if config.seed < 0:
        raise DataError(f"data.seed = {config.seed}: use 0 or more")
    if config.split is not None:
        _check_split(config.split)


def _check_split(split: Split) -> None:
    counts, shares = (split.validation_seasons, split.test_seasons), (split.validation_fraction, split.test_fraction)
    if any(count is not None and count < 0 for count in counts):
        raise DataError("data.split: validation_seasons and test_seasons are 0 or more")
    if any(share is not None and not 0 <= share < 1 for share in shares):
        raise DataError("data.split: validation_fraction and test_fraction are shares, from 0 to below 1")
    if split.train_until is not None and (split.validate_until or split.train_until) < split.train_until:
        raise DataError("data.split: validate_until is before train_until")
