"""Metrics over the epochs: of the task under the cursor, of the marked tasks, or of a group."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.events import Click, Leave, MouseEvent, MouseMove, MouseScrollDown, MouseScrollUp

from cqltui.errors import CqltuiError
from cqltui.results.curves import CurvesRead, CurveWish
from cqltui.state.model import Status, TaskState
from cqltui.state.plain import plain
from cqltui.state.varying import ID_CELLS
from cqltui.ui import format as fmt
from cqltui.ui.chart.content import Choice, Look, Rows, chart_of, choices, looked_at, wish
from cqltui.ui.chart.draw import Memo, Picture, draw
from cqltui.ui.chart.many import Small, draw_many, epoch_in, showing_at
from cqltui.ui.chart.model import FACTORS, Chart, Options
from cqltui.ui.chart.scale import Window, showing, within, zoomed
from cqltui.ui.chart.words import words
from cqltui.ui.frame import Frame
from cqltui.ui.messages import StateChanged
from cqltui.ui.panels.panel import Panel
from cqltui.ui.reading import Reading

ZOOM, WHEEL_ZOOM = 2.0, 1.3
FAR = 10
"""Cells of a large step."""
BACK, ON = "shift+left,pageup,ctrl+u", "shift+right,pagedown,ctrl+d"
ROWS = (Rows.BOTH, Rows.TRAINING, Rows.VALIDATION)


def _key(key: str, action: str, name: str, description: str, tooltip: str, display: str = "") -> Binding:
    """Return a key; `display`: in the last line, where it is shown."""
    return Binding(
        key, action, description, show=bool(display), key_display=display or None, id=f"curves.{name}", tooltip=tooltip
    )


class CurvesPanel(Panel, inherit_bindings=False):
    """A chart that can be read at an epoch and looked at closely. It does not scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("left_square_bracket", "metric(-1)", "metric_before", "Metric", "Show the metric before", "[ ]"),
        _key("right_square_bracket", "metric(1)", "metric_next", "Next metric", "Show the next metric"),
        _key("a", "all", "all", "All metrics", "Show all metrics, or one", "a"),
        _key("y", "log", "log", "Log", "Scale the values logarithmically or linearly", "y"),
        _key("s", "smooth", "smooth", "Smooth", "Smooth the curves: off, a little, more, most", "s"),
        _key("v", "rows", "rows", "Rows", "Show training and validation rows, or one of them", "v"),
        _key("g", "grid", "grid", "Grid", "Show a grid, or hide it", "g"),
        _key("left", "read(-1)", "read_before", "Read", "Read the values at the epoch before", "← →"),
        _key("right", "read(1)", "read_next", "Read on", "Read the values at the next epoch"),
        _key(BACK, f"read(-{FAR})", "read_far_before", "Read far back", "Read the values ten steps before"),
        _key(ON, f"read({FAR})", "read_far_next", "Read far on", "Read the values ten steps on"),
        _key("home", "read_end(-1)", "read_first", "First epoch", "Read the values at the first epoch"),
        _key("end,G", "read_end(1)", "read_last", "Last epoch", "Read the values at the last epoch"),
        _key("plus,equals_sign,up,k", "zoom(1)", "zoom_in", "Zoom", "Look at fewer epochs, around what is read", "+/-"),
        _key("minus,down,j", "zoom(-1)", "zoom_out", "Zoom out", "Look at more epochs"),
        _key("0", "reset", "reset", "All", "Show all epochs, and stop reading", "0"),
    ]

    def __init__(self, id: str, title: str, feed: Reading[CurveWish, CurvesRead] | None = None) -> None:
        """`feed` reads the tasks' metrics; without it their reports tell what they tell."""
        super().__init__(id, title)
        self._heading, self._feed = title, feed
        self._frame: Frame | None = None
        self._metric, self._rows = "", Rows.BOTH
        self._options = Options()
        self._hover: float | None = None
        """The epoch under the mouse."""
        self._wish: CurveWish | None = None
        self._read: CurvesRead | None = None
        self._look = Look()
        self._choice: Choice | None = None
        self._chart, self._picture, self._memo = Chart(), Picture(()), Memo()
        self._all = False
        """Whether all metrics are shown, each in a small chart."""
        self._charts: list[tuple[str, Chart]] = []
        self._drawn: list[Small] = []
        self._memos: list[Memo] = []

    # Drawing

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return what is looked at, how far it is, and the second while that moves."""
        look = looked_at(frame)
        said = "|".join(f"{task.id} {task.status} {task.life.token} {_rests_at(task)}" for task in look.tasks)
        return said, look.total, look.together, self._hover or 0.0, int(frame.now) if self._grows(look) else 0

    def _grows(self, look: Look) -> bool:
        unfinished = self._read is not None and self._read.unfinished
        return unfinished or any(task.status is Status.RUNNING for task in look.tasks)

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        self._frame = frame
        self._make()

    def _make(self) -> None:
        """Make the chart anew, and draw it."""
        if self._frame is None:
            return
        self._look = look = looked_at(self._frame)
        known = choices(look.tasks[0].algorithm) if look.tasks else []
        choice = next((each for each in known if each.metric.name == self._metric), known[0] if known else None)
        self._choice, self._charts = choice, []
        if choice is None:
            self._chart = Chart(notes=("No task is chosen.",))
        else:
            shown = known if self._all else [choice]
            self._follow(self._frame, look, shown)
            charts = [chart_of(look, each, self._rows, self._read) for each in shown]
            self._chart = charts[shown.index(choice)]
            if self._all:
                self._charts = [(each.metric.label, chart) for each, chart in zip(shown, charts, strict=True)]
        self._draw()

    def _follow(self, frame: Frame, look: Look, shown: Sequence[Choice]) -> None:
        """Have the metrics read, again and again while they grow."""
        wanted = wish(look, shown, self._rows, id(self))
        if wanted != self._wish:
            self._wish, self._read = wanted, None
        if self._feed is None or not wanted.subjects:
            self._read = CurvesRead()
            return
        stamp = frame if self._grows(look) else None
        self._feed.follow(wanted, stamp, frame.now, partial(self._found, wanted), self._failed)

    def _found(self, wanted: CurveWish, read: CurvesRead) -> None:
        if wanted == self._wish and self.is_attached:
            self._read = read
            self._make()

    def _failed(self, error: CqltuiError) -> None:
        """Go on with what the reports tell."""

    def _draw(self) -> None:
        """Draw the chart as it is wanted now."""
        if self.plain:
            self.head(" · ".join(self._title()))
            charts = self._charts or [("", self._chart)]
            said = [text for name, chart in charts for text in (name, *words(chart, self._epoch())) if text]
            self.set_lines([((plain(text, 400), "text"),) for text in said])
            return
        options = replace(self._options, epoch=self._epoch())
        if self._charts:
            self._draw_all(options)
        else:
            self._drawn = []
            self._picture = draw(self._chart, self.cells, self.size.height, options, self._memo)
            self.set_lines(self._picture.lines)
        self.head(" · ".join(self._title()))

    def _draw_all(self, options: Options) -> None:
        current = next(i for i, (_, chart) in enumerate(self._charts) if chart is self._chart)
        while len(self._memos) < len(self._charts):
            self._memos.append(Memo())
        lines, self._drawn = draw_many(self._charts, current, self.cells, self.size.height, options, self._memos)
        self._picture = next(small.picture for small in self._drawn if small.place == current)
        self.set_lines(lines)

    def _title(self) -> list[str]:
        look, choice, options, picture = self._look, self._choice, self._options, self._picture
        parts = [self._heading]
        if choice is None:
            return parts
        if look.total == 1:
            parts.append(plain(look.tasks[0].id)[:ID_CELLS])
        rows = look.rows(self._rows)
        both = rows is Rows.BOTH or choice.validation is None
        title = self._seen() if self._drawn else choice.title
        parts.append(title if both else f"{title}, {rows} rows")
        if picture.x is not None:
            if not self._drawn:  # of several each has its own
                parts.append("log scale" if picture.log else "linear" + ": not all above 0" * picture.refused)
            if options.factor:
                parts.append(f"smoothed {options.factor:g}")
            if options.window is not None:
                parts.append(f"epochs {fmt.count(picture.x.low)}-{fmt.count(picture.x.high)}")
        return parts

    def _seen(self) -> str:
        """Return which of all metrics are seen."""
        first, last, many = self._drawn[0].place + 1, self._drawn[-1].place + 1, len(self._charts)
        which = f"metric {first}" if first == last else f"metrics {first}-{last}"
        return "all metrics" if last - first + 1 == many else f"{which} of {many}"

    # Reading

    def _epoch(self) -> float | None:
        """Return the epoch that is read, one that has a value."""
        epoch, line = self._options.epoch if self._hover is None else self._hover, self._chart.longest
        if epoch is None or not len(line):
            return None
        found = line.at(min(max(epoch, line.epochs[0]), line.epochs[-1]))
        return found[0] if found is not None else None

    def _read_at(self, epoch: float) -> None:
        """Read there, and show it."""
        window, self._hover = self._options.window, None
        if window is not None and (whole := self._chart.whole) is not None:
            window = within(showing(window, epoch), whole)
        self._options = replace(self._options, epoch=epoch, window=window)
        self._draw()

    def action_read(self, steps: int) -> None:
        """Read the values some cells further; first at an end of what is seen."""
        line, x = self._chart.longest, self._picture.x
        if x is None or not len(line):
            return
        epoch = self._epoch()
        if epoch is None:
            self._read_at(x.high if steps < 0 else x.low)
        else:
            self._read_at(line.beside(epoch, steps * self._picture.step))

    def action_read_end(self, side: int) -> None:
        """Read the values at the first or the last epoch."""
        if (whole := self._chart.whole) is not None:
            self._read_at(whole.low if side < 0 else whole.high)

    # Options

    def action_metric(self, step: int) -> None:
        """Show another metric."""
        if self._choice is not None and self._look.tasks:
            names = [each.metric.name for each in choices(self._look.tasks[0].algorithm)]
            self._metric = names[(names.index(self._choice.metric.name) + step) % len(names)]
            self._options = replace(self._options, log=None)
            self._make()

    def action_all(self) -> None:
        """Show all metrics, or one."""
        self._all = not self._all
        self._make()

    def action_rows(self) -> None:
        """Show both kinds of rows, or one."""
        known = ROWS if self._look.total == 1 else ROWS[1:]
        self._rows = known[(known.index(self._look.rows(self._rows)) + 1) % len(known)]
        self._make()

    def action_log(self) -> None:
        """Scale the values in the other way."""
        wanted = self._chart.loss if self._options.log is None else self._options.log
        self._options = replace(self._options, log=not wanted)
        self._draw()

    def action_smooth(self) -> None:
        """Smooth more; after the most not at all."""
        self._options = replace(self._options, smoothing=(self._options.smoothing + 1) % len(FACTORS))
        self._draw()

    def action_grid(self) -> None:
        """Show a grid, or hide it."""
        self._options = replace(self._options, grid=not self._options.grid)
        self._draw()

    def action_zoom(self, by: int) -> None:
        """Look closer at what is read, else at the end; or from further away."""
        x = self._picture.x
        if x is not None:
            epoch = self._epoch()
            self._zoom(ZOOM**by, x.high if epoch is None else epoch)

    def _zoom(self, factor: float, around: float) -> None:
        x, whole = self._picture.x, self._chart.whole
        if x is not None and whole is not None:
            window = zoomed(Window(x.low, x.high), whole, factor, around)
            self._options = replace(self._options, window=window)
            self._draw()

    def action_reset(self) -> None:
        """Show all epochs, and read nothing."""
        self._hover = None
        self._options = replace(self._options, window=None, epoch=None)
        self._draw()

    # Mouse

    def on_mouse_move(self, event: MouseMove) -> None:
        """Read below the mouse, with the next draw: a mouse moves more often than is of use."""
        self._point_at(self._epoch_at(event))

    def _epoch_at(self, event: MouseEvent) -> float | None:
        """Return the epoch below the mouse."""
        if (place := event.get_content_offset(self)) is None:
            return None
        if not self._drawn:
            return self._picture.epoch(place.x)
        small = showing_at(self._drawn, *place)
        return epoch_in(small, place.x) if small is not None else None

    def on_leave(self, event: Leave) -> None:
        """Read where it was read before."""
        self._point_at(None)

    def _point_at(self, epoch: float | None) -> None:
        if epoch != self._hover:
            self._hover = epoch
            self.post_message(StateChanged())

    def on_click(self, event: Click) -> None:
        """Go on reading here; of several metrics, this one is the current."""
        at, place = self._epoch_at(event), event.get_content_offset(self)
        if place is not None and (small := showing_at(self._drawn, *place)) is not None and self._look.tasks:
            self._metric = choices(self._look.tasks[0].algorithm)[small.place].metric.name
            self._make()
        if at is not None:
            self._read_at(at)

    def hold_lines(self, count: int) -> None:
        """Have no scrollbar: what was drawn for more rows is drawn for fewer in a moment."""
        super().hold_lines(min(count, 1))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Look closer at what is below the mouse."""
        self._wheel(event, WHEEL_ZOOM)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Look from further away."""
        self._wheel(event, 1 / WHEEL_ZOOM)

    def _wheel(self, event: MouseScrollUp | MouseScrollDown, factor: float) -> None:
        event.stop()
        event.prevent_default()
        if (epoch := self._epoch_at(event)) is not None:
            self._zoom(factor, epoch)


def _rests_at(task: TaskState) -> int:
    """Return the epoch of a task that does not train."""
    return 0 if task.status is Status.RUNNING else task.epochs_done
