"""A machine that sleeps, and a clock that jumps: no lease expires, no attempt is lost, no duration is nonsense."""

import re
import signal
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.chaos.tools import clock_environment, why_no_clock
from tests.integration.place import TASKS, Place, Trained, until

LEASE_S = 2.0
"""Of small.toml."""
HOUR_S = 3600
PACE_S = 0.05
"""Time enough for two jumps: the long tasks come first."""


def attempts(place: Place) -> set[int]:
    """How many attempts each task took."""
    return {place.result(task_id)["attempt"] for task_id in place.trained()}


def _is_shifted(place: Place, shift_s: int) -> bool:
    with place.queue() as queue:
        return abs(queue.now() - time.time() - shift_s) < HOUR_S / 2


def _epochs(place: Place) -> int:
    return sum(task.epochs_done for task in place.look().tasks.values())


def _beyond(place: Place, epochs: int) -> bool:
    return _epochs(place) > epochs


def test_a_machine_that_sleeps_longer_than_a_lease_loses_nothing(place: Place, expected: dict[str, Trained]) -> None:
    run = place.begin()
    until(place.under_way, "a task under way")
    asleep = place.processes()
    for process in asleep:
        process.send_signal(signal.SIGSTOP)
    until(lambda: all(process.status() == psutil.STATUS_STOPPED for process in asleep), "all of them asleep")
    wakes = time.monotonic() + 2 * LEASE_S
    until(lambda: time.monotonic() > wakes, "the morning")
    for process in asleep:
        process.send_signal(signal.SIGCONT)
    run.ends(0)
    assert place.trained() == expected
    assert attempts(place) == {1}, "no lease has expired"
    place.check_journal()


def test_a_clock_that_jumps_an_hour_forth_and_back_loses_nothing(tmp_path: Path, expected: dict[str, Trained]) -> None:
    if why := why_no_clock():
        pytest.skip(f"no clock can be shifted here: {why}")
    offset = tmp_path / "offset"
    place = Place(tmp_path / "place", environment=clock_environment(offset))
    place.environment = {**place.environment, "PACE_S": str(PACE_S)}
    try:
        run = place.begin()
        until(place.under_way, "a task under way")
        for shift in (HOUR_S, -HOUR_S):
            offset.write_text(f"{shift:+d}", encoding="ascii")
            until(partial(_is_shifted, place, shift), "the server's jump")
            until(partial(_beyond, place, _epochs(place)), "epochs after it")
        run.ends(0)
        assert place.trained() == expected
        assert attempts(place) == {1}, "no lease has expired"
        place.check_journal()
        took = re.findall(r" done in (\d+:\d\d:\d\d|\d+\.\d s)", run.err)
        assert len(took) == TASKS, "how long each task took"
        assert all(span.startswith("0:") or span.endswith(" s") for span in took), "no hour of the clock's is among it"
    finally:
        place.end_all()
