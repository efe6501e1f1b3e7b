"""A run on the user's own server, with the documented commands and a worker started by hand."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cqltui.broker.server.launch import find_binary
from tests.contract.servers import answers, free_port
from tests.integration.place import TASKS, Place, Trained, until

PASSWORD = "hunter2-and-more"
SHORT = ("--set", "trainer.epochs=2", "--set", "phase.quality.epochs=2")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place whose REDIS_URL is a server started just for it, with a password."""
    port = free_port()
    config = f'port {port}\nbind 127.0.0.1\nsave ""\nappendonly no\ndir {tmp_path}\nrequirepass {PASSWORD}\n'
    server = subprocess.Popen([find_binary(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=tmp_path)
    assert server.stdin is not None
    server.stdin.write(config.encode())
    server.stdin.close()
    made = Place(tmp_path / "place", f"redis://:{PASSWORD}@127.0.0.1:{port}/0")
    try:
        until(lambda: answers(made.url or ""), "the user's server")
        yield made
    finally:
        made.end_all()
        server.kill()
        server.wait(60)


def test_the_documented_commands_a_worker_by_hand_and_no_password_anywhere(
    place: Place, expected: dict[str, Trained]
) -> None:
    place.slow_down()
    run = place.begin()
    until(lambda: place.running(checkpointed=False), "a task under way")
    lap = place.start(
        "worker", "--worker-id", "lap", "--min-priority", "8", "--poll-interval", "0.1", "--device", "cpu"
    )
    ids = {task.info.title: task.id for task in place.look().tasks.values()}
    with place.queue() as queue:

        def ask(*words: str) -> object:
            return queue.client.execute_command(*words)

        assert ask("ZCARD", "training_queue") == TASKS - 1
        assert ask("SMEMBERS", "active_workers") == {b"w1"}
        ask("ZADD", "training_queue", "9", ids["seed 2"], "9", "no-such-task")
        until(lambda: place.look().tasks[ids["seed 2"]].life.priority == 9, "the priority that was typed")
        until(lambda: ask("ZSCORE", "cq:rejected", "no-such-task"), "the refusal")
        until(lambda: ask("SMEMBERS", "active_workers") == {b"w1", b"lap"}, "the worker that was started by hand")
    processes = [psutil.Process(run.pid), *map(psutil.Process, place.worker_pids().values())]
    assert len(processes) == 3
    until(lambda: "lap" in place.at_work(), "a task of its own")
    place.speed_up()
    assert not any(PASSWORD in " ".join(process.cmdline()) for process in processes)
    run.ends(0)
    lap.send(signal.SIGTERM)
    lap.ends(0)
    assert place.trained() == expected
    assert all(worker.stopped for worker in place.look().workers.values())
    by_lap = {task_id for task_id in expected if place.result(task_id)["worker"] == "lap"}
    assert by_lap <= {ids["Best small network"], ids["Best alpha"], ids["seed 2"]}
    assert by_lap

    again = place.complete("--redis-url", str(place.url))
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    assert place.run_dir.campaign_json in files
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []
    assert " claimed by " not in again.err


def test_a_fresh_run_takes_the_place_of_the_one_before(place: Place) -> None:
    place.complete(*SHORT)
    before = place.tokens()
    again = place.complete(*SHORT, "--fresh")
    assert again.err.count(" claimed by ") == TASKS, "nothing is left of what the server knew"
    assert not set(before.values()) & set(place.tokens().values())
    assert (place.run_dir.path.parent / "small.old-1").is_dir()


def test_another_runs_queue_is_left_alone_until_that_run_has_finished(place: Place) -> None:
    place.slow_down()
    first = place.begin("--set", "phase.quality.epochs=100000")
    until(place.under_way, "a task under way")
    place.speed_up()
    other = place.complete("--run-dir", "runs/other", *SHORT, code=2)
    assert "holds the queue of another run" in other.err
    assert str(place.run_dir.path) in other.err
    assert "namespace" in other.err
    place.complete("--run-dir", "runs/other", "--set", "redis.namespace=other", *SHORT)
    first.send(signal.SIGINT)
    first.ends(130)
    place.complete("--run-dir", "runs/third", *SHORT)
    assert place.processes() == []
