"""The whole program in a real pseudo-terminal, its screen read by a terminal emulator."""

import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.integration.place import SMALL, Place, hooked, until
from tests.integration.terminal import COLUMNS, LIMIT_S, ROWS, Terminal

QUICK = Path(__file__).parents[2] / "campaigns" / "quick.toml"
PACE_S = "0.25"
"""Of an epoch at least: what is looked at is the screen, and a task need not keep a core busy for it."""
GONE_S = 60.0
"""After this, a screen whose terminal is closed hangs: it leaves by itself, or is ended, in half of that on the busiest
machine."""


def shown(campaign: Path, folder: Path) -> Terminal:
    """`cqltui CAMPAIGN` in a terminal."""
    options = ("--device", "cpu", "--workers", "1", "--set", "trainer.precision=fp32")
    return Terminal([sys.executable, "-m", "cqltui", str(campaign), *options], folder, hooked({}, PACE_S=PACE_S))


@contextmanager
def started(campaign: Path, folder: Path) -> Iterator[Terminal]:
    """The same; nothing of it is left behind."""
    found = shown(campaign, folder)
    try:
        yield found
    finally:
        found.close()
        while left := processes(folder):  # one that is killed late may have started another meanwhile
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(left, LIMIT_S)


def processes(folder: Path) -> list[psutil.Process]:
    """What runs for a run in the folder: screens, supervisor, workers, server."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        said = " ".join(process.info["cmdline"] or [])
        if str(folder) in said or str(folder) in str(process.info["cwd"]):
            found.append(process)
    return found


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """`cqltui quick.toml` in a terminal."""
    with started(QUICK, tmp_path) as found:
        yield found


def header(screen: str) -> str:
    """The first lines."""
    return "\n".join(screen.splitlines()[:3])


def running(screen: str) -> bool:
    """Whether a task is shown as running."""
    return "R running" in screen


def test_start_pause_resume_and_stop(terminal: Terminal, tmp_path: Path) -> None:
    terminal.read(LIMIT_S)
    terminal.resize(COLUMNS - 10, ROWS - 4)  # a window manager gives a window its size only when it has been started
    terminal.wait(running, "a running task")
    assert "Quick campaign" in header(terminal.text())
    terminal.wait(lambda _: re.fullmatch(r"cqltui quick \d+/49", terminal.screen.title), "the terminal's title")
    terminal.press("P")
    terminal.wait(lambda screen: "paused" in header(screen) and not running(screen), "a paused campaign")
    terminal.press("P")
    terminal.wait(lambda screen: "running" in header(screen) and running(screen), "a campaign that goes on")
    terminal.press("q")
    terminal.wait(lambda screen: "Stop: checkpoint" in screen, "the dialog")
    terminal.press("s")
    assert terminal.wait_end() == 4
    left_as_it_was(terminal)
    titles = re.findall(rb"\x1b\]2;([^\x07]*)\x07|\x1b\[(2[23];2t)", terminal.output)
    assert (titles[0], titles[-2:]) == ((b"", b"22;2t"), [(b"", b""), (b"", b"23;2t")]), "put aside, and brought back"
    assert "goes on where it stopped" in terminal.text()
    assert not (tmp_path / "runs" / "quick" / "supervisor.json").exists()  # it has left
    assert (tmp_path / "runs" / "quick" / "results" / "phase1_quality_results.csv").is_file()


def test_a_run_goes_on_when_its_screen_is_terminated_and_when_the_window_of_the_next_is_closed(
    terminal: Terminal, tmp_path: Path
) -> None:
    opened(terminal)
    terminal.process.terminate()
    assert terminal.wait_end() == 0
    left_as_it_was(terminal)
    assert "cqltui attach" in terminal.text()
    assert "Traceback" not in terminal.text()
    with closing(shown(QUICK, tmp_path)) as window:
        window.wait(running, "a running task")
        window.hang_up()
        assert window.process.wait(GONE_S) == 0
    assert (tmp_path / "runs" / "quick" / "supervisor.json").exists()
    stop = [sys.executable, "-m", "cqltui", "stop", "--yes"]
    ended = subprocess.run(stop, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert ended.returncode == 0, ended.stderr
    assert not (tmp_path / "runs" / "quick" / "supervisor.json").exists()


def test_a_window_that_is_closed_while_the_run_starts_ends_the_screen_and_the_run_goes_on(tmp_path: Path) -> None:
    with started(QUICK, tmp_path) as terminal:
        opened(terminal)
        terminal.hang_up()
        assert terminal.process.wait(GONE_S) == 0
        assert (tmp_path / "runs" / "quick" / "supervisor.json").exists()


def test_a_closed_window_after_the_end_of_the_run_leaves_no_process_behind(ended: Place) -> None:
    with started(SMALL, ended.folder) as terminal:
        terminal.wait(lambda screen: "finished" in header(screen), "the end of the run")
        terminal.hang_up()
        assert terminal.process.wait(GONE_S) == 0
        deadline = time.monotonic() + LIMIT_S
        while left := ended.processes():  # the supervisor writes results; the last to leave ends the server
            assert time.monotonic() < deadline, left
            time.sleep(0.05)


def test_a_terminal_that_takes_no_output_does_not_hold_the_screen(tmp_path: Path) -> None:
    with started(QUICK, tmp_path) as terminal:
        until(lambda: terminal.takes_nothing(), "a terminal that is full: nobody reads")
        assert termios.tcgetattr(terminal.slave) != terminal.before
        terminal.process.terminate()
        assert terminal.process.wait(GONE_S) == 130
        assert termios.tcgetattr(terminal.slave) == terminal.before


def opened(terminal: Terminal) -> None:
    """Read until the screen has the terminal."""
    deadline = time.monotonic() + LIMIT_S
    while b"\x1b[?1049h" not in terminal.output:
        assert time.monotonic() < deadline
        terminal.read(0.1)


def left_as_it_was(terminal: Terminal) -> None:
    """No alternate screen, no mouse, a cursor, and the line discipline of before."""
    assert termios.tcgetattr(terminal.slave) == terminal.before
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?1000h", b"\x1b[?1000l"), (b"\x1b[?25l", b"\x1b[?25h")):
        assert terminal.output.rfind(off) > terminal.output.rfind(on) >= 0


def test_a_run_that_has_ended_is_shown_again(ended: Place) -> None:
    with started(SMALL, ended.folder) as terminal:
        terminal.wait(lambda screen: "finished" in header(screen), "the ended run")
        assert "server closed" in header(terminal.text())
        assert not (ended.run_dir.path / "supervisor.json").exists(), "no supervisor was started"
        assert not (ended.run_dir.server / "connection.json").exists(), "no server was started"
        so_far = len(terminal.output)
        terminal.press("r")
        terminal.wait(lambda _: terminal.told("can only be looked at", so_far), "the answer")
        ended.ask("resubmit", next(iter(ended.tokens())))
        ended.slow_down()
        run = ended.begin()
        terminal.wait(lambda screen: "running" in header(screen), "the run that somebody goes on with elsewhere")
        ended.speed_up()
        run.ends(0)
        terminal.wait(lambda screen: "finished" in header(screen), "its end")
        terminal.press("q")
        assert terminal.wait_end() == 0
        assert "results" in terminal.text()


def test_a_screen_that_was_stopped_and_continued_goes_on_and_ends(terminal: Terminal) -> None:
    terminal.wait(running, "a running task")
    terminal.press("/")
    terminal.wait(lambda screen: "a phrase" in screen, "the filter")
    for typed in ("abcdefghijklmnopqrst", "uvwxyz0123456789"):
        os.kill(terminal.process.pid, signal.SIGSTOP)
        terminal.wait(lambda _: psutil.Process(terminal.process.pid).status() == psutil.STATUS_STOPPED, "the stop")
        os.kill(terminal.process.pid, signal.SIGCONT)
        for key in typed:  # while it sets the terminal up again
            terminal.press(key)
            terminal.read(0.02)
    terminal.wait(lambda screen: "klmnopqrstuvwxyz0123456789" in screen, "all that was typed")
    terminal.press("\x1b")
    terminal.wait(lambda screen: "filter:" not in screen, "the list without the filter")
    terminal.press("q")
    terminal.wait(lambda screen: "Leave it running" in screen, "the question")
    terminal.press("b")
    assert terminal.wait_end() == 0
    assert termios.tcgetattr(terminal.slave) == terminal.before
