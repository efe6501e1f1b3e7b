"""The self test of a device (`trainer.selftest`) as a process of its own, and what it found, kept for the next time.

It is kept in the user's cache, by all that it depends on: machine, device, driver, PyTorch, the program and the cores.
"""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import cqltui
from cqltui.app import devices
from cqltui.app.devices import Device
from cqltui.campaign.placing import Verdict, read_verdict
from cqltui.child import PYTHON, clean_environment
from cqltui.errors import without_passwords
from cqltui.machine import machine_id
from cqltui.results.rundir import read_json, write_json
from trainer.files import user_cache

LIMIT_S = 90.0
"""A device that has not answered by then is none to train on."""
FAILURE_KEPT_S = 86400.0
"""A device may fail because another program uses all of it: it gets another chance."""


class SelfTests:
    """The verdicts on this machine's devices."""

    def __init__(
        self,
        torch: str,
        tell: Callable[[str], None] = lambda text: None,
        *,
        machine: str = "",
        folder: Path | None = None,
    ) -> None:
        """`torch`: its version. `tell`: called before something takes time. `folder`: instead of the user's cache."""
        self._torch = torch
        self._tell = tell
        self._machine = machine or machine_id()
        cache = user_cache()
        self._folder = folder or (cache / "selftest" if cache else None)

    def known(self, device: Device) -> Verdict | None:
        """Return what an earlier test of the device found; None if it was not tested as things are now."""
        found = read_json(path) if (path := self._path(device)) is not None else None
        if found is None:
            return None
        try:
            verdict = read_verdict(found, device.name, device.description)
        except (KeyError, TypeError, ValueError):  # damaged, or of another make
            return None
        recent = 0 <= time.time() - verdict.tested_ts <= FAILURE_KEPT_S
        return verdict if verdict.passed or recent else None

    def verdict(self, device: Device, *, again: bool = False) -> Verdict:
        """Return what is known of the device, or what a test finds now."""
        if not again and (known := self.known(device)) is not None:
            return known
        self._tell(f"testing {device.name} ({device.description}) beside the CPU's cores: once, some seconds")
        found = run(device.name) | {"tested_ts": time.time()}
        if (path := self._path(device)) is not None:
            try:
                write_json(path, found)
            except OSError as error:
                self._tell(f"the self test will be done again the next time: {error}")
        return read_verdict(found, device.name, device.description)

    def _path(self, device: Device) -> Path | None:
        if self._folder is None:
            return None
        cores = devices.default_workers().amount
        parts = (device.name, device.description, device.uuid, device.driver, self._torch, cqltui.__version__, cores)
        key = sha256(json.dumps([self._machine, *parts]).encode()).hexdigest()
        return self._folder / f"{key[:32]}.json"


def run(place: str, extra: Sequence[str] = ()) -> dict[str, Any]:
    """Test a device, as this process calls it; what `read_verdict` reads, whatever becomes of the test."""
    cores = devices.default_workers().amount
    command = [*PYTHON, "-m", "trainer.selftest", "--device", place.partition(":")[0], "--cores", str(cores)]
    command += ["--precision", devices.auto_precision(["cpu"]), *extra]
    failed: dict[str, Any] = {"passed": False, "shapes": [], "cores": cores}
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
            env=clean_environment(devices.environment_of(place)),
        )
        found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1]) | {"cores": cores}
        read_verdict(found, place, "")
    except subprocess.TimeoutExpired:
        return failed | {"said": f"no answer within {LIMIT_S:.0f} s"}
    except (ValueError, KeyError, TypeError, IndexError):
        last = (without_passwords(answer.stderr).strip().splitlines() or ["it said nothing"])[-1]
        how = f"ended by signal {-answer.returncode}" if answer.returncode < 0 else f"exit code {answer.returncode}"
        return failed | {"said": f"{how}: {last[:300]}"}
    return found
