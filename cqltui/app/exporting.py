"""A run for those who already have a tracker: tables, an MLflow store, or offline runs of Weights & Biases."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cqltui.app.extras import needed
from cqltui.app.material import read_material
from cqltui.app.mlflowstore import write_store
from cqltui.app.wandbruns import write_runs
from cqltui.broker.server.ownership import expect_ours
from cqltui.errors import InputError
from cqltui.report.export.longform import (
    METRIC_COLUMNS,
    known_tasks,
    measured,
    task_columns,
    task_rows,
    write_metric_rows,
    write_task_rows,
)
from cqltui.report.material import Material
from cqltui.reporters.steps import Step
from cqltui.results.folders import replaced_folder
from cqltui.results.rundir import RunDir, read_json, within, write_json
from cqltui.state.model import Status
from cqltui.state.plain import word

FORMAT = "cqltui.export/1"
LABEL = "export.json"
"""Says that a folder is an export, and of what."""

Writer = Callable[[Material, RunDir, Path, Path, Step], list[str]]
"""(what to write, of which run, into which folder, where that will be, progress) -> what could not be written."""


def export(run_dir: RunDir, kind: str, wanted: Path | None, *, force: bool, step: Step) -> tuple[Path, list[str]]:
    """Write the run into a folder of its own, whole or not at all; return it, and what could not be written.

    `wanted`: the folder; None: `export/<kind>` in the run directory. `force`: replace an earlier export that is there.
    Raises InputError.
    """
    write = _WRITERS[kind]
    if wanted is None:
        expect_ours(run_dir.path)
    folder = run_dir.export / kind if wanted is None else wanted.absolute()
    try:
        if wanted is None:
            within(run_dir, folder.parent)
        _expect_free(folder, run_dir, force=force)
        material = read_material(run_dir, step)
        with replaced_folder(folder) as made:
            lacking = [*unread_curves(material), *write(material, run_dir, made, folder, step)]
            said = {"format": FORMAT, "kind": kind, "run": material.provenance.run, "campaign": material.campaign.name}
            write_json(made / LABEL, said | {"data_digest": material.provenance.data_digest, "lacking": lacking})
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(
            f"{word(str(folder))}: cannot be written: {error.strerror}; choose another folder with -o"
        ) from error
    return folder, lacking


def _expect_free(folder: Path, run_dir: RunDir, *, force: bool) -> None:
    """Raise InputError unless there is nothing at this place, or an export that may be replaced; and OSError."""
    shown = word(str(folder))
    if folder.is_symlink():
        raise InputError(f"{shown}: is a link: name the folder that it leads to")
    if run_dir.path == folder or folder in run_dir.path.parents:
        raise InputError(f"{shown}: the run itself lies there: choose another folder with -o")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{shown}: is a file, expected a folder: choose another with -o")
    said = read_json(folder / LABEL) or {}
    if said.get("format") != FORMAT:
        if any(folder.iterdir()):
            raise InputError(f"{shown}: holds other files and no export: choose another folder with -o")
    elif not force:
        raise InputError(
            f"{shown}: holds an export already (of the run {word(str(said.get('run')))}): --force replaces it, -o "
            "names another folder"
        )


def _write_csv(material: Material, run_dir: RunDir, made: Path, folder: Path, step: Step) -> list[str]:
    step("writing the tables")
    with (made / "tasks.csv").open("x", encoding="utf-8", newline="") as file:
        write_task_rows(file, material)
    tasks = known_tasks(material)
    with (made / "metrics.csv").open("x", encoding="utf-8", newline="") as file:
        file.write(",".join(METRIC_COLUMNS) + "\n")
        for number, record in enumerate(tasks):
            step("writing the metrics", number, len(tasks))
            write_metric_rows(file, material, record)
    return []


def _write_parquet(material: Material, run_dir: RunDir, made: Path, folder: Path, step: Step) -> list[str]:
    arrow, parquet = needed("pyarrow", "parquet"), needed("pyarrow.parquet", "parquet")
    step("writing the tables")
    rows = task_rows(material)
    columns = {name: _column(arrow, [row.get(name) for row in rows]) for name in task_columns(material)}
    parquet.write_table(arrow.table(columns), made / "tasks.parquet")
    text, whole, number = arrow.string(), arrow.int64(), arrow.float64()
    schema = arrow.schema(list(zip(METRIC_COLUMNS, (text, text, text, whole, number), strict=True)))
    tasks = known_tasks(material)
    with parquet.ParquetWriter(made / "metrics.parquet", schema) as file:
        for done, record in enumerate(tasks):
            step("writing the metrics", done, len(tasks))
            for name, epochs, values in measured(material, record):
                told = [[text] * len(epochs) for text in (record.task.id, record.task.phase, name)]
                file.write_table(arrow.table([*told, epochs.astype("int64"), values], schema=schema))
    return []


def _column(arrow: Any, values: list[object]) -> Any:
    """Return an Arrow column of the type that the values have; of text, where they have several."""
    known = {type(value) for value in values if value is not None}
    if known <= {int, float} or len(known) == 1:
        return arrow.array(values, from_pandas=True)
    return arrow.array([None if value is None else str(value) for value in values], arrow.string())


_WRITERS: dict[str, Writer] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
    "mlflow": write_store,
    "wandb-offline": write_runs,
}
KINDS = tuple(_WRITERS)


def unread_curves(material: Material) -> list[str]:
    """Return what is to be said of each task that is done and whose metrics could not be read."""
    done = (record.task.id for record in material.records if record.standing.status is Status.DONE)
    return [f"tasks/{task_id}/metrics.csv cannot be read" for task_id in done if task_id not in material.curves]
