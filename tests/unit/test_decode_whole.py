"""Every field of what is told comes back under its own name."""

import json
from typing import Any

import pytest
from msgspec import to_builtins

from cqltui.identity import ProcessIdentity
from cqltui.state import decode
from cqltui.state.described import AnswerInfo, CampaignInfo, PhaseInfo, Verdict
from cqltui.state.events import Kind
from cqltui.state.model import Lifecycle, Progress, Status, TaskInfo, Wanted, WorkerState

INFO = TaskInfo(
    *(
        "a1",
        "quality",
        "a title",
        "described",
        3,
        "cql",
        {"alpha": 0.25, "hidden_dims": (64, 32)},
        "64-32:128",
        "q:64-32",
    ),
    *(200, 128, 13, 5_000, 8_000, 0.0949),
)
REPORT = Progress(
    *("2-77", 260, 20, 200, 10, 1.5, 2.5, 106.0),
    metrics={"loss": 0.5, "td_loss": 0.4, "val_loss": 0.6, "samples_per_s": 900.0},
    best=0.55,
    best_epoch=18,
    curve=((1, 0.9), (20, 0.5)),
    stopped_early="enough",
)
LIFE = Lifecycle(
    *((2, 9), Status.DELAYED, 7.0, 5, 2, 3, 4, "w1", "2-77", 101.0, 102.0, 103.0, 104.0, 105.0, "user", "pause"),
    by="anna@box screen",
    error="boom",
    report=REPORT,
)
PROCESS = ProcessIdentity("a-machine", "a-boot", 40265, 1000, 4711, 98.0)
WORKER = WorkerState(
    *("w1", 107.0, 4711, PROCESS, "box", "cuda:0", 99.0, 950.0, 2**31, 2**34, ("a1", "b2"), False, (2, 8, 6), "0.1")
)
PHASES = (
    PhaseInfo(
        *("quality", "Quality", 8, "a goal", ("why?", "how?"), "less", (Verdict("low", True, "0.07"),)),
        answers=(AnswerInfo("why?", ("a figure", "another")),),
    ),
    PhaseInfo("seeds", "Seeds", 6),
)
CAMPAIGN = CampaignInfo("deep", "Deep", "all of it", "/runs/deep", 90.0, 2, PHASES, workers_limit=4)


def told(value: Any) -> dict[str, Any]:
    """As it comes over the wire."""
    data: dict[str, Any] = json.loads(json.dumps(to_builtins(value), default=sorted))
    return data


def test_no_field_is_left_out() -> None:
    for value in (INFO, LIFE, REPORT, WORKER, CAMPAIGN, *PHASES[:1]):
        plain = {name for name in value.__struct_fields__ if name != "stopped"}
        assert all(getattr(value, name) for name in plain), "each of these differs from its default"
    numbers = [value for value in to_builtins(REPORT).values() if isinstance(value, float)]
    assert len(set(numbers)) == len(numbers), "nor are two the same"


def test_what_is_told_of_a_task_comes_back() -> None:
    assert decode.task_info("a1", told(INFO)) == INFO
    assert decode.lifecycle(told(LIFE), (2, 9)) == LIFE
    assert decode.progress(told(REPORT), 106.0) == REPORT


def test_what_is_told_of_a_worker_and_of_the_run_comes_back() -> None:
    worker = told(WORKER) | {"since": 8, "report": 6}
    assert decode.worker("w1", worker, 107.0, 2) == WORKER
    assert decode.campaign(told(CAMPAIGN)) == CAMPAIGN


def test_what_is_not_told_is_empty() -> None:
    assert decode.task_info("a1", {}) == TaskInfo("a1", "")
    assert decode.lifecycle({"status": "queued"}, (0, 0)) == Lifecycle()
    assert decode.progress({}, 0.0) == Progress()
    assert decode.worker("w1", {}, 0.0, 0) == WorkerState("w1")
    assert decode.campaign({}) == CampaignInfo()
    assert Lifecycle() == Lifecycle((0, 0), Status.QUEUED, 0, 0, 1, 0, 0, "", "", 0, 0, 0, 0, 0, "", "", "", None)
    assert TaskInfo("a", "") == TaskInfo("a", "", "", "", 0, "cql", {}, "", "", 0, 0, 0, 0, 0, None)
    assert WorkerState("w") == WorkerState("w", 0, 0, ProcessIdentity(), "", "", 0, 0, 0, 0, (), False, (0, 0, 0), "")
    assert Progress() == Progress("", 0, 0, 0, 0, 0, None, 0, {}, None, 0, ())


def test_the_words_of_the_protocol() -> None:
    """Stored in journals and on servers: a word that changes would no longer be read."""
    assert list(Status) == ["queued", "running", "delayed", "paused", "done", "dead", "cancelled", "withdrawn"]
    assert list(Wanted) == ["running", "paused", "draining", "stopped"]
    assert {str(kind) for kind in Kind} >= {
        *("task.queued", "task.claimed", "task.done", "task.delayed", "task.dead", "task.paused", "task.cancelled"),
        *("task.withdrawn", "task.priority", "task.checkpoint", "worker.started", "worker.stopped", "notice"),
        *("campaign.wanted", "campaign.info", "campaign.finished", "progress", "snapshot", "connection", "tick"),
    }


@pytest.mark.parametrize(("value", "kept"), [(0, 0.0), (0.5, 0.5), (1e11, 1e11), (1.1e11, 0.0), (-1, 0.0), ("x", 0.0)])
def test_moments_that_a_clock_can_show(value: object, kept: float) -> None:
    assert decode.stamp({"ts": value}, "ts") == kept


def test_an_epoch_before_the_first_report_is_no_epoch() -> None:
    assert decode.optional({"loss": 0}, "loss") == 0.0
    assert decode.optional({"loss": "nan"}, "loss") is None
    assert decode.optional({}, "loss") is None
