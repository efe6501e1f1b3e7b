"""A CSV file as columns of text with line numbers, and its cells as numbers: every complaint names column and row."""

import csv
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader, TextIOWrapper
from pathlib import Path

import numpy as np
from msgspec import Struct

from trainer import allowance
from trainer.data.types import DataError, Double, Int
from trainer.files import Beginning, open_regular
from trainer.names import suggestion

MISSING = frozenset({"", "NA", "N/A", "NULL", "null", "None"})
"""Cells that say nothing. NaN is not among them: a computed NaN is a fault to look into."""
LARGEST = float(np.finfo(np.float32).max)
SHOWN_CHARACTERS = 40
CELL_BYTES, ROW_BYTES = 80, 150
"""What a wanted cell and a row take at least while the file is read: texts, and the lists that hold them."""
LINE_CHARACTERS = 1 << 20
"""Of a line; what is longer is not read to its end."""
EMPTY_LINES = 100_000
"""In all: they hold nothing, and take time."""


class Table(Struct, frozen=True, eq=False):
    """Chosen columns of a CSV file, N rows."""

    path: Path
    rows: Int
    """[N], line number of each row in the file; of its last line where a quoted cell has several."""
    columns: dict[str, tuple[str, ...]]
    """Stripped text by column, each of length N."""

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    def take(self, chosen: Int) -> "Table":
        """Return the chosen rows, in the order of `chosen` [M]."""
        places = chosen.tolist()
        columns = {name: tuple(cells[place] for place in places) for name, cells in self.columns.items()}
        return Table(self.path, self.rows[chosen], columns)

    def error(self, problem: str, column: str, index: int | None = None) -> DataError:
        """Return an error at a column, and at the row with this index where one is to blame."""
        return DataError(problem, path=self.path, column=column, row=None if index is None else int(self.rows[index]))

    def numbers(self, column: str, fix: str = "put a number there, or leave the cell empty") -> Double:
        """Return [N], NaN where the cell is empty. `fix`: what to do about a cell that is no number.

        Raises:
            DataError: a cell is no number, or none that float32 can hold (NaN and infinity included).
        """
        return np.array([self._number(column, index, cell, fix) for index, cell in enumerate(self.columns[column])])

    def integers(self, column: str) -> Int:
        """Return [N]; `2021.0` is read as 2021.

        Raises:
            DataError: a cell is empty or no whole number.
        """
        values = self.numbers(column, "put a whole number there")
        for index in np.flatnonzero(~(np.floor(values) == values) | (np.abs(values) > 2**31)).tolist():
            raise self.error(f"{self.cell(column, index)} is not a whole number: put one there", column, index)
        return values.astype(np.int64)

    def texts(self, column: str) -> tuple[str, ...]:
        """Return the column's text, N cells.

        Raises:
            DataError: a cell is empty.
        """
        for index, cell in enumerate(self.columns[column]):
            if cell in MISSING:
                raise self.error("the cell is empty: fill it in", column, index)
        return self.columns[column]

    def cell(self, column: str, index: int) -> str:
        """Return a cell for a message: quoted, escaped and not too long."""
        cell = self.columns[column][index]
        return repr(cell if len(cell) <= SHOWN_CHARACTERS else cell[:SHOWN_CHARACTERS] + "…")

    def _number(self, column: str, index: int, cell: str, fix: str) -> float:
        if cell in MISSING:
            return math.nan
        try:
            value = float(cell.replace("_", "?"))  # Python would read 1_000 as a number
        except ValueError:
            raise self.error(f"{self.cell(column, index)} is not a number: {fix}", column, index) from None
        if not abs(value) <= LARGEST:  # false for NaN, too
            fix = "put a finite number there, or leave the cell empty"
            raise self.error(f"{self.cell(column, index)} cannot be computed with: {fix}", column, index)
        return value


