"""Whether what an attempt has left is the result that was accepted: looked at before anything of it is published.

A worker may be wrong, out of date or hostile. Whose result it is, the server's completion says and nothing else.
"""

import math
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import astuple

from cqltui.algorithms import named
from cqltui.algorithms.base import setting_text, told
from cqltui.algorithms.keeping import end_epoch, expected_kept, kept_names
from cqltui.broker.protocol.records import Result
from cqltui.broker.protocol.wire import RESULT_BYTES
from cqltui.errors import CqltuiError
from cqltui.results.record import LARGEST_FIGURE, TaskResult, read_q_heldout
from cqltui.results.rundir import RESULT_FILES, read_metrics
from cqltui.state.model import TaskInfo
from trainer.config import ACTIONS, TrainerConfig
from trainer.model import Model, read_model
from trainer.progress import METRIC_COLUMNS, EpochMetrics
from trainer.tensorfile import TensorFileError

HEADER_BYTES = 1 << 20
"""More than settings and names take in a file."""
LARGEST_BYTES = 1 << 30
"""Of a file for which the task itself sets no limit."""
ROW_BYTES = 512
"""More than a row of metrics.csv takes."""
SHOWN = 80
"""Characters of a foreign text in a message."""


class Planned(Struct, frozen=True):
    """What a task is, as the campaign says."""

    info: TaskInfo
    digest: str
    validation_rows: int | None = None
    """Of the validation data."""


class RefusedResultError(CqltuiError):
    """What was handed in is not the task's result. The message says what is wrong with it."""


def is_of(data: Mapping[str, Any], task_id: str, token: str) -> bool:
    """Return whether a result.json is of this attempt at this task."""
    return data.get("token") == token and data.get("task_id", task_id) == task_id


def checked(
    source: Path, result: Result, info: TaskInfo | None, digest: str = "", validation_rows: int | None = None
) -> dict[str, Any]:
    """Return the document to publish, once it and the files of the attempt's folder `source` were found to be what they
    have to be: of this task and attempt, whole, and of the network and the epochs that were planned.

    `info`, `digest` and `validation_rows`: of the task as it was planned, as far as that is known. Raises
    RefusedResultError, OSError.
    """
    for name in RESULT_FILES[:-1]:
        _check_file(source / name, info, validation_rows)
    rows = read_metrics(source / "metrics.csv")
    config = planned_config(info)
    document = _document(result, info, digest, end_epoch(config, rows) if config else 0)
    _check_model(_model(source, "model.safetensors"), "model.safetensors", result.id, info)
    _check_kept(source, document, rows, info)
    _check_figures(rows)
    q = read_q_heldout(source / "q_heldout.safetensors", validation_rows)
    if q is None or q.shape[1] != len(ACTIONS) or not np.issubdtype(q.dtype, np.floating):
        of = "" if validation_rows is None else f" in the {validation_rows:,} validation rows"
        raise RefusedResultError(f"q_heldout.safetensors: holds no Q values of the model's actions{of}")
    epochs = [row.epoch for row in rows]
    if not epochs or epochs[-1] != document["epochs"]:
        found = epochs[-1] if epochs else "none"
        raise RefusedResultError(f"metrics.csv: its last whole epoch is {found}, expected {document['epochs']}")
    if epochs != list(range(1, len(epochs) + 1)):
        raise RefusedResultError("metrics.csv: it does not have each epoch once, in order")
    return document


def planned_config(info: TaskInfo | None) -> TrainerConfig | None:
    """Return the task's settings as they were planned, where they are known."""
    return named(info.algorithm).config_of(info.settings) if info is not None else None


def planned_files(info: TaskInfo | None) -> tuple[str, ...]:
    """Return the names of the files that the task's result may consist of."""
    config = planned_config(info)
    return (*RESULT_FILES, *(kept_names(config) if config else ()))


def check_size(name: str, size: int, info: TaskInfo | None, validation_rows: int | None = None) -> None:
    """Raise RefusedResultError for a file that is larger than a result's can be."""
    largest = LARGEST_BYTES
    if name == "result.json":
        largest = RESULT_BYTES
    elif info is not None and name.startswith("model") and info.params > 0:
        largest = 2 * 4 * info.params + HEADER_BYTES  # fp32
    elif info is not None and name == "metrics.csv" and info.epochs > 0:
        largest = ROW_BYTES * (info.epochs + 1)
    elif name == "q_heldout.safetensors" and validation_rows is not None:
        largest = 8 * len(ACTIONS) * validation_rows + HEADER_BYTES
    if size > largest:
        raise RefusedResultError(f"{name}: {size:,} bytes, expected at most {largest:,}")


