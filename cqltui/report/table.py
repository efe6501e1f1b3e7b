"""A table as the report knows it: typed values, and how they read in CSV, LaTeX, HTML and the terminal alike."""

import math
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

Cell = str | int | float | bool | None
"""A value as it was computed. None: there is none, or it cannot be known."""
Kind = Literal["text", "integer", "number", "percent", "flag"]
ABSENT = "\N{EN DASH}"
"""What people read where there is no value."""


class Column(Struct, frozen=True):
    """A column. Its values are of one kind."""

    name: str
    """In the CSV: a name as in code, with its unit: `roi_lower`, `seconds`."""
    label: str
    """For people: `ROI`, `validation TD`."""
    kind: Kind = "text"
    digits: int = 0
    """Decimal places of a number, or of a percentage."""
    signed: bool = False
    """Whether a plus is written."""
    help: str = ""
    """What it says, in a sentence, where the label does not."""
    counts: bool = False
    """Whether there are counts among its numbers, which are written without decimal places."""

    def text(self, value: Cell) -> str:
        """Return a value for people: shares as percentages without the sign, thousands apart."""
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return ABSENT
        if self.kind == "text":
            return str(value)
        if self.kind == "flag":
            return "yes" if value else "no"
        plus = "+" if self.signed else ""
        if self.kind == "integer":
            return f"{int(value):{plus},}"
        number = 100 * float(value) if self.kind == "percent" else float(value)
        digits = 0 if self.counts and number.is_integer() and number else self.digits
        shown = f"{number:{plus}z,.{digits}f}"  # no minus before what is rounded to zero
        return shown.replace("-", "\N{MINUS SIGN}")

    @property
    def heading(self) -> str:
        """The label with its unit."""
        return f"{self.label} %" if self.kind == "percent" else self.label


class Table(Struct, frozen=True):
    """Rows of values below named columns."""

    name: str
    """Of its files, without the suffix: `cql_alpha_sensitivity_table`."""
    title: str
    """A few words: a heading."""
    caption: str
    """What was computed, of what and how; never a conclusion."""
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences below it: what a column means, what was left out."""
    reason: str = ""
    """Why there are no rows, where there are none: a sentence that says what would bring them."""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.name}: a row has not as many values as there are columns")
        if bool(self.rows) == bool(self.reason):
            raise ValueError(f"{self.name}: a table has rows, or a reason why it has none")

    def column(self, name: str) -> list[Cell]:
        """Return the values of a column. Raises KeyError."""
        index = {column.name: place for place, column in enumerate(self.columns)}[name]
        return [row[index] for row in self.rows]


def absent(name: str, title: str, caption: str, columns: Sequence[Column], reason: str) -> Table:
    """Return a table that cannot be computed from this run, with the reason."""
    return Table(name, title, caption, tuple(columns), reason=reason)
