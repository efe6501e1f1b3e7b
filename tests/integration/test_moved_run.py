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
from cqltui.state.live import live_workers
from tests.contract.servers import user_server
from tests.integration.place import TASKS, TWO, Place, Trained, until

MORE = ("--set", "phase.ensemble.epochs=60", "--yes")
PACED = {"PACE_S": "0.03"}


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


def test_a_run_that_has_ended_is_moved(ended: Place, elsewhere: Place, expected: dict[str, Trained]) -> None:
    shutil.move(ended.run_dir.path, elsewhere.run_dir.path)
    status = elsewhere.start("status").ends(0)
    assert "finished" in status.out
    said = elsewhere.start("status", "--json").ends(0).out
    assert str(elsewhere.run_dir.path) in said
    assert str(ended.run_dir.path) not in said
    assert "this run ended at" in elsewhere.begin(*TWO).ends(0).err
    again = elsewhere.begin(*MORE).ends(0)
    assert "2 continued" in again.err
    assert elsewhere.log("w1").count("resumes at epoch 40") == 2
    assert {task_id: elsewhere.trained()[task_id] for task_id in expected} == expected
    assert mentions(elsewhere, ended.run_dir.path) == []
    assert not ended.run_dir.path.exists()


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_a_run_is_moved_in_the_midst(place: Place, elsewhere: Place, expected: dict[str, Trained], end: str) -> None:
    quick, place.environment = place.environment, {**place.environment, **PACED}
    run = place.begin(*TWO)
    until(place.under_way, "a task with a checkpoint")
    if end == "stopped":
        run.send(signal.SIGINT)
        run.ends(130)
    else:
        place.end_all()
    shutil.move(place.run_dir.path, elsewhere.run_dir.path)
    assert "no supervisor runs" in elsewhere.start("status").ends(0).out
    elsewhere.environment = quick
    elsewhere.complete(*TWO)
    assert elsewhere.trained() == expected
    logs = elsewhere.log("w1") + elsewhere.log("w2")
    assert "resumes at epoch" in logs, "from the checkpoints that came along"
    assert mentions(elsewhere, place.run_dir.path) == []
    elsewhere.check_journal()


def test_a_copy_beside_a_running_original_touches_neither_its_server_nor_its_workers(
    place: Place, elsewhere: Place, expected: dict[str, Trained]
) -> None:
    quick, place.environment = place.environment, {**place.environment, "PACE_S": "0.3"}
    original = place.begin(*TWO)
    until(place.under_way, "a task with a checkpoint")
    shutil.copytree(place.run_dir.path, elsewhere.run_dir.path, ignore=shutil.ignore_patterns("*.tmp"))
    workers, server = place.worker_pids(), place.server_pid()
    assert "no supervisor runs" in elsewhere.start("status").ends(0).out
    said = read_json(place.run_dir.server / "connection.json")
    elsewhere.environment = quick
    elsewhere.start("cancel", "00000000").ends(2)
    elsewhere.complete(*TWO)
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
    place.complete(*TWO)
    assert place.trained() == expected
    place.check_journal()
    assert len(elsewhere.tokens()) == TASKS


def test_a_stop_in_a_copy_stops_nothing_of_the_original(place: Place, elsewhere: Place) -> None:
    place.environment = {**place.environment, **PACED}
    original = place.begin(*TWO)
    until(place.under_way, "a task with a checkpoint")
    shutil.copytree(place.run_dir.path, elsewhere.run_dir.path, ignore=shutil.ignore_patterns("*.tmp"))
    for arguments in (("stop",), ("pause",), ("clean", "--yes")):
        elsewhere.start(*arguments)
    until(lambda: all(c.code is not None for c in elsewhere._commands), "their ends")
    assert original.code is None
    assert place.look().wanted == "running"
    original.send(signal.SIGINT)
    original.ends(130)


def test_a_read_only_copy_shows_itself_and_not_the_original(place: Place, elsewhere: Place) -> None:
    place.environment = {**place.environment, **PACED}
    original = place.begin(*TWO)
    until(place.under_way, "a task with a checkpoint")
    shutil.copytree(place.run_dir.path, elsewhere.run_dir.path, ignore=shutil.ignore_patterns("*.tmp"))
    with pytest.raises(ServerError, match="nothing runs here"):
        connect_run_dir(elsewhere.run_dir.path)
    connect_run_dir(place.run_dir.path).close()
    original.send(signal.SIGINT)
    original.ends(130)


def test_the_start_of_a_copys_server_leaves_the_originals_socket(tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    handle = EmbeddedServer(original).start()
    try:
        shutil.copytree(original, copy, ignore=shutil.ignore_patterns("*.tmp"))
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
        quick, place.environment = place.environment, {**place.environment, **PACED}
        try:
            run = place.begin(*TWO)
            until(place.under_way, "a task with a checkpoint")
            shutil.copytree(place.run_dir.path, elsewhere.run_dir.path, ignore=shutil.ignore_patterns("*.tmp"))
            assert "of which this is a copy" in elsewhere.start("stop", "runs/small").ends(2).err
            assert "another run" in elsewhere.begin(*TWO).ends(2).err
            assert "no supervisor runs" in elsewhere.start("status", "runs/small").ends(0).out
            assert run.code is None
            assert place.look().wanted == "running"
            place.end_all()
            shutil.rmtree(elsewhere.run_dir.path)
            shutil.move(place.run_dir.path, elsewhere.run_dir.path)
            until(lambda: not live_workers(place.look(), time.time()), "its workers count as gone")
            elsewhere.environment = quick
            elsewhere.complete(*TWO)
            assert elsewhere.trained() == expected
        finally:
            place.end_all()
            elsewhere.end_all()
