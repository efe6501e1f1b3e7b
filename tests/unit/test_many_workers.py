"""How often one of many workers reports, what it then leaves out, and what waits with very many tasks."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from cqltui.state.live import MANY_WORKERS
from cqltui.state.model import Lifecycle, Progress, RunState, Status, TaskInfo, TaskState
from cqltui.state.select import is_untouched
from cqltui.supervisor import history
from cqltui.worker.telling import telling_interval_s


@pytest.mark.parametrize(
    ("workers", "seconds"), [(0, 0.4), (1, 0.4), (MANY_WORKERS, 0.4), (51, 2.0), (400, 2.0), (600, 3.0), (5000, 5.0)]
)
def test_the_more_workers_the_less_often_each_reports(workers: int, seconds: float) -> None:
    assert telling_interval_s(workers) == seconds


@pytest.mark.parametrize(
    "changed",
    [
        {"status": Status.PAUSED},
        {"attempt": 1},
        {"run": 2},
        {"by": "anna"},
        {"error": "boom"},
        {"report": Progress(epoch=3)},
    ],
)
def test_a_task_that_something_has_happened_to_is_written_down_at_once(changed: dict[str, object]) -> None:
    task = TaskState(TaskInfo("a", "p"))
    assert is_untouched(task)
    assert not is_untouched(replace(task, life=replace(Lifecycle(), **changed)))


def test_a_line_of_the_history_that_takes_long_is_written_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 5.0, 5.0])  # the first line takes a second
    monkeypatch.setattr(history, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    lines = history.History(tmp_path / "history.jsonl")
    for now in (100.0, 110.0, 199.9, 200.0, 201.0):
        lines.tick(RunState(), now)
    written = [json.loads(line)["ts"] for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert written == [100.0, 200.0]
