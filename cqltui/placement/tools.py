"""Runs the programs of engines: by their words, never through a shell, with a limit of time and of output."""

import os
import subprocess
from collections.abc import Sequence
from typing import NoReturn

from cqltui.child import clean_environment, find_program
from cqltui.placement.protocol import PlacementError

LIMIT_S = 30.0
OUTPUT_BYTES = 8 << 20
"""A line for each job of a user, who may have thousands."""
SAID = 300
"""Characters of an error."""


def run_tool(words: Sequence[str], given: str = "", limit_s: float = LIMIT_S) -> str:
    """Return what the program prints; `given` is its standard input. It gets our environment without the secrets.

    Raises PlacementError: `refused` where the program is not there, or says itself that it failed.
    """
    first, *rest = words
    path = first if os.path.isabs(first) else find_program(first)  # noqa: PTH117
    if path is None:
        raise PlacementError(f"there is no program {first!r} on PATH", refused=True)
    try:
        done = subprocess.run(
            [path, *rest],
            input=given.encode(),
            capture_output=True,
            timeout=limit_s,
            check=False,
            env=clean_environment(),
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise PlacementError(f"{first} did not answer within {limit_s:.0f} s") from None
    except OSError as error:
        raise PlacementError(f"{first} cannot be started: {error.strerror}", refused=True) from None
    if done.returncode:
        _fail(first, done)
    return done.stdout[:OUTPUT_BYTES].decode(errors="replace")


def _fail(name: str, done: subprocess.CompletedProcess[bytes]) -> NoReturn:
    said = (done.stderr.strip() or done.stdout.strip())[-4 * SAID :].decode(errors="replace").strip()
    what = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    said = " ".join(_end(said).replace(f"{name}: ", "").split())[-SAID:]
    raise PlacementError(f"{name}: {said or what}", refused=True, code=done.returncode)


def _end(said: str) -> str:
    """Return what a traceback ends with, which says what is wrong; of a program that prints none, all."""
    lines = said.splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    ends = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    after = next((number for number in ends if frames and number > frames[-1]), 0)
    return "\n".join(lines[after:])
