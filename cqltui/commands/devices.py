"""The devices of this machine, asked of a short process, since whoever asks shall not load PyTorch."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cqltui.child import PYTHON
from cqltui.errors import CqltuiError, InputError
from trainer.config import Precision

PROBE_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Device:
    """A device as `trainer.devices` tells it."""

    name: str
    description: str
    memory_bytes: int | None


def probe() -> tuple[str, tuple[Device, ...]]:
    """(PyTorch's version, devices with the best first). Raises CqltuiError if PyTorch cannot be loaded."""
    try:
        command = [*PYTHON, "-m", "trainer.devices"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise CqltuiError(f"PyTorch did not load within {PROBE_LIMIT_S:.0f} s") from error
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CqltuiError(f"PyTorch cannot be loaded: {last}. Install it with: pip install torch")
    found = json.loads(answer.stdout)
    return found["torch"], tuple(Device(**device) for device in found["devices"])


def spread(wanted: str, count: int | None) -> tuple[str, ...]:
    """The device of each worker: one a core, or one a GPU, unless the count is given. Raises InputError."""
    if wanted == "cpu":
        return ("cpu",) * (count or cores())
    _, devices = probe()
    names = [device.name for device in devices]
    kinds = ("cuda", "mps", "cpu") if wanted == "auto" else (wanted,)
    chosen: list[str] = next(
        (same for kind in kinds if (same := [name for name in names if name.partition(":")[0] == kind])), []
    )
    if not chosen:
        raise InputError(f"workers.device = {wanted!r}: this machine has {', '.join(names)}; use auto or one of them")
    total = count or (cores() if chosen == ["cpu"] else len(chosen))
    return tuple(chosen[place % len(chosen)] for place in range(total))


def auto_precision(places: Sequence[str], cpu_info: Path = Path("/proc/cpuinfo")) -> Precision:
    """What `precision = "auto"` means for workers on these devices: bf16 where the check of the README has passed.

    That is on x86 processors that multiply bfloat16 themselves; everywhere else it is fp32.
    """
    if any(place != "cpu" for place in places) or not cpu_info.is_file():
        return "fp32"
    flags = {flag for line in cpu_info.read_text().splitlines() if line.startswith("flags") for flag in line.split()}
    return "bf16" if "avx512_bf16" in flags else "fp32"


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
