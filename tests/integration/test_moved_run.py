"""A run directory is moved or copied, and the run goes on where it is; the original is none the worse."""

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cqltui.broker.server.connect import connect_run_dir
from cqltui.broker.server.locks import FileLock
from cqltui.broker.server.server import EmbeddedServer
from cqltui.errors import ServerError
from cqltui.results.rundir import read_json
from cqltui.state.live import LIVE_S, live_workers
from tests.contract.servers import user_server
from tests.integration.place import LASTING, TASKS, Place, Trained, copy_live, until

MORE = ("--set", "phase.ensemble.epochs=60", "--yes")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Place]:
    """Where a run is brought to."""
    made = Place(tmp_path / "elsewhere" / "deeper")
    yield made
    made.end_all()


def mentions(place: Place, former: Path) -> list[str]:
    """Files of a run that name the place where it was, and are read."""
    wanted = str(former).encode()
    files = [place.run_dir.campaign_json, *place.run_dir.server.glob("*.json"), *place.run_dir.tasks.rglob("*.json")]
    return [str(path) for path in files if path.is_file() and wanted in path.read_bytes()]


def spoke_long_ago(place: Place) -> None:
    """Workers that were killed count as gone: half a minute passes for the server's records of them."""
    with place.queue() as queue:
        for worker in place.look().workers.values():
            queue.client.hset(queue.keys.worker(worker.id), "ts", str(worker.ts - LIVE_S))
    assert not live_workers(place.look(), time.time())


def test_a_run_that_has_ended_is_moved(ended: Place, elsewhere: Place, expected: dict[str, Trained]) -> None:
    shutil.move(ended.run_dir.path, elsewhere.run_dir.path)
    status = elsewhere.ask("status")
    assert "finished" in status.out
    said = elsewhere.ask("status", "--json").out
    assert str(elsewhere.run_dir.path) in said
    assert str(ended.run_dir.path) not in said
    assert "this run ended at" in elsewhere.complete().err
    again = elsewhere.complete(*MORE)
    assert "2 continued" in again.err
    assert elsewhere.log("w1").count("resumes at epoch 40") == 2
    assert {task_id: elsewhere.trained()[task_id] for task_id in expected} == expected
    assert mentions(elsewhere, ended.run_dir.path) == []
    assert not ended.run_dir.path.exists()


def test_a_run_is_moved_in_the_midst_after_a_stop_and_after_a_kill(
    place: Place, elsewhere: Place, tmp_path: Path, expected: dict[str, Trained]
) -> None:
    place.slow_down()
    run = place.begin()
    until(place.under_way, "a task with a checkpoint")
    run.send(signal.SIGINT)
    run.ends(130)
    shutil.move(place.run_dir.path, elsewhere.run_dir.path)
    assert "no supervisor runs" in elsewhere.ask("status").out
    elsewhere.slow_down()
    elsewhere.begin()
    until(elsewhere.under_way, "a task with a checkpoint")
    assert elsewhere.log("w1").count("resumes at epoch") == 1, "from the checkpoint that came along"
    elsewhere.end_all()

    last = Place(tmp_path / "last")
    shutil.move(elsewhere.run_dir.path, last.run_dir.path)
    assert "no supervisor runs" in last.ask("status").out
    last.complete()
    assert last.trained() == expected
    assert last.log("w1").count("resumes at epoch") == 2, "and from the one that was left at the kill"
    assert mentions(last, place.run_dir.path) == mentions(last, elsewhere.run_dir.path) == []
    last.check_journal()


def test_a_copy_beside_a_running_original_touches_neither_its_server_nor_its_workers(
    place: Place, elsewhere: Place, expected: dict[str, Trained]
) -> None:
    quick = place.environment
    place.slow_down()
    original = place.begin(*LASTING)
    until(place.under_way, "a task with a checkpoint")
    copy_live(place.run_dir.path, elsewhere.run_dir.path)
    workers, server = place.worker_pids(), place.server_pid()
    said = read_json(place.run_dir.server / "connection.json")

    with pytest.raises(ServerError, match="nothing runs here"):
        connect_run_dir(elsewhere.run_dir.path)
    connect_run_dir(place.run_dir.path).close()

    assert "no supervisor runs" in elsewhere.ask("status").out
    assert "nothing to remove" in elsewhere.ask("clean", "--yes").out
    assert "nothing runs here" in elsewhere.ask("stop").err
    elsewhere.ask("pause", code=3)
    elsewhere.ask("cancel", "00000000", code=2)
    assert original.code is None
    assert place.look().wanted == "running"

    elsewhere.environment = quick
    elsewhere.complete()
    assert elsewhere.trained() == expected
    assert original.code is None, "it goes on"
    assert place.worker_pids() == workers
    assert all(psutil.pid_exists(pid) for pid in (*workers.values(), server))
    assert read_json(place.run_dir.server / "connection.json") == said
    assert Path(str(said and said["socket"])).is_socket()
    assert {task.life.attempt for task in place.running()} == {1}, "nobody was taken for dead"
    original.send(signal.SIGINT)
    original.ends(130)
    place.environment = quick
    place.complete()
    assert place.trained() == expected
    place.check_journal()
    assert len(elsewhere.tokens()) == TASKS


def test_the_start_of_a_copys_server_leaves_the_originals_socket(tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    handle = EmbeddedServer(original).start()
    try:
        copy_live(original, copy)
        waits = FileLock(copy / "server" / "users.lock")  # somebody who looks for a server there, at this very moment
        assert waits.try_shared()
        second = EmbeddedServer(copy).start()
        waits.close()
        assert Path(handle.socket).is_socket()
        assert handle.connect().ping()
        assert second.socket != handle.socket
        second.leave()
        assert handle.connect().ping()
    finally:
        handle.leave()


def test_a_run_on_the_users_own_server_is_moved_and_a_copy_of_it_commands_nothing(
    tmp_path: Path, expected: dict[str, Trained]
) -> None:
    with user_server(tmp_path / "server") as port:
        place = Place(tmp_path / "place", f"redis://127.0.0.1:{port}/0")
        elsewhere = Place(tmp_path / "elsewhere", place.url)
        quick = place.environment
        place.slow_down()
        try:
            run = place.begin()
            until(place.under_way, "a task with a checkpoint")
            copy_live(place.run_dir.path, elsewhere.run_dir.path)
            assert "of which this is a copy" in elsewhere.ask("stop", "runs/small", code=2).err
            assert "another run" in elsewhere.complete(code=2).err
            assert "no supervisor runs" in elsewhere.ask("status", "runs/small").out
            assert run.code is None
            assert place.look().wanted == "running"
            place.end_all()
            shutil.rmtree(elsewhere.run_dir.path)
            shutil.move(place.run_dir.path, elsewhere.run_dir.path)
            spoke_long_ago(place)
            elsewhere.environment = quick
            elsewhere.complete()
            assert elsewhere.trained() == expected
        finally:
            place.end_all()
            elsewhere.end_all()