def _check_figures(rows: Sequence[EpochMetrics]) -> None:
    """Refuse figures beyond float32. Those that are infinite or no number are what a run that diverged has come to."""
    for row in rows:
        for name in METRIC_COLUMNS[1:]:
            value = getattr(row, name)
            if value is not None and LARGEST_FIGURE < abs(value) < math.inf:
                raise RefusedResultError(f"metrics.csv: {name} of epoch {row.epoch} is beyond what float32 can hold")


def _check_file(path: Path, info: TaskInfo | None, validation_rows: int | None = None) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise RefusedResultError(f"{path.name}: is missing") from None
    if not stat.S_ISREG(found.st_mode):
        raise RefusedResultError(f"{path.name}: is no regular file")
    check_size(path.name, found.st_size, info, validation_rows)


def _document(result: Result, info: TaskInfo | None, digest: str, end: int) -> dict[str, Any]:
    """Return what result.json is to hold, its identity that of the accepted completion. `end`: the epoch at which the
    task ends by its metrics, which is its last unless it stops early; 0 where that is not known."""
    own = {"task_id": result.id, "run": result.run, "token": result.token}
    for name, expected in own.items():
        if (said := result.data.get(name, expected)) != expected:
            raise RefusedResultError(f"result.json: {name} is {str(said)[:SHOWN]!a}, expected {expected!a}")
    if digest and (said := result.data.get("digest")) != digest:
        raise RefusedResultError(f"result.json: is of other settings: digest {str(said)[:SHOWN]!a}, expected {digest}")
    said = {name: value for name, value in result.data.items() if name != "parcel"}  # where its files lay on their way
    document = {**said, **own, "attempt": result.attempt, "worker": result.worker}
    read = TaskResult.from_json(document)
    if read is None:
        raise RefusedResultError("result.json: a figure is missing, or has the wrong type")
    figures = [value for value in (*astuple(read.metrics)[1:], read.best_val_loss) if value is not None]
    if any(LARGEST_FIGURE < abs(value) < math.inf for value in figures):
        raise RefusedResultError("result.json: a metric is beyond what float32 can hold")
    planned = end or (info.epochs if info is not None and info.epochs > 0 else read.epochs)
    if not read.epochs == read.metrics.epoch == planned:
        said = f"{read.epochs} epochs, metrics of epoch {read.metrics.epoch}"
        raise RefusedResultError(f"result.json: {said}, expected {planned}")
    return document


def _model(source: Path, name: str) -> Model:
    try:
        return read_model(source / name)
    except TensorFileError as error:
        raise RefusedResultError(str(error).replace(f"{source}/", "")) from error


def _check_kept(source: Path, document: dict[str, Any], rows: Sequence[EpochMetrics], info: TaskInfo | None) -> None:
    """Check the models beside the last: those that the result names have to be of the epochs that its metrics say."""
    kept, config = document.setdefault("kept", {}), planned_config(info)
    expected = expected_kept(config, rows) if config else {}
    if not isinstance(kept, dict) or not kept.items() <= expected.items():
        raise RefusedResultError(f"result.json: kept is {str(kept)[:SHOWN]!a}, expected at most {expected}")
    for name, epoch in kept.items():
        _check_file(source / name, info)
        model = _model(source, name)
        _check_model(model, name, document["task_id"], info)
        if (said := model.details.get("epoch")) != epoch:
            raise RefusedResultError(f"{name}: is of epoch {str(said)[:SHOWN]!a}, expected {epoch}")


def _check_model(model: Model, file: str, task_id: str, info: TaskInfo | None) -> None:
    if (said := model.details.get("task", task_id)) != task_id:
        raise RefusedResultError(f"{file}: is of task {str(said)[:SHOWN]!a}")
    if model.actions != ACTIONS:
        raise RefusedResultError(f"{file}: its actions are {str(model.actions)[:SHOWN]}, not the trainer's")
    figures = (*model.tensors.values(), model.standardiser.mean, model.standardiser.std)
    if not all(np.isfinite(figure).all() for figure in figures) or not (model.standardiser.std > 0).all():
        raise RefusedResultError(f"{file}: a weight, or what its inputs are scaled by, is no number")
    for name, planned in info.settings.items() if info is not None else ():
        if (said := told(getattr(model, name, planned))) != planned:
            raise RefusedResultError(f"{file}: {name} is {setting_text(said)}, expected {setting_text(planned)}")
