"""Cells of a table, checked: what a ledger's files of bets and of games have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cqltui.errors import InputError
from trainer.data.table import MISSING, Table
from trainer.data.types import Bool, DataError, Double


@contextmanager
def readable(path: Path | None) -> Iterator[None]:
    """Turn the trainer's errors of data into ours."""
    if path is not None and not path.exists():
        raise InputError(f"{path}: there is no such file")
    try:
        yield
    except DataError as error:
        raise InputError(str(error)) from error


def check(table: Table, column: str, wrong: Bool, problem: str) -> None:
    """Raise DataError at the first row [N] that is wrong."""
    for index in np.flatnonzero(wrong).tolist():
        raise table.error(f"{table.cell(column, index)} {problem}", column, index)


def text(table: Table, column: str, index: int) -> str:
    """Return a cell's text; empty where there is none."""
    cell = table.columns[column][index] if column in table else ""
    return "" if cell in MISSING else cell


def whole(table: Table, column: str, index: int, least: int, most: int) -> int:
    """Return a cell as a whole number between two bounds. Raises DataError."""
    row = table.take(np.array([index]))
    value = int(row.integers(column)[0])
    if not least <= value <= most:
        raise table.error(f"{table.cell(column, index)} is not from {least} to {most}", column, index)
    return value


def optional(table: Table, column: str) -> Double:
    """Return a column's numbers [N], NaN where the cell is empty or the table has no such column. Raises DataError."""
    return table.numbers(column) if column in table else np.full(len(table), np.nan)
