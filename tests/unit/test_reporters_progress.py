"""How a run gets on, told in lines and drawn as bars."""

import io
import os
import pty
import re
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

import pyte
import pytest

from cqltui.reporters.lines import LineReporter
from cqltui.reporters.wording import clock, finish_time
from cqltui.state.eta import estimate
from cqltui.state.model import RunState
from cqltui.state.reduce import reduce
from cqltui.streams import is_gone, protected
from tests.unit.telling import campaign_at, life, lines_of, queued_together


def test_a_progress_line_a_phase_every_few_seconds() -> None:
    out = io.StringIO()
    reporter = LineReporter(out, interval_s=5.0)
    state, now = campaign_at(0.3)
    for n in range(100):
        reporter.tick(state, now + n * 0.1)
    lines = out.getvalue().splitlines()
    assert len(lines) == 2, "at once, and after 5 s; a phase that waits has no line"
    expected = estimate(state, now).phases["quality"]
    assert lines[0] == (
        f"{clock(now)} phase quality: 2/4 tasks, 2,846/4,000 epochs (71 %), 2 running, best loss 0.1000 (00000000), "
        f"ends {finish_time(expected, now)}"
    )


def test_progress_lines_go_on_when_the_clock_is_set_back() -> None:
    out = io.StringIO()
    reporter = LineReporter(out, interval_s=5.0)
    state, now = campaign_at(0.3)
    for n in range(20):
        reporter.tick(state, now - (3600.0 if n >= 10 else 0.0) + n)
    assert len(out.getvalue().splitlines()) == 4, "every five seconds"


def test_a_finished_phase_is_told_once() -> None:
    out = io.StringIO()
    reporter = LineReporter(out, interval_s=1.0)
    state, now = campaign_at(1.0)
    for n in range(10):
        reporter.tick(state, now + 10 * n)
    assert [line.split(" ", 3)[2] for line in out.getvalue().splitlines()] == ["quality:", "ensemble:"]
    assert "4/4 tasks" in out.getvalue()


Terminal = tuple[TextIO, Callable[[], bytes]]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A stream on a pseudo-terminal of 100 columns; the function closes it and gives what arrived at its other end."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "24")
    leader, follower = pty.openpty()
    received: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(leader, 65536):
                received.append(chunk)
        except OSError:  # how Linux says that the other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    stream = os.fdopen(follower, "w", encoding="utf-8")

    def finish() -> bytes:
        stream.close()
        reader.join(60)
        return b"".join(received)

    yield stream, finish
    finish()
    os.close(leader)


def draw(stream: TextIO) -> None:
    """A session with bars: two pictures with a line between them."""
    reporter = LineReporter(stream)
    state, now = campaign_at(0.3)
    reporter.tick(state, now)
    reporter.handle(state, life("dead", 5000, error="[b]x"), reduce(state, life("dead", 5000, error="[b]x")))
    state, now = campaign_at(0.9)
    reporter.tick(state, now)
    reporter.close()
    reporter.close()


def test_bars_on_a_terminal(terminal: Terminal) -> None:
    stream, received = terminal
    draw(stream)
    written = received()
    screen = pyte.Screen(100, 24)
    pyte.ByteStream(screen).feed(written)
    shown = [line.rstrip() for line in screen.display if line.strip()]
    assert len(shown) == 4, "the line above, two bars and the foot; older pictures are gone"
    assert shown[0].endswith("'Best overall (938fc1bd)' dead: [b]x")
    assert re.match(r"quality  ━+ 4/4 4,000/4,000 ended", shown[1])
    assert re.match(r"ensemble ━+.* 4/6 4,846/6,000 \d\d:\d\d:\d\d \(in", shown[2])
    assert shown[3].startswith("running, 2 workers, 2,000 samples/s, ends ")
    assert not screen.cursor.hidden
    assert re.search(rb"\x1b\[[0-9;]*3[0-9]", written), "in colour"


def test_no_color_is_respected(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream, received = terminal
    draw(stream)
    assert not re.search(rb"\x1b\[[0-9;]*[34][0-9]", received())


def test_a_dumb_terminal_gets_lines(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream, received = terminal
    draw(stream)
    assert b"\x1b" not in received()


def test_bars_on_a_terminal_that_was_closed_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w", encoding="utf-8") as stream:
        out = protected(stream)
        reporter = LineReporter(out)
        os.close(leader)
        state, now = campaign_at(0.3)
        reporter.tick(state, now)
        reporter.say("a line", now)
        reporter.close()
        assert is_gone(out)


def test_tasks_that_are_told_together_have_lines_too() -> None:
    event = queued_together(f"{n:08x}" for n in range(2000))
    lines = lines_of(event)
    assert lines[0] == "task 00000000 p 'no. 0' queued, priority 5"
    assert len(lines) == 30
    assert lines_of(event, state=reduce(RunState(), event)) == [], "each once"
