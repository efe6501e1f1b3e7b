"""The devices of this machine, asked of a short-lived process, since whoever asks must not load PyTorch."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from cqltui.child import PYTHON, clean_environment
from cqltui.errors import CqltuiError, InputError
from trainer import allowance
from trainer.allowance import Allowed
from trainer.config import Precision

PROBE_LIMIT_S = 120.0
KINDS = ("cuda", "mps", "cpu")
MASK = "CUDA_VISIBLE_DEVICES"
"""The GPUs that a process may see, by number, UUID or MIG name: what it calls cuda:0 is the first of them."""
SHOWN_DEVICE = "CQLTUI_DEVICE"
"""What a worker's device is called outside of it."""
WORKER_BYTES = 400 * 1024**2
"""Memory of a worker with a small pack; libraries and compiled code take most of it."""


class Device(Struct, frozen=True):
    """A device as `trainer.devices` tells it."""

    name: str
    description: str
    memory_bytes: int | None
    driver: str = ""
    uuid: str = ""

    @property
    def kind(self) -> str:
        """cuda, mps or cpu."""
        return self.name.partition(":")[0]


def probe(environment: Mapping[str, str] = os.environ) -> tuple[str, tuple[Device, ...]]:
    """Return (PyTorch's version, devices with the CPU last). Raises CqltuiError if PyTorch cannot be loaded."""
    version, found = _ask({})
    instances = _entries(environment.get(MASK))
    if found[0].kind != "cuda" or len(instances) < 2 or not instances[0].startswith("MIG-"):
        return version, found
    shown = [found[0]]  # a process sees one MIG instance only, the first that it may
    for number, name in enumerate(instances[1:], 1):
        first = _ask({MASK: name})[1][0]
        if first.kind != "cuda":
            break  # CUDA too ignores what follows a name that it does not know
        shown.append(replace(first, name=f"cuda:{number}"))
    return version, (*shown, *(device for device in found if device.kind != "cuda"))


def _ask(extra: Mapping[str, str]) -> tuple[str, tuple[Device, ...]]:
    """Return what a process with this in its environment sees."""
    try:
        command = [*PYTHON, "-m", "trainer.devices"]
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_LIMIT_S, check=False, env=clean_environment(extra)
        )
    except subprocess.TimeoutExpired as error:
        raise CqltuiError(f"PyTorch did not load within {PROBE_LIMIT_S:.0f} s") from error
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CqltuiError(f"PyTorch cannot be loaded: {last}. Install it with: pip install torch")
    found = json.loads(answer.stdout)
    return found["torch"], tuple(Device(**device) for device in found["devices"])


def of_kind(kind: str, devices: Sequence[Device], environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the names of the devices of a kind. Raises InputError if there is none."""
    if not (chosen := tuple(device.name for device in devices if device.kind == kind)):
        mask = environment.get(MASK)
        hidden = f" ({MASK} is {mask[:80]!r}, which hides the others)" if kind == "cuda" and mask is not None else ""
        names = ", ".join(device.name for device in devices)
        raise InputError(f"workers.device = {kind!r}: this machine has {names}{hidden}; use auto or one of them")
    return chosen


def slots(chosen: Sequence[str], count: int | None) -> tuple[str, ...]:
    """Return the device of each worker, the chosen ones in turn: one a core, or one a GPU, unless the count is
    given. Where it is 0, no worker is of this machine: the one place says where training would be."""
    total = (
        max(1, count) if count is not None else (default_workers().amount if list(chosen) == ["cpu"] else len(chosen))
    )
    return tuple(chosen[place % len(chosen)] for place in range(total))


def environment_of(place: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what makes a worker see its own GPU only, and know what that is called here.

    `place` is a device as this process sees it, through a mask of its own if there is one.
    """
    kind, _, number = place.partition(":")
    if kind != "cuda":
        return {}
    visible = _entries(environment.get(MASK))
    return {MASK: visible[int(number)] if visible else number, SHOWN_DEVICE: place}


def _entries(mask: str | None) -> list[str]:
    """Return what a mask names, as it stands there: CUDA reads it again."""
    return [] if mask is None or not mask.strip() else [entry.strip() for entry in mask.split(",")]


def default_workers() -> Allowed:
    """Workers on the CPU, unless their number is given: one a core, as long as the memory is enough for them."""
    cores, memory = allowance.cores(), allowance.memory()
    fit = max(1, memory.amount // WORKER_BYTES)
    if fit < cores.amount:
        return Allowed(fit, cores.machine, memory.limit or f"the memory of {memory.amount / 1024**3:.1f} GiB")
    return cores


def auto_precision(places: Sequence[str], cpu_info: Path = Path("/proc/cpuinfo")) -> Precision:
    """Return what `precision = "auto"` means for workers on these devices: bf16 where the check in docs/speed.md has
    passed.

    That is on x86 processors that multiply bfloat16 themselves; everywhere else it is fp32.
    """
    if any(place != "cpu" for place in places) or not cpu_info.is_file():
        return "fp32"
    flags = {flag for line in cpu_info.read_text().splitlines() if line.startswith("flags") for flag in line.split()}
    return "bf16" if "avx512_bf16" in flags else "fp32"
