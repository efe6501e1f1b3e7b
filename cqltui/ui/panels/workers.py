"""The workers, and what the supervisor has to say."""

from textual.message import Message

from cqltui.state.live import live_workers
from cqltui.state.model import Notice, WorkerState
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, clip, left, right, wrapped
from cqltui.ui.panels.panel import Panel

LEVELS = {"error": "dead", "warning": "warning"}
MEBIBYTE = 1024 * 1024


class WorkersPanel(Panel):
    """One line a worker, with a cursor; below them the notices, newest first."""

    class Moved(Message):
        """Another worker is selected."""

    def __init__(self, id: str, title: str) -> None:
        super().__init__(id, title)
        self._ids: tuple[str, ...] = ()
        self._cursor = 0

    @property
    def worker_id(self) -> str:
        """The selected worker; empty if there is none."""
        return self._ids[min(self._cursor, len(self._ids) - 1)] if self._ids else ""

    def show(self, frame: Frame) -> None:
        """Draw what differs. Workers that stopped are left out, those that fell silent are not."""
        cells = max(self.cells, 20)
        state = frame.state
        workers = [w for _, w in sorted(state.workers.items()) if not w.stopped]
        self._ids = tuple(worker.id for worker in workers)
        live = {worker.id for worker in live_workers(state, frame.now)}
        lines = [self._row(w, w.id in live, frame, cells) for w in workers]
        if not lines:
            wanted = state.campaign.workers
            text = "No worker yet." if not wanted or state.finished_ts else f"Waiting for {wanted} workers to start."
            lines = [((text if not state.finished_ts else "All workers have left.", "dim"),)]
        for notice in reversed(state.notices):
            lines += self._notice(notice, frame.now, cells)
        self.set_lines(lines)

    def cursor_line(self) -> int | None:
        """The selected worker, while the panel has the keys."""
        return min(self._cursor, len(self._ids) - 1) if self.has_focus and self._ids else None

    def action_down(self) -> None:
        """The next worker; below the last one, scroll."""
        self._move(self._cursor + 1)

    def action_up(self) -> None:
        """The worker before."""
        self._move(self._cursor - 1)

    def _move(self, cursor: int) -> None:
        if 0 <= cursor < len(self._ids):
            self._cursor = cursor
            self.scroll_row(cursor)
            self.refresh()
            self.post_message(self.Moved())
        else:
            self.scroll_relative(y=1 if cursor > 0 else -1, animate=False)

    @staticmethod
    def _row(worker: WorkerState, live: bool, frame: Frame, cells: int) -> Line:
        name = 8 if cells < 50 else 16
        tasks = [frame.state.tasks[t].info.title or t if t in frame.state.tasks else t for t in worker.tasks]
        doing = plain(tasks[0]) + (f" +{len(tasks) - 1}" if len(tasks) > 1 else "") if tasks else "idle"
        memory = f"{worker.memory_bytes / MEBIBYTE:,.0f}M" if worker.memory_bytes else fmt.NONE
        silent = f"silent for {fmt.duration(frame.now - worker.ts)}"
        wide = cells >= 50
        return (
            ("● " if live else "○ ", "done" if live else "dead"),
            (left(plain(worker.id), name), "text"),
            (left(f" {plain(worker.device, 6)}", 6), "dim"),
            (right(f"{fmt.scaled(worker.samples_per_s)}/s", 9), "text"),
            (right(memory, 7) if wide else "", "dim"),
            ("  ", "text"),
            (clip(doing if live else silent, max(cells - name - (26 if wide else 19), 0)), "dim" if live else "dead"),
        )

    @staticmethod
    def _notice(notice: Notice, now: float, cells: int) -> list[Line]:
        role = LEVELS.get(notice.level, "dim")
        first, *more = wrapped(f"{fmt.clock(notice.ts, now)} {plain(notice.text, 400)}", cells)
        return [((first, role),), *(((f"  {text}", role),) for text in more)]

    def on_focus(self) -> None:
        """The log follows the panel that has the keys."""
        self.refresh()
        self.post_message(self.Moved())

    def on_blur(self) -> None:
        """The log follows the panel that has the keys."""
        self.refresh()
        self.post_message(self.Moved())
