"""Waiting until an app is at rest, by looking at what it has left to do.

Textual's own wait takes a process that has used little of the CPU for 20 ms for one that is done: too long where there
is nothing to do, and wrong on a busy machine.
"""

import asyncio
import time
from typing import Any

from textual._context import active_app
from textual.app import App

PASSES = 5
"""Turns of the event loop in which nothing was left to do: a handler may be waiting for another widget's."""
LIMIT_S = 60.0


async def at_rest(min_sleep: float = 0.0, max_sleep: float = LIMIT_S) -> None:
    """As `textual._wait.wait_for_idle`, for the app of this context."""
    app = active_app.get()
    deadline = time.monotonic() + max(max_sleep, LIMIT_S)
    quiet = 0
    while quiet < PASSES and time.monotonic() < deadline:
        await asyncio.sleep(0)
        quiet = 0 if _has_work(app) else quiet + 1


def _has_work(app: App[Any]) -> bool:
    if app._exit or not app._screen_stacks.get(app._current_mode):
        return False
    if app._resize_event is not None or any(
        not pump._message_queue.empty() or pump._next_callbacks for pump in (app, *app._registry) if pump._running
    ):
        return True
    screen = app.screen
    drawn = not (screen._layout_required or screen._scroll_required or screen._repaint_required)
    if drawn and not (screen._dirty_widgets or screen._recompose_required or screen._callbacks):
        return False
    screen._on_timer_update()  # now, not with the next tick of its timer
    return True
