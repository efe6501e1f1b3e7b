"""What this machine does: CPU, memory, disk, and GPUs where NVIDIA's library is there (`pip install nvidia-ml-py`)."""

import importlib
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psutil

from cqltui import machine
from cqltui.identity import Life, ProcessIdentity
from cqltui.results.rundir import RunDir
from cqltui.state.gauges import Gauge, Gpu
from cqltui.state.plain import plain

MOST_GPUS = 16


class Gauges:
    """Called in one thread, every few seconds; rates are since the last call."""

    def __init__(self, run_dir: RunDir) -> None:
        self._run_dir = run_dir
        self._looked_s: float | None = None
        self._disk_bytes: int | None = None
        self._processes: dict[ProcessIdentity, tuple[psutil.Process, float]] = {}
        """With the seconds of CPU that each had."""
        self._gpus: _Gpus | None = None

    def __call__(self, workers: Sequence[ProcessIdentity]) -> Gauge:
        """Return what the machine does now. `workers`: the run's, of which those of this machine are measured."""
        now_s, before_s = time.monotonic(), self._looked_s
        self._looked_s = now_s
        elapsed_s = None if before_s is None else max(now_s - before_s, 1e-3)
        cores = psutil.cpu_count() or 1
        busy = psutil.cpu_percent(None) / 100  # since the last call in this thread
        seconds = self._seconds(workers)
        memory = psutil.virtual_memory()
        free, total = self._disk()
        if self._gpus is None:
            self._gpus = _Gpus()
        return Gauge(
            cpu=None if elapsed_s is None else busy,
            ours=None if elapsed_s is None or not self._processes else seconds / elapsed_s / cores,
            cores=cores,
            workers=len(self._processes),
            memory_bytes=memory.total - memory.available,
            memory_total_bytes=memory.total,
            disk_free_bytes=free,
            disk_total_bytes=total,
            disk_bytes_per_s=self._disk_rate(elapsed_s),
            gpus=self._gpus.read(),
        )

    def _seconds(self, workers: Sequence[ProcessIdentity]) -> float:
        """Return the seconds of CPU that the workers of this machine have had since the last call."""
        known, used_s = self._processes, 0.0
        self._processes = {}
        for worker in workers:
            with suppress(psutil.Error, OSError):
                found = known.get(worker)
                if found is None and machine.life(worker) is not Life.ALIVE:
                    continue
                process = found[0] if found is not None else psutil.Process(worker.pid)
                times = process.cpu_times()
                total = times.user + times.system
                used_s += max(total - (found[1] if found is not None else total), 0.0)
                self._processes[worker] = process, total
        return used_s

    def _disk(self) -> tuple[int | None, int | None]:
        try:
            usage = shutil.disk_usage(self._run_dir.path)
        except OSError:
            return None, None
        return usage.free, usage.total

    def _disk_rate(self, elapsed_s: float | None) -> float | None:
        before, self._disk_bytes = self._disk_bytes, None
        with suppress(psutil.Error, OSError, RuntimeError):  # containers may not tell
            if (counted := psutil.disk_io_counters()) is not None:
                self._disk_bytes = counted.read_bytes + counted.write_bytes
        if before is None or self._disk_bytes is None or elapsed_s is None:
            return None
        return max(self._disk_bytes - before, 0) / elapsed_s


class _Gpus:
    """NVIDIA's own figures. Without its library or a driver there are none, and it is not asked again."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._handles: list[tuple[Any, str]] = []
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return
        with suppress(Exception):  # it has errors of its own, and a broken driver more
            nvml.nvmlInit()
            for index in range(min(nvml.nvmlDeviceGetCount(), MOST_GPUS)):
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                name = nvml.nvmlDeviceGetName(handle)
                self._handles.append((handle, plain(name.decode() if isinstance(name, bytes) else str(name), 40)))
            self._nvml = nvml

    def read(self) -> tuple[Gpu, ...]:
        """Return each GPU."""
        return tuple(self._gpu(handle, name) for handle, name in self._handles) if self._nvml is not None else ()

    def _gpu(self, handle: Any, name: str) -> Gpu:
        """Return what it tells: each figure may be refused by itself."""
        use, used, total, watts = None, None, None, None
        with suppress(Exception):
            use = float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100
        with suppress(Exception):
            memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
            used, total = int(memory.used), int(memory.total)
        with suppress(Exception):
            watts = float(self._nvml.nvmlDeviceGetPowerUsage(handle)) / 1_000  # which it tells in thousandths
        return Gpu(name, use, used, total, watts)
