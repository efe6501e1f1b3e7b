"""What a run has trained and on which data, as its directory has it: checked to be those of the run."""

from pathlib import Path

from cqltui.algorithms.keeping import BEST_MODEL
from cqltui.errors import InputError
from cqltui.reporters.steps import Step, silent
from cqltui.results.rundir import RunDir
from cqltui.state.model import RunState, Status, TaskState
from trainer import data
from trainer.config import ACTIONS, DataConfig
from trainer.data.types import DataError, Dataset
from trainer.evaluation.evaluation import Trained
from trainer.model import Model, read_model
from trainer.tensorfile import TensorFileError


def load_dataset(config: DataConfig, digest: str) -> Dataset:
    """Return the data that the run was trained on. Raises InputError if it is not there any more."""
    try:
        dataset = data.load(config)
    except DataError as error:
        raise InputError(str(error)) from error
    if dataset.digest() != digest:
        where = "the simulator" if config.path is None else str(config.path)
        raise InputError(f"{where}: its rows are not those that the run was trained on: give the file of then")
    return dataset


def trained_networks(
    run_dir: RunDir, state: RunState, state_cols: tuple[str, ...], step: Step = silent
) -> list[Trained]:
    """Return the networks of the tasks that are done, in the order of the file; `step` is told how many were read.
    Raises InputError for damaged ones, and for those of other features or actions."""
    done = [task for task in state.tasks.values() if task.status is Status.DONE]
    found = []
    for number, task in enumerate(sorted(done, key=lambda task: (task.info.phase, task.info.index))):
        step("reading the networks", number, len(done))
        paths = model_paths(run_dir, task.id)
        models = {which: read_network(path, state_cols) for which, path in paths.items()}
        found.append(Trained(task.id, task.info.phase, models))
    return [task for task in found if task.models]


def model_paths(run_dir: RunDir, task_id: str) -> dict[str, Path]:
    """Return the weights that a task has kept: "last", "best", and "e<n>" of an epoch."""
    folder = run_dir.task(task_id)
    names = {"last": run_dir.model(task_id), "best": folder / BEST_MODEL}
    names |= {path.stem.removeprefix("model_"): path for path in sorted(folder.glob("model_e*.safetensors"))}
    return {which: path for which, path in names.items() if path.is_file()}


def read_network(path: Path, state_cols: tuple[str, ...]) -> Model:
    """Return a network of these features. Raises InputError for a damaged one, and for one of other features or
    actions."""
    try:
        model = read_model(path)
    except TensorFileError as error:
        raise InputError(str(error)) from error
    if (model.state_cols, model.actions) != (state_cols, ACTIONS):
        raise InputError(f"{path}: its features or actions are not those of the run's data")
    return model


def ensemble_phase(state: RunState) -> str:
    """Return the phase with the most tasks that differ by their seed alone; empty where there is none."""
    phases: dict[str, list[TaskState]] = {}
    for task in state.tasks.values():
        if task.status is Status.DONE:
            phases.setdefault(task.info.phase, []).append(task)
    alike = {
        phase: len(tasks)
        for phase, tasks in phases.items()
        if len(tasks) > 1 and len({_but_seed(task) for task in tasks}) == 1
    }
    return max(alike, key=lambda phase: alike[phase], default="")


def _but_seed(task: TaskState) -> str:
    return repr(sorted((name, value) for name, value in task.info.settings.items() if name != "seed"))
