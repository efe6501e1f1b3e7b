"""Models beside the last, and an early end, are published only where the task's metrics say so."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from cqltui.broker.protocol.records import Result
from cqltui.results.rundir import METRICS_HEADER, RunDir, metrics_lines
from cqltui.state.model import Lifecycle, Status, TaskInfo, TaskState
from cqltui.supervisor.accepted import RefusedResultError
from cqltui.supervisor.records import Records
from tests.unit.made import leave_result
from trainer.files import write_bytes
from trainer.model import read_model, write_model
from trainer.progress import EpochMetrics

TOKEN = "1-7"
SETTINGS = {"epochs": 10, "lr": 1e-3, "alpha": 0.3, "hidden_dims": [4], "seed": 1, "keep": ["best", 3], "gamma": 0.9}
SETTINGS |= {"validate_every": 2}
INFO = TaskInfo("a1", "p", epochs=10, settings=SETTINGS, params=50)
STOPS = replace(INFO, settings={**SETTINGS, "early_stop": {"patience": 2, "metric": "val_loss", "min_delta": 0.0}})
KEPT = {"model_best.safetensors": 4, "model_e3.safetensors": 3}


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path)


@pytest.fixture
def records(run_dir: RunDir) -> Iterator[Records]:
    made = Records(run_dir)
    yield made
    made.close()


def plan(records: Records, info: TaskInfo) -> None:
    """The task runs."""
    records.remember(TaskState(info, Lifecycle(status=Status.RUNNING, run=1, token=TOKEN)))


def left(run_dir: RunDir, epochs: int = 10) -> tuple[Path, dict[str, Any]]:
    """The folder of an attempt with a good result, best at epoch 4, and its document."""
    folder = run_dir.attempt("a1", 1, TOKEN)
    document = leave_result(folder, "a1", 1, TOKEN, epochs=epochs)
    losses = {2: 0.5, 4: 0.3, 6: 0.4, 8: 0.5, 10: 0.6}
    rows = [EpochMetrics(n, 0.5, 0.4, 0.3, 0.2, 0.1, 100.0, *[losses.get(n)] * 3) for n in range(1, epochs + 1)]
    write_bytes(folder / "metrics.csv", METRICS_HEADER + metrics_lines(rows))
    model = read_model(folder / "model.safetensors")
    for name, epoch in KEPT.items():
        write_model(folder / name, model, {"task": "a1", "epoch": epoch})
    return folder, document | {"kept": KEPT}


def published(run_dir: RunDir) -> set[str]:
    return {path.name for path in run_dir.task("a1").glob("*.safetensors")}


def test_kept_models_are_published_and_what_was_there_before_goes(run_dir: RunDir, records: Records) -> None:
    plan(records, INFO)
    folder, document = left(run_dir)
    write_bytes(run_dir.task("a1") / "model_e7.safetensors", b"of a run before")
    write_bytes(folder / "model_e6.safetensors", b"of a checkpoint")
    assert records.publish(Result("a1", 1, 1, TOKEN, "w1", 5.0, document))
    assert published(run_dir) == {*KEPT, "model.safetensors", "q_heldout.safetensors"}
    assert not (folder / "model_e6.safetensors").exists()


def test_a_result_of_a_version_that_kept_none_is_published(run_dir: RunDir, records: Records) -> None:
    plan(records, INFO)
    _, document = left(run_dir)
    assert records.publish(Result("a1", 1, 1, TOKEN, "w1", 5.0, {k: v for k, v in document.items() if k != "kept"}))
    assert published(run_dir) == {"model.safetensors", "q_heldout.safetensors"}


def _rewritten(details: dict[str, Any], **change: Any) -> Callable[[Path], object]:
    def harm(folder: Path) -> None:
        path = folder / "model_best.safetensors"
        write_model(path, replace(read_model(path), **change), details)

    return harm


def _linked(folder: Path) -> None:
    outside = folder.parent / "outside"
    (folder / "model_best.safetensors").replace(outside)
    (folder / "model_best.safetensors").symlink_to(outside)


def _nan(folder: Path) -> None:
    model = read_model(folder / "model_best.safetensors")
    weight = np.full_like(model.tensors["head.weight"], np.nan)
    _rewritten({"task": "a1", "epoch": 4}, tensors={**model.tensors, "head.weight": weight})(folder)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "model_best.safetensors").unlink(), "model_best.safetensors: is missing"),
        (lambda folder: os.truncate(folder / "model_best.safetensors", 1 << 26), "67,108,864 bytes, expected at most"),
        (lambda folder: (folder / "model_best.safetensors").write_bytes(b"x"), "not a readable safetensors file"),
        (_linked, "model_best.safetensors: is no regular file"),
        (_nan, "model_best.safetensors: a weight"),
        (_rewritten({"task": "b2", "epoch": 4}), "model_best.safetensors: is of task 'b2'"),
        (_rewritten({"task": "a1", "epoch": 6}), "model_best.safetensors: is of epoch '6', expected 4"),
        (_rewritten({"task": "a1"}), "model_best.safetensors: is of epoch 'None', expected 4"),
        (_rewritten({"task": "a1", "epoch": 4}, observation_scaler="none"), "observation_scaler is none"),
    ],
)
def test_kept_models_that_are_none_are_refused(
    run_dir: RunDir, records: Records, harm: Callable[[Path], object], said: str
) -> None:
    plan(records, replace(INFO, settings={**SETTINGS, "observation_scaler": "standard"}))
    folder, document = left(run_dir)
    harm(folder)
    with pytest.raises(RefusedResultError, match=said):
        records.publish(Result("a1", 1, 1, TOKEN, "w1", 5.0, document))
    assert published(run_dir) == set()


@pytest.mark.parametrize(
    "kept",
    [
        {"model_best.safetensors": 6},
        {"model_e5.safetensors": 5},
        {"../../../model_e3.safetensors": 3},
        {"model.safetensors": 10},
        {"model_e3.safetensors": "3"},
        {"model_e3.safetensors": [3]},
        ["model_e3.safetensors"],
        None,
        "model_e3.safetensors",
    ],
)
def test_a_result_names_no_other_models_than_its_task_keeps(run_dir: RunDir, records: Records, kept: object) -> None:
    plan(records, INFO)
    _, document = left(run_dir)
    with pytest.raises(RefusedResultError, match="kept is"):
        records.publish(Result("a1", 1, 1, TOKEN, "w1", 5.0, document | {"kept": kept}))
    assert published(run_dir) == set()


@pytest.mark.parametrize(("info", "epochs", "is_right"), [(INFO, 6, False), (STOPS, 6, True), (STOPS, 8, False)])
def test_fewer_epochs_are_accepted_where_the_metrics_say_that_it_stops_there(
    run_dir: RunDir, records: Records, info: TaskInfo, epochs: int, is_right: bool
) -> None:
    plan(records, info)
    _, document = left(run_dir, epochs)
    result = Result("a1", 1, 1, TOKEN, "w1", 5.0, document | {"stopped_early": "val_loss has not improved"})
    if is_right:
        assert records.publish(result)
    else:
        with pytest.raises(RefusedResultError, match=f"{epochs} epochs, metrics of epoch {epochs}, expected"):
            records.publish(result)
