"""How long the end that comes from outside waits for the screen."""

from itertools import count
from threading import Event as Flag
from threading import current_thread

from cqltui.ui.ending import leaves, spent_by

LOOK_S = 0.0001


def test_a_screen_that_gets_on_is_waited_for_however_long_it_takes() -> None:
    closed, looks = Flag(), count()

    def spent() -> float:
        look = next(looks)
        if look == 40:
            closed.set()
        return look // 4  # it is given the CPU now and then

    assert leaves(closed, spent, 5, LOOK_S)


def test_a_screen_that_does_nothing_hangs_and_one_that_is_busy_for_ever_too() -> None:
    looks = count()
    assert not leaves(Flag(), lambda: 1.0 + 0 * next(looks), 5, LOOK_S)
    assert next(looks) == 1 + 5
    assert not leaves(Flag(), lambda: float(next(looks)), 5, LOOK_S, looks=30)
    assert next(looks) == 1 + 5 + 1 + 1 + 30


def test_what_a_thread_has_spent_is_its_own() -> None:
    spent = spent_by(current_thread())
    before = spent()
    sum(range(200_000))
    assert spent() > before
