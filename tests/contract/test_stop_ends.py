"""A stop ends within its grace time, whatever the server says."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from cqltui.broker.protocol.line import Line
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import eviction
from cqltui.campaign.model import WorkersConfig
from cqltui.errors import ExitCode
from cqltui.placement.process import Launcher
from cqltui.results.rundir import RunDir
from cqltui.state.model import RunState, Status, TaskState, Wanted
from cqltui.supervisor import supervisor
from cqltui.supervisor.accepted import Planned
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.guard import Guard
from cqltui.supervisor.hooks import Hooks, Reporter
from cqltui.supervisor.records import Records
from cqltui.supervisor.supervisor import Supervisor
from tests.contract.helpers import claim_one, eventually, state, task, worker
from tests.contract.readers import reader


def nothing(*_: object) -> None:
    """A hook that does nothing."""


class Running:
    """A supervisor at work in a thread, without workers of its own."""

    def __init__(
        self,
        queue: Queue,
        folder: Path,
        ids: frozenset[str],
        study: Callable[[TaskState], object] = nothing,
        describe: Callable[[RunState], None] = nothing,
        reporters: Sequence[Reporter] = (),
        planned: Mapping[str, Planned] | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.code: ExitCode | None = None
        self.hindered: list[str] = []
        self.records, self.feed = Records(RunDir(folder), planned), reader(queue)
        fleet = Fleet(Launcher([], {}, folder / "logs"), 0)
        guard = Guard(queue, fleet, WorkersConfig(), self.records)
        hooks = Hooks(nothing, nothing, study, describe, lambda _: 0.0, lambda _: False, nothing, self.hindered.append)
        self.supervisor = Supervisor(queue, self.feed, fleet, guard, self.records, hooks, reporters, ids)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.code = self.supervisor.run()

    def close(self) -> None:
        """After its end."""
        self._thread.join(timeout=30)
        self.feed.close()
        self.records.close()


@pytest.fixture
def run(queue: Queue, tmp_path: Path) -> Iterator[Running]:
    """A run of the tasks "a" and "b", of which the second is lost."""
    queue.enqueue(task("a"))
    queue.set_filled()
    made = Running(queue, tmp_path / "run", frozenset({"a", "b"}))
    eventually(lambda: "a" in made.supervisor.state.tasks)
    yield made
    made.close()


@pytest.mark.parametrize("by", ["signal", "command"])
def test_a_task_that_is_said_to_run_for_ever_does_not_hold_up_a_stop(
    queue: Queue, run: Running, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setattr(supervisor, "STOP_GRACE_S", 0.5)
    claim_one(queue, worker(queue, "elsewhere"))
    eventually(lambda: run.supervisor.state.tasks["a"].status is Status.RUNNING)
    if by == "signal":
        run.supervisor.ask_stop()
    else:
        queue.want(Wanted.STOPPED)
    eventually(lambda: run.code is not None)
    assert run.code is (ExitCode.INTERRUPTED if by == "signal" else ExitCode.STOPPED)
    assert state(queue).tasks["a"].status is Status.RUNNING, "its worker is none of ours"


def test_a_result_whose_files_are_lost_is_trained_again(queue: Queue, run: Running) -> None:
    who = worker(queue, "elsewhere")
    claim = claim_one(queue, who)
    queue.put_files("a", claim.token, {"model.safetensors": b"x"})
    queue.client.delete(queue.keys.files("a", claim.token))
    assert queue.complete("a", claim.token, {"loss": 0.5})
    eventually(lambda: state(queue).tasks["a"].life.run == 2)
    assert state(queue).tasks["a"].status is Status.QUEUED
    eventually(lambda: any("its files are lost" in said.text for said in run.supervisor.state.notices))
    queue.cancel("a")
    run.supervisor.ask_stop()


def test_a_run_has_not_ended_while_the_server_lacks_a_task(queue: Queue, run: Running) -> None:
    assert queue.cancel("a")
    eventually(lambda: run.supervisor.state.tasks["a"].status is Status.CANCELLED)
    with pytest.raises(AssertionError, match="in time"):
        eventually(lambda: run.code is not None, deadline_s=1.5)
    queue.enqueue(task("b"))
    assert queue.cancel("b")
    eventually(lambda: run.code is not None)
    assert run.code is ExitCode.UNFINISHED


def test_a_server_that_may_evict_is_told_of(queue: Queue) -> None:
    client = queue.client
    before = client.config_get("maxmemory*")
    try:
        for limit, policy, said in (
            (0, "allkeys-lru", None),
            (1 << 30, "noeviction", None),
            (1 << 30, "allkeys-lru", "maxmemory-policy allkeys-lru"),
            (1 << 30, "volatile-ttl", "maxmemory-policy volatile-ttl"),
        ):
            client.config_set("maxmemory", limit)
            client.config_set("maxmemory-policy", policy)
            told = eviction(client)
            assert (told is None) == (said is None)
            assert said is None or (told is not None and said in told and "noeviction" in told)
    finally:
        for name in ("maxmemory-policy", "maxmemory"):
            client.config_set(name, before[name] or 0)


def test_what_a_server_refuses_while_it_answers_is_told_to_those_who_look(queue: Queue, run: Running) -> None:
    queue.client.execute_command("ACL", "SETUSER", "default", "-evalsha")
    try:
        eventually(lambda: bool(run.hindered))
        assert "(NOPERM)" in run.hindered[0]
        assert run.supervisor.state.online, "who only reads sees nothing of it"
    finally:
        queue.client.execute_command("ACL", "SETUSER", "default", "+evalsha")
    eventually(lambda: run.hindered[1:] == [""])
    run.supervisor.ask_stop()
    eventually(lambda: run.code is not None)


@pytest.mark.parametrize("garbage", [b"garbage", 7, None, [], [[b"\xff"]]], ids=ascii)
def test_garbled_answers_are_named_and_waited_out(
    queue: Queue, run: Running, monkeypatch: pytest.MonkeyPatch, garbage: object
) -> None:
    with monkeypatch.context() as patch:
        for what in (queue.client, Line):
            name = "call" if what is Line else "execute_command"
            patch.setattr(what, name, lambda *_, **__: garbage)
        eventually(lambda: any("does not answer as a Redis server does" in why for why in run.hindered))
        assert run.supervisor._guarded(lambda: int("garbage")) is False
    eventually(lambda: run.hindered[-1] == "")
    run.supervisor.ask_stop()
    eventually(lambda: run.code is not None)
    assert run.code is ExitCode.INTERRUPTED
