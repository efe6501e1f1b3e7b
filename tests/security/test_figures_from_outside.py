"""Figures that somebody else has written: none ends a supervisor, and none that a network cannot have is published."""

import logging
import math
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from safetensors.numpy import save

from cqltui.algorithms.base import REQUIRED
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Result
from cqltui.campaign.criteria import CHECKS
from cqltui.results.known import newest_saved
from cqltui.results.record import LARGEST_FIGURE, read_q_heldout
from cqltui.results.rundir import METRICS_HEADER, RunDir, metrics_lines, read_metrics
from cqltui.state.events import Event
from cqltui.state.model import RunState, TaskInfo
from cqltui.supervisor.accepted import HEADER_BYTES, Planned, RefusedResultError, check_size, checked
from tests.contract.helpers import eventually, task
from tests.contract.test_stop_ends import Running
from tests.unit import test_criteria
from tests.unit.made import leave_result
from trainer.config import ACTIONS
from trainer.progress import EpochMetrics

TOKEN = "1-7"
INFO = TaskInfo("a1", "p", epochs=10)
GIVEN: dict[str, dict[str, Any]] = {
    "metric": {"metric": "val_loss", "op": "<", "value": 1.0},
    "still_falling": {"after_epoch": 3},
    "conclusive": {"seeds_from": "seeds"},
}
"""The parameters that have no default."""
FIGURES = st.one_of(
    st.floats(),
    st.sampled_from(
        [1e308, -1e308, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324, math.inf, -math.inf, 1e200]
    ),
)
CURVES = st.lists(st.lists(FIGURES, min_size=12, max_size=12), min_size=3, max_size=3)
SPIKES = [1e200, 1.0] * 6
DIVERGED = [[math.inf] * 12, [-math.inf] * 12, [math.nan] * 12]
Curves = list[list[float]]


@pytest.mark.parametrize("check", CHECKS)
@settings(max_examples=20, deadline=None)
@given(losses=CURVES, validation=CURVES, seeds=CURVES)
@example([SPIKES] * 3, [SPIKES] * 3, [SPIKES] * 3)
@example([[1e308] * 12] * 3, [[1e308] * 12, [-1e308] * 12, [1.7e308] * 12], [[1.7e308] * 12, [-1.7e308] * 12, SPIKES])
@example([DIVERGED[0]] * 3, DIVERGED, [[1.0] * 12, [2.0] * 12, [3.0] * 12])
def test_any_curve_can_be_judged(check: str, losses: Curves, validation: Curves, seeds: Curves) -> None:
    assert all(name in GIVEN.get(check, {}) for name, p in CHECKS[check].params.items() if p.default is REQUIRED)
    reductions: list[dict[str, Any]] = [{}]
    if check == "metric":
        reductions = [{"reduce": how} for how in ("best", "worst", "mean", "median", "min", "max")]
    for how in reductions:
        found = [
            test_criteria.done(test_criteria.task(phase, alpha, seed=seed), own, val)
            for phase, curves in (("p", validation), ("seeds", seeds))
            for alpha in (0.1, 0.2)
            for seed, (own, val) in enumerate(zip(losses, curves, strict=True))
        ]
        verdict = test_criteria.judge(check, found, **GIVEN.get(check, {}), **how)
        assert verdict.detail


@given(q=st.lists(FIGURES, min_size=8, max_size=8), wide=st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_q_values_can_be_judged(tmp_path: Path, q: list[float], wide: bool) -> None:
    with np.errstate(all="ignore"):
        values = np.array(q, np.float64 if wide else np.float32).reshape(2, 4)
    (path := tmp_path / "q.safetensors").write_bytes(save({"q": values}))
    found = read_q_heldout(path)
    assert found is not None
    members = [
        replace(test_criteria.done(test_criteria.task(seed=seed), [1.0]), q_heldout=own)
        for seed, own in enumerate((found, np.ones((2, 4), np.float32), found[::-1]))
    ]
    assert test_criteria.judge("ensemble_diversity", members).detail


def test_an_epoch_that_cannot_be_ends_the_table(tmp_path: Path) -> None:
    row = EpochMetrics(1, 0.5, 0.4, 0.3, 0.2, 0.1, 100.0)
    for epoch in (0, -3, 10**400):
        (path := tmp_path / "metrics.csv").write_bytes(METRICS_HEADER + metrics_lines([row, replace(row, epoch=epoch)]))
        assert [found.epoch for found in read_metrics(path)] == [1]


def test_a_checkpoint_that_is_named_after_a_distant_epoch_costs_nothing(tmp_path: Path) -> None:
    folder = RunDir(tmp_path).attempt("a1", 1, TOKEN)
    folder.mkdir(parents=True)
    (folder / f"checkpoint-{30_000_000}.safetensors").touch()
    (folder / "metrics.csv").write_bytes(METRICS_HEADER)
    began = time.process_time()
    assert newest_saved(RunDir(tmp_path), "a1", 1) is None
    assert time.process_time() - began < 0.1


def leave(folder: Path) -> Result:
    """What an attempt at the task has left, and how it was accepted."""
    return Result("a1", 1, 1, TOKEN, "w1", 5.0, leave_result(folder, "a1", 1, TOKEN))


def _rewrite(folder: Path, **changed: float) -> None:
    rows = read_metrics(folder / "metrics.csv")
    (folder / "metrics.csv").write_bytes(METRICS_HEADER + metrics_lines([replace(rows[0], **changed), *rows[1:]]))


@pytest.mark.parametrize("value", [1e200, -4e38, 1.7e308])
@pytest.mark.parametrize("name", ["loss", "val_loss", "grad_norm", "samples_per_s"])
def test_what_float32_cannot_hold_is_refused(tmp_path: Path, name: str, value: float) -> None:
    result = leave(tmp_path)
    _rewrite(tmp_path, **{name: value})
    with pytest.raises(RefusedResultError, match=f"^metrics.csv: {name} of epoch 1 is beyond what float32 can hold$"):
        checked(tmp_path, result, INFO)


@pytest.mark.parametrize("at", [("metrics", "loss"), ("metrics", "val_td_loss"), ("best_val_loss",)])
def test_nor_in_the_result_itself(tmp_path: Path, at: tuple[str, ...]) -> None:
    result = leave(tmp_path)
    place: Any = (document := orjson.loads(orjson.dumps(result.data)))
    for name in at[:-1]:
        place = place[name]
    place[at[-1]] = 1e300
    with pytest.raises(RefusedResultError, match=r"^result\.json: a metric is beyond what float32 can hold$"):
        checked(tmp_path, replace(result, data=document), INFO)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, float(np.finfo(np.float32).max), LARGEST_FIGURE])
