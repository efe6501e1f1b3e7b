"""Checkpoints: where one member of a pack stood at the end of an epoch, as one checked file."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import fields

from trainer.batches import random_state
from trainer.config import TrainerConfig
from trainer.data.types import Float
from trainer.files import checkpoints
from trainer.tensorfile import TensorFileError, Written, read_tensors, write_tensors

KIND = "cqltui.checkpoint/1"
_FREE_KEYS = {"epochs", "validate_every", "keep", "keep_metric"}
"""Settings that may change between a checkpoint and its resumption: they have no influence on the weights so far."""

_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(TrainerConfig) if not field.required}
"""What a setting was in a checkpoint that was written before there was such a setting."""


class CheckpointError(Exception):
    """A checkpoint cannot be used. The message names the file, where there is one, and what is wrong."""


class Checkpoint(Struct, frozen=True, eq=False):
    """One member after `epoch` epochs. With the data, it determines all that follows."""

    tensors: dict[str, Float]
    """`params/<name>`, `exp_avg/<name>`, `exp_avg_sq/<name>` and, for multi-step data, `target/<name>`."""
    epoch: int
    step: int
    """Optimizer steps done."""
    random_state: dict[str, Any]
    """Of the generator that will draw the next epoch's batches."""
    config: dict[str, Any]
    """The TrainerConfig, as JSON."""
    data_digest: str
    """`Dataset.digest` of the data trained on."""

    def group(self, kind: str) -> dict[str, Float]:
        """Return the tensors of one kind, by name. Raises CheckpointError where there are none."""
        found = {name.partition("/")[2]: t for name, t in self.tensors.items() if name.partition("/")[0] == kind}
        if not found:
            raise CheckpointError(f"checkpoint of epoch {self.epoch}: it holds no {kind!r} tensors")
        return found

    def check(self, config: TrainerConfig, data_digest: str) -> None:
        """Raise CheckpointError unless this is a checkpoint of that training run on that data."""
        expected, where = config_document(config), f"checkpoint of epoch {self.epoch}"
        saved = _DEFAULTS | self.config
        for key in sorted(expected.keys() | saved.keys()):
            if key not in _FREE_KEYS and expected.get(key) != saved.get(key):
                raise CheckpointError(f"{where}: {key} is {saved.get(key)!r}, the task's is {expected.get(key)!r}")
        if self.data_digest != data_digest:
            raise CheckpointError(f"{where}: it was trained on other data")
        if self.random_state != random_state(config.seed, self.epoch):
            raise CheckpointError(f"{where}: its random state is not that of seed {config.seed}")


def config_document(config: TrainerConfig) -> dict[str, Any]:
    """Return a config as it reads back from JSON (lists for tuples)."""
    document: dict[str, Any] = json.loads(json.dumps(to_builtins(config)))
    return document


def write(path: Path, checkpoint: Checkpoint, *, durable: bool = True) -> Written:
    """Write atomically, and durably unless that is not worth its time. Raises OSError."""
    document = {key: getattr(checkpoint, key) for key in _DOCUMENT_KEYS}
    return write_tensors(path, KIND, checkpoint.tensors, document, durable=durable)


def read(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises CheckpointError for a file that is absent, cut off, damaged or none."""
    try:
        tensors, document = read_tensors(path, KIND)
    except TensorFileError as error:
        raise CheckpointError(str(error)) from error
    for key, kind in _DOCUMENT_KEYS.items():
        if not isinstance(document.get(key), kind):
            raise CheckpointError(f"{path}: {key} in the header is missing or not of type {kind.__name__}")
    return Checkpoint(tensors, **{key: document[key] for key in _DOCUMENT_KEYS})


_DOCUMENT_KEYS: dict[str, type] = {"epoch": int, "step": int, "random_state": dict, "config": dict, "data_digest": str}


class Found(Struct, frozen=True, eq=False):
    """What a search for checkpoints gave."""

    path: Path | None
    checkpoint: Checkpoint | None
    """None where no folder holds a good one."""
    bad: tuple[tuple[Path, str], ...]
    """Newer files that could not be used, and why."""


def newest_good(
    folders: Iterable[Path], accept: Callable[[Path, Checkpoint], None] = lambda path, checkpoint: None
) -> Found:
    """Return the checkpoint of the latest epoch that can be used, over all folders. Folders may be missing.

    `accept` raises CheckpointError for one that is whole, but of no use to the caller.
    """
    bad: list[tuple[Path, str]] = []
    for _, path in sorted((found for folder in folders for found in checkpoints(folder)), reverse=True):
        try:
            found = read(path)
            accept(path, found)
        except CheckpointError as error:
            bad.append((path, str(error)))
        else:
            return Found(path, found, tuple(bad))
    return Found(None, None, tuple(bad))


def prune(folder: Path, keep: int = 2) -> None:
    """Delete all but the `keep` latest checkpoints of a folder."""
    for _, path in checkpoints(folder)[keep:]:
        path.unlink(missing_ok=True)
