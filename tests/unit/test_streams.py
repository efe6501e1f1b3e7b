"""What is told to the user changes nothing, whatever became of the streams. In processes of their own, as installed."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cqltui import streams
from cqltui.streams import WAITING_BYTES, Outlet

LIMIT_S = 90.0
PROTECTED = "import os, signal, sys\nfrom cqltui import streams\nstreams.protect()\n"
MUCH = 1 << 20
"""More than a pipe holds."""


def run(code: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    """The code in a fresh interpreter, after `protect`."""
    argv = [sys.executable, "-c", PROTECTED + code]
    settings = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, "timeout": LIMIT_S, "check": False} | options
    return subprocess.run(argv, **settings)  # type: ignore[call-overload,no-any-return]


def left_pipe() -> int:
    """The writing end of a pipe whose reader has left."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_reader_that_left_changes_neither_what_happens_nor_the_exit_code(name: str, tmp_path: Path) -> None:
    writing = left_pipe()
    code = (
        f"print('x' * {MUCH}, file=sys.{name}, flush=True)\n"
        f"print('more', file=sys.{name})\nopen('done', 'w').close()\nsys.exit(7)"
    )
    done = run(code, cwd=tmp_path, **({"stderr": subprocess.PIPE} | {name: writing}))
    os.close(writing)
    assert done.returncode == 7, "Python's own exit code of a failed flush is 120"
    assert not done.stderr
    assert (tmp_path / "done").exists()


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("print('x', flush=True)\nsys.exit(7 if not streams.is_gone(sys.stdout) else 1)", stdout=full)
    assert done.returncode == 7
    assert not done.stderr


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_closed_descriptor_is_not_taken_by_a_file(closed: tuple[int, ...], tmp_path: Path) -> None:
    code = (
        "file = open('file', 'w')\n"
        "print('to nobody')\nprint('to nobody', file=sys.stderr, flush=True)\nstreams.tell_from_handler('to nobody')\n"
        "assert sys.stdin.read() == '' and not sys.stdin.isatty()\n"
        "sys.exit(7 if file.fileno() > 2 else 1)"
    )

    def close() -> None:
        for number in closed:
            os.close(number)

    done = run(code, cwd=tmp_path, stdout=subprocess.PIPE, preexec_fn=close)
    assert done.returncode == 7, done.stderr
    assert (tmp_path / "file").read_text(encoding="utf-8") == ""
    assert done.stdout == (b"" if 1 in closed else b"to nobody\n"), "what is for stderr never goes to stdout"


@pytest.mark.parametrize(
    ("encoding", "written"), [("ascii", rb"Gr\xf6\xdfe \u2265 \udcff"), ("latin-1", b"Gr\xf6\xdfe \\u2265 \\udcff")]
)
def test_what_the_encoding_lacks_is_escaped(encoding: str, written: bytes) -> None:
    code = r"print('Gr\xf6\xdfe \u2265 \udcff'); print('Gr\xf6\xdfe \u2265 \udcff', file=sys.stderr)"
    done = run(code, stdout=subprocess.PIPE, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stdout, done.stderr) == (0, written + b"\n", written + b"\n")


def test_a_reader_that_does_not_read_holds_nobody_up_and_gets_all_in_the_end() -> None:
    reading, writing = os.pipe()
    code = (
        f"with streams.never_waiting():\n"
        f"    for number in range(200): print(str(number) * {MUCH // 200}, flush=True)\n"
        f"    print('done', file=sys.stderr, flush=True)\n"
        f"sys.exit(7)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", PROTECTED + code], stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert child.stderr is not None
    with child.stderr as err, os.fdopen(reading, "rb") as out:
        assert err.readline() == b"done\n", "while nobody has read a byte of the other stream"
        numbers = [line.decode() for line in out]
    assert numbers == [str(number) * (MUCH // 200) + "\n" for number in range(200)]
    assert child.wait(LIMIT_S) == 7


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WAITING_BYTES", 1000)
    assert WAITING_BYTES > 1000
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    outlet = Outlet(writing)
    outlet.write(bytes(4096))  # the pipe is full
    outlet.begin_thread()
    for number in range(20):
        outlet.write(bytes([number]) * 100)
    os.set_blocking(reading, True)
    ended = threading.Thread(target=outlet.end_thread)
    ended.start()
    found = b""
    while len(found) < 4096 + 1000:
        found += os.read(reading, 65536)
    ended.join(LIMIT_S)
    assert found[4096:] == b"".join(bytes([number]) * 100 for number in range(10)), "whole lines, the first ones"
    os.close(writing)
    assert os.read(reading, 10) == b""
    os.close(reading)


def test_a_descriptor_that_another_program_made_non_blocking_loses_nothing() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    reader = threading.Thread(target=lambda: found.extend(iter(lambda: os.read(reading, 65536), b"")))
    found: list[bytes] = []
    reader.start()
    Outlet(writing).write(bytes(MUCH))
    os.close(writing)
    reader.join(LIMIT_S)
    os.close(reading)
    assert sum(map(len, found)) == MUCH


def test_a_handler_may_tell_in_the_middle_of_a_write() -> None:
    code = (
        "def told(*_): streams.tell_from_handler('signal\\n')\n"
        "signal.signal(signal.SIGUSR1, told)\n"
        "with streams.never_waiting():\n"
        "    for _ in range(2000):\n"
        "        os.kill(os.getpid(), signal.SIGUSR1)\n"
        "        print('line', file=sys.stderr)\n"
    )
    done = run(code)
    assert done.returncode == 0
    assert sorted(set(done.stderr.splitlines())) == [b"line", b"signal"]
    assert done.stderr.count(b"signal\n") == done.stderr.count(b"line\n") == 2000


def test_a_supervisor_with_a_dead_terminal_is_stopped_by_a_signal() -> None:
    """First the run is asked to stop, then it is told: old terminals refuse what is written to them."""
    writing = left_pipe()
    code = (
        "from cqltui.app.signals import Signals\n"
        "class Supervisor:\n"
        "    def ask_stop(self): self.asked = True\n"
        "supervisor = Supervisor()\n"
        "with Signals() as signals:\n"
        "    signals.reach(supervisor)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.exit(7 if supervisor.asked else 1)\n"
    )
    assert run(code, stderr=writing).returncode == 7
    os.close(writing)


def test_only_the_commands_own_process_is_protected(capsys: pytest.CaptureFixture[str]) -> None:
    with streams.never_waiting():
        print("as ever")
    streams.tell_from_handler("")
    assert capsys.readouterr().out == "as ever\n"
    assert not streams.is_gone(sys.stdout)
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
