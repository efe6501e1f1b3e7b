"""Which devices PyTorch can train on here. `python -m trainer.devices` prints it, for a process without torch."""

import gc
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import torch
from msgspec import Struct, to_builtins

from trainer import allowance

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
ASK_S = 20.0


class Device(Struct, frozen=True):
    """One device that PyTorch can use."""

    name: str
    """As torch takes it: `cuda:0`, `mps`, `cpu`."""
    description: str
    memory_bytes: int | None
    """Of the device as a whole; of the CPU what its limits leave. None where the system does not tell."""
    driver: str = ""
    """What drives it, with its version; empty for the CPU."""
    uuid: str = ""
    """What tells it from others of its make; empty where the system does not tell."""


def choose(wanted: str, available: Sequence[str]) -> str:
    """Return the device that a name means: "cuda" without a number is the first one. Raises ValueError that names
    them."""
    for name in available:
        if wanted in (name, name.partition(":")[0]):
            return name
    raise ValueError(f"device {wanted!r} is not available here: choose auto or one of {', '.join(available)}")


def probe() -> tuple[Device, ...]:
    """Return the devices of this machine, the CPU last."""
    found = []
    driver = _nvidia_driver() if torch.cuda.is_available() else ""
    for index in range(torch.cuda.device_count()):
        gpu = torch.cuda.get_device_properties(index)
        found.append(Device(f"cuda:{index}", gpu.name, gpu.total_memory, driver, str(getattr(gpu, "uuid", ""))))
    if torch.backends.mps.is_available():
        system = f"macOS {platform.mac_ver()[0]}"
        found.append(Device("mps", "Apple GPU (Metal)", torch.mps.recommended_max_memory(), system))
    return (*found, Device("cpu", torch.backends.cpu.get_cpu_capability(), allowance.memory().amount))


def total_bytes(device: str) -> int:
    """Return the memory of a GPU as a whole."""
    return int(torch.cuda.mem_get_info(device)[1]) if device.startswith("cuda") else torch.mps.recommended_max_memory()


def free_bytes(device: str, available: int) -> int:
    """Return the memory of a GPU that more tensors could have. `available`: what the system says to have left."""
    if device.startswith("cuda"):
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # held, but free to us
        return int(torch.cuda.mem_get_info(device)[0] + unused)
    left = torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return max(0, min(allowance.free_memory(available), left))  # MPS shares the system's memory


def held_bytes(device: str) -> int:
    """Return the memory of a GPU that this process holds."""
    if device.startswith("cuda"):
        return int(torch.cuda.memory_reserved(device))
    return int(torch.mps.driver_allocated_memory())


def synchronize(device: str) -> None:
    """Wait until the device has done what it was given, so that time can be measured."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


def empty_cache(device: str) -> None:
    """Give back the memory that PyTorch holds on a device and does not use."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def main() -> None:
    """Print {"torch": version, "devices": [the fields of `Device`]}, the CPU last."""
    print(json.dumps({"torch": torch.__version__, "devices": [to_builtins(device) for device in probe()]}))
    gc.freeze()  # else the interpreter looks for garbage in all of PyTorch before it ends, which takes a quarter second


def _nvidia_driver() -> str:
    """NVIDIA's driver and its version, or AMD's; where neither tells, what PyTorch was built for."""
    if NVIDIA_DRIVER.is_file():
        return NVIDIA_DRIVER.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
    tool = shutil.which("nvidia-smi")  # under WSL there is no such file
    if tool is not None and Path(tool).is_absolute():  # else it lies in the folder where the command was given
        command = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
        known = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG") if name in os.environ}
        answer = subprocess.run(command, capture_output=True, text=True, timeout=ASK_S, check=False, env=known)
        if answer.returncode == 0 and answer.stdout.strip():
            return f"NVIDIA {answer.stdout.split()[0]}"
    return f"ROCm {torch.version.hip}" if torch.version.hip else f"CUDA {torch.version.cuda}"


if __name__ == "__main__":
    main()
