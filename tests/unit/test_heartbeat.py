"""The heartbeat's pace follows the lease, and an absent server does not stop it."""

import threading

from redis.exceptions import ConnectionError as GoneError

from cqltui.worker.heartbeat import LONGEST_S, Heartbeat, interval_s

LIMIT_S = 60.0


def test_several_beats_fit_into_a_lease() -> None:
    assert interval_s(30.0) == LONGEST_S
    assert interval_s(600.0) == LONGEST_S
    assert interval_s(3.0) == 0.5


def test_a_new_pace_counts_at_once() -> None:
    beaten = threading.Event()
    heart = Heartbeat(beaten.set, 3600.0)
    heart.start()
    heart.pace(3600.0)
    assert beaten.wait(LIMIT_S)
    heart.stop()


def test_it_goes_on_while_the_server_is_away() -> None:
    answers = iter([GoneError("away"), GoneError("away"), None])
    back = threading.Event()

    def beat() -> None:
        error = next(answers, None)
        if error is not None:
            raise error
        back.set()

    heart = Heartbeat(beat, 0.01)
    heart.start()
    assert back.wait(LIMIT_S)
    heart.stop()
