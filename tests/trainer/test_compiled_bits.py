"""The bits of compiled code do not depend on whether its process compiled it or found it on disk, nor on what it ran
before; and what is found on disk is the code as it is now."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from trainer import kernels, pack_kernels

SCRIPT = """
import hashlib, sys
import numpy as np
from trainer import kernels, pack_kernels
F, rows, inputs, units = np.float32, 48, 9, 77
table = np.array([[inputs, units, 0, 693, 770, 847], [units, 4, 924, 1232, -1, -1]])
draw = np.random.default_rng(1)
row, x = draw.normal(size=1236).astype(F), draw.normal(size=(rows, units)).astype(F)
outputs, rstd = np.empty((1, rows, units), F), np.empty((1, rows), F)
sums = np.zeros((1, 5))

def pack():
    pack_kernels.pack_norm(x[None].copy(), row[None], table, 0, np.empty_like(outputs), rstd, outputs)
    moments = [row[None].copy() for _ in range(3)]
    moments[2][:] = 1
    steps = np.ones(1, np.int64)
    pack_kernels.pack_adam(tuple(moments), row[None] * F(0.1), np.ones(1) * 0.1, 10.0, steps, sums)
    return outputs, rstd, *moments, sums

def member():
    normed, shown, q = np.empty(rows * units, F), np.empty(rows * units, F), np.empty((rows, 4), F)
    kernels.forward(row, table, x[:, :inputs].copy(), normed, np.empty((2, rows), F), shown, q)
    moments = [row.copy() for _ in range(3)]
    moments[2][:] = 1
    norm = kernels.adam(moments[0], row * F(0.1), moments[1], moments[2], 0.1, 10.0, 1)
    return q, shown, *moments, np.array(norm)

for name in sys.argv[1:]:
    bits = b"".join(found.tobytes() for found in {"pack": pack, "member": member}[name]())
    print(name, hashlib.sha256(bits).hexdigest())
print("numba.np.npyimpl" in sys.modules)
"""
"""Two kernels of a pack and two of a member, which have LayerNorm and Adam in common; then whether what only compiling
needs was loaded."""
ROOT = Path(__file__).parents[2]


def ran(cache: Path, *names: str) -> list[str]:
    """A line for each, run in this order by a process of its own."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, *names]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=True)
    return answer.stdout.splitlines()


def test_compiled_or_found_on_disk_first_or_second_the_bits_are_the_same(tmp_path: Path) -> None:
    pack, member, compiles = ran(tmp_path, "pack", "member")
    assert compiles == "True"
    found = ran(tmp_path, "member", "pack")
    assert found == [member, pack, "False"], "found on disk, at once, and the other way round"


def test_whatever_others_call_is_compiled_into_them() -> None:
    modules = (kernels, pack_kernels)
    found: dict[str, Any] = {
        name: function for module in modules for name, function in vars(module).items() if hasattr(function, "py_func")
    }
    called = {name for function in found.values() for name in function.py_func.__code__.co_names if name in found}
    assert {"norm_row", "norm_row_backward", "loss_gradient", "adam", "forward", "backward"} <= called
    assert called == {name for name, function in found.items() if function.targetoptions.get("forceinline")}


STEP = """
import numpy as np
from trainer import kernels
row, grad, exp_avg, exp_avg_sq = (np.full(4, start, np.float32) for start in (0, 1, 0, 0))
kernels.adam(row, grad, exp_avg, exp_avg_sq, 0.1, 10.0, 1)
print(f"{row[0]:.6f}")
"""
"""The first step of Adam goes by lr / (1 + eps)."""


def stepped(place: Path, cache: Path) -> str:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(place)}
    command = [sys.executable, "-c", STEP]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=place, env=environment, check=True
    ).stdout.strip()


def test_a_constant_of_another_file_that_changes_has_the_code_compiled_anew(tmp_path: Path) -> None:
    place, cache = tmp_path / "place", tmp_path / "cache"
    shutil.copytree(ROOT / "trainer", place / "trainer", ignore=shutil.ignore_patterns("__pycache__"))
    config = place / "trainer" / "config.py"
    before = config.read_text(encoding="utf-8")
    assert stepped(place, cache) == "-0.100000"
    assert "ADAM_EPS = 1e-8" in before
    config.write_text(before.replace("ADAM_EPS = 1e-8", "ADAM_EPS = 1.0"), encoding="utf-8")
    assert stepped(place, cache) == "-0.050000", "an upgrade runs old code"
    compiled = sorted(cache.rglob("*.nbc"))
    config.write_text(before, encoding="utf-8")
    assert stepped(place, cache) == "-0.100000"
    assert sorted(cache.rglob("*.nbc")) == compiled, "both are on disk by now"
