"""Whose a run is and who lives, where host names and pids are the same and machines are not."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from cqltui.app import joining
from cqltui.app.dataset import load_data
from cqltui.app.joining import place_of
from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim
from cqltui.broker.server.access import Server
from cqltui.broker.server.connect import read_connection
from cqltui.broker.server.handle import ServerHandle
from cqltui.broker.server.server import EmbeddedServer
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import WorkersConfig
from cqltui.errors import InputError, ServerError
from cqltui.machine import here, start_time
from cqltui.placement.process import Launcher
from cqltui.results.rundir import RunDir, read_json, write_json
from cqltui.state.model import RunState, Status, Wanted
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.guard import Guard
from cqltui.supervisor.hooks import Hooks
from cqltui.supervisor.lock import RunLock, hindered
from cqltui.supervisor.records import Records
from cqltui.supervisor.sizing import Sizing
from cqltui.supervisor.submit import submit
from cqltui.supervisor.supervisor import Supervisor
from cqltui.supervisor.upkeep import Upkeep
from tests.contract.helpers import claim_one, eventually, life, state, task, worker
from tests.integration.sessions import ONE

CREATED_TS = 1_700_000_000.25
HOST = socket.gethostname()
ME = here()
CONTAINER = replace(ME, machine="0" * 32, pid_namespace=1)
ITS_MACHINE, MY_MACHINE = {"process": to_builtins(CONTAINER)}, {"process": to_builtins(ME)}
TOLD_BEFORE: dict[str, Any] = {}
"""What earlier versions told of their process."""


@pytest.fixture
def dead() -> int:
    """The pid of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait(60)
    return child.pid


def describe(pid: int, said: Mapping[str, Any], started: float = 12.5) -> dict[str, Any]:
    """A worker's description of itself, on a host of our name."""
    process = {**said["process"], "pid": pid, "started": started} if said else None
    return {"pid": pid, "host": HOST, "device": "cpu", "process": process}


@pytest.fixture
def supervised(queue: Queue, server: ServerHandle, tmp_path: Path) -> Iterator[Guard]:
    """The guard of a supervisor at work, which has no workers of its own."""
    fleet = Fleet(Launcher([], {}, tmp_path), 0)
    records = Records(RunDir(tmp_path))
    guard = Guard(queue, fleet, WorkersConfig(), records)
    feed = Feed(server.connect)
    hooks = Hooks(
        lambda _: None,
        lambda _: None,
        lambda _: None,
        lambda _: None,
        lambda _: 0.0,
        lambda _: False,
        lambda *_: None,
        lambda _: None,
    )
    queue.set_filled()
    supervisor = Supervisor(Queue(server.connect()), feed, fleet, guard, records, hooks, [])
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    yield guard
    for lease in queue.leases():
        queue.died(lease.id, lease.token, "the test has ended", max_deaths=1)
    supervisor.ask_stop()
    thread.join(60)
    feed.close()
    records.close()
    assert not thread.is_alive()


def test_a_pid_is_looked_for_on_its_own_machine_only(supervised: Guard, queue: Queue, dead: int) -> None:
    queue.enqueue_many([task("theirs", 9), task("old", 8), task("mine", 7)])
    for worker_id, said in (("container", ITS_MACHINE), ("before", TOLD_BEFORE), ("w9", MY_MACHINE)):
        claim_one(queue, queue.register_worker(worker_id, describe(dead, said)))
    eventually(lambda: life(queue, "mine").deaths > 0)
    for task_id in ("theirs", "old"):
        now = life(queue, task_id)
        assert (now.status, now.deaths) == (Status.RUNNING, 0), task_id


def test_who_else_works_is_told_by_the_process_or_by_what_it_says(queue: Queue, dead: int, tmp_path: Path) -> None:
    started = start_time(os.getpid()) or 0.0
    for worker_id, data in {
        "dead": describe(dead, MY_MACHINE),
        "reused": describe(os.getpid(), MY_MACHINE, started - 60),
        "mine": describe(os.getpid(), MY_MACHINE, started),
        "theirs": describe(dead, ITS_MACHINE),
        "before": describe(dead, TOLD_BEFORE),
    }.items():
        queue.register_worker(worker_id, data)
    records = Records(RunDir(tmp_path))
    guard = Guard(queue, Fleet(Launcher([], {}, tmp_path), 0), WorkersConfig(), records)
    records.close()
    run = state(queue)
    assert set(guard.others(run)) == {"mine", "theirs", "before"}
    silent = {name: replace(worker, ts=time.time() - 3600) for name, worker in run.workers.items()}
    assert set(guard.others(replace(run, workers=silent))) == {"mine"}, "of those elsewhere silence is all there is"


