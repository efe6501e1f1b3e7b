"""A run in which no worker ever gets to work is given up, and no other."""

from cqltui.supervisor.futile import REFUSED_S, TRIES, Futile


def test_each_slot_has_its_tries() -> None:
    futile = Futile()
    for _ in range(TRIES):
        assert futile.verdict(0, 0.0) == ""
        futile.ended("w1", "ImportError: no torch")
    assert "ImportError: no torch" in futile.verdict(0, 0.0)
    assert futile.verdict(1, 0.0) == "", "one that lives may still get to work"
    futile.ended("w2", "ImportError: no numpy")
    assert futile.verdict(0, 0.0) == "", "the other has tries left"
    for _ in range(TRIES - 1):
        futile.ended("w2", "ImportError: no numpy")
    assert futile.verdict(0, 0.0).endswith("no numpy"), "the latest reason"


def test_a_run_in_which_one_has_worked_is_never_given_up() -> None:
    futile = Futile()
    futile.worked()
    for _ in range(10 * TRIES):
        futile.ended("w1", "signal 9")
    futile.refused("the server is full", 0.0)
    assert futile.verdict(0, 10 * REFUSED_S) == ""


def test_a_server_that_answers_and_refuses_is_given_a_minute() -> None:
    futile = Futile()
    futile.refused("the server takes no more connections", 10.0)
    futile.refused("", 20.0)
    assert futile.verdict(0, 20.0 + REFUSED_S) == "", "it has served in between"
    futile.refused("the server takes no more connections", 30.0)
    futile.refused("the server takes no more connections", 40.0)
    assert futile.verdict(0, 29.9 + REFUSED_S) == ""
    assert "takes no more connections" in futile.verdict(0, 30.0 + REFUSED_S)
