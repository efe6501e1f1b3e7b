"""A server that is there but does not answer, or answers that it cannot: workers train on, and report when it can."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.handle import ServerHandle
from cqltui.broker.server.server import EmbeddedServer
from cqltui.state.model import Status
from tests.conftest import talkative
from tests.contract.helpers import life
from tests.integration.place import until
from tests.integration.sessions import ONE, OneTask

EPOCHS = 100
"""Far more than a training would make that waits for each call's time-out."""


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerHandle]:
    """A server for this test alone, which may stop it."""
    with talkative():
        handle = EmbeddedServer(tmp_path / "own").start()
    client = handle.connect()
    open_epoch(client, tmp_path / "own" / "server" / "epoch")
    client.close()
    yield handle
    os.kill(handle.pid, signal.SIGCONT)
    handle.leave()


def test_a_training_goes_on_while_the_server_is_silent(own_server: ServerHandle, tmp_path: Path) -> None:
    with own_server.connect() as client, own_server.connect() as beats:
        task = OneTask(Queue(client), tmp_path)
        with task.trains(beats):
            until(lambda: task.noted_epoch > 0, "a checkpoint that the server knows of")
            os.kill(own_server.pid, signal.SIGSTOP)
            silent_from = task.epochs
            until(lambda: task.epochs >= silent_from + EPOCHS, "epochs while nobody answers")
            trained = task.epochs
            os.kill(own_server.pid, signal.SIGCONT)
            until(lambda: task.noted_epoch >= trained, "the checkpoints of meanwhile")
        left = life(task.queue, task.claim.id)
        assert (left.status, left.attempt, left.deaths) == (Status.QUEUED, 1, 0), "given back when told to stop"


@pytest.mark.parametrize(
    ("wrong", "right", "named"),
    [
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "READONLY"),
        ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0", "NOREPLICAS"),
        ("ACL SETUSER default -hset", "ACL SETUSER default +hset", "NOPERM"),
    ],
)
def test_a_server_that_refuses_to_write_is_waited_for(
    own_server: ServerHandle, tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: str, right: str, named: str
) -> None:
    with own_server.connect() as client, own_server.connect() as beats:
        task = OneTask(Queue(client), tmp_path, ONE.replace("epochs = 1000000", f"epochs = {3 * EPOCHS}"))
        client.execute_command(*wrong.split())
        with task.trains(beats) as training:
            until(lambda: task.epochs == 3 * EPOCHS, "the last epoch")
            until(lambda: named in caplog.text, "the refusal, by its name")
            assert "does not answer" not in caplog.text
            assert life(task.queue, task.claim.id).status is Status.RUNNING
            client.execute_command(*right.split())
            until(lambda: not training.is_alive(), "the result's arrival")
        ended = life(task.queue, task.claim.id)
        assert (ended.status, ended.attempt, ended.deaths) == (Status.DONE, 1, 0)
        assert caplog.text.count(named) < 10, "it is said once, not at each call"
