"""The private parts of Textual that the screen uses: these, and in no other file. Each says what has no public way.

`USED` names them. A test compares their source with what this was written for: where Textual changes one, it fails, and
the part is to be read again.
"""

from collections.abc import Mapping, Set
from operator import itemgetter
from threading import Thread
from typing import IO, Any, cast

from textual._compositor import ChopsUpdate, Compositor, ReflowResult
from textual._xterm_parser import XTermParser
from textual.app import App, ReturnType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Region, Size
from textual.map_geometry import MapGeometry
from textual.notifications import Notification
from textual.reactive import Reactive
from textual.screen import Screen, ScreenResultType
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets._toast import Toast, ToastRack

from cqltui.ui.regions import meets, runs, without

DRAW_S = 0.004
"""Between two drawings, where there is something to draw."""
USED: tuple[tuple[type, str], ...] = (
    (LinuxDriver, "__init__"),
    (LinuxDriver, "_get_terminal_size"),
    (LinuxDriver, "_sigtstp_application"),
    (LinuxDriver, "_sigcont_application"),
    (LinuxDriver, "_enable_mouse_support"),
    (LinuxDriver, "_disable_mouse_support"),
    (LinuxDriver, "disable_input"),
    (LinuxDriver, "start_application_mode"),
    (XTermParser, "parse"),
    (XTermParser, "feed"),
    (XTermParser, "tick"),
    (App, "_fatal_error"),
    (App, "_close_messages_no_wait"),
    (App, "_on_notify"),
    (App, "_unnotify"),
    (Toast, "_expire"),
    (ToastRack, "show"),
    (Screen, "_screen_resized"),
    (Screen, "_update_timer"),
    (Screen, "_on_timer_update"),
    (Screen, "_on_idle"),
    (Screen, "_compositor_refresh"),
    (Screen, "_refresh_layout"),
    (Compositor, "reflow"),
    (Compositor, "reflow_visible"),
    (Compositor, "_regions_to_spans"),
    (Compositor, "_render_chops"),
    (Compositor, "render_partial_update"),
    (ChopsUpdate, "render_segments"),
    (Widget, "_exchange_repaint_regions"),
    (Widget, "vertical_scrollbar"),
)
"""Owner and name of each method whose source counts. Of the attributes `_file`, `_key_thread`, `_must_signal_resume`
(the driver's, set in its `__init__`), `_auto_restart` (of `Driver`), `_driver`, `_exit_renderables` and `_batch_count`
(the app's), `_compositor` (the screen's), `_dirty_regions`, `_full_map` and `_full_map_invalidated` (the compositor's),
`_repaint_regions` and `_vertical_scrollbar` (the widget's) only that they are there."""


class Reader(XTermParser):
    """Makes events of what a terminal sends. The driver has no way to look at that on its way there."""


class OpenDriver(LinuxDriver):
    """The stock driver, whose private hooks have public names.

    Textual has no way to say where it draws, to ask for the terminal's size otherwise, to hear of SIGCONT before it
    acts, or to give the mouse back while it runs.
    """

    def terminal_size(self) -> tuple[int, int]:
        """Return columns and rows. To be overridden; the stock one believes the environment."""
        return super()._get_terminal_size()

    def continued(self) -> None:
        """Hear of SIGCONT. To be overridden."""
        super()._sigcont_application()

    def _get_terminal_size(self) -> tuple[int, int]:
        return self.terminal_size()

    def _sigcont_application(self, *_: object) -> None:
        self.continued()

    @property
    def known_size(self) -> tuple[int, int] | None:
        """Columns and rows that the app is told of before the first event does."""
        return self._size

    @known_size.setter
    def known_size(self, size: tuple[int, int]) -> None:
        self._size = size

    @property
    def output(self) -> IO[str]:
        """What is drawn on."""
        assert self._file is not None, "standard error is a terminal"
        return self._file

    @output.setter
    def output(self, file: IO[str]) -> None:
        self._file = cast(Any, file)

    @property
    def restarts(self) -> bool:
        """Whether a signal that stops and continues takes the screen down and brings it back."""
        return self._auto_restart

    @property
    def resumes(self) -> bool:
        """Whether the screen was taken down, and is to be told once it is back."""
        return self._must_signal_resume

    @resumes.setter
    def resumes(self, value: bool) -> None:
        self._must_signal_resume = value

    @property
    def key_thread(self) -> Thread | None:
        """The thread that reads."""
        return self._key_thread

    def take_mouse(self, take: bool) -> None:
        """Have the terminal report the mouse, or not."""
        if take:
            self._enable_mouse_support()
        else:
            self._disable_mouse_support()


