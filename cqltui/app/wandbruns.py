"""A run as offline runs of Weights & Biases, by its own library and without a network: one a task."""

import os
import shutil
from pathlib import Path
from typing import Any

from cqltui.app.extras import needed
from cqltui.app.mlflowstore import copy_files
from cqltui.report.export.longform import by_epoch, settings_of
from cqltui.report.export.tracked import LONGEST, identity, tags
from cqltui.report.material import Material
from cqltui.reporters.steps import Step
from cqltui.results.record import TaskRecord
from cqltui.results.rundir import RunDir
from cqltui.state.plain import plain

SILENT = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false", "WANDB_CONSOLE": "off"}
"""Its own variables: no network, nothing in the terminal."""
CACHES = "caches"
"""Not ".wandb": where that is, wandb would write its runs into it."""
SETTINGS = {
    "mode": "offline",
    "silent": True,
    "console": "off",
    "disable_git": True,
    "disable_code": True,
    "save_code": False,
    "symlink": False,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
"""Nothing of the machine that exports: the run was trained at another time, and maybe elsewhere."""


def write_runs(material: Material, run_dir: RunDir, made: Path, folder: Path, step: Step) -> list[str]:
    """Write `wandb/offline-run-*` to `made`; return what could not be written. Raises InputError without wandb."""
    places = {f"WANDB_{name}_DIR": str(made / CACHES / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
    os.environ |= SILENT | places  # of this process, which does nothing but this
    step("loading wandb")
    wandb = needed("wandb", "wandb")
    lacking: list[str] = []
    try:
        for number, record in enumerate(material.records):
            step("writing runs of wandb", number, len(material.records))
            lacking += _write_run(wandb, material, run_dir, record, made)
    finally:
        wandb.teardown()
    _tidy(made)
    return lacking


def _write_run(wandb: Any, material: Material, run_dir: RunDir, record: TaskRecord, made: Path) -> list[str]:
    told = tags(material, record)
    run = wandb.init(
        project=material.campaign.name,
        id=identity(material, record),
        name=plain(record.task.title, LONGEST),
        group=record.task.phase,
        tags=[record.task.phase, told["status"]],
        config=told | settings_of(record),
        dir=str(made),
        settings=wandb.Settings(root_dir=str(made), **SETTINGS),
        reinit="create_new",
    )
    for epoch, values in by_epoch(material, record):
        run.log(values, step=epoch)
    files = Path(run.dir)
    lacking = copy_files(run_dir, record, files)
    for path in sorted(files.iterdir()):
        run.save(str(path), base_path=str(files), policy="end")
    run.finish(exit_code=0 if record.result is not None else 1)
    return lacking


def _tidy(made: Path) -> None:
    """Remove what is of this machine and of this moment: links, logs and caches."""
    shutil.rmtree(made / CACHES, ignore_errors=True)
    for path in (made / "wandb").iterdir():
        if path.is_symlink():
            path.unlink()
    for name in ("logs", "tmp"):
        for found in (made / "wandb").glob(f"offline-run-*/{name}"):
            shutil.rmtree(found, ignore_errors=True)
