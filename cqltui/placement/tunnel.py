"""A tunnel to the run's embedded server, kept up on a thread of its own: ssh leads from a socket on a host to the
server's here. A link that is cut is built anew; whoever works there goes on meanwhile."""

import json
import logging
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cqltui.backoff import pause_s
from cqltui.broker.server.guests import Entry
from cqltui.broker.server.url import tunnel_url
from cqltui.child import clean_environment, find_program
from cqltui.errors import CqltuiError, ServerError
from cqltui.pipes import Heard
from cqltui.placement.protocol import PlacementError
from cqltui.placement.ssh import Ssh
from cqltui.placement.there import READY
from cqltui.placement.tools import READ_S
from cqltui.state.plain import plain

log = logging.getLogger(__name__)

FIRST_S, LONGEST_S, HEALTHY_S = 1.0, 30.0, 60.0
"""Before it is built anew: the first pause, the longest, and the life after which pauses begin anew."""
LOOK_S = 1.0
"""Between looks at ssh and at the server, which may be another by now."""
OPEN_S = 30.0
END_S = 5.0
SAID_BYTES = 1200


class Kept:
    """A tunnel that is built anew whenever it falls, on a thread of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._closing = threading.Event()
        self._url: str | None = None
        self._stood = threading.Event()
        self._why = "it is being built"
        self._thread = threading.Thread(target=self._work, name=f"tunnel {name}", daemon=True)
        self._thread.start()

    def url(self) -> str:
        """Return the URL by which a worker finds the server; a tunnel that has never stood is waited for. Raises
        PlacementError while there is none."""
        self._stood.wait(OPEN_S)
        if self._url is None:
            raise PlacementError(f"there is no tunnel between {self.name} and the server: {self._why}")
        return self._url

    def close(self) -> None:
        """Have it end; `join` waits for that."""
        self._closing.set()

    def join(self) -> None:
        """Wait until it has ended, for a while."""
        self._thread.join(2 * END_S + LOOK_S)

    def _hold(self) -> None:
        """Build the tunnel; return once it is to be built otherwise, or this is closed. Raises what is to be tried
        again."""
        raise NotImplementedError

    def _work(self) -> None:
        failures = 0
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                self._hold()
                continue
            except (PlacementError, CqltuiError, OSError) as error:
                why = str(error)
            except Exception as error:  # that nobody foresaw: a run without its tunnel would wait for ever
                log.exception("tunnel %s", self.name)
                why = str(error)
            self._url = None
            if why != self._why:
                log.warning("tunnel between %s and the server: %s", self.name, plain(why, SAID_BYTES))
            self._why = why
            failures = 1 if time.monotonic() - began > HEALTHY_S else failures + 1
            self._closing.wait(pause_s(failures, FIRST_S, LONGEST_S))

    def _stands(self, folder: Path) -> None:
        self._url = tunnel_url(folder)
        self._why = ""
        again = " again" if self._stood.is_set() else ""
        self._stood.set()
        log.log(
            logging.WARNING if again else logging.INFO,
            "tunnel between %s and the server: it stands%s",
            self.name,
            again,
        )


class Tunnel(Kept):
    """From one host to the server, built from here."""

    def __init__(self, engine: Ssh, admit: Callable[[], Entry], is_stale: Callable[[Entry], bool]) -> None:
        """Begin to build it. `admit`, `is_stale`: as of `Guests`."""
        self._engine, self._admit, self._is_stale = engine, admit, is_stale
        super().__init__(engine.host)

    def _hold(self) -> None:
        entry = self._admit()
        there, folder = self._engine.ends()
        try:
            self._lead(entry, there, folder)
        except PlacementError as error:
            raise self._engine.named(error) from None

    def _lead(self, entry: Entry, there: str, folder: Path) -> None:
        with opened(self._engine.tunnel((there, entry.socket)), stdin=subprocess.PIPE) as (process, errors):
            tell(process, entry.at(there), errors)
            self._stands(folder)
            while not self._closing.wait(LOOK_S):
                if process.poll() is not None:
                    raise PlacementError(f"it was cut: {said(errors)}")
                if not self._is_stale(entry):
                    continue
                try:
                    later = self._admit()
                except ServerError:  # the next one is yet to answer
                    continue
                if later.socket != entry.socket:
                    return
                entry = later
                tell(process, entry.at(there), errors)


@contextmanager
def opened(words: Sequence[str], stdin: int) -> "Iterator[tuple[subprocess.Popen[bytes], Heard]]":
    """Run ssh, and yield its process and what comes through its standard error, from ssh or from its other end. It is
    ended afterwards. Raises PlacementError."""
    first, *rest = words
    if (program := find_program(first)) is None:
        raise PlacementError(f"there is no program {first!r} on PATH")
    process = subprocess.Popen(
        [program, *rest],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=clean_environment(),
        start_new_session=True,
    )
    assert process.stderr is not None
    errors = Heard(process.stderr, SAID_BYTES, last=True)
    try:
        yield process, errors
    finally:
        _end(process)


def tell(process: "subprocess.Popen[bytes]", content: dict[str, object], errors: Heard) -> None:
    """Have the connection file written there. Raises PlacementError."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # what ssh said tells more
        process.stdin.write(json.dumps(content).encode() + b"\n")
    deadline, heard = time.monotonic() + OPEN_S, b""
    while READY.encode() not in heard:
        heard = (heard + hear(process, deadline - time.monotonic(), errors))[-4096:]


def hear(process: "subprocess.Popen[bytes]", limit_s: float, errors: Heard) -> bytes:
    """Return what it prints next. Raises PlacementError for nothing within the time, and for its end."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], max(0.0, limit_s))
    if not readable:
        raise PlacementError("nothing answers at its other end")
    if not (more := os.read(process.stdout.fileno(), 4096)):
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        raise PlacementError(said(errors))
    return more


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it, by the end of its standard input first: what it runs there cleans up behind itself."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    else:
        process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(END_S)
    if process.stdout is not None:
        process.stdout.close()


def said(errors: Heard) -> str:
    """Return what ssh has complained of last, once it has ended."""
    return " ".join(errors.said(READ_S).decode(errors="replace").split()) or "ssh has ended"
