"""The split by time: what is held out lies after everything that is trained on."""

from pathlib import Path

import numpy as np

from trainer.data.types import DataError, Int, Transitions


def season_cut(seasons: Int, holdout_seasons: int) -> int | None:
    """First of the last `holdout_seasons` seasons, or None where no season would be left to train on."""
    known = np.unique(seasons)
    return int(known[-holdout_seasons]) if len(known) > holdout_seasons else None


def split_by_season(
    rows: Transitions, holdout_seasons: int, path: Path | None = None
) -> tuple[Transitions, Transitions]:
    """Training rows, and those of the last `holdout_seasons` seasons.

    Raises:
        DataError: there are not more seasons than are to be held out.
    """
    if rows.seasons is None:
        raise ValueError("rows without seasons cannot be split by season")
    first = season_cut(rows.seasons, holdout_seasons)
    if first is None:
        count = len(np.unique(rows.seasons))
        raise DataError(
            f"{count} season(s), of which the last {holdout_seasons} are for validation: none is left to train"
            " on. Give more seasons, or keep fewer for validation: data.split = { seasons = N }",
            path=path,
            column=None if path is None else "season",
        )
    later = rows.seasons >= first
    return rows.take(np.flatnonzero(~later)), rows.take(np.flatnonzero(later))


def split_by_fraction(
    rows: Transitions, holdout_fraction: float, path: Path | None = None
) -> tuple[Transitions, Transitions]:
    """Training rows, and the last `holdout_fraction` of the rows (rounded, at least one).

    Raises:
        DataError: no row would be left to train on.
    """
    held = max(1, round(len(rows) * holdout_fraction))
    if held >= len(rows):
        raise DataError(f"{len(rows)} usable row(s) cannot be split into training and validation rows", path=path)
    order = np.arange(len(rows))
    return rows.take(order[:-held]), rows.take(order[-held:])
