"""What a command says of a long piece of work: nothing soon, lines where there is no terminal, a bar on one."""

import sys
import time
from collections.abc import Callable
from io import StringIO

import pytest

from cqltui.reporters.steps import Steps, once_long

LIMIT_S = 60.0


class Screen(StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def until(check: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT_S
    while not check():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_ends_soon_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Steps(LIMIT_S) as step:
        step("reading")
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_each_step_is_a_line_once_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    err = StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    with Steps(0.001) as step:
        step("reading the networks", 0, 49)
        until(err.getvalue)
        step("reading the networks", 1, 49)
        step("leak audit")
    assert err.getvalue() == "reading the networks\nleak audit\n"
    step("later")
    assert err.getvalue().endswith("leak audit\n")


def test_on_a_terminal_a_bar_counts_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    err = Screen()
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("TERM", "xterm-256color")
    with Steps(0.001) as step:
        step("reading the networks", 7, 49)
        until(lambda: "reading the networks, 7 of 49" in err.getvalue())
    assert err.getvalue().endswith("\x1b[1A\x1b[2K") or err.getvalue().endswith("\x1b[2K")
    assert capsys.readouterr().out == ""


def test_each_step_of_what_has_taken_long_is_told_once() -> None:
    told: list[str] = []
    later = once_long(told.append, LIMIT_S)
    later("soon")
    assert told == []
    step = once_long(told.append, 0.0)
    step("reading the networks", 0, 49)
    step("reading the networks", 1, 49)
    step("leak audit")
    assert told == ["reading the networks", "leak audit"]
