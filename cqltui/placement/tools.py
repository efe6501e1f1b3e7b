"""Runs the programs of engines: by their words, never through a shell, with a limit of time and of output."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from typing import IO

from cqltui.child import clean_environment, find_program
from cqltui.pipes import Heard
from cqltui.placement.protocol import PlacementError

LIMIT_S = 30.0
OUTPUT_BYTES = 8 << 20
"""A line for each job of a user, who may have thousands."""
SAID = 300
"""Characters of an error."""
READ_S = 10.0
"""What a program has left behind may hold its output open; on a busy machine the end of it comes late."""


def run_tool(words: Sequence[str], given: str = "", limit_s: float = LIMIT_S) -> str:
    """Return what the program prints; `given` is its standard input. It gets our environment without the secrets.

    Raises PlacementError: `refused` where the program is not there, or says itself that it failed.
    """
    first, *rest = words
    path = first if os.path.isabs(first) else find_program(first)  # noqa: PTH117
    if path is None:
        raise PlacementError(f"there is no program {first!r} on PATH", refused=True)
    try:
        process = subprocess.Popen(
            [path, *rest],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=clean_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise PlacementError(f"{first} cannot be started: {error.strerror}", refused=True) from None
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    output, complaints = Heard(process.stdout, OUTPUT_BYTES + 1), Heard(process.stderr, 4 * SAID, last=True)
    Thread(target=_give, args=(process.stdin, given.encode()), daemon=True).start()
    try:
        code = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise PlacementError(f"{first} did not answer within {limit_s:.0f} s") from None
    said = output.said(READ_S)
    if code:
        raise _failure(first, code, complaints.said(READ_S).strip() or said.strip())
    if len(said) > OUTPUT_BYTES:  # of a list that is cut short, the others would count as gone
        raise PlacementError(f"{first} has printed more than {OUTPUT_BYTES >> 20} MiB")
    return said.decode(errors="replace")


def _give(pipe: IO[bytes], content: bytes) -> None:
    """Write what the program may read or not."""
    with suppress(OSError), pipe:
        rest = memoryview(content)
        while rest:
            rest = rest[pipe.write(rest) :]


def _failure(name: str, code: int, said: bytes) -> PlacementError:
    words = said[-4 * SAID :].decode(errors="replace").strip()
    what = f"signal {-code}" if code < 0 else f"exit code {code}"
    words = " ".join(_end(words).replace(f"{name}: ", "").split())[-SAID:]
    return PlacementError(f"{name}: {words or what}", refused=True, code=code)


def _end(said: str) -> str:
    """Return what a traceback ends with, which says what is wrong; of a program that prints none, all."""
    lines = said.splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    ends = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    after = next((number for number in ends if frames and number > frames[-1]), 0)
    return "\n".join(lines[after:])
