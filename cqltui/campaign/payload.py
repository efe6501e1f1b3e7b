"""A task as it travels through the queue: what lists show, and all that a worker needs to train it. JSON both ways."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

import cqltui
from cqltui.algorithms import DEFAULT, named
from cqltui.algorithms.kinds import kind
from cqltui.campaign.model import Campaign, TaskSpec, settings_digest
from cqltui.campaign.schema import DATA, MAX_SECONDS
from cqltui.errors import CqltuiError
from cqltui.fields import Problems, read_table
from trainer.config import DataConfig, TrainerConfig

_SECONDS = ("checkpoint_s", "lease_s", "retry_s")
_COUNTS = ("params", "epoch_steps")
_LARGEST_COUNT = 2**53
PROTOCOL = 2
"""Of what a task's spec says. A worker that knows less than a task's leaves it: what it passed over might matter."""
_AGAIN = "run the campaign's command again, which puts them right, then resubmit the task"
SHOWN = 200
"""Characters of what is wrong with foreign settings."""


class SpecError(CqltuiError):
    """What the server holds of a task is not what a campaign has submitted."""


class NewerSpecError(CqltuiError):
    """The task was submitted by a later version, with what this one does not know."""


class DataSummary(Struct, frozen=True):
    """What planning and supervising need to know of the data; the rows themselves are for those who train."""

    digest: str
    """`trainer.data.Dataset.digest`."""
    rows: int
    """Training transitions."""
    validation_rows: int
    notes: tuple[str, ...] = ()
    """What a user should know of how the rows came about."""
    warnings: tuple[str, ...] = ()
    """What looks like a mistake in the file."""
    test_rows: int = 0


def task_info(campaign: Campaign, task: TaskSpec, index: int, data: DataSummary) -> dict[str, Any]:
    """Return the fields of `state.model.TaskInfo`."""
    trainer, quantity = task.trainer, campaign.quantity(task, data.rows)
    return {
        "phase": task.phase,
        "title": task.title,
        "description": task.description,
        "index": index,
        "algorithm": trainer.algorithm,
        "settings": task.algorithm.values(trainer),
        "epochs": trainer.epochs,
        "batch_size": trainer.batch_size,
        "epoch_steps": quantity.epoch_steps,
        "step_flops": quantity.step_flops,
        "params": quantity.params,
        "shape": task.algorithm.shape(trainer),
        "pack": pack_key(task, data.digest),
        "baseline_loss": task.baseline_loss,
    }


def data_spec(campaign: Campaign) -> dict[str, Any]:
    """Return where the tasks' transitions come from, as `task_spec` has it and `read_data` reads it."""
    path = campaign.data.path
    spec: dict[str, Any] = to_builtins(replace(campaign.data, path=None))
    return spec | {"path": None if path is None else str(path.resolve())}


