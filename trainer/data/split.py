"""The split by time: train, then validation, then test. Nothing of a later part is known in an earlier one."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from trainer.config import Split
from trainer.data.types import DataError, Int, Transitions


class Parts(NamedTuple):
    """Rows in order of time; the last two may be empty."""

    train: Transitions
    validation: Transitions
    test: Transitions


def split_by_time(rows: Transitions, split: Split, path: Path | None = None) -> Parts:
    """Return the parts of rows that are in order of time.

    Raises:
        DataError: no row would be left to train on, or rows without seasons are to be split by seasons.
    """
    if split.validation_fraction is not None:
        return _by_fraction(rows, split.validation_fraction, split.test_fraction or 0.0, path)
    if rows.seasons is None:
        raise DataError("the file has no season: split it by shares of its rows, data.split = { validation_fraction"
                        " = 0.2, test_fraction = 0.2 }", path=path)  # fmt: skip
    return _by_season(rows, rows.seasons, split, path)


def spares_seasons(seasons: Int, split: Split) -> bool:
    """Return whether there is a season to train on beside those that are spared."""
    first, _ = _limits(seasons, split)
    return bool((seasons < first).any())


def _by_season(rows: Transitions, seasons: Int, split: Split, path: Path | None) -> Parts:
    first_validation, first_test = _limits(seasons, split)
    train = seasons < first_validation
    if not train.any():
        known = np.unique(seasons)
        if split.train_until is not None:
            problem = f"no season up to data.split.train_until = {split.train_until}; the first is {known[0]}"
        else:
            problem = (
                f"{len(known)} season(s), of which the last {split.validation_seasons} are for validation and "
                f"{split.test_seasons} for test: none is left to train on. Give more seasons, or spare fewer: "
                "data.split = { validation_seasons = N, test_seasons = N }"
            )
            if not split.test_seasons:
                problem = problem.replace(" and 0 for test", "")
        raise DataError(problem, path=path, column=None if path is None else "season")
    test = seasons >= first_test
    return Parts(*(rows.take(np.flatnonzero(part)) for part in (train, ~train & ~test, test)))


def _limits(seasons: Int, split: Split) -> tuple[int, int]:
    """Return the first season of validation and that of test, whether there are any rows of them or not."""
    if split.train_until is not None:
        until = split.train_until if split.validate_until is None else split.validate_until
        return split.train_until + 1, until + 1
    known = sorted(set(seasons.tolist()))  # `np.unique` would load `numpy.ma`
    beyond = known[-1] + 1 if known else 0
    test = split.test_seasons or 0
    spared = test + (split.validation_seasons or 0)
    if spared >= len(known):
        return known[0] if known else 0, beyond
    return [*known, beyond][len(known) - spared], [*known, beyond][len(known) - test]


def _by_fraction(rows: Transitions, validation: float, test: float, path: Path | None) -> Parts:
    """Return the first rows, and the last shares of them: rounded, at least one row of a share that is not 0."""
    counts = [max(1, round(len(rows) * share)) if share else 0 for share in (validation, test)]
    if sum(counts) >= len(rows):
        names = "training, validation and test" if test else "training and validation"
        raise DataError(f"{len(rows)} usable row(s) cannot be split into {names} rows", path=path)
    order, (held, last) = np.arange(len(rows)), counts
    ends = len(rows) - held - last, len(rows) - last
    return Parts(rows.take(order[: ends[0]]), rows.take(order[ends[0] : ends[1]]), rows.take(order[ends[1] :]))
