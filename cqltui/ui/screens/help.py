"""The keys that act where one is, on one page, and what the signs mean."""

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from cqltui.ui.active import ActiveKey
from cqltui.ui.bindings import shown_key
from cqltui.ui.line import left, wrapped
from cqltui.ui.screens.once import Once

WIDTH = 80
"""Cells from which on there are two columns."""
WIDEST = 110
"""Cells that the page takes at most; as in app.tcss."""
FRAME, BETWEEN = 5, 2
"""Cells of the frame and the scrollbar; between two columns."""
KEY_CELLS, ROOMY_CELLS, ROOMY = 10, 14, 48
"""Cells of an action's keys, and in columns from a width on."""
Row = tuple[tuple[str, ...], str]
"""Keys, and what they do."""


class Section(Struct, frozen=True):
    """Some keys with what they do."""

    title: str
    rows: tuple[Row, ...]


STATES = Section("States and signs", (
    (("R Q",), "running, queued"),
    (("S",), "runs, silent for long: stalled"),
    (("W P",), "waits to retry, paused"),
    (("D X C",), "done, dead, cancelled"),
    (("-",), "withdrawn from the file"),
    (("+ …",), "marked, command under way"),
    (("~",), "an estimate"),
))  # fmt: skip


def sections(keys: Sequence[ActiveKey]) -> tuple[Section, ...]:
    """Return the keys by who has them, in their order: the focused panel's first, under its name."""
    return tuple(
        Section(title, tuple((tuple(map(shown_key, key.keys)), key.tooltip) for key in group))
        for title, group in groupby(keys, key=_title)
    )


def _title(key: ActiveKey) -> str:
    if key.level == "app":
        return "Everywhere"
    if key.level == "screen":
        return "This screen"
    return "Moving" if key.id.startswith("list.") else name_of(key.node)


def name_of(node: DOMNode) -> str:
    """Return a panel's name."""
    return (node.id or "Panel").replace("-", " ").capitalize()


def _label(keys: Sequence[str], cells: int) -> str:
    """Return the keys that have room."""
    label = ""
    for one in keys:
        if label and len(label) + 1 + len(one) >= cells:
            break
        label += f" {one}" if label else one
    return label


def help_lines(found: Sequence[Section], cells: int) -> list[list[tuple[str, str]]]:
    """Return lines of (text, style) in one or two columns of altogether `cells`."""
    two = cells >= WIDTH - FRAME
    column = (cells - BETWEEN) // 2 if two else cells
    key_cells = ROOMY_CELLS if column >= ROOMY else KEY_CELLS
    lines = [line for section in [*found, STATES] for line in _section_lines(section, column, key_cells)]
    if not two:
        return lines
    half = _half(lines)
    first, second = lines[:half], [*lines[half:]]
    while second and not second[0]:
        second.pop(0)
    empty: list[tuple[str, str]] = []
    second += [empty] * (len(first) - len(second))
    first += [empty] * (len(second) - len(first))
    return [[*_padded(a, column + BETWEEN), *b] for a, b in zip(first, second, strict=True)]


def _section_lines(section: Section, cells: int, key_cells: int) -> list[list[tuple[str, str]]]:
    lines = [[(section.title, "bold")]]
    for keys, text in section.rows:
        first, *more = wrapped(text, max(cells - key_cells, 8))
        lines.append([(left(_label(keys, key_cells), key_cells), "$accent"), (first, "")])
        lines += [[(" " * key_cells + part, "")] for part in more]
    return [*lines, []]


def _half(lines: Sequence[list[tuple[str, str]]]) -> int:
    """Return where the second column begins: at the heading next to the middle, if there is one near, else at the key
    that is there."""
    middle = (len(lines) + 1) // 2
    headings = [i for i, line in enumerate(lines) if line and line[0][1] == "bold"]
    near = min(headings, key=lambda i: abs(i - middle), default=middle)
    if abs(near - middle) <= len(lines) // 8:
        return near
    return max((i for i in range(middle + 1) if not _goes_on(lines[i])), default=middle)


def _goes_on(line: list[tuple[str, str]]) -> bool:
    """Return whether a line is the rest of what a key does."""
    return len(line) == 1 and not line[0][1]


def _padded(line: list[tuple[str, str]], cells: int) -> list[tuple[str, str]]:
    used = sum(len(text) for text, _ in line)
    return [*line, (" " * max(cells - used, 0), "")]


class HelpScreen(Once[None], ModalScreen[None]):
    """Closed by any of the keys that opened it or lead out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,question_mark,enter", "close", "Close", show=False,
            id="help.close", tooltip="Close the help",
        ),
        Binding("j", "scroll(1)", "Down", show=False, id="help.down", tooltip="Scroll down"),
        Binding("k", "scroll(-1)", "Up", show=False, id="help.up", tooltip="Scroll up"),
    ]  # fmt: skip

    def __init__(self, keys: Sequence[ActiveKey]) -> None:
        super().__init__()
        self._found = sections(keys)

    def compose(self) -> ComposeResult:
        """Yield the keys, which scroll where they do not fit."""
        with VerticalScroll(id="help"):
            yield Static(id="keys", markup=False)

    def on_resize(self, event: Resize) -> None:
        """Show one column on a narrow terminal."""
        lines = help_lines(self._found, min(self.size.width, WIDEST) - FRAME)
        parts: list[str | tuple[str, str]] = []
        for line in lines:
            parts += [*line, "\n"]
        self.query_one("#keys", Static).update(Content.assemble(*parts[:-1]))

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scroll."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False, force=True, immediate=True)
