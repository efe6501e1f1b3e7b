"""A whole run on a server where only users with limited rights may enter, without TLS and with it; and what a run
listens on."""

import json
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
import trustme

from cqltui.broker.protocol.keys import Keys
from cqltui.broker.server.acl import OWNER, WORKER, Role
from cqltui.broker.server.launch import find_binary
from cqltui.errors import CqltuiError
from tests.contract.servers import free_port
from tests.contract.tls import tls_binary, tls_server
from tests.integration.command import PATIENCE_S
from tests.integration.place import Place, Trained, until

PASSWORD = "p%ss/w:rd#1"
WRITTEN = quote(PASSWORD, safe="")
USERS = "\n".join(
    ["user default off", *(role.rules(Keys(), PASSWORD).replace("ACL SETUSER", "user") for role in (OWNER, WORKER))]
)
"""Of an ACL file, as docs/servers.md tells to make it."""


def _url(role: Role, port: int, ca: Path | None) -> str:
    scheme, query = ("redis", "") if ca is None else ("rediss", f"?ssl_ca_certs={ca}")
    return f"{scheme}://{role.user}:{WRITTEN}@127.0.0.1:{port}/0{query}"


@contextmanager
def _plain_server(folder: Path) -> Iterator[int]:
    """The port of a server that has no other users."""
    port = free_port()
    config = f'bind 127.0.0.1\nport {port}\nsave ""\ndir {folder}\n{USERS}\n'
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([find_binary(), "-"], stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        assert server.stdin is not None
        server.stdin.write(config.encode())
        server.stdin.close()
        yield port
    finally:
        server.kill()
        server.wait(60)


@pytest.fixture
def port_and_ca(tmp_path: Path) -> Iterator[tuple[int, Path | None]]:
    """A server's port, and the file with its CA if it speaks TLS, as it does where there is one that can."""
    binary = tls_binary()
    if binary is None:
        with _plain_server(tmp_path) as port:
            yield port, None
        return
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with tls_server(binary, tmp_path / "server", "127.0.0.1", ca, USERS) as port:
        yield port, tmp_path / "ca.pem"


def test_a_run_with_the_rights_of_the_protocol_alone(
    port_and_ca: tuple[int, Path | None], tmp_path: Path, expected: dict[str, Trained]
) -> None:
    place = Place(tmp_path / "place", _url(OWNER, *port_and_ca))
    place.slow_down()
    desk = Place(place.folder / "desk", _url(WORKER, *port_and_ca))
    desk.environment = place.environment
    try:
        until(lambda: _answers(place), "the server")
        run = place.begin("--json")
        until(lambda: place.running(checkpointed=False), "a task under way")
        lap = desk.start("worker", "--worker-id", "lap", "--poll-interval", "0.1", "--device", "cpu")
        until(lambda: "lap" in place.at_work(), "a worker with the rights of one")
        processes = [psutil.Process(pid) for pid in (run.pid, *place.worker_pids().values())]
        assert len(processes) == 3, "supervisor, worker, and the worker that was started by hand"
        lines = [" ".join(process.cmdline()) for process in processes]
        told = [place.ask("status", "--tasks"), place.ask("status", "--json")]
        place.speed_up()
        run.ends(0)
        lap.send(signal.SIGTERM)
        lap.ends(0)
        assert place.trained() == expected
        assert "lap" in {place.result(task_id)["worker"] for task_id in expected}
        lines += [said.out + said.err for said in told] + [command.out + command.err for command in (run, lap)]
        shown = "".join(lines)
        for secret in (PASSWORD, WRITTEN):
            assert secret not in shown
            holds = [
                path for path in place.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()
            ]
            assert holds == []
    finally:
        desk.end_all()
        place.end_all()


def _answers(place: Place) -> bool:
    try:
        with place.queue():
            return True
    except CqltuiError:
        return False


def _connections(process: psutil.Process, kind: str) -> list[Any]:
    """Those of the process; none of one that has ended, as a probe of the machine does."""
    with suppress(psutil.NoSuchProcess):
        return list(process.net_connections(kind))
    return []


def test_a_run_listens_on_no_port_and_its_socket_and_password_are_private(place: Place) -> None:
    place.slow_down()
    run = place.begin("--set", "phase.quality.epochs=100000")
    until(lambda: len(place.worker_pids()) == 1, "a worker")
    processes = place.processes()
    assert {run.pid, place.server_pid(), *place.worker_pids().values()} <= {process.pid for process in processes}
    listening = {
        (process.pid, connection.laddr.ip)
        for process in processes
        for connection in _connections(process, "inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == set(), "another user could hold all connections of a port"
    sockets = {
        Path(str(connection.laddr))
        for process in processes
        for connection in _connections(process, "unix")
        if connection.laddr
    }
    (socket,) = (path for path in sockets if path.suffix == ".sock")
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in sockets} == {0o700}
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    said = place.run_dir.server / "connection.json"
    assert stat.S_IMODE(said.stat().st_mode) == 0o600
    assert {path.stat().st_uid for path in (socket, socket.parent, said)} == {os.getuid()}
    password = json.loads(said.read_text(encoding="utf-8"))["password"]
    for pid in (run.pid, place.server_pid(), *place.worker_pids().values()):
        assert password not in " ".join(psutil.Process(pid).cmdline())
    run.send(signal.SIGTERM)
    run.ends(130, PATIENCE_S)
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    assert [path for path in files if password.encode() in path.read_bytes()] == [], "connection.json is gone"
