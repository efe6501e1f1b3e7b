"""The machine is kept awake by a real supervisor on a session's bus: from its start to its end, however it ends."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jeepney.io import blocking

from cqltui.supervisor.awake import ANSWER_S, by_desktop
from tests.integration.bus import Bus
from tests.integration.place import Place, until

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS is asked by a program of its own")


LONG = ("--set", "epochs_scale=40")
"""The workers that a killed supervisor leaves are not done before the next one has come."""


@pytest.fixture
def on_bus(tmp_path: Path) -> Iterator[Callable[..., tuple[Place, Bus]]]:
    """Makes a place whose commands have the bus, with a desktop that answers or does not."""
    made: list[tuple[Place, Bus]] = []

    def make(*, answers: bool = True) -> tuple[Place, Bus]:
        bus = Bus(tmp_path, answers=answers)
        environment = {"DBUS_SESSION_BUS_ADDRESS": bus.address, "DISPLAY": ":9"}
        made.append((Place(tmp_path / "place", environment=environment), bus))
        return made[-1]

    yield make
    for place, bus in made:
        place.end_all()
        bus.close()


def test_it_is_held_until_a_stop_and_ends_with_a_supervisor_that_is_killed(
    on_bus: Callable[..., tuple[Place, Bus]],
) -> None:
    place, bus = on_bus()
    place.slow_down()
    run = place.begin(*LONG)
    until(place.under_way, "a task under way")
    until(lambda: bus.seen == ["Inhibit"], "the desktop being asked")
    run.kill()
    until(lambda: bus.seen == ["Inhibit", "gone"], "the end of the request, though its workers live")
    bus.seen.clear()
    run = place.begin(*LONG)
    until(lambda: bus.seen == ["Inhibit"], "the desktop being asked again")
    run.send(signal.SIGINT)
    run.ends(130)
    until(lambda: bus.seen == ["Inhibit", "UnInhibit", "gone"], "it being taken back")


def test_a_desktop_has_time_for_each_of_its_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own second for the greeting and two for an answer are too few where all cores train."""
    given: list[float] = []

    def noted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, timeout: float | None = None) -> Any:
            given.extend([] if timeout is None else [timeout])
            return function(*arguments, timeout=timeout)

        return call

    monkeypatch.setattr(blocking, "prep_socket", noted(blocking.prep_socket))
    monkeypatch.setattr(
        blocking.DBusConnection, "send_and_get_reply", noted(blocking.DBusConnection.send_and_get_reply)
    )
    bus = Bus(tmp_path)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    try:
        with by_desktop() as why:
            assert why == ""
    finally:
        bus.close()
    assert bus.seen[:2] == ["Inhibit", "UnInhibit"]
    assert given == [ANSWER_S] * 3, "the greeting and both"


def told(place: Place) -> int:
    """How often it was told that the machine may fall asleep."""
    said = [str(line["data"]) for line in place.journal() if line["kind"] == "notice"]
    return sum("may fall asleep by itself" in text for text in said)


def test_a_desktop_that_does_not_know_how_is_one_notice(on_bus: Callable[..., tuple[Place, Bus]]) -> None:
    place, bus = on_bus(answers=False)
    place.slow_down()
    run = place.begin()
    until(lambda: place.run_dir.journal.exists() and told(place), "the notice")
    place.speed_up()
    run.ends(0)
    assert told(place) == 1
    assert bus.seen == ["refused Inhibit", "refused Inhibit"], "once by each of the ways that desktops have"
