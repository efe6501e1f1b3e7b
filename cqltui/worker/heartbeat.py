"""The worker's pulse, from a thread of its own, so that a long step or a slow disk does not cost the lease."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

LONGEST_S, SHORTEST_S = 5.0, 0.01
BEATS_A_LEASE = 6


def interval_s(lease_s: float) -> float:
    """Return the seconds between two beats that keep a lease of `lease_s` even when some are lost."""
    return max(SHORTEST_S, min(LONGEST_S, lease_s / BEATS_A_LEASE))


class Heartbeat:
    """Calls `beat` every few seconds from its thread, whatever becomes of a beat."""

    def __init__(self, beat: Callable[[], None], interval_s: float = LONGEST_S) -> None:
        self._beat = beat
        self._interval_s = interval_s
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def pace(self, interval_s: float) -> None:
        """Beat now, and every `interval_s` from now on."""
        self._interval_s = interval_s
        self._wake.set()

    def stop(self) -> None:
        """Beat no more; returns when the thread has ended."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait(self._interval_s)
            self._wake.clear()
            if self._stopped:
                return
            try:
                self._beat()
            except Exception:  # whatever it is, leases would run out without a pulse
                log.exception("a heartbeat failed")
