"""What the loop that keeps a run going leaves to others."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from cqltui.state.events import Event
from cqltui.state.model import RunState, TaskState

Notice = Callable[[str, str], None]
"""Takes a level and a text, which the screens and the reporters show at once."""


class Reporter(Protocol):
    """Who tells the user what happens, in the foreground."""

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """One event, with the state around it."""

    def tick(self, state: RunState, now: float) -> None:
        """Time has passed."""


class Hooks(Struct, frozen=True):
    """What the loop leaves to others."""

    ensure_server: Callable[[RunState], None]
    """Bring the server back if it is ours to bring, and the queue if its data was lost. Raises CqltuiError."""
    audit: Callable[[RunState], None]
    """Notice what a server that answers has lost, and make it again. Raises as `ensure_server`, and RedisError."""
    study: Callable[[TaskState], object]
    """A task is done and its result is published: read what the criteria need of it. Raises OSError."""
    describe: Callable[[RunState], None]
    """Tasks have ended: tell the server how the criteria stand."""
    conclude: Callable[[RunState], float]
    """The supervisor leaves: write the results as they are; when the run ended."""
    to_evaluate: Callable[[RunState], bool]
    """Whether the run is to be evaluated, now that it has ended: that takes a while."""
    evaluate: Callable[[RunState, Callable[[str], None]], object]
    """Evaluate it, and tell what is done where that takes long. Raises CqltuiError and OSError."""
    hindered: Callable[[str], None]
    """The server answers and refuses, or is unable: tell why to those who look; empty when that is over."""
    resize: Callable[[RunState], None] = lambda state: None
    """Follow how many workers are asked for. Raises RedisError."""
    serve: Callable[[RunState], None] = lambda state: None
    """Do what workers elsewhere ask for, and tell how their blocks stand. Raises RedisError."""
    report: Callable[[RunState, Notice, Callable[[], bool]], object] = lambda state, notice, is_stopped: None
    """Write the report if it is due, tell of it, and leave it once the run is stopped. Raises nothing."""