class Found(Struct):
    """The directory in which a supervisor starts, on the user's own server."""

    upkeep: Upkeep
    queue: Queue
    run_dir: RunDir
    server: Server

    def open(self) -> bool:
        """Whether it goes on with what the server holds; False if it begins anew."""
        before = self.queue.version()
        self.upkeep.open(CREATED_TS)
        return self.queue.version()[0] == before[0]

    def holds(self, host: str, started_ts: float, said: Mapping[str, Any]) -> None:
        """What the server holds: a run in a directory of that path, which has not finished."""
        description = {"name": "one", "run_dir": str(self.run_dir.path), "host": host, "started_ts": started_ts, **said}
        self.queue.set_campaign(description)


@pytest.fixture
def found(server: ServerHandle, queue: Queue, tmp_path: Path) -> Iterator[Found]:
    """One that holds nothing yet."""
    path = tmp_path / "one.toml"
    path.write_text(ONE, encoding="utf-8")
    campaign, data = load_data(load_campaign(path))
    own = Server(None, f"unix://:{server.password}@{server.socket}?db=0")
    run_dir = RunDir(tmp_path / "run")
    run_dir.server.mkdir(parents=True)
    records = Records(run_dir)
    yield Found(
        Upkeep(own, run_dir, campaign, data, records, Sizing(own.queue, 1, 1), lambda state: {}),
        own.queue,
        run_dir,
        own,
    )
    records.close()
    own.leave()


@pytest.mark.parametrize(("wanted", "starts"), [(Wanted.PAUSED, 0), (Wanted.DRAINING, 0), (Wanted.RUNNING, 1)])
def test_a_pause_holds_while_a_lost_queue_is_made_again(
    found: Found, monkeypatch: pytest.MonkeyPatch, wanted: Wanted, starts: int
) -> None:
    found.open()
    found.queue.client.flushall()
    claims: list[Claim] = []

    def made_again(*args: Any) -> None:
        submit(*args)
        claims.extend(found.queue.claim(worker(found.queue)))

    monkeypatch.setattr("cqltui.supervisor.upkeep.submit", made_again)
    found.upkeep.ensure(replace(RunState(), wanted=wanted))
    assert len(claims) == starts
    assert found.queue.wanted() is wanted


@pytest.mark.parametrize(
    ("host", "started_ts", "said", "goes_on"),
    [
        (HOST, CREATED_TS, MY_MACHINE, True),
        ("its former name", CREATED_TS, MY_MACHINE, True),
        ("its former name", CREATED_TS - 9, MY_MACHINE, False),
        (HOST, CREATED_TS, TOLD_BEFORE, True),
        (HOST, CREATED_TS - 9, TOLD_BEFORE, False),
        ("its former name", CREATED_TS, TOLD_BEFORE, True),
        ("another node", CREATED_TS, ITS_MACHINE, True),
    ],
    ids=["ours", "renamed", "renamed, moved aside", "before", "before, moved aside", "before, renamed", "shared disk"],
)
def test_a_machines_own_run(found: Found, host: str, started_ts: float, said: Mapping[str, Any], goes_on: bool) -> None:
    found.holds(host, started_ts, said)
    assert found.open() is goes_on


@pytest.mark.parametrize(
    ("started_ts", "said", "works"),
    [(CREATED_TS - 9, ITS_MACHINE, False), (CREATED_TS, ITS_MACHINE, True)],
    ids=["a container of our name with a directory of the same path", "a copy of the directory where the run goes on"],
)
def test_another_machines_run(found: Found, started_ts: float, said: Mapping[str, Any], works: bool) -> None:
    found.holds(HOST, started_ts, said)
    if works:
        found.queue.register_worker("w1", describe(os.getpid(), said))
    before = found.queue.version()
    with pytest.raises(InputError, match="holds the queue of another run"):
        found.open()
    assert found.queue.version() == before, "nothing was changed"


