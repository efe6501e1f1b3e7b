"""All keys on one page."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from cqltui.ui.line import left
from cqltui.ui.screens.once import Once

KEYS = (
    ("Tasks", (
        ("p", "pause or resume the task"),
        ("r", "run an ended task again"),
        ("x", "cancel the task (asks)"),
        ("+ -", "raise or lower priority"),
        ("Enter", "details; Esc goes back"),
        ("space", "mark; keys act on all"),
    )),
    ("Run", (
        ("P", "pause or resume the run"),
        ("q", "leave; the run can go on"),
        ("o", "open the report"),
        ("Ctrl+P", "all commands by name"),
    )),
    ("Move", (
        ("j k ↓ ↑", "next, previous"),
        ("g G", "first, last"),
        ("Tab", "next panel, Shift+Tab back"),
        ("< >", "sort by another column"),
        ("/", "filter; Esc clears"),
        ("m", "mouse on or off"),
    )),
    ("States", (
        ("R Q", "running, queued"),
        ("W P", "waits to retry, paused"),
        ("D X C", "done, dead, cancelled"),
        ("-", "withdrawn from the file"),
        ("+ …", "marked, command under way"),
        ("~", "an estimate"),
    )),
)  # fmt: skip


WIDTH = 80
"""Cells of the two columns with their frame."""


class HelpScreen(Once[None], ModalScreen[None]):
    """Closed by any of the keys that opened it or lead out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,question_mark,enter", "close", "Close", show=False,
            id="help.close", tooltip="Close the help",
        )
    ]  # fmt: skip

    def compose(self) -> ComposeResult:
        """Yield two columns of keys."""
        with VerticalScroll(id="help"):
            yield Static("Keys", id="question", markup=False)
            yield Static(id="keys", markup=False)

    def on_resize(self, event: Resize) -> None:
        """One column on a narrow terminal."""
        self.query_one("#keys", Static).update(help_text(self.size.width >= WIDTH))

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)


def help_text(wide: bool = True) -> str:
    """Return the keys, two sections side by side or one below the other."""
    if not wide:
        return "\n\n".join("\n".join([title, *(left(key, 6) + text for key, text in keys)]) for title, keys in KEYS)
    blocks = [[title, *(f"  {left(key, 8)}{text}" for key, text in keys)] for title, keys in KEYS]
    rows: list[str] = []
    for first, second in zip(blocks[::2], blocks[1::2], strict=True):
        height = max(len(first), len(second))
        padded = [block + [""] * (height - len(block)) for block in (first, second)]
        rows += [f"{left(a, 36)}{b}".rstrip() for a, b in zip(*padded, strict=True)] + [""]
    return "\n".join(rows).rstrip()
