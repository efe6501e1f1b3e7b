"""What a worker leaves of a task that is done, made up: real files of a small network."""

from pathlib import Path
from typing import Any

import numpy as np
from msgspec import to_builtins
from safetensors.numpy import save

from cqltui.results.rundir import METRICS_HEADER, metrics_lines, write_json
from trainer.config import ACTIONS
from trainer.data.standardise import Standardiser
from trainer.files import write_bytes
from trainer.layout import initial_row, make_layout
from trainer.model import Model, write_model
from trainer.progress import EpochMetrics


def leave_result(
    folder: Path, task_id: str, run: int, token: str, *, attempt: int = 1, epochs: int = 10, digest: str = "d"
) -> dict[str, Any]:
    """Write metrics.csv, model.safetensors, q_heldout.safetensors and result.json; returns what the last holds."""
    rows = [EpochMetrics(n, 0.5, 0.4, 0.3, 0.2, 0.1, 100.0) for n in range(1, epochs + 1)]
    layout = make_layout((4,), 2)
    tensors = layout.views(initial_row(layout, seed=hash(token) & 0xFFFF))
    scale = Standardiser(np.zeros(2, np.float32), np.ones(2, np.float32))
    write_model(
        folder / "model.safetensors", Model(tensors, scale, (4,), ("a", "b"), tuple(ACTIONS)), {"task": task_id}
    )
    write_bytes(folder / "q_heldout.safetensors", save({"q": np.ones((3, len(ACTIONS)), np.float32)}))
    write_bytes(folder / "metrics.csv", METRICS_HEADER + metrics_lines(rows))
    document = {
        "task_id": task_id,
        "digest": digest,
        "phase": "p",
        "run": run,
        "attempt": attempt,
        "attempts": attempt,
        "token": token,
        "worker": "w1",
        "device": "cpu",
        "started_ts": 1.0,
        "finished_ts": 5.0,
        "seconds": 4.0,
        "samples_per_s": 100.0,
        "epochs": epochs,
        "params": 32,
        "metrics": to_builtins(rows[-1]),
        "best_val_loss": None,
        "best_val_epoch": None,
        "versions": {"cqltui": "1"},
    }
    write_json(folder / "result.json", document)
    return document
