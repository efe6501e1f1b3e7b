"""At the end of a run every figure shown, by `status` as text and JSON and on the screen, is the one in the files."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cqltui.results.rundir import RunDir, read_json, read_metrics
from tests.integration.place import Place

SHOWN = 8
"""Digits of an id in a list."""


class Figures(NamedTuple):
    """What a task's files say of it."""

    epochs: int
    loss: float
    val_loss: float | None
    """Of the last epoch that was validated."""
    best_val_loss: float | None
    seconds: float


def read_figures(run_dir: RunDir, task_ids: Iterable[str]) -> dict[str, Figures]:
    """Those of the tasks that have a result."""
    found = {}
    for task_id in task_ids:
        result, rows = read_json(run_dir.result_json(task_id)), read_metrics(run_dir.metrics_csv(task_id))
        if result is not None and rows:
            measured = [row.val_loss for row in rows if row.val_loss is not None]
            val_loss, best = (measured[-1], min(measured)) if measured else (None, None)
            found[task_id] = Figures(len(rows), rows[-1].loss, val_loss, best, result["seconds"])
    return found


def check_status(place: Place, figures: Mapping[str, Figures]) -> list[str]:
    """Where `cqltui status` differs from the files."""
    words = ("--run-dir", str(place.run_dir.path))
    told: dict[str, Any] = json.loads(place.start("status", "--json", *words).ends(0).out)
    found = []
    if {status: count for status, count in told["counts"].items() if count} != {"done": len(figures)}:
        found.append(f"status --json counts {told['counts']}, expected {len(figures)} done")
    said = {
        task["id"]: Figures(task["epochs_done"], *(task[name] for name in Figures._fields[1:]))
        for task in told["tasks"]
    }
    found += _differences("status --json", said, figures)
    lines = place.start("status", "--tasks", *words).ends(0).out.splitlines()
    return found + _check_lines("status --tasks", lines, figures, whole=True)


def check_screen(text: str, figures: Mapping[str, Figures]) -> list[str]:
    """Where the rows of the task list that are in sight differ from the files."""
    return _check_lines("the screen", text.splitlines(), figures, whole=False)


def _check_lines(where: str, lines: list[str], figures: Mapping[str, Figures], *, whole: bool) -> list[str]:
    """`whole`: every task has to be there. Its id comes before any other figure; beside it, panels may name others."""
    found, seen = [], 0
    for task_id, known in figures.items():
        line = next((line for line in lines if re.search(rf"^[^0-9]*\b{task_id[:SHOWN]}", line)), None)
        if line is None:
            continue
        seen += 1
        losses = [f"{value:.4f}" for value in (known.loss, known.val_loss) if value is not None]
        wanted = [f"{known.epochs}/{known.epochs}", *losses]
        if not all(part in line.replace(",", "") for part in wanted):
            found.append(f"{where} says {line.strip()!r}, the files say {', '.join(wanted)}")
    if seen == 0 or (whole and seen < len(figures)):
        found.append(f"{where} shows {seen} of {len(figures)} tasks:\n" + "\n".join(lines))
    return found


def _differences(where: str, said: Mapping[str, Figures], known: Mapping[str, Figures]) -> list[str]:
    ids = said.keys() | known.keys()
    return [
        f"{where} says {said.get(task_id)} of {task_id}, the files say {known.get(task_id)}"
        for task_id in sorted(ids)
        if said.get(task_id) != known.get(task_id)
    ]
