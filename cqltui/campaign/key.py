"""What a table of the campaign file is declared with."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from cqltui.fields import Reader


class Key(Struct, frozen=True):
    """A key of a table."""

    read: Reader
    help: str
    default: Any = None
    """What holds where the file does not say; None for nothing, or what `help` says; REQUIRED."""


Table = Mapping[str, Key]


def readers(table: Table) -> dict[str, Reader]:
    """Return what `read_table` reads a table with."""
    return {name: key.read for name, key in table.items()}