def driver_of(app: App[Any]) -> Driver | None:
    """Return the app's driver; Textual hands it to nobody."""
    return app._driver


def take_away(app: App[Any], notification: Notification) -> None:
    """Forget a notification and its toast, as a click on that does. There is only a way to forget all of them."""
    app._unnotify(notification, refresh=False)
    for screen in app.screen_stack:
        screen.query(f"#{ToastRack._toast_id(notification)}").remove()


class QuietErrors(App[ReturnType]):
    """Tells an unhandled error without the values of variables: a password may be among them. There is no setting.

    The first one alone: what fails after it, in the widgets that are still there, mostly fails for the same reason, and
    Textual names a command of its own that shows the others.
    """

    def _fatal_error(self) -> None:
        if self._exit_renderables:
            return
        self.bell()
        # Loaded here: it takes a twentieth of a start.
        import rich
        from rich.segment import Segments
        from rich.traceback import Traceback

        traceback = Traceback(width=None, suppress=[rich])
        self._exit_renderables.append(Segments(self.console.render(traceback, self.console.options)))
        self._close_messages_no_wait()


class LeanCompositor(Compositor):
    """Draws what differs, and has a widget render only those of its lines that are seen in it.

    The stock one has each widget render all of its lines that touches the rectangle around everything that changes:
    with a clock at the top and a row at the bottom the whole screen, at each key, and what is covered too. After a
    layout it draws all that lies in a container of another size, and later those widgets again that have another size:
    they have asked for it before they were drawn.
    """

    def __init__(self) -> None:
        super().__init__()
        self._laid: Mapping[Widget, MapGeometry] | None = None
        """Where all was after the last layout; None: it has been scrolled since."""
        self._sized: set[Widget] = set()
        """Those that a layout has given another size, and that had asked for nothing before."""

    def clear(self) -> None:
        """Let go of the widgets."""
        super().clear()
        self._laid = None
        self._sized.clear()

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """Lay out anew; what differs by it is to be drawn."""
        laid, dirty, same_size = self._laid, self._dirty_regions.copy(), size == self.size
        found = super().reflow(parent, size)
        self._full_map_invalidated = False  # it is of now; Textual makes it once more for whoever asks next
        self._laid = self._full_map
        self._sized = {widget for widget in found.resized | found.shown if not widget._repaint_regions}
        if laid is not None and same_size and _in_order(laid, self._laid):
            self._dirty_regions = dirty | _differing(laid, self._laid)
        return found

    def laid_out(self) -> None:
        """Hear that a layout has come to its end: what is asked for from now on is asked for something else."""
        self._sized.clear()

    def reflow_visible(self, parent: Widget, size: Size) -> set[Widget]:
        """Lay out what is seen after a container has been scrolled."""
        self._laid = None
        return super().reflow_visible(parent, size)

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return what has changed: from front to back, until nothing of it is bare."""
        screen = self.size.region
        drawn = {region for dirty in self._dirty_regions if (region := dirty.intersection(screen))}
        self._dirty_regions.clear()
        spans = list(self._regions_to_spans(drawn))
        if not spans:
            return None
        bare: dict[int, list[tuple[int, int]]] = {}
        for y, start, end in spans:
            bare.setdefault(y, []).append((start, end))
        lines: list[list[tuple[int, int, Strip]]] = [[] for _ in range(screen.height)]
        for widget, (region, clip) in self.visible_widgets.items():
            if not bare:
                break
            seen = region.intersection(clip)
            rows = [y for y in seen.line_range if y in bare and meets(bare[y], seen.x, seen.right)]
            for first, count in runs(rows):
                part = Region(0, first - region.y, region.width, count)
                for y, strip in enumerate(widget.render_lines(part), first):
                    left: list[tuple[int, int]] = []
                    for start, end in bare.pop(y):
                        low, high = max(start, seen.x), min(end, seen.right)
                        if low < high:
                            lines[y].append((low, high, strip.crop(low - region.x, high - region.x)))
                            left += [span for span in ((start, low), (high, end)) if span[0] < span[1]]
                        else:
                            left.append((start, end))
                    if left:
                        bare[y] = left
        for widget, (region, clip) in self.visible_widgets.items():
            if widget in self._sized:
                widget._repaint_regions.clear()
            elif widget._repaint_regions:
                _forget_drawn(widget, region, clip, drawn)
        for line in lines:
            line.sort(key=itemgetter(0))
        ends = [[end for _, end, _ in line] for line in lines]
        return ChopsUpdate([{start: strip for start, _, strip in line} for line in lines], spans, ends)


def _in_order(old: Mapping[Widget, MapGeometry], new: Mapping[Widget, MapGeometry]) -> bool:
    """Return whether no widget has come before another one that is still there."""
    both = [widget for widget in old if widget in new]
    return sorted(both, key=lambda one: old[one].order) == sorted(both, key=lambda one: new[one].order)


def _differing(old: Mapping[Widget, MapGeometry], new: Mapping[Widget, MapGeometry]) -> set[Region]:
    """Return where widgets were or are that have come, gone or moved, but for what those cover that stay."""
    seen = [{widget: one.region.intersection(one.clip) for widget, one in there.items()} for there in (old, new)]
    still = [
        widget
        for widget in old.keys() & new.keys()
        if old[widget].region == new[widget].region and seen[0][widget] == seen[1][widget]
    ]
    found: set[Region] = set()
    for there, shown in zip((old, new), seen, strict=True):
        for widget in there.keys() - set(still):
            parts = [shown[widget]]
            for other in still:
                if there[other].order > there[widget].order:
                    parts = [piece for part in parts for piece in without(part, shown[other])]
            found.update(filter(None, parts))
    return found


def _forget_drawn(widget: Widget, region: Region, clip: Region, drawn: Set[Region]) -> None:
    """Forget what the widget has asked for, as far as that was drawn by now."""
    asked = {wanted: clip.intersection(wanted.translate(region.offset)) for wanted in widget._repaint_regions}
    done = [wanted for wanted, seen in asked.items() if any(part.contains_region(seen) for part in drawn)]
    widget._repaint_regions.difference_update(done)


class OwnBarView(ScrollView):
    """A scrolling view whose bar is of a class of ours: Textual makes it itself."""

    def own_bar(self) -> ScrollBar:
        """Return a new vertical bar. To be overridden."""
        raise NotImplementedError

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The vertical bar, which is made when it is first asked for."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = bar = self.own_bar()
            bar.display = False
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar


class SteadyScreen(Screen[ScreenResultType]):
    """A screen that takes the terminal's own size alone, draws soon, and renders nothing that is not drawn.

    A terminal that changes its size while the program starts sets off two chains of resize events: each layout posts
    the next event of its own size, and the screen would take both sizes in turn for ever.

    During `App.batch_update` Textual renders all the same, and throws it away. Here what is to be drawn is kept: who
    ends the batch refreshes the screen.

    What a key leads to is drawn within two `DRAW_S`. Textual draws at most 60 times a second, by a timer that leaves
    out a turn which a drawing has used up: a key that follows one waits up to 33 ms.

    Where the keys go to another widget, the two draw themselves anew, as they look otherwise then. Textual draws all of
    the screen.
    """

    focused = Reactive[Widget | None](None, repaint=False)

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name, id, classes)
        self._compositor = self._lean = LeanCompositor()
        self._drawing: Timer | None = None

    @property
    def _update_timer(self) -> Timer:
        if self._drawing is None:
            self._drawing = self.set_interval(DRAW_S, self._on_timer_update, name="screen_update", pause=True)
        return self._drawing

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        super()._refresh_layout(size, scroll)
        self._lean.laid_out()

    def _screen_resized(self, size: Size) -> None:
        if size == self.app.size:
            super()._screen_resized(size)

    def _compositor_refresh(self) -> None:
        if not self.app._batch_count:
            super()._compositor_refresh()
