"""A line of text as a value: spans of (text, role). The style sheet colours roles, so no text is ever markup."""

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size

Span = tuple[str, str]
Line = tuple[Span, ...]

ROLES = (
    "text", "dim", "faint", "strong", "accent", "title",
    "running", "queued", "done", "dead", "paused", "delayed", "cancelled", "withdrawn", "warning",
    "key", "match", "found",
    "curve1", "curve2", "curve3", "curve4", "curve5", "curve6", "curve7", "curve8",
)  # fmt: skip
"""Every role has a component class `role--<name>` in app.tcss."""
GAP = 2
"""Cells that stay free between the two ends of a line."""


def cells_of(text: str) -> int:
    """Return the cells that the text takes. Most texts are plain ASCII: these are not looked for among the thousands
    that `cell_len` remembers."""
    return len(text) if text.isascii() and text.isprintable() else cell_len(text)


def width(line: Line) -> int:
    """Cells that the line takes."""
    return sum([cells_of(text) for text, _ in line])


def clip(text: str, cells: int) -> str:
    """Return the text in at most `cells` cells; what is left out leaves an ellipsis."""
    if cells_of(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + "…" if cells > 1 else set_cell_size(text, max(cells, 0))


def left(text: str, cells: int) -> str:
    """Return the text in exactly `cells` cells, aligned left."""
    if (free := cells - cells_of(text)) >= 0:
        return text + " " * free
    return set_cell_size(clip(text, cells), max(cells, 0))


def right(text: str, cells: int) -> str:
    """Return the text in exactly `cells` cells, aligned right."""
    if (free := cells - cells_of(text)) >= 0:
        return " " * free + text
    clipped = clip(text, cells)
    return " " * (cells - cells_of(clipped)) + clipped


def spread(start: Line, end: Line, cells: int) -> Line:
    """Return `start` at the left and `end` at the right of a line; `start` gives way."""
    room = cells - width(end) - GAP
    kept: list[Span] = []
    for text, role in start:
        clipped = clip(text, room)
        if not clipped:
            break
        kept.append((clipped, role))
        room -= cells_of(clipped)
    return (*kept, (" " * max(1, room + GAP), "text"), *end)


def joined(parts: Iterable[Line], separator: Span = ("   ", "text")) -> Line:
    """Return the parts that are not empty, with the separator between them."""
    spans: list[Span] = []
    for part in parts:
        if part:
            spans += [separator, *part] if spans else part
    return tuple(spans)


def wrapped(text: str, cells: int) -> list[str]:
    """Return the text in lines of at most `cells` cells, broken at spaces; a longer word is cut into pieces."""
    lines: list[str] = []
    current = ""
    for word in text.split():
        while cell_len(word) > cells:
            if current:
                lines.append(current)
                current = ""
            head = set_cell_size(word, cells).rstrip()
            lines.append(head)
            word = word[len(head) :] if head else ""
        joint = f"{current} {word}" if current else word
        if cell_len(joint) > cells:
            lines.append(current)
            current = word
        else:
            current = joint
    return [*lines, current] if current or not lines else lines
