"""The stages of `make gpu` that train without a campaign: `python -m tests.gpu.stages NAME --device cuda [--short]`.

Each prints one JSON object: {"passed", "said", "columns", "rows"}. On a CPU the engine is the one that GPUs have.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from cqltui.worker.failure import is_out_of_memory
from trainer import allowance, data, devices
from trainer.batched import BatchedEngine
from trainer.config import DataConfig, epoch_steps
from trainer.data.types import Dataset
from trainer.engines import cpu_reference
from trainer.memory import empty_cache, held_bytes, total_bytes
from trainer.pack import EngineFactory
from trainer.packing import estimate_bytes
from trainer.selftest import RESUME_TOLERANCE, TOLERANCE, difference, losses_apart, resume_apart
from trainer.speed import SHAPES, cores_step_s, member_step_s, training
from trainer.threads import one_thread
from trainer.train import PackTrainer

PARITY_STEPS = 600
LONG_TOLERANCE = 0.05
"""After 600 steps, as `trainer.selftest.TOLERANCE` after one epoch: what differs in the last digit grows with each. The
two engines of one CPU come to 0.018 (the gradient's norm; 0.003 for the losses)."""
MIB = 1024**2
ROOM_BYTES, SHORT_ROOM_BYTES = 768 * MIB, 128 * MIB
"""What the stage about memory may use."""


class Place(NamedTuple):
    """Where, on what, and how much of it."""

    device: str
    dataset: Dataset
    short: bool

    @property
    def engine(self) -> EngineFactory:
        """What computes there."""
        return BatchedEngine

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return epoch_steps(len(self.dataset.train), training().batch_size)


def found(passed: bool, said: str, columns: Sequence[str] = (), rows: Sequence[Sequence[str]] = ()) -> dict[str, Any]:
    """A stage's answer."""
    return {"passed": passed, "said": said, "columns": columns, "rows": rows}


def parity(place: Place) -> dict[str, Any]:
    """Losses, norms and validation losses of every epoch beside the CPU's."""
    rows, worst = [], 0.0
    for epochs, limit in ((1, TOLERANCE), (3 if place.short else -(-PARITY_STEPS // place.steps), LONG_TOLERANCE)):
        apart = losses_apart(place.dataset, place.device, place.engine, count=epochs)
        rows.append([f"{epochs * place.steps:,}", f"{apart:.1e}", f"{limit:g}"])
        worst = max(worst, apart / limit)
    columns = ("steps", "largest difference from the CPU", "limit")
    return found(worst <= 1, f"{worst:.2g} of the limit", columns, rows)


def resume(place: Place) -> dict[str, Any]:
    """A training that was interrupted and gone on with beside one that was not."""
    apart = resume_apart(place.dataset, place.device, place.engine, 1 if place.short else 10)
    return found(apart <= RESUME_TOLERANCE, f"{apart:.1e} apart (limit {RESUME_TOLERANCE:g})")


def packs(place: Place) -> dict[str, Any]:
    """Packs of every size: the same training as alone, their speed and memory."""
    rows, worst = [], 0.0
    alone: Any = None
    for size in (1, 3) if place.short else (1, 2, 3, 5, 10, 20, 40, 64):
        members = [training(seed=seed, epochs=2, validate_every=1) for seed in range(size)]
        trainer = PackTrainer(members, place.dataset, place.device, engine=place.engine)
        metrics = [[trainer.run_epoch()[0]]]
        alone = alone or metrics
        apart = difference(metrics, alone)
        worst = max(worst, apart)
        seconds = member_step_s(
            training(), size, place.dataset, place.device, place.engine, 0.05 if place.short else 0.5
        )
        held = held_bytes(place.device, 0)
        estimate = estimate_bytes(members, 6, len(place.dataset.train), len(place.dataset.validation))
        memory = f"{held / MIB:,.0f}" if held else "-"
        rows.append([str(size), f"{1 / seconds / place.steps:,.0f}", f"{apart:.1e}", memory, f"{estimate / MIB:,.0f}"])
    columns = ("members of [256, 128, 64]", "member-epochs/s", "from alone", "MiB held", "MiB estimated")
    return found(worst <= TOLERANCE, f"{worst:.1e} from alone (limit {TOLERANCE:g})", columns, rows)


def memory(place: Place) -> dict[str, Any]:
    """A pack that does not fit is recognised as such, and half of it trains."""
    lift = _limit_memory(place.device, SHORT_ROOM_BYTES if place.short else ROOM_BYTES)
    size, fits = 1, 0
    while size <= 4096:
        try:
            _train(place, size)
        except (MemoryError, RuntimeError) as error:
            refusal: Exception = error
            break
        fits, size = size, size * 2
    else:
        return found(False, "nothing was refused, though memory is limited")
    said = (str(refusal).strip().splitlines() or [""])[0][:120]
    if not is_out_of_memory(refusal):
        return found(False, f"{size} members fail with {type(refusal).__name__}: {said}")
    del refusal  # its traceback holds the pack
    empty_cache(place.device)
    try:
        _train(place, size // 2)
    except (MemoryError, RuntimeError) as error:
        return found(False, f"after {size} members were refused, {size // 2} do not fit any more: {error}")
    lift()
    return found(fits > 0, f"{size} members: {said}; {size // 2} train")


def speed(place: Place) -> dict[str, Any]:
    """Each network's speed beside the CPU's."""
    shapes = SHAPES[:1] if place.short else (((64, 32), 20), ((256, 128, 64), 1), ((256, 128, 64), 20), *SHAPES)
    seconds = 0.05 if place.short else 0.4
    cores = allowance.cores().amount
    together = cores_step_s(shapes, "fp32", cores, seconds)
    rows = []
    for (dims, members), all_s in zip(shapes, together, strict=True):
        ours, one = (
            member_step_s(training(dims), members, place.dataset, device, engine, seconds)
            for device, engine in ((place.device, place.engine), ("cpu", cpu_reference()))
        )
        rates = [1 / step_s / place.steps for step_s in (ours, one, all_s)]
        rows.append([str(list(dims)), str(members), *(f"{rate:,.1f}" for rate in rates), f"{all_s / ours:.2f}"])
    on_cpu = "its own engine" if cpu_reference() is None else "PyTorch's operations, as numba or scipy is missing"
    columns = ("network", "members", "member-epochs/s", "one core", f"{cores} cores", "times all cores")
    return found(True, f"fp32; on the CPU {on_cpu}", columns, rows)


STAGES: dict[str, Callable[[Place], dict[str, Any]]] = {
    "parity": parity,
    "resume": resume,
    "packs": packs,
    "memory": memory,
    "speed": speed,
}


def _train(place: Place, members: int) -> None:
    """An epoch, with validation, of so many members."""
    pack = [training((1024, 512, 256), seed=seed, epochs=1) for seed in range(members)]
    PackTrainer(pack, place.dataset, place.device, engine=place.engine).run_epoch()
    devices.synchronize(place.device)


def _limit_memory(device: str, room: int) -> Callable[[], None]:
    """Leave the process so many bytes of the device; what takes the limit away."""
    if device != "cpu":
        limit = (torch.mps if device == "mps" else torch.cuda).set_per_process_memory_fraction
        limit(room / total_bytes(device))
        return lambda: limit(1.0)
    before = resource.getrlimit(resource.RLIMIT_AS)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + room, before[1]))
    return lambda: resource.setrlimit(resource.RLIMIT_AS, before)


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.stages", description=__doc__)
    parser.add_argument("stage", choices=sorted(STAGES))
    parser.add_argument("--device", required=True)
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args()
    one_thread()
    began = time.perf_counter()
    answer = STAGES[asked.stage](Place(asked.device, data.load(DataConfig()), asked.short))
    print(json.dumps(answer | {"seconds": time.perf_counter() - began}), flush=True)
    sys.exit(not answer["passed"])


if __name__ == "__main__":
    main()
