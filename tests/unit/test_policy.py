"""What was trained, used in Python: columns by name, several networks, errors that say what is expected."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

import cqltui
from cqltui.errors import InputError
from cqltui.results.rundir import RunDir, write_json
from trainer.config import ACTIONS, STATE_COLUMNS
from trainer.data.standardise import Standardiser
from trainer.layout import initial_row, make_layout
from trainer.model import Model, read_model, write_model

DOCS = Path(__file__).parents[2] / "docs" / "training.md"
STATES = np.array([[-3.0, 44.5, 0.08, 0.512, 0.547, 0.035], [6.5, 51.0, -0.11, 0.498, 0.471, -0.027]], np.float32)


class Frame:
    """As much of a DataFrame as is asked for."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]


def by_name(states: Any = STATES) -> dict[str, list[float]]:
    """The columns of states, in another order, and one more."""
    named = {name: list(states[:, place]) for place, name in enumerate(STATE_COLUMNS)}
    return {"game_id": ["a", "b"], **dict(reversed(named.items()))}


def make(path: Path, seed: int = 1, epoch: int = 10, columns: tuple[str, ...] = STATE_COLUMNS) -> Path:
    """Write a model of a network that has not learnt anything."""
    layout = make_layout((8,), len(columns))
    tensors = layout.views(initial_row(layout, seed))
    mean = np.linspace(-1, 40, len(columns), dtype=np.float32)
    scale = Standardiser(mean, np.linspace(1, 9, len(columns), dtype=np.float32))
    write_model(path, Model(tensors, scale, (8,), columns, ACTIONS), {"task": path.parent.name, "epoch": epoch})
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of a task of its own and an ensemble of two finished tasks, one that is not."""
    run_dir = RunDir(tmp_path / "runs" / "night")
    for index, (task, phase) in enumerate(
        {"938fc1bd": "quality", "b0000002": "ensemble", "a0000001": "ensemble", "c0000003": "ensemble"}.items()
    ):
        write_json(run_dir.task_json(task), {"info": {"phase": phase, "index": index}})
        if task != "c0000003":
            make(run_dir.model(task), index)
            make(run_dir.task(task) / "model_best.safetensors", index + 10, 4)
            make(run_dir.task(task) / "model_e7.safetensors", index + 20, 7)
    return run_dir.path


def test_q_values_are_the_models_and_columns_are_found_by_name(folder: Path) -> None:
    file = folder / "tasks" / "938fc1bd" / "model.safetensors"
    policy, expected = cqltui.load(file), read_model(file).q_values(STATES)
    assert (policy.columns, policy.actions) == (STATE_COLUMNS, ACTIONS)
    for states in (STATES, STATES.astype(np.float64).tolist(), by_name(), Frame(by_name())):
        q = policy.q_values(states)
        assert q.dtype == np.float32
        assert np.array_equal(q, expected)
        assert policy.act(states).tolist() == expected.argmax(1).tolist()
    one = dict(zip(STATE_COLUMNS, STATES[0].tolist(), strict=True))
    assert policy.q_values(STATES[0]).shape == policy.q_values(one).shape == (1, 4)


def test_which_names_the_weights(folder: Path) -> None:
    task = folder / "tasks" / "938fc1bd"
    epochs = [cqltui.load(task, which=which).models[0].details["epoch"] for which in ("last", "best", 7)]
    assert epochs == [10, 4, 7]
    with pytest.raises(InputError, match=r"there is no model_e8.safetensors; it has model.safetensors, model_best"):
        cqltui.load(task, which=8)
    with pytest.raises(InputError, match='which: expected "last", "best" or the number of an epoch, found'):
        cqltui.load(task, which="first")  # type: ignore[arg-type]


def test_a_phase_or_a_list_is_an_ensemble(folder: Path) -> None:
    ensemble = cqltui.load(str(folder), phase="ensemble", which="best")
    assert [model.details["task"] for model in ensemble.models] == ["b0000002", "a0000001"], "as in the file"
    members = ensemble.member_q_values(STATES)
    assert members.shape == (2, 2, 4)
    assert np.array_equal(ensemble.q_values(STATES), members.mean(0, dtype=np.float32))
    assert not np.array_equal(members[0], members[1])
    listed = cqltui.load([folder / "tasks" / task for task in ("b0000002", "a0000001")], which="best")
    assert np.array_equal(listed.member_q_values(STATES), members)


def _without_edge(named: dict[str, Any]) -> Any:
    return {name: values for name, values in named.items() if name != "edge"}


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (_without_edge(by_name()), "the states lack edge; they have game_id, p_hat"),
        (Frame(_without_edge(by_name())), "the states lack edge"),
        (STATES[:, :5], r"the shape \(2, 5\), expected \[N, 6\] with the columns spread_close, total_close"),
        (np.zeros((2, 2, 6)), r"the shape \(2, 2, 6\)"),
        (by_name() | {"edge": [0.1, float("nan")]}, r"the states hold nan in column edge, row 1 \(from 0\)"),
        (by_name() | {"edge": ["0.1", "a lot"]}, "could not convert string to float: 'a lot'"),
        (by_name() | {"edge": [0.1]}, "all input arrays must have the same shape"),
    ],
)
def test_states_that_do_not_fit_are_named(folder: Path, states: Any, said: str) -> None:
    policy = cqltui.load(folder / "tasks" / "938fc1bd")
    with pytest.raises(ValueError, match=said):
        policy.q_values(states)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (lambda folder: {"path": folder}, "a run directory; name one of its tasks"),
        (lambda folder: {"path": folder / "tasks" / "c0000003"}, "it has no model; is it the folder of a finished"),
        (lambda folder: {"path": folder / "nothing"}, "not a readable safetensors file"),
        (lambda folder: {"path": folder / "tasks" / "938fc1bd" / "task.json"}, "not a readable safetensors file"),
        (lambda folder: {"path": []}, "the list is empty"),
        (lambda folder: {"path": folder, "phase": "seeds"}, "phase 'seeds'; its phases: ensemble, quality"),
        (lambda folder: {"path": folder / "tasks", "phase": "seeds"}, "is it a run directory?"),
    ],
)
def test_paths_that_are_no_model_are_named(folder: Path, arguments: Callable[[Path], Any], said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        cqltui.load(**arguments(folder))


def test_networks_of_other_columns_make_no_ensemble(folder: Path, tmp_path: Path) -> None:
    other = make(tmp_path / "other.safetensors", columns=(*STATE_COLUMNS[:5], "wind"))
    with pytest.raises(InputError, match="its columns or actions are not those of"):
        cqltui.load([folder / "tasks" / "938fc1bd", other])


def test_a_raw_model_sees_the_numbers_of_the_file(folder: Path, tmp_path: Path) -> None:
    model = read_model(folder / "tasks" / "938fc1bd" / "model.safetensors")
    raw = Standardiser(np.zeros(6, np.float32), np.ones(6, np.float32))
    write_model(tmp_path / "raw.safetensors", replace(model, standardiser=raw, observation_scaler="none"))
    scaled = ((STATES - model.standardiser.mean) / model.standardiser.std).astype(np.float32)
    assert np.array_equal(cqltui.load(tmp_path / "raw.safetensors").q_values(scaled), model.q_values(STATES))


def test_the_example_of_the_docs_runs(folder: Path) -> None:
    """In an interpreter of its own, which then has not loaded PyTorch; and without the example not even NumPy."""
    (example,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    code = (
        "import sys, json, cqltui\n"
        "light = sorted({'numpy', 'torch'} & set(sys.modules))\n"
        f"{example}\n"
        "heavy = sorted({'torch', 'textual', 'redis'} & set(sys.modules))\n"
        "print(json.dumps([light, heavy, q.shape, spread.shape]))\n"
    )
    place = folder.parents[1]
    root = str(DOCS.parents[1])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n{code}"],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    *said, last = done.stdout.splitlines()
    assert json.loads(last) == [[], [], [2, 4], [2, 4]]
    assert set(said[1:]) <= set(ACTIONS)
