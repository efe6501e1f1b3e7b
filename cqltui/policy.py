"""What a campaign has trained, to be used in Python: `cqltui.load`. Of NumPy alone, without PyTorch."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from cqltui.algorithms.keeping import BEST_MODEL, epoch_model
from cqltui.errors import InputError
from cqltui.results.rundir import RunDir, read_json
from trainer.model import Model, read_model
from trainer.tensorfile import TensorFileError

Which = Literal["last", "best"] | int
"""The last epoch's weights, the best epoch's, or those of an epoch by number, as far as the task keeps them."""
LAST_MODEL = "model.safetensors"


class Policy(Struct, frozen=True, eq=False):
    """One network, or several that are asked together."""

    models: tuple[Model, ...]
    """As they were read; `details` tells of which task and epoch they are. They have the same columns and actions."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The features of a state, in order."""
        return self.models[0].state_cols

    @property
    def actions(self) -> tuple[str, ...]:
        """What the columns of the Q values stand for."""
        return self.models[0].actions

    def q_values(self, states: Any) -> npt.NDArray[np.float32]:
        """Return the Q value of each action in each state, [N, A] in float32; of several networks their mean.

        `states`: a DataFrame or a mapping that has the columns by name (others are passed over, any order will do), or
        an array [N, D] with the columns in order; a single state may be [D]. They are the data's own numbers, which the
        network scales as it was trained. Raises ValueError that names the column where one is missing or no number.
        """
        found: npt.NDArray[np.float32] = self.member_q_values(states).mean(axis=0, dtype=np.float32)
        return found

    def member_q_values(self, states: Any) -> npt.NDArray[np.float32]:
        """Return the Q values of each network, [M, N, A]; `states` as of `q_values`."""
        rows = self._rows(states)
        return np.stack([model.q_values(rows) for model in self.models])

    def act(self, states: Any) -> npt.NDArray[np.intp]:
        """Return the action with the highest Q value in each state, [N], as its place in `actions`; of equals the
        first, which bets less. `states` as of `q_values`."""
        found: npt.NDArray[np.intp] = self.q_values(states).argmax(axis=1)
        return found

    def _rows(self, states: Any) -> npt.NDArray[np.float32]:
        names = states.columns if hasattr(states, "columns") else states.keys() if isinstance(states, Mapping) else None
        if names is None:
            rows = np.atleast_2d(np.asarray(states, dtype=np.float32))
        else:
            if missing := [name for name in self.columns if name not in names]:
                known = ", ".join(map(str, names))
                raise ValueError(f"the states lack {', '.join(missing)}; they have {known}")
            parts = [np.atleast_1d(np.asarray(states[name], dtype=np.float32)) for name in self.columns]
            rows = np.stack(parts, axis=-1)
        if rows.ndim != 2 or rows.shape[1] != len(self.columns):
            expected = f"[N, {len(self.columns)}] with the columns {', '.join(self.columns)}"
            raise ValueError(f"the states have the shape {rows.shape}, expected {expected}")
        if not (is_number := np.isfinite(rows)).all():
            row, column = np.argwhere(~is_number)[0]
            raise ValueError(
                f"the states hold {rows[row, column]} in column {self.columns[column]}, row {row} (from 0)"
            )
        return rows


def load(path: str | Path | Iterable[str | Path], *, which: Which = "last", phase: str | None = None) -> Policy:
    """Return what was trained.

    `path`: a model file; the folder of a task (runs/NAME/tasks/ID), of which `which` names the weights; a run directory
    with the name of a `phase`, all of whose finished tasks then make an ensemble; or several files and folders, which
    make one too. Raises InputError that says what is expected.
    """
    several = not isinstance(path, str | Path)
    paths = [Path(item) for item in path] if isinstance(path, Iterable) and several else [Path(str(path))]
    if phase is not None:
        paths = [folder for item in paths for folder in _tasks(item, phase)]
    if not paths:
        raise InputError("there is no model to load: the list is empty")
    models = tuple(_read(_file(item, which)) for item in paths)
    _check_alike(paths, models)
    return Policy(models)


def _file(path: Path, which: Which) -> Path:
    """Return the file of these weights."""
    if not path.is_dir():
        return path
    name = {"last": LAST_MODEL, "best": BEST_MODEL}.get(str(which)) or (
        epoch_model(which) if isinstance(which, int) and not isinstance(which, bool) else ""
    )
    if not name:
        raise InputError(f'which: expected "last", "best" or the number of an epoch, found {which!r}')
    if (path / "tasks").is_dir():
        raise InputError(f"{path}: a run directory; name one of its tasks ({path}/tasks/ID), or a phase=...")
    if not (path / name).is_file():
        there = sorted(file.name for file in path.glob("model*.safetensors"))
        said = f"it has {', '.join(there)}" if there else "it has no model; is it the folder of a finished task?"
        raise InputError(f"{path}: there is no {name}; {said}")
    return path / name


def _tasks(path: Path, phase: str) -> list[Path]:
    """Return the folders of a phase's finished tasks, in the order of the file."""
    run_dir, found, phases = RunDir(path), [], set()
    for place in sorted(run_dir.tasks.glob("*/task.json")):
        info = (read_json(place) or {}).get("info")
        told = info if isinstance(info, Mapping) else {}
        phases.add(str(told.get("phase")))
        if told.get("phase") == phase and (place.parent / LAST_MODEL).is_file():
            index = told.get("index")
            found.append((index if isinstance(index, int) else 0, place.parent))
    if not found:
        known = (
            f"; its phases: {', '.join(sorted(phases))}" if phases else ", nor any other task: is it a run directory?"
        )
        raise InputError(f"{path}: there is no finished task of phase {phase!r}{known}")
    return [folder for _, folder in sorted(found)]


def _read(path: Path) -> Model:
    try:
        return read_model(path)
    except TensorFileError as error:
        raise InputError(str(error)) from error


def _check_alike(paths: Sequence[Path], models: Sequence[Model]) -> None:
    first = models[0]
    for path, model in zip(paths, models, strict=True):
        if (model.state_cols, model.actions) != (first.state_cols, first.actions):
            raise InputError(f"{path}: its columns or actions are not those of {paths[0]}: they make no ensemble")
