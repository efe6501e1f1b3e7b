"""How fast a device trains, and all cores of the CPU together: a process each, as workers are, at the same time.

`python -m trainer.speed` is the process of a core. It reads a line of JSON, {"shapes", "precision", "seconds"}, says
that it is ready, waits for another line, and prints the seconds of one member's step for each shape.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pkgutil import resolve_name
from statistics import median

from msgspec.structs import replace

from trainer import data
from trainer.config import DataConfig, Precision, TrainerConfig, epoch_steps
from trainer.data.types import Dataset
from trainer.engines import cpu_reference
from trainer.pack import EngineFactory
from trainer.threads import one_thread
from trainer.train import PackTrainer

Shapes = Sequence[tuple[tuple[int, ...], int]]
SHAPES: Shapes = (((256, 128, 64), 10), ((1024, 512, 256), 5), ((2048, 1024, 512, 256), 3))
"""Networks that are timed, with the members of the pack."""
SPEED_S = 0.5
"""For each of them."""


def training(
    hidden_dims: Sequence[int] = (256, 128, 64),
    *,
    seed: int = 1,
    epochs: int = sys.maxsize,
    validate_every: int = sys.maxsize,
    precision: Precision = "fp32",
) -> TrainerConfig:
    """Return a training run as it is tested and timed."""
    return TrainerConfig(
        epochs=epochs,
        lr=1e-4,
        alpha=0.3,
        hidden_dims=tuple(hidden_dims),
        seed=seed,
        precision=precision,
        validate_every=validate_every,
    )


def member_step_s(
    config: TrainerConfig, members: int, dataset: Dataset, device: str, engine: EngineFactory | None, seconds: float
) -> float:
    """Return the seconds of one member's step in a pack of so many: the median of whole epochs."""
    trainer = PackTrainer([replace(config, seed=seed) for seed in range(members)], dataset, device, engine=engine)
    trainer.run_epoch()
    _wait_for(device)
    took: list[float] = []
    end = time.perf_counter() + seconds
    while not took or time.perf_counter() < end:
        began = time.perf_counter()
        trainer.run_epoch()
        _wait_for(device)
        took.append(time.perf_counter() - began)
    return median(took) / epoch_steps(len(dataset.train), config.batch_size) / members


def _wait_for(device: str) -> None:
    """Wait until the device has done what it was told. A core's process, which has done it, never loads PyTorch."""
    if device != "cpu":
        resolve_name("trainer.devices").synchronize(device)


def cores_step_s(shapes: Shapes, precision: Precision, cores: int, seconds: float) -> list[float]:
    """Return the seconds of one member's step for each shape, as `cores` processes do it together. RuntimeError if one
    fails."""
    asked = json.dumps({"shapes": shapes, "precision": precision, "seconds": seconds})
    command = [sys.executable, "-P", "-m", "trainer.speed"]  # the user's folder is none to import from
    with ExitStack() as stack:
        children = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(cores)
        ]
        for line in (asked, "go"):
            for child in children:
                _tell(child, line)
            answers = [json.loads(_hear(child)) for child in children]
    return [1 / sum(1 / step_s for step_s in shape) for shape in zip(*answers, strict=True)]


def main() -> None:
    """One core's part. The end of the input, which is that of who asks, is the end."""
    one_thread()
    asked = json.loads(sys.stdin.readline() or "null")
    if asked is None:
        return
    dataset, engine = data.load(DataConfig()), cpu_reference()
    packs = [(training(dims, precision=asked["precision"]), members) for dims, members in asked["shapes"]]
    for config, members in packs:  # what is compiled and read for the first time takes longer
        member_step_s(config, members, dataset, "cpu", engine, 0.0)
    print("true", flush=True)
    if sys.stdin.readline():
        found = [member_step_s(config, members, dataset, "cpu", engine, asked["seconds"]) for config, members in packs]
        print(json.dumps(found), flush=True)


def _tell(child: "subprocess.Popen[str]", line: str) -> None:
    if child.stdin is None:
        raise RuntimeError("a process that measures has no input")
    child.stdin.write(line + "\n")
    child.stdin.flush()


def _hear(child: "subprocess.Popen[str]") -> str:
    line = child.stdout.readline() if child.stdout is not None else ""
    if not line:
        raise RuntimeError(f"a process that measures a core's speed ended early, with {child.wait()}")
    return line


if __name__ == "__main__":
    main()