def test_a_training_that_diverged_is_a_result(tmp_path: Path, value: float) -> None:
    result = leave(tmp_path)
    _rewrite(tmp_path, loss=value)
    assert checked(tmp_path, result, INFO)["epochs"] == 10


def _sparse(path: Path, rows: int) -> None:
    """A file of that many rows of Q, of zeros that take no room."""
    size = rows * len(ACTIONS) * 4
    header = orjson.dumps({"q": {"dtype": "F32", "shape": [rows, len(ACTIONS)], "data_offsets": [0, size]}})
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + size)


@pytest.mark.parametrize("rows", [0, 2, 4, 1 << 16])
def test_q_is_of_the_validation_data(tmp_path: Path, rows: int) -> None:
    result = leave(tmp_path)
    assert checked(tmp_path, result, INFO, "d", validation_rows=3)
    _sparse(tmp_path / "q_heldout.safetensors", rows)
    with pytest.raises(RefusedResultError, match=r"^q_heldout\.safetensors: .* in the 3 validation rows$"):
        checked(tmp_path, result, INFO, "d", validation_rows=3)
    assert read_q_heldout(tmp_path / "q_heldout.safetensors", 3) is None


def test_what_is_far_too_large_is_not_read() -> None:
    check_size("q_heldout.safetensors", 1 << 20, INFO)
    with pytest.raises(RefusedResultError, match=r"^q_heldout\.safetensors: .* bytes, expected at most"):
        check_size("q_heldout.safetensors", HEADER_BYTES + 1000, INFO, validation_rows=3)


class Failing:
    """A reporter that cannot tell what happens."""

    def __init__(self) -> None:
        self.called = 0

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """It fails."""
        self.called += 1
        raise OverflowError("date value out of range")

    def tick(self, state: RunState, now: float) -> None:
        """It fails."""
        self.called += 1
        raise OverflowError("date value out of range")


@pytest.fixture
def supervised(queue: Queue, tmp_path: Path) -> Callable[..., Running]:
    """What starts a supervisor of the task "a"."""

    def start(**given: Any) -> Running:
        queue.enqueue(task("a"))
        queue.set_filled()
        return Running(queue, tmp_path / "run", frozenset({"a"}), **given)

    return start


def test_a_reporter_that_fails_ends_no_run(
    queue: Queue, supervised: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    reporter = Failing()
    with caplog.at_level(logging.WARNING):
        run = supervised(reporters=[reporter])
        eventually(lambda: reporter.called > 4)
        run.supervisor.ask_stop()
        eventually(lambda: run.code is not None)
    run.close()
    said = [record.getMessage() for record in caplog.records if "cannot tell" in record.getMessage()]
    assert said == ["Failing cannot tell what happens (OverflowError); the run goes on"]


def test_a_task_that_nobody_planned_is_left_out(queue: Queue, supervised: Callable[..., Running]) -> None:
    queue.enqueue(task("foreign-before"))
    info = TaskInfo("a", "p")
    run = supervised(planned={"a": Planned(info, "d")})
    eventually(lambda: "a" in run.supervisor.state.tasks)
    queue.enqueue(task("foreign-after"))
    queue.set_priority("a", 7)
    eventually(lambda: run.supervisor.state.tasks["a"].life.priority == 7)
    assert list(run.supervisor.state.tasks) == ["a"]
    run.supervisor.ask_stop()
    eventually(lambda: run.code is not None)
    run.close()
