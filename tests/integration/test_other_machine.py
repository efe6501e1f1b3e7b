"""A worker elsewhere that reaches the server and nothing else: on another machine, or in a container of the same host
name, whose processes nobody sees from here."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.contract.servers import user_server
from tests.integration.command import PATIENCE_S
from tests.integration.place import LASTING, Place, Trained, until

WORKER = (sys.executable, "-m", "cqltui", "worker", "--poll-interval", "0.1", "--device", "cpu", "--worker-id")
PASSWORD = "correct-horse-battery"
ISOLATED = ("unshare", "--pid", "--fork", "--mount-proc")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """On a server that others reach, as the embedded one does not let them."""
    with user_server(tmp_path / "server", f"requirepass {PASSWORD}") as port:
        made = Place(tmp_path / "place", f"redis://:{PASSWORD}@127.0.0.1:{port}/0")
        yield made
        made.end_all()


def test_results_travel_through_the_server(place: Place, tmp_path: Path, expected: dict[str, Trained]) -> None:
    if subprocess.run([*ISOLATED, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right to a pid namespace of one's own (unshare --pid)")
    campaign = place.begin("--set", "workers.min_priority=8", *LASTING)
    until(lambda: place.running(checkpointed=False), "a running task")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    home = {"XDG_STATE_HOME": str(elsewhere)}  # where the machine's id is
    worker = subprocess.Popen(
        [*ISOLATED, *WORKER, "lap", "--dir", "runs"],
        cwd=elsewhere,
        env={**os.environ, **home, "REDIS_URL": str(place.url)},
        stderr=subprocess.PIPE,
    )
    try:
        campaign.ends(0)
    finally:
        for process in psutil.Process(worker.pid).children():
            process.send_signal(signal.SIGTERM)
        _, err = worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == 0, err.decode()
    assert place.trained() == expected
    by = {task_id: place.result(task_id)["worker"] for task_id in expected}
    phases = {task_id: place.result(task_id)["phase"] for task_id in expected}
    assert {by[task_id] for task_id in expected if phases[task_id] != "quality"} == {"lap"}
    assert {place.result(task_id)["attempt"] for task_id in expected} == {1}, "nobody was taken for dead"
    assert (elsewhere / "runs" / "small@lap" / "logs" / "lap.log").is_file()


def elsewhere(place: Place, worker_id: str) -> subprocess.Popen[bytes]:
    """A worker with a folder of its own, which nobody else sees."""
    own = place.folder / worker_id
    own.mkdir()
    environment = {**os.environ, **place.environment, "REDIS_URL": str(place.url)}
    return subprocess.Popen([*WORKER, worker_id, "--dir", str(own)], cwd=own, env=environment)


def test_a_task_goes_on_in_another_folder_after_a_kill(place: Place, expected: dict[str, Trained]) -> None:
    campaign = place.begin("--set", "workers.min_priority=100", "--set", "workers.count=1")
    until(lambda: place.look().tasks, "a campaign on the server")
    first = elsewhere(place, "a")

    killed: list[str] = []

    def sent() -> bool:
        running = [task.id for task in place.running(checkpointed=False) if task.life.worker == "a"]
        with place.queue() as queue:
            killed[:] = [task_id for task_id, key in queue.checkpoint_keys(running).items() if key]
        return bool(killed)

    until(sent, "a checkpoint that has been sent")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    second = elsewhere(place, "b")
    try:
        campaign.ends(0)
    finally:
        second.terminate()
        second.wait(PATIENCE_S)
    assert place.trained() == expected, "bit for bit"
    results = [place.result(task_id) for task_id in killed]
    assert {(result["worker"], result["attempts"]) for result in results} == {("b", 2)}
    assert max(result["resumed_epoch"] for result in results) > 0
    assert all(result["cpu"] for result in results)
