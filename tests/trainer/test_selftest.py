"""The self test of a device finds what is wrong with it, on engines that are wrong on purpose."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from trainer import data, devices, selftest, speed
from trainer.batched import BatchedEngine
from trainer.config import DataConfig, TrainerConfig
from trainer.data.types import Dataset, Int
from trainer.layout import Layout
from trainer.pack import Data, EngineFactory, State
from trainer.progress import EpochMetrics
from trainer.selftest import RESUME_TOLERANCE, TOLERANCE, ShapeSpeed, difference, examine
from trainer.speed import cores_step_s, member_step_s, training

ROOT = Path(__file__).parents[2]
SPEEDS = (ShapeSpeed((16,), 1, 1.0, 1.0),)
SMALL = ((16,), 2)


class Wrong(BatchedEngine):
    """One number of one member is wrong, as a kernel that takes strides wrongly makes it."""

    def run(self, order: Int, on_step: Callable[[], None] | None) -> np.ndarray:
        means = super().run(order, on_step)
        self._state.params[-1, ::3] *= 1.01
        return means


class Forgets(BatchedEngine):
    """Its first epoch is right; what it is restored to, it does not take over."""

    def refresh(self) -> None:
        self._state.exp_avg.zero_()
        super().refresh()


class NotANumber(BatchedEngine):
    """A loss is no number."""

    def run(self, order: Int, on_step: Callable[[], None] | None) -> np.ndarray:
        return super().run(order, on_step) * np.where(np.arange(5) == 1, np.nan, 1.0)


class Full(BatchedEngine):
    """Another program has all of the memory."""

    def __init__(
        self, layout: Layout, state: State, members: Sequence[TrainerConfig], data: Data, device: str = "cpu"
    ) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 MiB\nand more lines")


def measure(dataset: Dataset) -> tuple[ShapeSpeed, ...]:
    return SPEEDS


def test_the_engine_of_gpus_passes() -> None:
    found = examine("cpu", BatchedEngine, measure)
    assert found.passed, found.said
    assert found.loss_difference is not None
    assert 0 < found.loss_difference < TOLERANCE / 10, "another engine, the same training"
    assert found.resume_difference is not None
    assert found.resume_difference <= RESUME_TOLERANCE
    assert found.shapes == SPEEDS


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (Wrong, "its losses are"),
        (NotANumber, "its losses are inf"),
        (Forgets, "a resumed training ends"),
        (Full, "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 MiB"),
    ],
)
def test_a_device_that_computes_wrongly_does_not_pass(engine: EngineFactory, said: str) -> None:
    def never(dataset: Dataset) -> tuple[ShapeSpeed, ...]:
        raise AssertionError("there is nothing to be measured")

    found = examine("cpu", engine, never)
    assert not found.passed
    assert found.said.startswith(said)
    assert "\n" not in found.said


def test_a_measurement_that_fails_fails_the_test() -> None:
    def fails(dataset: Dataset) -> tuple[ShapeSpeed, ...]:
        raise RuntimeError("a process that measures a core's speed ended early, with -9")

    assert not examine("cpu", BatchedEngine, fails).passed


def test_what_is_missing_or_no_number_is_as_far_apart_as_can_be() -> None:
    one = EpochMetrics(1, 0.5, 0.4, 0.3, 0.0, 1.0, 100.0)
    assert difference([[one]], [[replace(one, samples_per_s=7.0)]]) == 0.0
    assert difference([[replace(one, q_mean=0.01)]], [[one]]) == pytest.approx(0.1)
    assert difference([[replace(one, loss=float("nan"))]], [[one]]) == float("inf")
    assert difference([[replace(one, val_loss=1.0)]], [[one]]) == float("inf")


def test_speed_is_measured_after_the_device_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    monkeypatch.setattr(speed, "_wait_for", waited.append)
    step_s = member_step_s(training((16,)), 2, data.load(DataConfig()), "cpu", BatchedEngine, 0.0)
    assert 0 < step_s < 1
    assert waited == ["cpu", "cpu"], "before and after"
    monkeypatch.undo()
    monkeypatch.setattr(devices, "synchronize", waited.append)
    for device in ("cuda:1", "cpu"):
        speed._wait_for(device)
    assert waited[2:] == ["cuda:1"], "a CPU has done it"


def test_every_kind_of_device_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    monkeypatch.setattr("torch.cuda.synchronize", lambda device: waited.append(device))
    monkeypatch.setattr("torch.mps.synchronize", lambda: waited.append("mps"))
    for device in ("cuda:1", "mps", "cpu"):
        devices.synchronize(device)
    assert waited == ["cuda:1", "mps"]


def test_two_cores_do_more_than_the_slower_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "trainer", "queue"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('a file of the user')\n")
    monkeypatch.chdir(tmp_path)
    (together,) = cores_step_s([SMALL], "fp32", 2, 0.05)
    assert 0 < together < 1


def test_a_core_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails = tmp_path / "fails"
    fails.write_text("#!/bin/sh\nread asked\nexit 7\n")
    fails.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fails))
    with pytest.raises(RuntimeError, match="ended early, with 7"):
        cores_step_s([SMALL], "fp32", 1, 0.05)


def test_a_core_fails_on_what_it_cannot_train(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = json.dumps({"shapes": [((-1,), 2)], "precision": "fp32", "seconds": 0.05})
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{asked}\ngo\n"))
    with pytest.raises(ValueError, match="reshape"):
        speed.main()


def test_the_command_prints_what_was_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(selftest, "SHAPES", (SMALL,))

    def cores(*given: object) -> list[float]:
        asked.append(given)
        return [0.25]

    monkeypatch.setattr(selftest, "cores_step_s", cores)
    options = ["--device", "cpu", "--engine", "batched", "--cores", "3", "--precision", "bf16", "--seconds", "0.01"]
    monkeypatch.setattr(sys, "argv", ["selftest", *options])
    monkeypatch.setattr("gc.freeze", lambda: None)
    selftest.main()
    assert asked == [((SMALL,), "bf16", 3, 0.01)]
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is True
    assert [shape["hidden_dims"] for shape in found["shapes"]] == [[16]]
    assert found["shapes"][0]["device_step_s"] > 0
    assert found["shapes"][0]["cores_step_s"] == 0.25


def test_the_command_says_what_a_missing_device_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["selftest", "--device", "cuda:99"])
    monkeypatch.setattr("gc.freeze", lambda: None)
    selftest.main()
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_without_numba_a_gpu_can_be_trained_on() -> None:
    script = """
import sys
sys.modules["numba"] = sys.modules["scipy"] = None
from trainer.batched import BatchedEngine
from trainer.config import DataConfig
from trainer import data
from trainer.selftest import epochs
from trainer.speed import training
from trainer.train import PackTrainer
dataset = data.load(DataConfig())
assert epochs([training((16,), epochs=1)], dataset, "cpu", BatchedEngine)[0][0].loss > 0
try:
    PackTrainer([training((16,), epochs=1)], dataset)
except RuntimeError as error:
    print(error)
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "training on the CPU needs Numba and SciPy: pip install numba scipy\n"
