"""What is measured of this machine, and what a history tells of before."""

import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import psutil
import pytest
from msgspec.structs import replace

from cqltui import machine
from cqltui.app.gauges import Gauges
from cqltui.results.rundir import RunDir
from cqltui.results.speeds import read_speeds
from cqltui.state.gauges import Gpu, Sample


def test_this_machine_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # not installed
    ours = machine.here()
    measure = Gauges(RunDir(tmp_path))
    first = measure([ours])
    assert (first.cpu, first.ours, first.disk_bytes_per_s) == (None, None, None), "there is nothing to compare with"
    cpu_s, deadline = time.process_time(), time.monotonic() + 10
    while time.process_time() - cpu_s < 0.05 and time.monotonic() < deadline:
        pass
    found = measure([ours, replace(ours, machine="other")])
    assert found.workers == 1, "a worker of another machine is none of this one"
    assert found.ours is not None
    assert 0.0 < found.ours <= 1.0
    assert found.cores == psutil.cpu_count()
    assert found.memory_bytes is not None
    assert found.memory_total_bytes is not None
    assert 0 < found.memory_bytes < found.memory_total_bytes
    assert found.disk_free_bytes is not None
    assert found.disk_total_bytes is not None
    assert (
        found.disk_free_bytes <= found.disk_total_bytes == os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize
    )
    assert found.gpus == ()
    gone = Gauges(RunDir(tmp_path / "gone"))([])
    assert (gone.disk_free_bytes, gone.workers) == (None, 0)


def test_gpus_are_those_that_the_library_tells_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(handle: int) -> int:
        raise RuntimeError("Not Supported")

    library = ModuleType("pynvml")
    library.__dict__.update(
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: b"NVIDIA H100" if handle else "Tesla\x1b[2J",
        nvmlDeviceGetUtilizationRates=lambda handle: SimpleNamespace(gpu=87, memory=3),
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(used=12, total=80),
        nvmlDeviceGetPowerUsage=lambda handle: 310_400 if handle else refused(handle),
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    measure = Gauges(RunDir(tmp_path))
    assert measure([]).gpus == (Gpu("Tesla", 0.87, 12, 80, None), Gpu("NVIDIA H100", 0.87, 12, 80, 310.4))
    library.__dict__["nvmlInit"] = lambda: refused(0)
    assert Gauges(RunDir(tmp_path))([]).gpus == (), "there is no driver"


def test_a_history_tells_of_before(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert read_speeds(path) == ()
    lines = [
        json.dumps({"ts": 10.0, "samples_per_s": 5.5, "workers": {"w1": 3, "w2": 4}}),
        "[]",
        "{cut",
        json.dumps({"ts": 9.0, "samples_per_s": 1.0}),
        json.dumps({"ts": 20.0, "samples_per_s": "x", "workers": [1]}),
        json.dumps({"samples_per_s": 1.0}),
    ]
    path.write_text("\n".join(lines) + "\n")
    assert read_speeds(path) == (Sample(10.0, 5.5, held_bytes=7), Sample(20.0, 0.0, held_bytes=0))
