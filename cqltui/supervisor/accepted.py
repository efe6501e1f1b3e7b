"""Whether what an attempt has left is the result that was accepted: looked at before anything of it is published.

A worker may be wrong, out of date or hostile. Whose result it is, the server's completion says and nothing else.
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cqltui.algorithms.base import setting_text
from cqltui.broker.protocol.records import Result
from cqltui.broker.protocol.wire import RESULT_BYTES
from cqltui.errors import CqltuiError
from cqltui.results.record import TaskResult, read_q_heldout
from cqltui.results.rundir import RESULT_FILES, read_metrics
from cqltui.state.model import TaskInfo
from trainer.config import ACTIONS
from trainer.model import Model, read_model
from trainer.tensorfile import TensorFileError

HEADER_BYTES = 1 << 20
"""More than settings and names take in a file."""
LARGEST_BYTES = 1 << 30
"""Of a file for which the task itself sets no limit."""
ROW_BYTES = 512
"""More than a row of metrics.csv takes."""
SHOWN = 80
"""Characters of a foreign text in a message."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a task is, as the campaign says."""

    info: TaskInfo
    digest: str


class RefusedResultError(CqltuiError):
    """What was handed in is not the task's result. The message says what is wrong with it."""


def is_of(data: Mapping[str, Any], task_id: str, token: str) -> bool:
    """Whether a result.json is of this attempt at this task."""
    return data.get("token") == token and data.get("task_id", task_id) == task_id


def checked(source: Path, result: Result, info: TaskInfo | None, digest: str = "") -> dict[str, Any]:
    """The document to publish, once it and the files of the attempt's folder `source` were found to be what they have
    to be: of this task and attempt, whole, and of the network and the epochs that were planned.

    `info` and `digest`: of the task as it was planned, as far as that is known. Raises RefusedResultError, OSError.
    """
    for name in RESULT_FILES[:-1]:
        _check_file(source / name, info)
    document = _document(result, info, digest)
    try:
        model = read_model(source / "model.safetensors")
    except TensorFileError as error:
        raise RefusedResultError(str(error).replace(f"{source}/", "")) from error
    _check_model(model, result.id, info)
    q = read_q_heldout(source / "q_heldout.safetensors")
    if q is None or q.shape[1] != len(ACTIONS) or not np.issubdtype(q.dtype, np.floating):
        raise RefusedResultError("q_heldout.safetensors: holds no Q values of the model's actions")
    epochs = [row.epoch for row in read_metrics(source / "metrics.csv")]
    if not epochs or epochs[-1] != document["epochs"]:
        found = epochs[-1] if epochs else "none"
        raise RefusedResultError(f"metrics.csv: its last whole epoch is {found}, expected {document['epochs']}")
    if epochs != list(range(1, len(epochs) + 1)):
        raise RefusedResultError("metrics.csv: it does not have each epoch once, in order")
    return document


def check_size(name: str, size: int, info: TaskInfo | None) -> None:
    """Raise RefusedResultError for a file that is larger than a result's can be."""
    largest = LARGEST_BYTES
    if name == "result.json":
        largest = RESULT_BYTES
    elif info is not None and name == "model.safetensors" and info.params > 0:
        largest = 2 * 4 * info.params + HEADER_BYTES  # fp32
    elif info is not None and name == "metrics.csv" and info.epochs > 0:
        largest = ROW_BYTES * (info.epochs + 1)
    if size > largest:
        raise RefusedResultError(f"{name}: {size:,} bytes, expected at most {largest:,}")


def _check_file(path: Path, info: TaskInfo | None) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise RefusedResultError(f"{path.name}: is missing") from None
    if not stat.S_ISREG(found.st_mode):
        raise RefusedResultError(f"{path.name}: is no regular file")
    check_size(path.name, found.st_size, info)


def _document(result: Result, info: TaskInfo | None, digest: str) -> dict[str, Any]:
    """What result.json is to hold, its identity that of the accepted completion."""
    own = {"task_id": result.id, "run": result.run, "token": result.token}
    for name, expected in own.items():
        if (said := result.data.get(name, expected)) != expected:
            raise RefusedResultError(f"result.json: {name} is {str(said)[:SHOWN]!a}, expected {expected!a}")
    if digest and (said := result.data.get("digest")) != digest:
        raise RefusedResultError(f"result.json: is of other settings: digest {str(said)[:SHOWN]!a}, expected {digest}")
    document = {**result.data, **own, "attempt": result.attempt, "worker": result.worker}
    read = TaskResult.from_json(document)
    if read is None:
        raise RefusedResultError("result.json: a figure is missing, or has the wrong type")
    planned = info.epochs if info is not None and info.epochs > 0 else read.epochs
    if not read.epochs == read.metrics.epoch == planned:
        said = f"{read.epochs} epochs, metrics of epoch {read.metrics.epoch}"
        raise RefusedResultError(f"result.json: {said}, expected {planned}")
    return document


def _check_model(model: Model, task_id: str, info: TaskInfo | None) -> None:
    if (said := model.details.get("task", task_id)) != task_id:
        raise RefusedResultError(f"model.safetensors: is of task {str(said)[:SHOWN]!a}")
    if model.actions != ACTIONS:
        raise RefusedResultError(f"model.safetensors: its actions are {str(model.actions)[:SHOWN]}, not the trainer's")
    figures = (*model.tensors.values(), model.standardiser.mean, model.standardiser.std)
    if not all(np.isfinite(figure).all() for figure in figures) or not (model.standardiser.std > 0).all():
        raise RefusedResultError("model.safetensors: a weight, or what its inputs are scaled by, is no number")
    for name, planned in info.settings.items() if info is not None else ():
        if (said := getattr(model, name, planned)) != planned:
            raise RefusedResultError(
                f"model.safetensors: {name} is {setting_text(said)}, expected {setting_text(planned)}"
            )
