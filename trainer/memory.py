"""Memory of the device that a process trains on. The CPU's needs no PyTorch; `trainer.devices` tells the others'."""

from pkgutil import resolve_name
from typing import Any

from trainer import allowance


def total_bytes(device: str) -> int:
    """Return the memory of a device as a whole."""
    return allowance.memory().amount if device == "cpu" else int(_devices().total_bytes(device))


def free_bytes(device: str, available: int) -> int:
    """Return the memory that more arrays could have. `available`: what the system says to have left."""
    return allowance.free_memory(available) if device == "cpu" else int(_devices().free_bytes(device, available))


def held_bytes(device: str, resident: int) -> int:
    """Return the memory of a device that this process holds. `resident`: its memory on the CPU."""
    return resident if device == "cpu" else int(_devices().held_bytes(device)) or resident


def empty_cache(device: str) -> None:
    """Give back the memory that PyTorch holds on a device and does not use."""
    if device != "cpu":
        _devices().empty_cache(device)


def _devices() -> Any:
    return resolve_name("trainer.devices")
