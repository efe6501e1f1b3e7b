"""`python -m cqltui.worker.measure`: how fast architectures train here, at their real batch size on the real data.

Reads {"device", "seconds", "limit", "packs": [{"spec", "members"}, ...]} as JSON from stdin and prints one JSON object
a pack, as it goes: {"step_s", "limit_s", "peak_bytes"} or {"error"}. A process of its own, since a network that does
not fit in memory may be ended by the system.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from statistics import median

import torch
from msgspec.structs import replace

from cqltui.algorithms import named
from cqltui.campaign import payload
from trainer import data, devices
from trainer.config import TrainerConfig, epoch_steps
from trainer.data.types import Dataset
from trainer.limit import step_products
from trainer.threads import one_thread

KIB = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ru_maxrss."""
ROUNDS = 5


def main() -> None:
    """Measure what stdin names."""
    one_thread()
    wanted = json.load(sys.stdin)
    dataset: Dataset | None = None
    for pack in wanted["packs"]:
        dataset = dataset or data.load(payload.read_data(pack["spec"]))
        before = _peak_bytes(wanted["device"])
        answer: dict[str, float | str]
        try:
            config = payload.read_trainer(pack["spec"])
            answer = measure(config, pack["members"], dataset, wanted["device"], wanted["seconds"], wanted["limit"])
        except (MemoryError, RuntimeError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answer["peak_bytes"] = _peak_bytes(wanted["device"]) - before
        print(json.dumps(answer), flush=True)


def measure(
    config: TrainerConfig, members: int, dataset: Dataset, device: str, seconds: float, with_limit: bool
) -> dict[str, float | str]:
    """Return the seconds of a pack's training step, and of its products alone: medians of rounds in which they take
    turns."""
    steps = epoch_steps(len(dataset.train), config.batch_size)
    pack = [replace(config, seed=config.seed + n) for n in range(members)]
    # The last epoch is always validated, which takes memory too: one of its own shows whether there is enough.
    algorithm = named(config.algorithm)
    algorithm.open([replace(member, epochs=1) for member in pack], dataset, device).run_epoch()
    endless = [replace(member, epochs=sys.maxsize, validate_every=sys.maxsize) for member in pack]
    trainer = algorithm.open(endless, dataset, device)
    trainer.run_epoch()
    products = step_products(config, members, len(dataset.state_cols), device) if with_limit else None
    found: dict[str, list[float]] = {"step_s": [], "limit_s": []}
    for _ in range(ROUNDS):
        found["step_s"].append(_seconds(trainer.run_epoch, seconds / ROUNDS, device) / steps)
        if products is not None:
            found["limit_s"].append(_seconds(products, seconds / ROUNDS / 2, device))
    return {name: median(values) for name, values in found.items() if values}


def _seconds(call: Callable[[], object], seconds: float, device: str) -> float:
    """Mean time of a call, from whole calls over at least `seconds`."""
    calls, began = 0, time.perf_counter()
    while True:
        call()
        calls += 1
        if time.perf_counter() - began >= seconds:
            devices.synchronize(device)
            return (time.perf_counter() - began) / calls


def _peak_bytes(device: str) -> int:
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB)


if __name__ == "__main__":
    main()
