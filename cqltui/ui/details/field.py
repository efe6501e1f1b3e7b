"""How a line of the details looks: a label, and what there is to say."""

from cqltui.state.plain import plain
from cqltui.ui.line import Line, left, wrapped

LABEL = 16
LEAST = 10
"""Cells of a text that is wrapped beside a label, at least."""


def field(label: str, value: str, role: str = "text") -> Line:
    """Return a label and its value."""
    return ((left(label, LABEL), "dim"), (value, role))


def told(label: str, text: str, cells: int, role: str = "text", limit: int = 400) -> list[Line]:
    """Return a label and a foreign text beside it, wrapped."""
    first, *more = wrapped(plain(text, limit), max(LEAST, cells - LABEL))
    return [field(label, first, role), *(field("", part, role) for part in more)]


def section(title: str, lines: list[Line]) -> list[Line]:
    """Return the lines below a title, with a blank line before it; nothing of no lines."""
    return [(), ((title, "title"),), *lines] if lines else []


def paragraph(text: str, cells: int, role: str = "text", limit: int = 1_000) -> list[Line]:
    """Return a foreign text, wrapped, indented as it is."""
    indent = " " * min(len(text) - len(text.lstrip(" ")), 8)
    return [((indent + part, role),) for part in wrapped(plain(text.strip(), limit), max(LEAST, cells - len(indent)))]