def read_table(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """Return the needed columns of a CSV file with a header (UTF-8, commas), and those optional ones that it has.

    Raises:
        DataError: the file cannot be read, is empty or no CSV, lacks a needed column, has a row of another length, or
            more rows than there is memory for.
    """
    try:
        memory = allowance.memory().amount
        with _opened(path, memory) as file:
            return _parse(path, file, needed, optional, memory)
    except FileNotFoundError:
        raise DataError("there is no such file: correct its path (data.path in a campaign file)", path=path) from None
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", path=path) from None
    except UnicodeDecodeError as error:
        column, row = _first_unreadable(path)
        problem = f"the file is not UTF-8 text ({error.reason}): save it as a UTF-8 CSV"
        raise DataError(problem, path=path, column=column, row=row) from None


@contextmanager
def _opened(path: Path, memory: int, errors: str = "strict") -> Iterator[TextIOWrapper]:
    """Open a file that may be a CSV, as far as it goes now. Raises OSError, and DataError if it is something else."""
    with open_regular(path, memory) as content:
        size = os.fstat(content.fileno()).st_size
        if not size:
            # Those of /proc, some of which are waited for or never end, have none either.
            raise DataError("the file is empty, or a system file: give a CSV on a disk", path=path)
        beginning = BufferedReader(Beginning(content, size))
        _check_kind(path, beginning.peek(4)[:4])
        with TextIOWrapper(beginning, encoding="utf-8-sig", errors=errors, newline="") as file:
            yield file


def _first_unreadable(path: Path) -> tuple[str | None, int | None]:
    """Return column and row of the first cell that is not UTF-8, as far as they can be told."""
    with suppress(OSError, DataError, csv.Error), _opened(path, sys.maxsize, "surrogateescape") as file:
        reader = csv.reader(_lines(path, file))
        header: list[str] = []
        for cells in reader:
            header = header or cells
            for place, cell in enumerate(cells):
                if not _is_text(cell):
                    named = place < len(header) and len(header[place]) <= SHOWN_CHARACTERS and _is_text(header[place])
                    return header[place].strip() if named else None, reader.line_num
    return None, None


def _is_text(cell: str) -> bool:
    """Return whether a cell that was read with `surrogateescape` is UTF-8."""
    return cell.isascii() or not any("\udc80" <= char <= "\udcff" for char in cell)


_KINDS = {
    b"PAR1": "a Parquet file: save it as CSV",
    b"\x1f\x8b": "compressed by gzip: unpack it",
    b"PK\x03\x04": "a spreadsheet or zip archive: save it as CSV",
    b"\xff\xfe": "UTF-16 text: save it as a UTF-8 CSV",
    b"\xfe\xff": "UTF-16 text: save it as a UTF-8 CSV",
}
"""How files begin that are often given in place of a CSV, and what to do."""


def _check_kind(path: Path, beginning: bytes) -> None:
    for magic, said in _KINDS.items():
        if beginning.startswith(magic):
            raise DataError(f"the file is {said}", path=path)


def _lines(path: Path, file: TextIOWrapper) -> Iterator[str]:
    """Yield the file's lines. Raises DataError at one that is too long, of which no more is read."""
    number = 0
    while line := file.readline(LINE_CHARACTERS):
        number += 1
        if len(line) == LINE_CHARACTERS and not line.endswith(("\n", "\r")):
            problem = f"the line has {LINE_CHARACTERS:,} characters or more: is it a CSV with a line for each row?"
            raise DataError(problem, path=path, row=number)
        yield line


def _parse(path: Path, file: TextIOWrapper, needed: Sequence[str], optional: Sequence[str], memory: int) -> Table:
    """Return the wanted columns of an open file. `memory`: bytes that this process may use."""
    reader = csv.reader(_lines(path, file), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        wanted = _places(path, header, needed, optional)
        lines: list[int] = []
        kept: list[list[str]] = []
        characters = empty = 0
        row_bytes = ROW_BYTES + CELL_BYTES * len(wanted)
        for cells in reader:
            if not cells:
                empty += 1
                if empty > EMPTY_LINES:
                    problem = f"it is the {empty:,}th empty line: remove them"
                    raise DataError(problem, path=path, row=reader.line_num)
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"{len(cells)} cells, but the header names {len(header)} columns: correct the row",
                    path=path,
                    row=reader.line_num,
                )
            if len(lines) * row_bytes + characters > memory:
                raise DataError(
                    f"from here on its rows take more than the {memory / 2**30:.1f} GiB of memory that this process "
                    "may use: give fewer rows",
                    path=path,
                    row=reader.line_num,
                )
            lines.append(reader.line_num)
            kept.append([cells[place].strip() for place in wanted.values()])
            characters += sum(map(len, kept[-1]))
    except csv.Error as error:
        raise DataError(f"the row is not valid CSV ({error}): correct it", path=path, row=reader.line_num) from None
    if not lines:
        raise DataError("the file has a header but no rows: give at least one game a row", path=path)
    columns = dict(zip(wanted, zip(*kept, strict=True), strict=True))
    return Table(path, np.array(lines, dtype=np.int64), columns)


def _places(path: Path, header: list[str], needed: Iterable[str], optional: Iterable[str]) -> dict[str, int]:
    """Position of each wanted column in the header."""
    if not any(header):
        raise DataError("the file is empty: it needs a header and rows", path=path)
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and separator in header[0]:
            raise DataError(
                f"its columns are separated by {name}: save it with commas, and points in numbers", path=path, row=1
            )
    for name in needed:
        if name not in header:
            raise DataError(f"the file has no such column{suggestion(name, header)}", path=path, column=name)
    places: dict[str, int] = {}
    for name in (*needed, *optional):
        if header.count(name) > 1:
            raise DataError("the header names this column more than once", path=path, column=name, row=1)
        if name in header:
            places[name] = header.index(name)
    return places
