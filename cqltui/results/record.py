"""A task with all that is known of it: how it stands, and the files of its accepted result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import astuple, fields
from safetensors import SafetensorError, safe_open

from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.results.rundir import RunDir, read_json
from cqltui.state.decode import LARGEST, TEXT_LIMIT
from cqltui.state.model import Status
from trainer.config import ACTIONS
from trainer.files import open_regular
from trainer.progress import METRIC_COLUMNS, EpochMetrics

LARGEST_FIGURE = 3.5e38
"""Of what a network of float32 has computed; what is larger in size, and finite, is none of it."""


class TaskStanding(Struct, frozen=True):
    """How a task stands, as its owner (queue or task.json) says."""

    status: Status = Status.QUEUED
    attempts: int = 0
    error: str = ""
    token: str = ""
    """Of its latest attempt; of a task that is done, that of its accepted result. Empty: not known."""


class TaskResult(Struct, frozen=True):
    """What a result.json holds. `seconds` are of training, over all attempts of the run."""

    task_id: str
    digest: str
    phase: str
    run: int
    attempt: int
    attempts: int
    token: str
    worker: str
    device: str
    started_ts: float
    finished_ts: float
    seconds: float
    samples_per_s: float
    epochs: int
    """As many as it has trained."""
    params: int
    metrics: EpochMetrics
    """Of the last epoch."""
    best_val_loss: float | None
    best_val_epoch: int | None
    versions: Mapping[str, str]
    """Of python, torch, numpy and cqltui."""
    stopped_early: str = ""
    """Why it ended before its last epoch; empty if it did not."""
    cpu: str = ""
    """The kinds of processors that have trained it, in order, with "; " between them; empty where it is not known."""

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "TaskResult | None":
        """Return the result, or None if something is missing or of another type; keys of later versions are passed
        over."""
        try:
            values = {field.name: raw[field.name] for field in fields(cls) if field.required or field.name in raw}
            metrics = raw["metrics"]
            values["metrics"] = EpochMetrics(**{name: metrics[name] for name in METRIC_COLUMNS if name in metrics})
        except (KeyError, TypeError):
            return None
        figures = astuple(values["metrics"])
        sound = (
            all(isinstance(values[name], str) and len(values[name]) <= TEXT_LIMIT for name in _TEXTS if name in values)
            and all(map(_is_count, (*(values[name] for name in _COUNTS), values["metrics"].epoch)))
            and all(_is_figure(values[name]) for name in _FIGURES)
            and all(value is None or _is_figure(value) for value in (*figures, *(values[name] for name in _OPTIONAL)))
            and isinstance(values["versions"], Mapping)
        )
        return cls(**values) if sound else None


_TEXTS = ("task_id", "digest", "phase", "token", "worker", "device", "stopped_early", "cpu")
_COUNTS = ("run", "attempt", "attempts", "epochs", "params")
_FIGURES = ("started_ts", "finished_ts", "seconds")
_OPTIONAL = ("samples_per_s", "best_val_loss", "best_val_epoch")
"""What has no value comes as null, and so does an infinite one through the server."""


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def _is_figure(value: object) -> bool:
    """Return whether it can be computed with; NaN and infinity can."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= LARGEST)


class TaskRecord(Struct, frozen=True):
    """A task of the campaign, its standing, and its result if it is done."""

    task: TaskSpec
    standing: TaskStanding
    result: TaskResult | None

    @property
    def final(self) -> EpochMetrics | None:
        """The metrics of the last epoch, if the task is done."""
        return self.result.metrics if self.result else None


def read_records(run_dir: RunDir, campaign: Campaign, standings: Mapping[str, TaskStanding]) -> list[TaskRecord]:
    """Return every task of the campaign in the order of the file. A task without a standing is queued.

    The result is read only of tasks that are done: a resubmitted task keeps its old files until a new result replaces
    them, but it counts as not done.
    """
    records = []
    for task in campaign.tasks:
        standing = standings.get(task.id, TaskStanding())
        result = read_result(run_dir, task.id) if standing.status is Status.DONE else None
        records.append(TaskRecord(task, standing, result))
    return records


def read_result(run_dir: RunDir, task_id: str) -> TaskResult | None:
    """Return the task's published result, or None if there is none, or it is damaged."""
    return TaskResult.from_json(read_json(run_dir.result_json(task_id)) or {})


def read_q_heldout(path: Path, rows: int | None = None) -> npt.NDArray[np.floating] | None:
    """Return [N, A]: Q of every action in every validation state, or None if the file is missing or damaged, or of
    another shape than `rows` (N) and the trainer's actions. What float32 cannot hold is NaN.

    No more is read than such a table takes: the header says how large it is.
    """
    try:
        open_regular(path).close()  # a pipe would be waited for
        with safe_open(path, framework="np") as file:
            shape = tuple(file.get_slice("q").get_shape())
            if len(shape) != 2 or (rows is not None and shape != (rows, len(ACTIONS))):
                return None
            q: npt.NDArray[np.floating] = file.get_tensor("q")
    # The last ones: types that NumPy lacks.
    except (OSError, SafetensorError, ValueError, RecursionError, TypeError, AttributeError, KeyError):
        return None
    if np.issubdtype(q.dtype, np.floating):
        fits = np.isfinite(q) if q.dtype.itemsize <= 4 else abs(q) <= LARGEST_FIGURE
        q = q if fits.all() else np.where(fits, q, np.nan)
    return q
