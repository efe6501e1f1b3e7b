"""results.parquet: a row a task with all settings and metrics, typed, for pandas, Polars or DuckDB."""

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow as arrow
from pyarrow import parquet

from cqltui.algorithms.base import Algorithm, setting_text
from cqltui.report.material import Material
from cqltui.results.record import TaskRecord
from cqltui.results.tables import improvement
from cqltui.state.plain import plain
from trainer.files import write_bytes

TEXT_LIMIT = 2_000
TYPES: Mapping[object, Any] = {
    int: arrow.int64(),
    float: arrow.float64(),
    tuple[int, ...]: arrow.list_(arrow.int64()),
}
"""pyarrow's type of a setting by its own; others are text."""
BEFORE = {"task_id": arrow.string(), "phase": arrow.string(), "title": arrow.string(), "status": arrow.string()}
AFTER = {
    "params": arrow.int64(),
    "baseline_loss": arrow.float64(),
    "improvement": arrow.float64(),
    "best_val_epoch": arrow.int64(),
    "ended_epoch": arrow.int64(),
    "stopped_early": arrow.string(),
    "attempts": arrow.int64(),
    "seconds": arrow.float64(),
    "mean_samples_per_s": arrow.float64(),
    "worker": arrow.string(),
    "device": arrow.string(),
    "started_ts": arrow.float64(),
    "finished_ts": arrow.float64(),
}


def write_results(path: Path, material: Material) -> None:
    """Write results.parquet. Raises OSError."""
    out = io.BytesIO()
    parquet.write_table(results_table(material), out)
    write_bytes(path, out.getvalue())


def results_table(material: Material) -> Any:
    """Return a `pyarrow.Table` with a row for each task; metrics are those of the last epoch, null where there is none.

    The types depend on the algorithm alone, so that tables of several runs can be put together.
    """
    types: dict[str, Any] = dict(BEFORE)
    for algorithm in {it.task.algorithm.name: it.task.algorithm for it in material.records}.values():
        types |= _setting_types(algorithm) | {name: arrow.float64() for name in algorithm.metric_names()}
        types[f"best_{algorithm.validation}"] = arrow.float64()
    types |= AFTER
    rows = [_row(material, record) for record in material.records]
    columns = [arrow.array([row.get(name) for row in rows], type=kind) for name, kind in types.items()]
    return arrow.table(columns, names=list(types))


def _setting_types(algorithm: Algorithm) -> dict[str, Any]:
    hints = get_type_hints(algorithm.config_type)
    return {setting.name: TYPES.get(hints[setting.name], arrow.string()) for setting in algorithm.settings}


def _row(material: Material, record: TaskRecord) -> dict[str, Any]:
    task, result, final = record.task, record.result, record.final
    algorithm = task.algorithm
    types = _setting_types(algorithm)
    row: dict[str, Any] = {
        "task_id": task.id,
        "phase": task.phase,
        "title": plain(task.title, TEXT_LIMIT),
        "status": str(record.standing.status),
        "params": material.campaign.quantity(task, 0).params,
        "baseline_loss": task.baseline_loss,
        "attempts": record.standing.attempts,
    }
    row |= {name: _setting(getattr(task.trainer, name), kind) for name, kind in types.items()}
    if final is None or result is None:
        return row
    row |= {name: getattr(final, name) for name in algorithm.metric_names()}
    row |= {f"best_{algorithm.validation}": result.best_val_loss, "best_val_epoch": _whole(result.best_val_epoch)}
    row |= {"improvement": improvement(getattr(final, algorithm.headline), task.baseline_loss)}
    row |= {"ended_epoch": result.epochs, "stopped_early": plain(result.stopped_early, TEXT_LIMIT)}
    row |= {"seconds": result.seconds, "mean_samples_per_s": result.samples_per_s}
    row |= {"worker": plain(result.worker), "device": plain(result.device)}
    return row | {"started_ts": result.started_ts, "finished_ts": result.finished_ts}


def _setting(value: Any, kind: Any) -> Any:
    """Return a setting as its column has it; None stays what it is."""
    if kind == arrow.string():
        return None if value is None else setting_text(value)
    return list(value) if isinstance(value, tuple) else value


def _whole(value: float | None) -> int | None:
    """Return an epoch that a file may tell as any number."""
    return int(value) if value is not None and math.isfinite(value) and abs(value) < 2**63 else None
