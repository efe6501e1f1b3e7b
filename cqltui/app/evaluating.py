"""The evaluation of a run: its data and its networks as the run directory has them, checked to be those of the run."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import cqltui
from cqltui.algorithms.keeping import BEST_MODEL
from cqltui.campaign.model import EvaluateConfig
from cqltui.campaign.payload import read_data
from cqltui.campaign.recorded import read_recorded
from cqltui.campaign.schema import EVALUATE, readers
from cqltui.errors import InputError
from cqltui.fields import INVALID, Problems, read_table
from cqltui.results import evaluation as files
from cqltui.results.answers import answers_json
from cqltui.results.evaluated import results_digest
from cqltui.results.left import from_disk
from cqltui.results.rundir import RunDir, read_json
from cqltui.results.standings import standings
from cqltui.results.study import Study
from cqltui.results.tables import write_results
from cqltui.state.model import ENDED, RunState, Status, TaskState
from cqltui.supervisor import manifest
from cqltui.supervisor.lock import is_supervised
from trainer import data
from trainer.config import ACTIONS, DataConfig
from trainer.data.types import DataError, Dataset
from trainer.evaluation.audited import audit_data
from trainer.evaluation.evaluation import Evaluation, Trained, choose, evaluate
from trainer.model import read_model
from trainer.tensorfile import TensorFileError


@dataclass(frozen=True, slots=True)
class Asked:
    """How an evaluation is made."""

    by: str
    """Why the test seasons are opened: what test_opened.jsonl says."""
    part: str = "test"
    settings: EvaluateConfig | None = None
    """None: those that the run was last started with."""


def evaluate_run(run_dir: RunDir, asked: Asked) -> Evaluation:
    """Evaluate a run and write what was found. Raises InputError, and OSError."""
    settings = asked.settings or _settings(run_dir)
    config, digest = _data_config(run_dir)
    dataset = _dataset(config, digest)
    state = from_disk(run_dir)
    campaign = read_recorded(manifest.known(run_dir), config, run_dir.campaign_json).identified(digest)
    trained = _trained(run_dir, state, dataset.state_cols)
    if not trained:
        raise InputError(f"{run_dir.path}: no task is done: there is nothing to evaluate")
    if not len(dataset.validation):
        raise InputError("the run has no validation rows, by which all choices are made: data.split says how many")
    if asked.part == "test" and not len(dataset.test):
        raise InputError(
            "the run has no test rows: data.split = { validation_seasons = 2, test_seasons = 2 } spares some; "
            "cqltui evaluate --validation shows what validation says, which flatters what was chosen by it"
        )
    if asked.part != "test":
        dataset = dataset.without_test()
    provenance = _provenance(run_dir, state, config, dataset, settings)
    try:
        choices = choose(trained, _ensemble_phase(state), dataset.validation, settings.confident)
        if asked.part == "test":
            files.note_opening(run_dir, provenance | {"why": asked.by})
        audit = audit_data(dataset, config)  # which looks at outcomes, those of test rows too
        found = evaluate(
            dataset, trained, choices, audit, part=asked.part, seed=settings.seed, resamples=settings.resamples
        )
    except ValueError as error:
        raise InputError(f"{run_dir.path}: {error}") from error
    document, study = files.document(found, provenance), Study(run_dir, campaign, len(dataset.validation))
    if asked.part == "test":
        document["answers"] = answers_json(study.answers(standings(state), document))
    files.write(run_dir, found, document)
    if asked.part == "test" and not is_supervised(run_dir):  # a supervisor writes the results itself
        write_results(run_dir, campaign, standings(state), study)
    return found


def _data_config(run_dir: RunDir) -> tuple[DataConfig, str]:
    """Return where the run's data is, and its digest, as campaign.json has them. Raises InputError."""
    said = read_json(run_dir.campaign_json)
    known = manifest.known(run_dir).get("data")
    if said is None or not isinstance(known, Mapping):
        raise InputError(f"{run_dir.path}: there is no run here, or its campaign.json cannot be read")
    try:
        config = read_data({"data": dict(known) | {"path": said.get("data_path")}})
        return config, str(said["data"]["digest"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{run_dir.campaign_json}: its data cannot be read ({error})") from error


def _settings(run_dir: RunDir) -> EvaluateConfig:
    """Return the [evaluate] table that campaign.json has; of an earlier version the defaults."""
    known = manifest.known(run_dir).get("evaluate")
    read = read_table(known if isinstance(known, dict) else {}, "evaluate", readers(EVALUATE), problems := Problems(""))
    if problems.first or INVALID in read.values():
        raise InputError(f"{run_dir.campaign_json}: {problems.first}")
    return EvaluateConfig(**read)


def _dataset(config: DataConfig, digest: str) -> Dataset:
    try:
        dataset = data.load(config)
    except DataError as error:
        raise InputError(str(error)) from error
    if dataset.digest() != digest:
        where = "the simulator" if config.path is None else str(config.path)
        raise InputError(f"{where}: its rows are not those that the run was trained on: give the file of then")
    return dataset


def _trained(run_dir: RunDir, state: RunState, state_cols: tuple[str, ...]) -> list[Trained]:
    """Return the networks of the tasks that are done, in the order of the file. Raises InputError for damaged ones, and
    for those of other features or actions."""
    done = [task for task in state.tasks.values() if task.status is Status.DONE]
    found = []
    for task in sorted(done, key=lambda task: (task.info.phase, task.info.index)):
        folder = run_dir.task(task.id)
        names = {"last": run_dir.model(task.id), "best": folder / BEST_MODEL}
        names |= {path.stem.removeprefix("model_"): path for path in sorted(folder.glob("model_e*.safetensors"))}
        paths = {which: path for which, path in names.items() if path.is_file()}
        try:
            models = {which: read_model(path) for which, path in paths.items()}
        except TensorFileError as error:
            raise InputError(str(error)) from error
        for which, model in models.items():
            if (model.state_cols, model.actions) != (state_cols, ACTIONS):
                raise InputError(f"{paths[which]}: its features or actions are not those of the run's data")
        found.append(Trained(task.id, task.info.phase, models))
    return [task for task in found if task.models]


def _ensemble_phase(state: RunState) -> str:
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


def _provenance(
    run_dir: RunDir, state: RunState, config: DataConfig, dataset: Dataset, settings: EvaluateConfig
) -> dict[str, Any]:
    said = read_json(run_dir.campaign_json) or {}
    return {
        "ts": time.time(),
        "cqltui": cqltui.__version__,
        "versions": manifest.versions(),
        "git_commit": said.get("git_commit"),
        "source": config.source,
        "path": None if config.path is None else str(config.path),
        "digest": dataset.digest(),
        "rows": {"train": len(dataset.train), "validation": len(dataset.validation), "test": len(dataset.test)},
        "settings": asdict(settings),
        "results": results_digest(standings(state)),
        "tasks_done": sum(task.status is Status.DONE for task in state.tasks.values()),
        "all_ended": all(task.status in ENDED for task in state.tasks.values()),
    }
