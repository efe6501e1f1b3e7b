"""When a worker leaves an epoch, and whether the time that it has is enough for a task."""

import math

import pytest

from cqltui.worker.timing import LEAVE_S, START_S, Deadline, EpochClock


def test_how_long_an_epoch_will_last() -> None:
    now = 0.0
    clock = EpochClock(lambda: now)
    clock.start(10)
    assert clock.left_s == math.inf
    for _ in range(4):
        now += 2.0
        clock.step()
    assert clock.left_s == pytest.approx(12.0)
    now = 25.0
    assert clock.end() == 25.0
    clock.start(10)
    now += 1.0
    assert clock.end() == 1.0
    assert clock.longest_s == 25.0


def test_what_is_claimed_before_the_machine_goes() -> None:
    now = 1_000.0
    deadline = Deadline(2_000.0, lambda: now)
    assert deadline.left_s == 1_000.0 - LEAVE_S
    assert deadline.is_enough(0.0)
    assert not deadline.is_enough(500.0), "two epochs of that length end after it"
    now = 2_000.0 - LEAVE_S - START_S
    assert not deadline.is_enough(0.0)


@pytest.mark.parametrize("text", [None, "", "soon", "nan", "inf", "-5", "0"])
def test_without_a_time_there_is_enough(text: str | None) -> None:
    assert Deadline.told_by(text).is_enough(1e9)
    assert Deadline.told_by("5").left_s < 0
