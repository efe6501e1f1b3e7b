"""Found by each Python process of a disturbed run (PYTHONPATH): its clock of the day, and that of the server it starts,
are shifted by what a file says. Time that only runs on (monotonic) is not.

libfaketime alone would not do: under it, time.sleep of Python 3.11 and later fails (EINVAL).
"""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

_OFFSET = Path(os.environ["CHAOS_CLOCK"])
_FAKETIME = os.environ["CHAOS_FAKETIME"]
_time, _start = time.time, subprocess.Popen.__init__
_KEPT_S = 0.2
_known = [0.0, 0.0]
"""When the file was last read, by the monotonic clock, and what it said."""


def _shifted() -> float:
    now = time.monotonic()
    if now > _known[0] + _KEPT_S:
        try:
            _known[:] = now, float(_OFFSET.read_text(encoding="ascii") or 0)
        except (OSError, ValueError):  # just being written
            _known[0] = now
    return _time() + _known[1]


def _started(self: Any, args: Any, *rest: Any, **options: Any) -> None:
    if isinstance(args, list) and Path(str(args[0])).name in ("valkey-server", "redis-server"):
        shifted = {"LD_PRELOAD": _FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(_OFFSET), "FAKETIME_CACHE_DURATION": "1"}
        options["env"] = {**(options.get("env") or os.environ), **shifted, "DONT_FAKE_MONOTONIC": "1"}
    _start(self, args, *rest, **options)


time.time = _shifted
subprocess.Popen.__init__ = _started  # type: ignore[method-assign]
