"""A run as an MLflow file store, by MLflow's own client: an experiment a phase, a run a task."""

import os
import shutil
from pathlib import Path
from typing import Any

from cqltui.algorithms.base import setting_cell
from cqltui.app.extras import needed
from cqltui.report.export.longform import by_epoch, settings_of
from cqltui.report.export.tracked import LONGEST, span, tags, times
from cqltui.report.material import Material
from cqltui.reporters.steps import Step
from cqltui.results.record import TaskRecord
from cqltui.results.rundir import RunDir
from cqltui.state.model import Status
from cqltui.state.plain import plain
from trainer.files import make_folder, replace_file

STORE, ARTIFACTS = "mlruns", "artifacts"
DEFAULT = "0"
"""The experiment that MLflow makes with a store, with the place of the moment: nothing is in it."""
BATCH = 1_000
"""Metrics that MLflow takes at once."""
NO_NETWORK = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
FILE_STORE = {"MLFLOW_ALLOW_FILE_STORE": "true"}
"""From version 3.7 on MLflow refuses a store of files unless it is told that one is meant."""
STATUS = {Status.DONE: "FINISHED", Status.DEAD: "FAILED", Status.CANCELLED: "KILLED", Status.WITHDRAWN: "KILLED"}
"""What a task's state is to MLflow; "SCHEDULED" or "RUNNING" else."""


def write_store(material: Material, run_dir: RunDir, made: Path, folder: Path, step: Step) -> list[str]:
    """Write the store to `made`, which will be `folder`; return what could not be written. Raises InputError without
    MLflow."""
    os.environ |= NO_NETWORK | FILE_STORE  # of this process, which does nothing but this
    step("loading MLflow")
    tracking = needed("mlflow.tracking", "mlflow")
    uri = (made / STORE).as_uri()
    client = tracking.MlflowClient(tracking_uri=uri, registry_uri=uri)
    lacking: list[str] = []
    records = {record.task.id: number for number, record in enumerate(material.records)}
    for phase in material.campaign.phases:
        # MLflow writes down where artefacts are, as an absolute path: where the folder will be.
        there = (folder / ARTIFACTS / phase.name).as_uri()
        experiment = client.create_experiment(f"{material.campaign.name}/{phase.name}", artifact_location=there)
        for record in material.of_phase(phase):
            step("writing runs of MLflow", records[record.task.id], len(records))
            run_id = _write_run(client, experiment, material, record)
            lacking += copy_files(run_dir, record, made / ARTIFACTS / phase.name / run_id / "artifacts")
    shutil.rmtree(made / STORE / DEFAULT)
    return lacking


def _write_run(client: Any, experiment: str, material: Material, record: TaskRecord) -> str:
    """Write one task; return the run's id."""
    entities = needed("mlflow.entities", "mlflow")
    began, ended = span(material, record)
    name = plain(record.task.title, LONGEST)
    run = client.create_run(experiment, start_time=_ms(began), run_name=name)
    run_id: str = run.info.run_id
    params = [
        entities.Param(name, plain(str(setting_cell(value)), LONGEST)) for name, value in settings_of(record).items()
    ]
    told = [entities.RunTag(name, text) for name, text in tags(material, record).items()]
    client.log_batch(run_id, params=params, tags=told)
    epochs = dict(by_epoch(material, record))
    when = times(epochs, began, ended)
    metrics = [
        entities.Metric(metric, value, _ms(when[epoch]), epoch)
        for epoch, values in epochs.items()
        for metric, value in values.items()
    ]
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH])
    status = record.standing.status
    if status in STATUS:
        client.set_terminated(run_id, STATUS[status], _ms(ended))
    else:
        client.update_run(run_id, status="RUNNING" if status is Status.RUNNING else "SCHEDULED")
    return run_id


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def copy_files(run_dir: RunDir, record: TaskRecord, folder: Path) -> list[str]:
    """Copy the files of a task's accepted result to a folder; return those that could not be."""
    task_id = record.task.id
    if record.standing.status is not Status.DONE:
        return []
    lacking = []
    for path in (run_dir.model(task_id), run_dir.metrics_csv(task_id), run_dir.result_json(task_id)):
        make_folder(folder)
        try:
            replace_file(path, folder / path.name)
        except FileNotFoundError:
            lacking.append(f"tasks/{task_id}/{path.name} is not there")
    return lacking
