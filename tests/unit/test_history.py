"""The history of a run: a line every ten seconds, bounded, and whole after a kill."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from cqltui.state.live import samples_per_s
from cqltui.state.model import Lifecycle, Progress, RunState, Status, TaskState
from cqltui.state.sample import sample
from cqltui.supervisor import history
from cqltui.supervisor.history import History
from tests.unit.runs import LAUNCH, info, queued, run_of


def state(epoch: int = 7) -> RunState:
    """A task that is queued, and one that trains."""
    life = Lifecycle(status=Status.RUNNING, worker="w1", token="1-1", priority=8.0, claimed_ts=LAUNCH)
    report = Progress("1-1", epoch * 13, epoch, 1000, ts=LAUNCH, metrics={"loss": 0.25, "samples_per_s": 640.0})
    return run_of([queued(info(0), 6.0), TaskState(info(1), life, report)])


def lines(path: Path) -> list[dict[str, Any]]:
    """What was written."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_says_how_the_run_stands() -> None:
    told = sample(state(), LAUNCH + 1)
    assert told["ts"] == LAUNCH + 1
    assert told["tasks"] == {"queued": 1, "running": 1}
    assert told["queued"] == {"6": 1}
    assert told["running"] == {info(1).id: {"epoch": 7, "worker": "w1", "loss": 0.25}}
    assert told["samples_per_s"] == samples_per_s(state(), LAUNCH + 1)
    assert json.loads(json.dumps(told)) == told


def test_a_line_every_ten_seconds(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    kept = History(path)
    for seconds in (0.0, 0.5, 9.9, 10.0, 15.0, 20.1, 30.0):
        kept.tick(state(), LAUNCH + seconds)
    assert [line["ts"] - LAUNCH for line in lines(path)] == pytest.approx([0.0, 10.0, 20.1])
    kept.tick(state(), LAUNCH - 3600)  # the clock was set back
    assert lines(path)[-1]["ts"] == LAUNCH - 3600


def test_another_start_goes_on_behind_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    History(path).tick(state(), LAUNCH)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"ts": 17000')
    History(path).tick(state(), LAUNCH + 60)
    assert [line["ts"] for line in lines(path)] == [LAUNCH, LAUNCH + 60]


def test_it_is_bounded_by_keeping_every_other_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_LINES", 8)
    path = tmp_path / "history.jsonl"
    kept = History(path)
    for tick in range(100):
        kept.tick(state(), LAUNCH + 10.0 * tick)
    found = [line["ts"] - LAUNCH for line in lines(path)]
    assert len(found) <= 8
    assert (found[0], found == sorted(found)) == (0.0, True)
    assert found[-1] > 800
    again = History(path)
    again.tick(state(), LAUNCH + 2000)
    assert len(lines(path)) <= 8


def test_a_disk_that_refuses_is_told_once_and_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "history.jsonl").mkdir()
    kept = History(tmp_path / "history.jsonl")
    with caplog.at_level(logging.WARNING):
        for tick in range(3):
            kept.tick(state(), LAUNCH + 10.0 * tick)
    assert [record.message.split(":")[0] for record in caplog.records] == ["history.jsonl cannot be written"]
