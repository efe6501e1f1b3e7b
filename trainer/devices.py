"""Which devices this machine can train on. `python -m trainer.devices` prints it, for a process without torch."""

import gc
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch

PREFERENCE = ("cuda", "mps", "cpu")


@dataclass(frozen=True, slots=True)
class Device:
    """One device that PyTorch can use."""

    name: str
    """As torch takes it: `cuda:0`, `mps`, `cpu`."""
    description: str
    memory_bytes: int | None
    """Of the device as a whole; None where the system does not tell."""


def choose(wanted: str, available: Sequence[str]) -> str:
    """The device to use: `wanted`, or with "auto" the first of cuda > mps > cpu. Raises ValueError that names them.

    "cuda" without a number means the first one.
    """
    kinds = PREFERENCE if wanted == "auto" else (wanted,)
    for kind in kinds:
        for name in available:
            if kind in (name, name.partition(":")[0]):
                return name
    raise ValueError(f"device {wanted!r} is not available here: choose auto or one of {', '.join(available)}")


def probe() -> tuple[Device, ...]:
    """The devices of this machine, the best kind first."""
    cuda = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    found = [Device(f"cuda:{index}", gpu.name, gpu.total_memory) for index, gpu in enumerate(cuda)]
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU (Metal)", torch.mps.recommended_max_memory()))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (*found, Device("cpu", torch.backends.cpu.get_cpu_capability(), memory))


def main() -> None:
    """Print {"torch": version, "devices": [{"name", "description", "memory_bytes"}]}, the best device first."""
    print(json.dumps({"torch": torch.__version__, "devices": [asdict(device) for device in probe()]}))
    gc.freeze()  # else the interpreter looks for garbage in all of PyTorch before it ends, which takes a quarter second


if __name__ == "__main__":
    main()
