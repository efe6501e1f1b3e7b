"""Starts the user's program with a notice. It is started by its words, never through a shell."""

import contextlib
import json
import logging
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from cqltui.child import clean_environment, find_program
from cqltui.pipes import Heard
from cqltui.supervisor.courier import DeliveryError

log = logging.getLogger(__name__)

LIMIT_S = 30.0
OUTPUT_BYTES = 8192
"""Of what it prints, as the log keeps it."""
READ_S = 1.0
"""What it has left behind may hold its output open."""


class Program:
    """The program of `[notify] command`."""

    def __init__(self, words: Sequence[str], limit_s: float = LIMIT_S) -> None:
        self._words = words
        self._limit_s = limit_s
        self._child: subprocess.Popen[bytes] | None = None

    def run(self, notice: bytes) -> None:
        """Run it to its end, or to that of its time; what it prints goes to the log. Raises DeliveryError."""
        first, *rest = self._words
        path = first if "/" in first else find_program(first)
        if path is None or not os.path.isabs(path):  # noqa: PTH117
            raise DeliveryError("there is no such program on PATH, and its path is not absolute", again=False)
        try:
            child = subprocess.Popen(
                [path, *rest],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
                env=clean_environment(variables(notice)),
            )
        except OSError as error:
            raise DeliveryError(f"it cannot be started: {error.strerror}", again=False) from None
        self._child = child
        assert child.stdin is not None
        assert child.stdout is not None
        with contextlib.suppress(OSError), child.stdin:  # one that does not read it
            child.stdin.write(notice)  # less than a pipe holds
        printed = Heard(child.stdout, OUTPUT_BYTES)
        try:
            code = child.wait(self._limit_s)
        except subprocess.TimeoutExpired:
            self.stop()
            child.wait()
            code = None
        for line in printed.said(READ_S).decode(errors="replace").splitlines():
            log.info("notify command: %s", line)
        if code is None:
            raise DeliveryError(f"it was ended after {self._limit_s:g} s", again=False)
        if code != 0:
            raise DeliveryError(f"exit code {code}", again=False)

    def stop(self) -> None:
        """End it, with what it has started. For any thread."""
        if (child := self._child) is not None and child.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)


def variables(notice: bytes) -> Mapping[str, str]:
    """Return the environment variables that tell the same."""
    said = json.loads(notice)
    return {
        "CQLTUI_EVENT": said["event"],
        "CQLTUI_RUN": said["run_dir"],
        "CQLTUI_CAMPAIGN": said["campaign"],
        "CQLTUI_TEXT": said["text"],
        "CQLTUI_TIME": said["time"],
    }
