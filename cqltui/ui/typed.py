"""What is typed, one key after the other: each goes where the one before it has led to."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from textual.app import App, ScreenStackError
from textual.events import Key, Paste
from textual.message_pump import MessagePump

from cqltui.ui.messages import TypeOn

PATIENCE_S, LOOKS = 5.0, 250
"""A widget that hangs for longer than this holds up nothing: the next key is delivered. The time passes in so many
steps, each a turn of the event loop at least: on a busy machine, all that a key sets off may take longer."""
REPEAT_S = 0.1
"""A key that has closed a screen, pressed again within this time, is no answer to what stood below it."""
MOST = 1_000
"""Keys that may wait. More come of a paste in a terminal that does not say so, and would be acted on for minutes."""
ROUNDS = 2
"""A key is handled in the first; what it has posted, in the second."""


class Typed:
    """Keys that come in one burst, as a paste or a slow line brings them, acted on in order.

    Textual sends a key to the widget that has the keys at the moment it arrives, and a burst arrives before its first
    key is acted on: all of it went to one widget, and an answer that was given twice closed two screens. Here a key
    waits until what the last one set off has come to rest: a marker follows it through all that may handle it, until
    neither screen nor focus changes any more.

    What was typed before a screen closed was meant for that screen: the rest of it is dropped.
    """

    def __init__(self, app: App[Any], came: Callable[[], object] = lambda: None) -> None:
        """`came`: called for each key."""
        self._app, self._came = app, came
        self._waiting: deque[Key | Paste] = deque()
        self._last = ""
        """The key that was delivered last."""
        self._closed_s = 0.0
        self._closer = ""
        """When a screen was closed last, and the key that had been delivered last by then."""
        self._busy = False
        self._begun = False
        """Whether all that a key may be for is there."""
        self._rounds, self._place = 0, (-1, -1)
        self._followed: object = None
        """What was delivered and has not come to rest, if anything."""

    @property
    def busy(self) -> bool:
        """Whether something that was typed has not come to its end."""
        return self._busy or bool(self._waiting)

    def add(self, event: Key | Paste) -> None:
        """One more. `TypeOn` is posted when there is something to deliver."""
        self._came()
        if len(self._waiting) >= MOST:
            return
        self._waiting.append(event)
        if self._begun and not self._busy:
            self._app.post_message(TypeOn())

    def begin(self) -> None:
        """Deliver from now on, and what has been typed by now."""
        self._begun = True
        if self._waiting:
            self._app.post_message(TypeOn())

    def next(self) -> Key | Paste | None:
        """Return what is to be delivered now, if anything. `follow` after the delivery."""
        while self._waiting and not self._busy:
            event = self._waiting.popleft()
            key = event.key if isinstance(event, Key) else ""
            again = key == self._closer == self._last and event.time < self._closed_s + REPEAT_S
            if event.time > self._closed_s and not again:
                self._last, self._busy = key, True
                return event
        return None

    def closed(self) -> None:
        """Note that a screen goes away."""
        self._closed_s, self._closer = time.monotonic(), self._last

    def follow(self) -> None:
        """Go on with the next one when what was delivered has come to rest."""
        self._rounds, self._place = 0, (-1, -1)
        self._followed = followed = object()
        self._wait(followed, LOOKS)
        self._round()

    def _wait(self, followed: object, looks: int) -> None:
        """Give up after so many looks."""
        if followed is not self._followed:
            return
        if looks:
            asyncio.get_running_loop().call_later(PATIENCE_S / LOOKS, self._wait, followed, looks - 1)
        else:
            self._rest()

    def _round(self) -> None:
        """Send a marker through the queues that the key goes through, up to the app's."""
        try:
            screen, focused = self._app.screen, self._app.focused
        except ScreenStackError:  # the app ends
            self._rest()
            return
        place = (id(screen), id(focused))
        if self._rounds >= ROUNDS and place == self._place:
            self._rest()
            return
        self._rounds, self._place = self._rounds + 1, place
        self._hop((focused or screen).ancestors_with_self, self._followed)

    def _hop(self, path: Sequence[MessagePump], followed: object) -> None:
        if followed is not self._followed:
            return  # too late: the next key is under way
        for i, pump in enumerate(path):
            if pump.call_later(partial(self._hop, path[i + 1 :], followed)):
                return
        self._round()

    def _rest(self) -> None:
        self._followed, self._busy = None, False
        if self._waiting:
            self._app.post_message(TypeOn())
