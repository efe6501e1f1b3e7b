"""A run that is reached while its screen is seen already: what is read first, and what fails."""

from types import SimpleNamespace
from typing import Any

import pytest

from cqltui.app.opening import Opening
from cqltui.app.still import Still
from cqltui.errors import CqltuiError, InputError
from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState


class FakeFeed:
    """Tells a snapshot, then ticks."""

    def __init__(self) -> None:
        self.told = 0
        self.closed = False
        self.turned: list[tuple[object, ...]] = []

    def poll(self, timeout_s: float) -> list[Event]:
        """Return the next event."""
        self.told += 1
        return [Event(Kind.SNAPSHOT if self.told == 1 else Kind.TICK, float(self.told))]

    def close(self) -> None:
        """Remember it."""
        self.closed = True

    def turn(self, *wish: object) -> None:
        """Remember it."""
        self.turned.append(wish)


def test_what_is_waited_for_ends_with_the_first_reading() -> None:
    feed, left, said = FakeFeed(), list[str](), list[str]()
    queue: Any = "queue"
    server: Any = SimpleNamespace(
        another_queue=lambda: queue,
        feed=lambda for_screen: feed,
        leave=lambda: left.append("the server"),
    )
    opening = Opening(lambda tell: server)
    with pytest.raises(CqltuiError, match="no connection to the server yet"):
        opening.queue()
    opening.turn(3, "", None)  # there is nothing yet
    opening.start(said.append)
    assert feed.told == 1, "read before the start is over"
    assert opening.over
    assert [event.kind for event in opening.poll(0.0) + opening.poll(0.0)] == [Kind.SNAPSHOT, Kind.TICK]
    assert opening.queue() is queue
    opening.turn(7, "", None)
    assert feed.turned == [(7, "", None)]
    assert opening.wait() is server
    opening.leave()
    assert (feed.closed, left) == (True, ["the server"])


def test_a_run_that_goes_on_is_read_as_a_screen_does() -> None:
    feed = FakeFeed()
    server: Any = SimpleNamespace(another_queue=lambda: "queue", feed=lambda for_screen: feed if for_screen else None)
    still = Still(RunState(), lambda: server)
    still.turn(3, "", None)
    assert [event.kind for event in still.poll(0.0)] == [Kind.SNAPSHOT]
    assert still.poll(0.0) == []
    assert [event.kind for event in still.poll(0.0)] == [Kind.SNAPSHOT], "of the server"
    still.turn(7, "", None)
    assert feed.turned == [(7, "", None)]
    still.close()


def test_a_server_that_cannot_be_reached_is_told_to_whoever_waits(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(tell: object) -> Any:
        raise InputError("there is none")

    said = list[str]()
    opening = Opening(fail, "the server is being reached")
    for call in (lambda: opening.start(said.append), opening.wait):
        with pytest.raises(InputError, match="there is none"):
            call()
    opening.leave()
    assert capsys.readouterr().err == "", "nothing was waited for"
