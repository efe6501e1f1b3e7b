"""The list of runs, with a cursor and marks that follow the run."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message

from cqltui.results.overview import RunOverview
from cqltui.ui.panels.view import LineView
from cqltui.ui.runs.rows import Row, columns, heading, line, total_line

HEADING = 1


class RunsView(LineView):
    """The runs of a folder."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="runs.open", tooltip="Open the run, running or ended"),
        Binding("space", "mark", "Mark", id="runs.mark", tooltip="Mark the run, to compare it or act on several"),
    ]

    class Opened(Message):
        """The run under the cursor is wanted."""

    def __init__(self, id: str, at: str = "") -> None:
        super().__init__(id, "Runs")
        self._runs: tuple[RunOverview, ...] = ()
        self._sizes: Mapping[str, int] = {}
        self._at = at
        """Path of the run under the cursor."""
        self._marked: set[str] = set()
        self._now = 0.0

    def show_runs(self, runs: Sequence[RunOverview], sizes: Mapping[str, int], now: float) -> None:
        """Draw what differs."""
        row = self._row()
        self._runs, self._sizes, self._now = tuple(runs), sizes, now
        paths = [run.path for run in self._runs]
        self._marked &= {*paths}
        if paths and self._at not in paths:
            self._at = paths[min(row, len(paths) - 1)]
        self._redraw()

    def chosen(self) -> tuple[RunOverview, ...]:
        """Return the marked runs, else the one under the cursor."""
        marked = tuple(run for run in self._runs if run.path in self._marked)
        return marked or tuple(run for run in self._runs if run.path == self._at)

    @property
    def at(self) -> RunOverview | None:
        """The run under the cursor."""
        return self._runs[self._row()] if self._runs else None

    def unmark(self) -> None:
        """Remove all marks."""
        self._marked.clear()
        self._redraw()

    def _row(self) -> int:
        return next((i for i, run in enumerate(self._runs) if run.path == self._at), 0)

    def _redraw(self) -> None:
        cells = max(self.cells, 20)
        rows = [Row(run, self._sizes.get(run.path), run.path in self._marked) for run in self._runs]
        shown = columns(rows, cells)
        lines = [heading(shown), *(line(row, shown, self._now) for row in rows)]
        if not rows:
            lines = [
                (("No runs in this folder.", "strong"),),
                (),
                (("cqltui init quick writes a campaign file, cqltui FILE.toml runs it.", "dim"),),
            ]
        self.set_lines(lines)
        self.border_subtitle = Content(total_line(rows) if rows else "")
        self.refresh()

    def cursor_line(self) -> int | None:
        """Return the line of the run under the cursor."""
        return HEADING + self._row() if self._runs else None

    def _go(self, row: int) -> None:
        if self._runs:
            row = min(max(row, 0), len(self._runs) - 1)
            self._at = self._runs[row].path
            self._redraw()
            self.scroll_row(0 if row == 0 else HEADING + row)

    def action_down(self) -> None:
        """Move to the next run."""
        self._go(self._row() + 1)

    def action_up(self) -> None:
        """Move to the run before."""
        self._go(self._row() - 1)

    def action_top(self) -> None:
        """Move to the first run."""
        self._go(0)

    def action_bottom(self) -> None:
        """Move to the last run."""
        self._go(len(self._runs) - 1)

    def action_page_down(self) -> None:
        """Move a page down."""
        self._go(self._row() + max(self.size.height - HEADING - 1, 1))

    def action_page_up(self) -> None:
        """Move a page up."""
        self._go(self._row() - max(self.size.height - HEADING - 1, 1))

    def action_open(self) -> None:
        """Ask for the run under the cursor."""
        if self._runs:
            self.post_message(self.Opened())

    def action_mark(self) -> None:
        """Mark the run, or unmark it; go on to the next."""
        if self._at:
            self._marked ^= {self._at}
            self._go(self._row() + 1)

    def on_click(self, event: Click) -> None:
        """Select; a second click opens."""
        row = event.get_content_offset_capture(self).y + self.scroll_offset.y - HEADING
        if 0 <= row < len(self._runs):
            again = self._runs[row].path == self._at
            self._go(row)
            if again and event.chain > 1:
                self.action_open()

    def on_resize(self) -> None:
        """Draw other columns."""
        super().on_resize()
        self._redraw()
