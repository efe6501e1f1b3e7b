"""cqltui is upgraded while workers of the version before live: they leave after their checkpoint, others go on."""

import os
import signal

import psutil

import cqltui
from tests.integration.place import TWO, Place, Trained, until

OLD = "0.0.9"


def test_adopted_workers_of_another_version_leave_with_their_checkpoint(
    place: Place, expected: dict[str, Trained]
) -> None:
    now = place.environment
    place.slow_down()
    place.environment = {**place.environment, "PROGRAM": OLD}
    before = place.begin(*TWO)
    until(lambda: len(place.worker_pids()) == 2 and place.under_way(), "two workers, and a task with a checkpoint")
    former = [psutil.Process(pid) for pid in place.worker_pids().values()]
    before.kill()
    place.environment = now
    after = place.complete(*TWO)
    assert place.trained() == expected
    both = f"is of cqltui {OLD}, this supervisor of {cqltui.__version__}"
    for worker in ("w1", "w2"):
        assert f"worker {worker} {both}: it is told to leave after its checkpoint" in after.err
        assert f"one of {cqltui.__version__} takes its place" in after.err
        assert place.log(worker).count("leaves") >= 2
    assert not any(process.is_running() for process in former)
    assert "died" not in after.err
    assert {place.result(task_id)["attempt"] for task_id in expected} >= {2}, "from the checkpoint"
    assert "resumes at epoch" in place.log("w1") + place.log("w2")
    assert {place.result(task_id)["versions"]["cqltui"] for task_id in expected} <= {OLD, cqltui.__version__}


def test_a_worker_of_another_version_that_was_started_by_hand_leaves(place: Place) -> None:
    place.slow_down()
    place.begin("--workers", "1")
    until(place.under_way, "a task with a checkpoint")
    place.environment = {**place.environment, "PROGRAM": OLD}
    place.start(
        "worker", "--worker-id", "lap", "--poll-interval", "0.1", "--device", "cpu", "--run-dir", "runs/small"
    ).ends(0)
    log = place.log("lap")
    assert f"worker lap is of cqltui {OLD}, this supervisor of {cqltui.__version__}: it leaves after" in log
    supervisor = place.processes("small.toml")[0]
    os.kill(supervisor.pid, signal.SIGINT)