def task_spec(
    campaign: Campaign, task: TaskSpec, data: DataSummary, source: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what a worker trains by; read back with `read_trainer` and `read_data`. `source`: what `data_spec` gives,
    where it is at hand."""
    quantity = campaign.quantity(task, data.rows)
    return {
        "protocol": PROTOCOL,
        "program": cqltui.__version__,
        "digest": task.digest,
        "phase": task.phase,
        "params": quantity.params,
        "epoch_steps": quantity.epoch_steps,
        "trainer": task.algorithm.values(task.trainer),
        "data": data_spec(campaign) if source is None else source,
        "data_digest": data.digest,
        "checkpoint_s": campaign.workers.checkpoint_s,
        "lease_s": campaign.workers.lease_s,
        "retry_s": campaign.workers.retry_s,
    }


def pack_key(task: TaskSpec, data_digest: str) -> str:
    """Return a key by which tasks of one phase and the same data train together; empty: the task trains alone."""
    key = task.algorithm.pack_key(task.trainer)
    return f"{task.phase}:{key}:{data_digest[:16]}" if key else ""


def fair_members(campaign: Campaign, data_digest: str, workers: int) -> dict[str, int]:
    """Members of a pack, by pack key, when so many workers share its tasks evenly."""
    alike: dict[object, TaskSpec] = {}
    kinds, counts = Counter[object](), Counter[str]()
    for task in campaign.tasks:
        key = task.phase, kind(task.algorithm, task.trainer)
        alike.setdefault(key, task)
        kinds[key] += 1
    for each, count in kinds.items():
        counts[pack_key(alike[each], data_digest)] += count
    return {key: -(-count // workers) for key, count in counts.items()}


def read_trainer(spec: Mapping[str, Any]) -> TrainerConfig:
    """Return the training's settings. Raises KeyError, TypeError or ValueError on a spec of another make."""
    raw = dict(spec["trainer"])
    algorithm = named(str(raw.get("algorithm", DEFAULT)))
    read = algorithm.accepted(raw, problems := Problems(""))
    if unread := sorted(raw.keys() - read.keys()):
        raise ValueError(problems.first or f"{unread[0]}: there is no such setting")
    return algorithm.config(read)


def read_data(spec: Mapping[str, Any]) -> DataConfig:
    """Return where the training's transitions come from. Raises as `read_trainer`."""
    raw = dict(spec["data"])
    if "holdout_seasons" in raw:  # of an earlier version, which spared nothing for test
        seasons, share = raw.pop("holdout_seasons"), raw.pop("holdout_fraction", None)
        raw["split"] = {"seasons": seasons} if share is None else {"fraction": share}
    elif isinstance(raw.get("split"), dict):
        raw["split"] = {name: value for name, value in raw["split"].items() if value is not None}
    path, columns = raw.pop("path"), [(feature, column) for feature, column in raw.pop("state_cols")]
    if not all(isinstance(name, str) for pair in columns for name in pair):
        raise TypeError("data.state_cols: expected names")
    told = {name: value for name, value in raw.items() if value is not None}
    read = read_table(told, "data", {name: DATA[name].read for name in _DATA_KEYS}, problems := Problems(""))
    if problems.first:
        raise ValueError(problems.first)
    split = read.pop("split", {})
    return DataConfig(**read, **split, path=None if path is None else Path(path), state_cols=tuple(columns))


_DATA_KEYS = ("source", "seed", "edge_size", "split")


def check_spec(task_id: str, spec: Mapping[str, Any]) -> None:
    """Raise SpecError unless a worker can train by it, and it is what the task of this id is.

    A server may say how a task stands, and not what it is: its id is the beginning of a digest over its settings.
    Raises NewerSpecError for a task of a later version.
    """
    protocol = spec.get("protocol", PROTOCOL)  # earlier versions did not tell it
    if isinstance(protocol, int) and protocol > PROTOCOL:
        submitter = str(spec.get("program", ""))[:SHOWN] or "a later version"
        raise NewerSpecError(
            f"task {task_id} was submitted by cqltui {submitter} (protocol {protocol}), this worker is of "
            f"{cqltui.__version__} (protocol {PROTOCOL}) and leaves it: install the version of the campaign's command "
            "here, and start the worker again"
        )
    try:
        trainer, digest = read_trainer(spec), spec["digest"]
        read_data(spec)
        found = settings_digest(spec["phase"], trainer, spec["data_digest"])
        if wrong := [name for name in _SECONDS if not 0 < float(spec[name]) <= MAX_SECONDS]:
            raise ValueError(f"{wrong[0]} is out of range")
        if wrong := [name for name in _COUNTS if not 0 < int(spec[name]) < _LARGEST_COUNT]:
            raise ValueError(f"{wrong[0]} is out of range")
        if not 0 < int(trainer.validate_every) < _LARGEST_COUNT:
            raise ValueError("validate_every is out of range")
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise SpecError(f"its settings on the server cannot be read ({said[:SHOWN]}): {_AGAIN}") from None
    if found != digest or not found.startswith(task_id):
        raise SpecError(f"its settings on the server are not those that its id stands for: {_AGAIN}")
