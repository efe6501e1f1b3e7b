"""Workers, supervisor and server are killed, alone and together; the run comes to the same results, bit for bit."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from cqltui.results.rundir import read_json
from cqltui.state.model import Status
from tests.integration.place import LASTING, TWO, Place, Trained, until


def _gone(pid: int) -> Callable[[], bool]:
    return lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def _server_of(place: Place) -> int:
    """The server's process, 0 while none is told of."""
    return int((read_json(place.run_dir.server / "connection.json") or {}).get("pid", 0))


def _ended(place: Place) -> int:
    return sum(task.status is Status.DONE for task in place.look().tasks.values())


def _same(place: Place, expected: Mapping[str, Trained]) -> None:
    """The results are those of an undisturbed run, and the journal tells the whole story."""
    assert place.trained() == expected
    place.check_journal()
    assert place.processes() == []


def test_a_worker_that_dies_and_one_that_slept_through_its_lease_change_no_bit(
    place: Place, expected: dict[str, Trained]
) -> None:
    place.slow_down()
    run = place.begin(*TWO)
    until(lambda: len(place.running()) == 2, "two tasks under way")
    slept, sleeper = place.freeze()
    (cut_off,) = (task for task in place.running() if task.id != slept.id)
    os.kill(place.worker_pids()[cut_off.life.worker], signal.SIGKILL)
    place.speed_up()
    until(lambda: place.look().tasks[slept.id].life.token != slept.life.token, "the lease's end")
    with place.queue() as queue:
        assert not queue.complete(slept.id, slept.life.token, {"loss": 0.0}), "a late result is refused"
    until(lambda: place.look().tasks[slept.id].status is Status.DONE, "the task, done by another")
    os.kill(sleeper, signal.SIGCONT)
    run.ends(0)
    _same(place, expected)
    started = [line["worker"] for line in place.journal() if line["kind"] == "worker.started"]
    assert sorted(started) == sorted([slept.life.worker, cut_off.life.worker, cut_off.life.worker])
    assert place.result(slept.id)["worker"] != slept.life.worker
    assert "this attempt is dropped" in place.log(slept.life.worker)
    assert "died (signal 9)" in run.err
    for task in (slept, cut_off):
        result = place.result(task.id)
        assert result["attempt"] == 2
        assert result["token"] != task.life.token
        assert f"{task.id} resumes at epoch " in place.log(cut_off.life.worker)


def test_a_killed_supervisor_leaves_workers_that_the_next_one_takes_over(
    place: Place, expected: dict[str, Trained]
) -> None:
    place.slow_down()
    first = place.begin(*TWO, *LASTING)
    until(lambda: place.under_way() and len(place.worker_pids()) == 2, "two workers and a task under way")
    server = place.server_pid()
    first.kill()
    ended = _ended(place)
    place.speed_up()
    until(lambda: _ended(place) > ended, "a task that ends while nobody supervises")
    os.kill(server, signal.SIGKILL)  # nobody brings it back, and workers wait
    until(_gone(server), "the server's end")
    place.complete(*TWO, *LASTING)
    _same(place, expected)
    started = [line["worker"] for line in place.journal() if line["kind"] == "worker.started"]
    assert sorted(started) == ["w1", "w2"], "the same two processes to the end"
    assert {place.result(task_id)["attempt"] for task_id in expected} == {1}, "no task was interrupted"


def test_a_killed_server_comes_back_and_a_flushed_one_is_filled_again(
    place: Place, expected: dict[str, Trained]
) -> None:
    place.slow_down()
    run = place.begin()
    until(place.under_way, "a task under way")
    workers, server = place.worker_pids(), place.server_pid()
    os.kill(server, signal.SIGKILL)
    until(lambda: place.worker_pids() == workers, "the server with the same workers")
    assert place.server_pid() != server
    assert {task.life.attempt for task in place.look().tasks.values()} <= {0, 1}, "no task was interrupted"
    with place.queue() as queue:
        queue.client.flushall()
    place.speed_up()
    run.ends(0)
    assert place.trained() == expected
    assert place.processes() == []
    assert any(token.startswith("2-") for token in place.tokens().values())


def test_a_run_whose_servers_socket_vanishes_goes_on(place: Place, expected: dict[str, Trained]) -> None:
    """As at a logout, which removes the user's runtime directory."""
    runtime = Path(tempfile.mkdtemp(prefix="cqltui-test-"))
    place.environment = {**place.environment, "XDG_RUNTIME_DIR": str(runtime)}
    place.slow_down()
    run = place.begin(*TWO, *LASTING)
    until(lambda: place.under_way() and len(place.worker_pids()) == 2, "two workers and a task under way")
    server, workers = place.server_pid(), place.worker_pids()
    shutil.rmtree(runtime)
    until(lambda: _server_of(place) not in (0, server), "another server")
    until(lambda: place.worker_pids() == workers, "the same workers on it")
    place.ask("status")
    place.speed_up()
    run.ends(0)
    _same(place, expected)
    assert {place.result(task_id)["attempt"] for task_id in expected} == {1}, "no task was interrupted"
    assert "its socket is gone; it is started again" in run.err
    assert "the queue was made again" not in run.err, "its data was kept"
    started = [line["worker"] for line in place.journal() if line["kind"] == "worker.started"]
    assert sorted(started) == ["w1", "w2"], "the same two processes to the end"
