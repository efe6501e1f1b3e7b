"""`python -m cqltui.worker.measure`: how fast architectures train here, at their real batch size on the real data.

Reads {"device", "seconds", "tasks": [spec, ...]} as JSON from stdin and prints one JSON object a line, as it goes.
A process of its own, since a network that does not fit in memory may be ended by the system.
"""

import json
import resource
import sys
import time
from dataclasses import replace

from cqltui.campaign import payload
from trainer import data
from trainer.config import TrainerConfig
from trainer.data.types import Dataset
from trainer.threads import one_thread
from trainer.train import PackTrainer

KIB = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ru_maxrss."""


def step_seconds(config: TrainerConfig, dataset: Dataset, device: str, seconds: float) -> float:
    """Seconds of one training step, from whole epochs over at least `seconds`, after two that warm up."""
    # The last epoch is always validated, which takes memory too: one of its own shows whether there is enough.
    PackTrainer([replace(config, epochs=1)], dataset, device).run_epoch()
    trainer = PackTrainer([replace(config, epochs=sys.maxsize, validate_every=sys.maxsize)], dataset, device)
    trainer.run_epoch()
    epochs, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        trainer.run_epoch()
        epochs += 1
    return took / (epochs * (len(dataset.train) // config.batch_size))


def main() -> None:
    """Measure what stdin names."""
    one_thread()
    wanted = json.load(sys.stdin)
    dataset: Dataset | None = None
    for spec in wanted["tasks"]:
        dataset = dataset or data.load(payload.read_data(spec))
        answer: dict[str, float | str]
        try:
            config = payload.read_trainer(spec)
            answer = {"step_s": step_seconds(config, dataset, wanted["device"], wanted["seconds"])}
        except (MemoryError, RuntimeError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answer["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
