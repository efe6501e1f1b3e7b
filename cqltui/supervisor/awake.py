"""Keeps the machine awake while a campaign runs, where there is something that would let it fall asleep."""

import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Event as Flag
from threading import Thread

from cqltui.child import find_program
from cqltui.state.events import Event
from cqltui.state.model import RunState, Wanted
from cqltui.supervisor.hooks import Notice

log = logging.getLogger(__name__)

ANSWER_S = 25.0
"""So long the desktop may take for an answer, as D-Bus has it by default. It is asked when training begins on all
cores: one that took more than the two seconds of the library's own was not asked again for the whole night."""
RELEASE_S = 3.0
"""So long at most the end of a run waits for the desktop's answer."""
SLEEPS = (
    "this machine may fall asleep by itself during the run: its desktop was asked to stay awake and did not answer as "
    "known desktops do; see supervisor.log, or set [workers] keep_awake = false"
)

Inhibit = Callable[[], AbstractContextManager[str]]
"""Keeps the machine awake until it is left; gives why it cannot, empty if it does. May block for seconds."""


@contextmanager
def by_desktop() -> Iterator[str]:
    """Ask the desktop to stay awake. Whatever becomes of this process, the request ends with it: it hangs on a
    connection, or on a pipe."""
    logging.getLogger("wakepy").setLevel(logging.WARNING)
    keep = importlib.import_module("wakepy").keep  # 30 ms, of a thread that nobody waits for
    with keep.running(on_fail="pass", dbus_adapter=_patient_adapter()) as mode:
        yield "" if mode.active else mode.result.get_failure_text("inline")


def _patient_adapter() -> type | None:
    """Return what talks over D-Bus, and waits `ANSWER_S` for each answer; None where nothing does."""
    if sys.platform == "darwin":
        return None
    adapter = importlib.import_module("wakepy.dbus_adapters.jeepney").JeepneyDBusAdapter
    connect = importlib.import_module("jeepney.io.blocking").open_dbus_connection

    def patient(_: object, bus: str = "SESSION") -> object:
        return connect(bus, auth_timeout=ANSWER_S)

    return type("PatientAdapter", (adapter,), {"timeout": ANSWER_S, "_create_new_connection": patient})


def is_asked_for() -> bool:
    """Return whether there is anybody to ask: macOS, or a session's bus. A server has none, and does not sleep by
    itself; WSL sleeps with its Windows, which does not ask it."""
    if sys.platform == "darwin":
        return find_program("caffeinate") is not None
    return "DBUS_SESSION_BUS_ADDRESS" in os.environ and "WSL_DISTRO_NAME" not in os.environ


def has_desktop() -> bool:
    """Return whether somebody sits in front of this session; over ssh a server has a bus too."""
    return sys.platform == "darwin" or not {"DISPLAY", "WAYLAND_DISPLAY"}.isdisjoint(os.environ)


class Awake:
    """Holds the machine awake from the first tick until it is left, but while the run is paused. A reporter, so that
    it goes with the loop; what it does takes place in threads of its own, and fails without harm."""

    def __init__(self, tell: Notice, *, wanted: bool, inhibit: Inhibit = by_desktop) -> None:
        """`tell` gets one notice if the machine cannot be kept awake, and may raise as long as it has not."""
        self._tell = tell
        self._wanted = wanted
        self._inhibit = inhibit
        self._holding: _Holding | None = None

    def __enter__(self) -> "Awake":
        return self

    def __exit__(self, *_: object) -> None:
        self._wanted = False
        self._release()

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """Nothing: how the run stands is looked at as time passes."""

    def tick(self, state: RunState, now: float) -> None:
        """Hold it, or let go while the run is paused; tell why it cannot be held, once."""
        if not self._wanted:
            return
        if state.wanted is Wanted.PAUSED:
            self._release()
        elif self._holding is None:
            self._holding = _Holding(self._inhibit)
            self._holding.start()
        elif self._holding.why:
            log.info("%s", self._holding.why)
            if has_desktop():
                self._tell("warning", SLEEPS)
            self._wanted = False  # it would fail again

    def _release(self) -> None:
        holding, self._holding = self._holding, None
        if holding is not None:
            holding.release()


class _Holding(Thread):
    """One time of keeping awake: all that is asked of the desktop, it is asked by this thread."""

    def __init__(self, inhibit: Inhibit) -> None:
        super().__init__(name="awake", daemon=True)
        self._inhibit = inhibit
        self._over = Flag()
        self.why = ""
        """Why it cannot be; empty while that is not known."""

    def run(self) -> None:
        try:
            with self._inhibit() as why:
                self.why = why
                if not why:
                    log.info("the machine is kept awake")
                    self._over.wait()
        except Exception as error:  # of a desktop, or of the library that talks to it
            self.why = f"the machine cannot be kept awake: {error!r}"

    def release(self) -> None:
        """Let it sleep again, or leave that to the end of the process."""
        self._over.set()
        self.join(RELEASE_S)
