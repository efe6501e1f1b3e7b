"""A training's bits do not depend on whether its process compiled the code or found it on disk, nor on what it trained
before; and what is found on disk is the code as it is now."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import hashlib, sys
from dataclasses import replace
from tests.trainer.helpers import BASE, dataset
from trainer.threads import one_thread
from trainer.train import PackTrainer
one_thread()
for precision in sys.argv[1:]:
    member = replace(BASE, hidden_dims=(77, 65, 33), epochs=6, validate_every=2, precision=precision)
    trainer = PackTrainer([member], dataset())
    for _ in range(member.epochs):
        trainer.run_epoch()
    row = b"".join(tensor.tobytes() for tensor in trainer.capture(0).tensors.values())
    print(precision, hashlib.sha256(row).hexdigest())
"""
ROOT = Path(__file__).parents[2]


def trained(cache: Path, *precisions: str) -> list[str]:
    """A line for each precision, of training runs in a process of their own."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, *precisions]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=True)
    return answer.stdout.splitlines()


def test_compiled_or_found_on_disk_first_or_second_the_bits_are_the_same(tmp_path: Path) -> None:
    bf16, fp32 = trained(tmp_path, "bf16", "fp32")
    assert trained(tmp_path, "fp32", "bf16") == [fp32, bf16], "found on disk, and the other way round"
    assert bf16.split()[1] != fp32.split()[1]


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
