"""Nobody listens any more: a pipe's reader has left, the terminal was closed, the encoding is narrow."""

import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from tests.integration.command import PATIENCE_S
from tests.integration.place import Place, until


def begin(place: Place, *arguments: str, **streams: Any) -> "subprocess.Popen[bytes]":
    """The campaign without a screen, on these streams."""
    argv = [sys.executable, "-m", "cqltui", place.campaign.name, "--no-ui", *arguments]
    env = {name: value for name, value in os.environ.items() if not name.endswith("REDIS_URL")}
    env |= {**place.environment, "PACE_S": "0.3"}  # it must not end before it is stopped
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored, as under nohup, it would be by the run too
    try:
        return subprocess.Popen(argv, cwd=place.folder, env=env, start_new_session=True, **streams)
    finally:
        signal.signal(signal.SIGHUP, before)


def ends_stopped(place: Place, run: subprocess.Popen[bytes]) -> None:
    """It has heard the signal."""
    try:
        assert run.wait(PATIENCE_S) == 130
    finally:
        run.kill()
    assert place.processes() == [], "neither workers nor the server are left"


def test_a_signal_after_the_reader_of_all_output_has_left(place: Place) -> None:
    """`cqltui ... 2>&1 | tee log`, whose Ctrl-C ends tee first."""
    reading, writing = os.pipe()
    run = begin(place, "--json", stdin=subprocess.DEVNULL, stdout=writing, stderr=writing)
    os.close(writing)
    os.close(reading)
    until(place.under_way, "a task under way: the run goes on without a reader")
    run.send_signal(signal.SIGTERM)
    ends_stopped(place, run)


def test_the_terminal_of_a_run_without_a_screen_is_closed(place: Place) -> None:
    leader, follower = pty.openpty()
    run = begin(place, stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    until(place.under_way, "a task under way")
    os.close(leader)
    run.send_signal(signal.SIGHUP)  # as the kernel does for the terminal's session
    ends_stopped(place, run)


def test_a_terminal_that_takes_nothing_holds_nobody_up(place: Place) -> None:
    """Ctrl-S, or `| less` that nobody scrolls: the pipe is full."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    run = begin(place, "--json", stdin=subprocess.DEVNULL, stdout=writing, stderr=writing)
    os.close(writing)
    until(place.under_way, "a task under way")
    run.send_signal(signal.SIGINT)
    supervisor = place.run_dir.path / "supervisor.json"
    until(lambda: not supervisor.exists(), "the run's end, though nobody could be told of it")
    while os.read(reading, 65536):  # the reader is back
        pass
    os.close(reading)
    ends_stopped(place, run)


def test_a_title_that_the_encoding_lacks_ends_nothing(ended: Place) -> None:
    text = ended.campaign.read_text(encoding="utf-8").replace("A small campaign", "Größe ≥ 2", 1)
    ended.campaign.write_text(text, encoding="utf-8")
    ended.environment = {"PYTHONIOENCODING": "latin-1"}
    with begin(ended, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        out, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, err
    assert b"Gr\xf6\xdfe \\u2265 2" in out
