"""The private parts of Textual that the screen uses: these, and in no other file. Each says what has no public way.

`USED` names them. A test compares their source with what this was written for: where Textual changes one, it fails, and
the part is to be read again.
"""

from collections.abc import Iterable
from threading import Thread
from typing import IO, Any, cast

from textual._compositor import ChopsUpdate, Compositor
from textual._xterm_parser import XTermParser
from textual.app import App, ReturnType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Region, Size
from textual.notifications import Notification
from textual.reactive import Reactive
from textual.screen import Screen, ScreenResultType
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets._toast import Toast, ToastRack

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
    (Screen, "_compositor_refresh"),
    (Compositor, "_get_renders"),
    (Compositor, "_render_chops"),
    (Compositor, "render_partial_update"),
)
"""Owner and name of each method whose source counts. Of the attributes `_file`, `_key_thread`, `_must_signal_resume`
(the driver's, set in its `__init__`), `_auto_restart` (of `Driver`), `_driver`, `_exit_renderables` and `_batch_count`
(the app's), `_compositor` (the screen's) and `_dirty_regions` (the compositor's) only that they are there."""


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
    """Has a widget render only those of its lines that are drawn.

    The stock one has each widget render all of its lines that touches the rectangle around everything that changes:
    with a clock at the top and a row at the bottom the whole screen, at each key.
    """

    def __init__(self) -> None:
        super().__init__()
        self._drawn: tuple[Region, ...] | None = None
        """What is being drawn; None: all."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return what has changed."""
        self._drawn = tuple(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._drawn = None

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if self._drawn is None:
            yield from super()._get_renders(crop)
            return
        for widget, (region, clip) in self.visible_widgets.items():
            left, top, width, height = region.intersection(clip)
            right, bottom = left + width, top + height
            spans = [
                (y, y + rows)
                for x, y, cells, rows in self._drawn
                if x < right and x + cells > left and y < bottom and y + rows > top
            ]
            if spans:
                first, last = max(top, min(y for y, _ in spans)), min(bottom, max(end for _, end in spans))
                part = Region(region.x, first, region.width, last - first)
                yield part, clip, widget.render_lines(Region(0, first - region.y, region.width, last - first))


class SteadyScreen(Screen[ScreenResultType]):
    """A screen that takes the terminal's own size alone, and renders nothing that is not drawn.

    A terminal that changes its size while the program starts sets off two chains of resize events: each layout posts
    the next event of its own size, and the screen would take both sizes in turn for ever.

    During `App.batch_update` Textual renders all the same, and throws it away. Here what is to be drawn is kept: who
    ends the batch refreshes the screen.

    Where the keys go to another widget, the two draw themselves anew, as they look otherwise then. Textual draws all of
    the screen.
    """

    focused = Reactive[Widget | None](None, repaint=False)

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name, id, classes)
        self._compositor = LeanCompositor()

    def _screen_resized(self, size: Size) -> None:
        if size == self.app.size:
            super()._screen_resized(size)

    def _compositor_refresh(self) -> None:
        if not self.app._batch_count:
            super()._compositor_refresh()
