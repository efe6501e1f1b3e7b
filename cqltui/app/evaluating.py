"""The evaluation of a run: its data and its networks as the run directory has them, checked to be those of the run."""

import time
from typing import Any

from msgspec import Struct

import cqltui
from cqltui.app.started import data_config, recorded_campaign
from cqltui.app.trained import ensemble_phase, load_dataset, trained_networks
from cqltui.campaign.model import EvaluateConfig
from cqltui.errors import InputError
from cqltui.reporters.steps import Step, silent
from cqltui.results import evaluation as files
from cqltui.results.answers import answers_json
from cqltui.results.evaluated import results_digest
from cqltui.results.left import from_disk
from cqltui.results.rundir import RunDir, read_json
from cqltui.results.standings import standings
from cqltui.results.study import Study
from cqltui.state.model import ENDED, RunState, Status
from cqltui.supervisor import manifest
from trainer.config import DataConfig
from trainer.data.types import Dataset
from trainer.evaluation.audited import audit_data
from trainer.evaluation.evaluation import Evaluation, choose, evaluate


class Asked(Struct, frozen=True):
    """How an evaluation is made."""

    by: str
    """Why the test seasons are opened: what test_opened.jsonl says."""
    part: str = "test"
    settings: EvaluateConfig | None = None
    """None: those that the run was last started with."""


def evaluate_run(run_dir: RunDir, asked: Asked, step: Step = silent) -> Evaluation:
    """Evaluate a run and write what was found; `step` is told what is done. Raises InputError, and OSError."""
    campaign = recorded_campaign(run_dir)
    settings = asked.settings or campaign.evaluate
    config, digest = data_config(run_dir)
    step("reading the data")
    dataset = load_dataset(config, digest)
    state = from_disk(run_dir)
    trained = trained_networks(run_dir, state, dataset.state_cols, step)
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
    step(f"choosing among {len(trained)} tasks by the validation rows")
    try:
        choices = choose(
            trained,
            ensemble_phase(state),
            dataset.validation,
            settings.confident,
            unrewarded=dataset.unrewarded.get("validation"),
            seed=settings.seed,
        )
        if asked.part == "test":
            files.note_opening(run_dir, provenance | {"why": asked.by})
        step("leak audit")
        audit = audit_data(dataset, config)  # which looks at outcomes, those of test rows too
        step(f"figures of every policy and of {len(trained)} networks, with their intervals")
        found = evaluate(
            dataset, trained, choices, audit, part=asked.part, seed=settings.seed, resamples=settings.resamples
        )
    except ValueError as error:
        raise InputError(f"{run_dir.path}: {error}") from error
    document = files.document(found, provenance)
    if asked.part == "test":
        study = Study(run_dir, campaign, len(dataset.validation))
        document["answers"] = answers_json(study.answers(standings(state), document))
    files.write(run_dir, found, document)
    return found


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
        "settings": settings.settings(),
        "results": results_digest(standings(state)),
        "tasks_done": sum(task.status is Status.DONE for task in state.tasks.values()),
        "all_ended": all(task.status in ENDED for task in state.tasks.values()),
    }
