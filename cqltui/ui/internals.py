"""The private parts of Textual that the screen uses: these, and in no other file. Each says what has no public way.

`USED` names them. A test compares their source with what this was written for: where Textual changes one, it fails, and
the part is to be read again.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from functools import cache
from operator import itemgetter
from threading import Thread
from typing import IO, Any, TypeVar, cast

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor, ReflowResult
from textual._xterm_parser import XTermParser
from textual.app import App, ReturnType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, Key
from textual.geometry import Region, Size
from textual.map_geometry import MapGeometry
from textual.message import Message
from textual.message_pump import MessagePump
from textual.notifications import Notification
from textual.reactive import Reactive
from textual.screen import Screen, ScreenResultType
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets._toast import Toast, ToastRack

from cqltui.ui.regions import differing, in_order, rendered

DRAW_S = 0.004
"""Between two drawings, where there is something to draw."""
Wrapped = TypeVar("Wrapped")
_PARTS: Mapping[type, str] = {
    LinuxDriver: "__init__ _get_terminal_size _sigtstp_application _sigcont_application _enable_mouse_support "
    "_disable_mouse_support disable_input start_application_mode",
    XTermParser: "parse feed tick",
    App: "_fatal_error _close_messages_no_wait _on_notify _unnotify on_event _on_key _check_bindings",
    Toast: "_expire",
    ToastRack: "show",
    Screen: "_screen_resized _update_timer _on_timer_update _on_idle _compositor_refresh _refresh_layout _on_key "
    "_clear_tooltip",
    Compositor: "reflow reflow_visible _regions_to_spans _render_chops render_partial_update",
    ChopsUpdate: "render_segments",
    Widget: "_exchange_repaint_regions vertical_scrollbar _on_key handle_key",
    MessagePump: "_get_dispatch_methods",
}
USED = tuple((owner, name) for owner, names in _PARTS.items() for name in names.split())
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

    def assume_size(self, size: tuple[int, int]) -> None:
        """Tell the app of these columns and rows until the first event does."""
        self._size = size

    def wrap_output(self, wrap: Callable[[IO[str]], Wrapped]) -> Wrapped:
        """Draw on what this makes of the file, and return it."""
        assert self._file is not None, "standard error is a terminal"
        self._file = wrapped = cast(Any, wrap(self._file))
        return cast(Wrapped, wrapped)

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


class QuickPump(MessagePump):
    """Finds once who handles a kind of message. Textual looks through all that the class inherits from, a dozen classes
    or two, for each message and for each time that a widget has nothing more to do: some hundred times a key."""

    def _get_dispatch_methods(
        self, method_name: str, message: Message
    ) -> Iterable[tuple[type, Callable[[Message], Awaitable[Any]]]]:
        kind: type = type(message)
        found = owners(type(self), method_name, kind)
        if found is None:
            return super()._get_dispatch_methods(method_name, message)
        # Whether to go on is asked before each of them: the one before it may have prevented the default.
        return ((own, vars(own)[name].__get__(self, own)) for own, name in found if not message._no_default_action)


@cache
def owners(pump: type, method_name: str, message: type) -> Sequence[tuple[type, str]] | None:
    """Return the classes that have a handler of that name, and its name there; None where one of them has marked any
    of its methods with `on` for the message: whether it is called depends on the message itself."""
    found: list[tuple[type, str]] = []
    for owner in pump.__mro__:
        own = vars(owner)
        if any(issubclass(message, kind) for kind in own.get("_decorated_handlers", ())):
            return None
        name = next((name for name in (f"_{method_name}", method_name) if own.get(name)), "")
        if name and not hasattr(own[name], "_textual_on"):
            found.append((owner, name))
    return found


class QuietErrors(QuickPump, App[ReturnType]):
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


class DirectKeys(App[ReturnType]):
    """Does at once what a key is bound to. Textual sends it through all that the focused widget is in first."""

    async def act_on(self, event: Event) -> bool:
        """Do what a key is bound to, unless a node on its usual way may handle it, and return whether that was done."""
        way = (self.focused or self.screen).ancestors_with_self
        usual = self.app_focus and self.screen.maximized is None
        if not isinstance(event, Key) or not usual or any(_handles(node, event) for node in way):
            return False
        self.screen._clear_tooltip()
        return await self._check_bindings(event.key, priority=True) or await self._check_bindings(event.key)


def _handles(node: DOMNode, key: Key) -> bool:
    kind: type = type(key)
    found = owners(type(node), "on_key", kind)
    others = found is None or any(owner not in (Widget, Screen, App) for owner, _ in found)
    return others or any(hasattr(node, f"{start}{name}") for name in key.name_aliases for start in ("key_", "_key_"))


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
        if laid is not None and same_size and in_order(laid, self._laid):
            self._dirty_regions = dirty | differing(laid, self._laid)
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
        lines = rendered(spans, self.visible_widgets)
        for widget, (region, clip) in self.visible_widgets.items():
            if widget in self._sized:
                widget._repaint_regions.clear()
            elif widget._repaint_regions:
                _forget_drawn(widget, region, clip, drawn)
        parts = [sorted(lines.get(y, ()), key=itemgetter(0)) for y in range(screen.height)]
        ends = [[end for _, end, _ in line] for line in parts]
        return LeanUpdate([{start: strip for start, _, strip in line} for line in parts], spans, ends)


class LeanUpdate(ChopsUpdate):
    """Parts of lines, each with its place. Textual has Rich make an object for each place."""

    def render_segments(self, console: Console) -> str:
        """Return what the terminal is told."""
        return "".join(
            f"\x1b[{y};{x + 1}H{strip.render(console)}"
            for y, parts in enumerate(self.chops, 1)
            for x, strip in parts.items()
            if strip is not None
        )


def _forget_drawn(widget: Widget, region: Region, clip: Region, drawn: Set[Region]) -> None:
    """Forget what the widget has asked for, as far as that was drawn by now."""
    asked = {wanted: clip.intersection(wanted.translate(region.offset)) for wanted in widget._repaint_regions}
    done = [wanted for wanted, seen in asked.items() if any(part.contains_region(seen) for part in drawn)]
    widget._repaint_regions.difference_update(done)


class OwnBarView(QuickPump, ScrollView):
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


class SteadyScreen(QuickPump, Screen[ScreenResultType]):
    """A screen that takes the terminal's own size alone, draws soon, and renders nothing that is not drawn.

    A terminal that changes its size while the program starts sets off two chains of resize events: each layout posts
    the next event of its own size, and the screen would take both sizes in turn for ever.

    During `App.batch_update` Textual renders all the same, and throws it away. Here who ends the batch refreshes the
    screen.

    What a key leads to is drawn within two `DRAW_S`. Textual draws 60 times a second at most, by a timer that leaves
    out a turn which a drawing has used up: a key that follows one waits up to 33 ms.

    Where the keys go to another widget, these two draw themselves anew. Textual draws all of the screen.
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
