"""A run that is looked back at: the same screens, with keys that move the clock."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from cqltui.state.model import RunState
from cqltui.state.playhead import Playhead
from cqltui.ui.app import CqltuiApp
from cqltui.ui.frame import Frame
from cqltui.ui.messages import Sought
from cqltui.ui.ports import Ports, Steered

MINUTE_S = 60.0
PARTS = 20
"""Of the run: how far a large step goes."""


def _key(key: str, action: str, name: str, description: str, tooltip: str, display: str = "") -> Binding:
    """Return a key; `display`: in the last line, where it is shown."""
    return Binding(
        key, action, description, show=bool(display), key_display=display or None, id=f"replay.{name}", tooltip=tooltip
    )


class ReplayApp(CqltuiApp):
    """Nothing rings and no toast comes up of what is long past; the events are listed as ever."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("semicolon,space", "stand_or_go", "pause", "Pause", "Pause the replay, or let it go on", ";"),
        _key("left_curly_bracket", "speed(-1)", "slower", "Speed", "Replay more slowly", "{ }"),
        _key("right_curly_bracket", "speed(1)", "faster", "Faster", "Replay faster"),
        _key("comma", "seek(-1)", "back", "Minute", "Go a minute back", ", ."),
        _key("full_stop", "seek(1)", "on", "Minute on", "Go a minute on"),
        _key("left_parenthesis", "far(-1)", "far_back", "5 %", "Go a twentieth of the run back", "( )"),
        _key("right_parenthesis", "far(1)", "far_on", "5 % on", "Go a twentieth of the run on"),
        _key("circumflex_accent", "end(-1)", "begin", "Begin", "Go to the beginning of the run", "^ $"),
        _key("dollar_sign", "end(1)", "end", "End", "Go to the end of what is recorded"),
    ]

    def __init__(self, ports: Ports, steered: Steered) -> None:
        super().__init__(ports)
        self._steered = steered

    def moment(self, state: RunState) -> float:
        """Return the moment that the state is of."""
        return state.now or self._steered.now()

    @property
    def replay(self) -> Playhead | None:
        """Where it is in the run."""
        return self._steered.head

    def tell_news(self, frame: Frame) -> None:
        """Name the run in the terminal's title; all else is long past."""
        self._outward.entitle(frame)

    # Keys

    def action_stand_or_go(self) -> None:
        """Pause, or go on."""
        self._steered.toggle()
        self._changed()

    def action_speed(self, step: int) -> None:
        """Take the next speed, or the one before."""
        self._steered.faster(step)
        self._changed()

    def action_seek(self, minutes: int) -> None:
        """Go so many minutes on, or back."""
        self._go(self._steered.now() + minutes * MINUTE_S)

    def action_far(self, parts: int) -> None:
        """Go so many twentieths of the run on, or back."""
        head = self._steered.head
        self._go(self._steered.now() + parts * (head.end_ts - head.begin_ts) / PARTS)

    def action_end(self, side: int) -> None:
        """Go to the beginning, or the end."""
        head = self._steered.head
        self._go(head.begin_ts if side < 0 else head.end_ts)

    def on_sought(self, message: Sought) -> None:
        """Go to where the bar was clicked."""
        self._go(message.ts)

    def _go(self, ts: float) -> None:
        self._steered.seek(ts)
        self._changed()
