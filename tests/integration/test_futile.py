"""Workers that never get to work: the run says why, and ends instead of trying for ever."""

import time
from pathlib import Path
from typing import Any

import psutil

from cqltui.broker.server.fitness import SUPERVISOR, WORKER
from tests.contract.servers import user_server
from tests.integration.place import Place, until

LONG = ("--device", "cpu", "--set", "phase.quality.epochs=100000")


def test_a_worker_that_cannot_import_what_it_needs(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "numba.py").write_text("raise ImportError('libllvmlite.so: wrong architecture')\n")
    place = Place(tmp_path / "place", environment={"PYTHONPATH": str(broken), "RESTART_S": "0.1"})
    try:
        run = place.begin(*LONG, "--workers", "1").ends(3)
    finally:
        place.end_all()
    why = "ImportError: libllvmlite.so: wrong architecture"
    assert f"worker w1 died (exit code 3): {why}" in run.err
    assert run.err.splitlines()[-1] == f"cqltui: no worker has got to work, each was tried 4 times: {why}"
    assert "Traceback" not in run.err
    notices = [line["data"] for line in place.journal() if line["kind"] == "notice"]
    (said,) = [notice for notice in notices if notice["level"] == "error"]
    assert why in said["text"], "a screen is told too"


def test_a_server_that_takes_few_connections(tmp_path: Path) -> None:
    for most, said in (
        (4, "takes 4 connections (maxclients), of which 4 are free, and a run with 2 workers holds 10"),
        (9, "raise its maxclients, or give --workers 1"),
    ):
        with user_server(tmp_path / str(most), f"maxclients {most}") as port:
            place = Place(tmp_path / f"place-{most}", f"redis://127.0.0.1:{port}/0")
            refused = place.complete(*LONG, "--workers", "2", code=2)
            assert said in refused.err
            assert not place.run_dir.path.exists()


def test_as_many_connections_as_are_asked_for_are_held(tmp_path: Path) -> None:
    needed = SUPERVISOR + 2 * WORKER
    with user_server(tmp_path / "server", f"maxclients {needed}") as port:
        place = Place(tmp_path / "place", f"redis://127.0.0.1:{port}/0")
        place.slow_down()
        try:
            run = place.begin(*LONG, "--workers", "2")
            until(lambda: run.err.count(" started on cpu") == 2 and run.err.count(" claimed by ") == 2, "two at work")
            processes = [process for process in place.processes() if process.pid != run.pid]
            end = time.monotonic() + 2.0  # some heartbeats and reports
            while time.monotonic() < end:
                held = [sum(_is_to(port, c) for c in process.net_connections("tcp")) for process in processes]
                assert max(held) <= WORKER, held
                assert sum(_is_to(port, c) for c in psutil.Process(run.pid).net_connections("tcp")) <= SUPERVISOR
                time.sleep(0.1)
            assert len(processes) == 2
        finally:
            place.end_all()


def _is_to(port: int, connection: Any) -> bool:
    return bool(connection.raddr) and connection.raddr.port == port
