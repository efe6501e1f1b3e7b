"""The hardware: what the machine does and did, devices and their memory, the speed of now, the workers."""

from msgspec.structs import replace

from cqltui.state import hardware, select
from cqltui.state.hardware import DeviceUse, Speed
from cqltui.state.live import live_workers
from cqltui.state.model import RunState, Wanted, WorkerState
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.gaugelines import chart_cells, gauge_lines, gauge_rows, window_s
from cqltui.ui.line import Line, Span, clip, left, right
from cqltui.ui.panels.panel import Panel
from cqltui.ui.spark import bar

MEBIBYTE, GIBIBYTE = 1024**2, 1024**3
ROOMY_ROWS = 5
"""From this height on, what all workers do together stands above them."""
ROOMY = 50
"""Cells from which on names are whole."""
LEAST_TITLE = 6
"""Cells below which what a worker does is left out."""

LEAST_WORKERS = 6
"""So many lines stay for workers, however much else there is to show."""


class HardwarePanel(Panel):
    """The speed and the devices, and one line a worker with a cursor."""

    def __init__(self, id: str, title: str) -> None:
        super().__init__(id, title)
        self._ids: tuple[str, ...] = ()
        self._cursor = 0
        self._head = 0
        """Lines above the first worker."""

    @property
    def worker_id(self) -> str:
        """The selected worker; empty if there is none."""
        return self._ids[min(self._cursor, len(self._ids) - 1)] if self._ids else ""

    def show(self, frame: Frame) -> None:
        """Draw what differs. Workers that stopped are left out, those that fell silent are not."""
        cells, height = max(self.cells, 20), self.size.height
        state = frame.state
        workers = [w for _, w in sorted(state.workers.items()) if not w.stopped]
        self._ids = tuple(worker.id for worker in workers)
        live = {worker.id for worker in live_workers(state, frame.as_of)}
        head: list[Line] = [((clip(f"as of {fmt.stamp(frame.as_of)}", cells), "warning"),)] if frame.stale else []
        if live and height >= ROOMY_ROWS:
            head += [
                speed_line(hardware.speed(state, frame.as_of), cells),
                *(device_line(use, cells) for use in hardware.device_use(state, frame.as_of)),
            ]
        room = height - len(head) - min(len(workers), LEAST_WORKERS) - 1
        if gauges := self._gauges(frame, cells, room):
            head += [*gauges, ()]
        self._head = len(head)
        lines = [*head, *(self._row(w, w.id in live, frame, cells) for w in workers)]
        if not lines:
            lines = [((nobody(state), "dim"),)]
        self.set_lines(lines)

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what the lines are made from, the measured among it."""
        return (*super().needs(frame), frame.samples)

    def _gauges(self, frame: Frame, cells: int, room: int) -> list[Line]:
        """Return what was measured, in so many lines at most."""
        state = frame.state
        ended = (state.campaign.started_ts, state.finished_ts) if state.finished_ts else None
        samples = frame.samples
        away = away_line(frame, cells)
        if away is not None:  # this machine's gauges would say nothing about the run
            samples = tuple(replace(sample, gauge=None) for sample in samples)
        rows = gauge_rows(samples, frame.now, cells, ended)
        minutes = window_s(samples, frame.now, chart_cells(cells), ended=ended is not None) / 60
        self.foot(f"last {minutes:.0f} min" if rows and room > 0 and chart_cells(cells) else "")
        lines = gauge_lines(rows, cells, room - (away is not None), words=self.plain)
        return [away, *lines] if away is not None and room > 0 else lines

    def cursor_line(self) -> int | None:
        """Return the selected worker, while the panel has the keys."""
        return self._head + min(self._cursor, len(self._ids) - 1) if self.has_focus and self._ids else None

    def action_down(self) -> None:
        """Move to the next worker; below the last one, scroll."""
        self._move(self._cursor + 1)

    def action_up(self) -> None:
        """Move to the worker before."""
        self._move(self._cursor - 1)

    def _move(self, cursor: int) -> None:
        if 0 <= cursor < len(self._ids):
            self._cursor = cursor
            self.scroll_row(self._head + cursor)
            self.refresh()
            self.post_message(self.Moved())
        else:
            self.scroll_relative(y=1 if cursor > 0 else -1, animate=False, force=True, immediate=True)

    @staticmethod
    def _row(worker: WorkerState, live: bool, frame: Frame, cells: int) -> Line:
        name = 8 if cells < ROOMY else 16
        tasks = [frame.state.tasks[t].info.title or t if t in frame.state.tasks else t for t in worker.tasks]
        doing = (f"{len(tasks)} tasks: " if len(tasks) > 1 else "") + plain(tasks[0]) if tasks else "idle"
        memory = f"{worker.memory_bytes / MEBIBYTE:,.0f}M" if worker.memory_bytes else fmt.NONE
        silent = f"silent for {fmt.duration(frame.as_of - worker.ts)}"
        wide = cells >= ROOMY
        room = cells - name - (26 if wide else 19)
        return (
            ("● " if live else "○ ", "done" if live else "dead"),
            (left(plain(worker.id), name), "text"),
            (left(f" {plain(worker.device, 6)}", 6), "dim"),
            (right(f"{fmt.scaled(worker.samples_per_s)}/s", 9), "text"),
            (right(memory, 7) if wide else "", "dim"),
            ("  ", "text"),
            (clip(doing if live else silent, room) if room >= LEAST_TITLE else "", "dim" if live else "dead"),
        )

    def on_focus(self) -> None:
        """Have the log follow the panel that has the keys."""
        self.refresh()
        self.post_message(self.Moved())

    def on_blur(self) -> None:
        """Have the log follow the panel that has the keys."""
        self.refresh()
        self.post_message(self.Moved())


def away_line(frame: Frame, cells: int) -> Line | None:
    """Return that all workers are on other machines, which cannot be measured from here; None where they are not."""
    sample = frame.samples[-1] if frame.samples else None
    live = live_workers(frame.state, frame.as_of)
    # What was measured before a worker was known tells nothing of where they are.
    if sample is None or sample.gauge is None or sample.gauge.workers or sample.held_bytes is None or not live:
        return None
    hosts = ", ".join(dict.fromkeys(plain(worker.host, 40) or worker.id for worker in live))
    return ((clip(f"The workers are on {hosts}: what that machine does is not seen from here.", cells), "warning"),)


def nobody(state: RunState) -> str:
    """Return why there is no worker."""
    ends = state.wanted in {Wanted.DRAINING, Wanted.STOPPED} or not select.left(state)
    if state.finished_ts or (state.workers and ends):
        return "All workers have left."
    wanted = state.campaign.workers
    return f"Waiting for {wanted} worker{'s' if wanted > 1 else ''} to start." if wanted else "No worker yet."


def speed_line(speed: Speed, cells: int) -> Line:
    """Return samples, epochs and FLOPs a second of all workers; what does not fit is left out."""
    parts = (
        (fmt.count(speed.samples_per_s), " samples/s  "),
        (f"{speed.flops_per_s / 1e9:,.1f}", " GFLOP/s  "),
        (f"{speed.epochs_per_s:.3g}", " epochs/s"),
    )
    spans: list[Span] = []
    room = cells
    for value, unit in parts:
        if len(value + unit.rstrip()) > room:
            break
        spans += [(value, "strong"), (unit, "dim")]
        room -= len(value + unit)
    return tuple(spans)


def device_line(use: DeviceUse, cells: int) -> Line:
    """Return a device's memory: what our workers hold of the whole, with a bar where that is known."""
    device = plain(use.device, 8) or fmt.NONE
    name = left(device, 7) if cells < ROOMY else f"workers on {device} "
    held = f"{use.memory_bytes / GIBIBYTE:.1f}"
    if not use.memory_total_bytes:
        return ((name, "text"), (f"{held} GiB held" if use.memory_bytes else "memory unknown", "dim"))
    figures = f" {held} of {use.memory_total_bytes / GIBIBYTE:.1f} GiB"
    filled, rest = bar(use.memory_bytes / use.memory_total_bytes, max(cells - len(name) - len(figures), 4))
    return ((name, "dim"), (filled, "accent"), (rest, "faint"), (figures, "dim"))
