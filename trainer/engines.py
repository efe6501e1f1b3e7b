"""Which engine trains what. An engine is loaded when it is asked for: the CPU's for fp32 needs no PyTorch."""

from pkgutil import resolve_name

from trainer.config import Precision
from trainer.pack import EngineFactory

CPU_ENGINES: dict[Precision, str] = {"fp32": "trainer.native:NativeEngine", "bf16": "trainer.mixed:MixedEngine"}
"""The fastest for each precision."""
BATCHED = "trainer.batched:BatchedEngine"
"""Of PyTorch's operations, for every device and precision."""
COMPILER = ("numba", "llvmlite", "scipy")
"""What the CPU's engines are compiled and linked with, which a GPU needs for nothing."""


def engine(device: str, precision: Precision) -> EngineFactory:
    """Return the fastest engine for a device and a precision. RuntimeError where it cannot be loaded."""
    if device != "cpu":
        return load(BATCHED)
    try:
        return load(CPU_ENGINES[precision])
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in COMPILER:
            raise
        raise RuntimeError("training on the CPU needs Numba and SciPy: pip install numba scipy") from missing


def cpu_reference() -> EngineFactory | None:
    """None where the CPU's own engines can be loaded, as `engine` chooses them; else the one that GPUs have."""
    try:
        engine("cpu", "fp32")
    except RuntimeError:
        return load(BATCHED)
    return None


def load(name: str) -> EngineFactory:
    """Return an engine by its module and class. Raises ModuleNotFoundError."""
    found: EngineFactory = resolve_name(name)
    return found