@pytest.mark.parametrize(
    ("host", "said", "is_here"),
    [
        (HOST, MY_MACHINE, True),
        ("its former name", MY_MACHINE, True),
        (HOST, ITS_MACHINE, False),
        (HOST, {"process": to_builtins(replace(ME, pid_namespace=1))}, False),
        (HOST, TOLD_BEFORE, False),
    ],
    ids=["ours", "renamed", "another machine", "a container with our home", "before"],
)
def test_a_worker_writes_into_the_run_directory_of_its_own_machine_only(
    found: Found, host: str, said: Mapping[str, Any], is_here: bool
) -> None:
    found.holds(host, CREATED_TS, said)
    write_json(found.run_dir.campaign_json, {"created_ts": CREATED_TS})
    place, here = place_of(found.server, "lap")
    assert here is is_here
    assert (place == found.run_dir) is is_here
    write_json(found.run_dir.campaign_json, {"created_ts": CREATED_TS + 1})
    assert not place_of(found.server, "lap")[1], "another directory of that path"


@pytest.mark.parametrize("is_seen", [True, False])
@pytest.mark.parametrize("said", [MY_MACHINE, ITS_MACHINE], ids=["ours", "another machine"])
def test_a_run_directory_that_is_named_is_believed_on_its_own_machine_only(
    found: Found, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: Mapping[str, Any], is_seen: bool
) -> None:
    """On another one the same path may be a copy, which swallows all that is written to it."""
    asked: list[float] = []

    def prove(queue: Queue, run_dir: RunDir, worker_id: str, patience_s: float) -> bool:
        asked.append(patience_s)
        return is_seen

    monkeypatch.setattr(joining, "prove", prove)
    monkeypatch.chdir(tmp_path)
    assert place_of(found.server, "lap", named=found.run_dir) == (found.run_dir, True), "it holds no run yet"
    found.holds(HOST, CREATED_TS, said)
    place, is_here = place_of(found.server, "lap", named=found.run_dir)
    assert is_here is (said is MY_MACHINE or is_seen)
    assert place.path == (found.run_dir.path if is_here else tmp_path / "runs" / "one@lap")
    assert asked == ([] if said is MY_MACHINE else [joining.NAMED_PATIENCE_S])


def test_who_has_a_run_is_told_with_its_machine(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    lock = RunLock(run_dir)
    said = read_json(tmp_path / "supervisor.json") or {}
    assert said["process"] == to_builtins(ME)
    lock.say(ready=True, hindered="refused")
    assert hindered(run_dir) == "refused"
    with pytest.raises(InputError, match=rf"\(process {os.getpid()}\)"):
        RunLock(run_dir)
    write_json(tmp_path / "supervisor.json", said | {"pid": 7, "host": "node7", **ITS_MACHINE})
    with pytest.raises(InputError, match=r"\(process 7 on node7\)"):
        RunLock(run_dir)
    lock.free()
    write_json(tmp_path / "supervisor.json", {"pid": 7, "create_time": 1.0, "ready": True})
    RunLock(run_dir).free()


@pytest.mark.parametrize("told", [ME, CONTAINER, None], ids=["ours", "a container's", "an earlier version's"])
def test_a_server_that_hangs_is_killed_where_its_pid_means_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    server = EmbeddedServer(tmp_path)
    handle = server.start()
    file = tmp_path / "server" / "connection.json"
    where = read_connection(tmp_path) or {}
    process = to_builtins(replace(told, pid=handle.pid, started=where["process"]["started"])) if told else None
    file.write_text(json.dumps(where | {"process": process}))
    monkeypatch.setattr("cqltui.broker.server.handle.STOP_S", 0.1)
    os.kill(handle.pid, signal.SIGSTOP)
    if told is CONTAINER:
        with pytest.raises(ServerError, match=rf"\(process {handle.pid} of another machine or container\) is alive"):
            server.attach(timeout_s=0.1)
    handle.leave()
    try:
        assert server.alive() is (told is CONTAINER)
        assert file.exists() is server.alive(), "one that lives is found again"
    finally:
        if server.alive():
            os.kill(handle.pid, signal.SIGKILL)
            eventually(lambda: not server.alive())


@pytest.mark.parametrize("asked", [Wanted.STOPPED, Wanted.DRAINING, Wanted.PAUSED])
def test_what_was_asked_while_the_servers_data_was_lost_is_not_forgotten(found: Found, asked: Wanted) -> None:
    found.open()
    found.queue.want(Wanted.RUNNING)
    before = state(found.queue)
    found.queue.client.flushall()
    assert found.queue.want(asked), "who asks is told that it was done"
    found.upkeep.ensure(before)
    assert found.queue.wanted() is asked
    found.upkeep.ensure(before)
    assert found.queue.wanted() is asked
    found.queue.client.flushall()
    found.upkeep.ensure(before)
    assert found.queue.wanted() is Wanted.RUNNING, "once only: this loss had no wish after it"
