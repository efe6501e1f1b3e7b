"""`python -m trainer.selftest --device cuda`: can this device be trained on, and is it faster than the CPU's cores?

A few epochs of real training beside the same on the CPU, an interrupted one beside one that was not, and the time of a
step beside that of all cores together. Prints one JSON object: the fields of `Tested`. Takes some seconds.
"""

import argparse
import gc
import json
from collections.abc import Callable, Sequence

from msgspec import Struct, to_builtins

from trainer import data
from trainer.batched import BatchedEngine
from trainer.config import DataConfig, Precision, TrainerConfig, step_flops
from trainer.data.types import Dataset
from trainer.engines import cpu_reference
from trainer.pack import EngineFactory
from trainer.progress import EpochMetrics
from trainer.speed import SHAPES, SPEED_S, cores_step_s, member_step_s, training
from trainer.threads import one_thread
from trainer.train import PackTrainer

TOLERANCE = 1e-3
"""How far a device's losses may be from the CPU's after an epoch: |a - b| / (0.1 + |b|). Their sums are in another
order, which gives some 1e-6; a wrong number anywhere gives far more."""
RESUME_TOLERANCE = 1e-5
"""The same for a training run that was resumed on the same device."""
PARITY_EPOCHS = 2
ENGINES: dict[str, EngineFactory | None] = {"own": None, "batched": BatchedEngine}


class ShapeSpeed(Struct, frozen=True):
    """Seconds of one member's training step."""

    hidden_dims: tuple[int, ...]
    step_flops: int
    device_step_s: float
    cores_step_s: float
    """Of all cores together."""


class Tested(Struct, frozen=True):
    """What was found."""

    passed: bool
    said: str
    """In words."""
    loss_difference: float | None = None
    resume_difference: float | None = None
    shapes: tuple[ShapeSpeed, ...] = ()


def epochs(
    members: Sequence[TrainerConfig], dataset: Dataset, device: str, engine: EngineFactory | None = None
) -> list[list[EpochMetrics]]:
    """Train to the end; metrics [epochs][M]."""
    trainer = PackTrainer(members, dataset, device, engine=engine)
    return [trainer.run_epoch() for _ in range(members[0].epochs)]


def difference(found: Sequence[Sequence[EpochMetrics]], expected: Sequence[Sequence[EpochMetrics]]) -> float:
    """Return the largest |a - b| / (0.1 + |b|) over all metrics but the speed; infinite if one is missing or no
    number."""
    largest = 0.0
    for some, others in zip(found, expected, strict=True):
        for one, other in zip(some, others, strict=True):
            for name, b in to_builtins(other).items():
                a = getattr(one, name)
                if name == "samples_per_s" or (a is None and b is None):
                    continue
                gap = float("inf") if a is None or b is None else abs(a - b) / (0.1 + abs(b))
                largest = max(largest, gap if gap == gap else float("inf"))
    return largest


def losses_apart(
    dataset: Dataset, device: str, engine: EngineFactory | None, members: int = 3, count: int = 2
) -> float:
    """Return how far `count` epochs of a pack on the device are from the CPU's, by `difference`."""
    pack = [training(seed=seed, epochs=count, validate_every=1) for seed in range(members)]
    return difference(epochs(pack, dataset, device, engine), epochs(pack, dataset, "cpu", cpu_reference()))


def resume_apart(dataset: Dataset, device: str, engine: EngineFactory | None, count: int = 2) -> float:
    """Return how far a pack that was interrupted and resumed on the device ends from one that was not."""
    pack = [training(seed=seed, epochs=2 * count, validate_every=1) for seed in range(2)]
    expected = epochs(pack, dataset, device, engine)
    first = PackTrainer(pack, dataset, device, engine=engine)
    found = [first.run_epoch() for _ in range(count)]
    saved = [first.capture(member) for member in range(len(pack))]
    second = PackTrainer(pack, dataset, device, engine=engine)
    for member, checkpoint in enumerate(saved):
        second.restore(member, checkpoint)
    return difference([*found, *(second.run_epoch() for _ in range(count))], expected)


def speeds(
    dataset: Dataset, device: str, engine: EngineFactory | None, precision: Precision, cores: int, seconds: float
) -> tuple[ShapeSpeed, ...]:
    """Return the device's speed beside that of all cores, in the precision that each would have."""
    packs = [(training(dims), members) for dims, members in SHAPES]
    on_device = [member_step_s(config, members, dataset, device, engine, seconds) for config, members in packs]
    on_cores = cores_step_s(SHAPES, precision, cores, seconds)
    state_dim = len(dataset.state_cols)
    return tuple(
        ShapeSpeed(dims, step_flops(dims, state_dim, config.batch_size), ours, theirs)
        for (dims, _), (config, _), ours, theirs in zip(SHAPES, packs, on_device, on_cores, strict=True)
    )


def examine(device: str, engine: EngineFactory | None, measure: Callable[[Dataset], tuple[ShapeSpeed, ...]]) -> Tested:
    """Test the device; `measure` takes its speed, if all else is right."""
    try:
        dataset = data.load(DataConfig())
        losses = losses_apart(dataset, device, engine, count=PARITY_EPOCHS)
        if not losses <= TOLERANCE:
            return Tested(False, f"its losses are {losses:.2g} from the CPU's (at most {TOLERANCE:g} is right)", losses)
        resumed = resume_apart(dataset, device, engine, 1)
        if not resumed <= RESUME_TOLERANCE:
            said = f"a resumed training ends {resumed:.2g} from an undisturbed one (at most {RESUME_TOLERANCE:g})"
            return Tested(False, said, losses, resumed)
        said = f"losses within {losses:.1g} of the CPU's (limit {TOLERANCE:g}), resume within {resumed:.1g}"
        return Tested(True, said, losses, resumed, measure(dataset))
    except Exception as error:  # of a driver, of a device without memory: whatever it is, it is no device to train on
        first = (str(error).strip().splitlines() or [""])[0]
        return Tested(False, f"{type(error).__name__}: {first[:300]}")


def main() -> None:
    """Test what the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m trainer.selftest", description=__doc__)
    parser.add_argument("--device", required=True)
    parser.add_argument("--cores", type=int, default=1, help="cores of the CPU that could train instead")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="in which the CPU would train")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="own", help="batched: what GPUs use, on a CPU too")
    parser.add_argument("--seconds", type=float, default=SPEED_S, help="for the speed of each network")
    asked = parser.parse_args()
    one_thread()
    engine = ENGINES[asked.engine]

    def measure(dataset: Dataset) -> tuple[ShapeSpeed, ...]:
        return speeds(dataset, asked.device, engine, asked.precision, asked.cores, asked.seconds)

    print(json.dumps(to_builtins(examine(asked.device, engine, measure))), flush=True)
    gc.freeze()  # as in `trainer.devices`


if __name__ == "__main__":
    main()
