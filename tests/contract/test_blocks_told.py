"""How blocks of workers elsewhere stand is told to those who look: when it changes, and again after a loss."""

import json
from typing import Any, cast

import pytest

from cqltui.app.requests import read_blocks
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.handle import ServerHandle
from cqltui.cli import main
from cqltui.errors import ServerError
from cqltui.state.placed import BlockInfo, JobInfo, blocks
from cqltui.supervisor import placed
from cqltui.supervisor.fleet import Fleet

ONE = BlockInfo("gpu", "slurm", 2, (JobInfo("gpu-1", "7", "pending", "Priority"),), "squeue did not answer")


class Standing:
    """In place of a fleet."""

    def __init__(self) -> None:
        self.now: tuple[BlockInfo, ...] = ()

    def blocks(self) -> tuple[BlockInfo, ...]:
        """As the test has set them."""
        return self.now


def test_it_is_told_when_it_changes_and_after_a_loss(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Standing()
    telling = placed.Placed(queue, cast("Fleet", fleet))
    assert queue.blocks() == ()
    fleet.now = (ONE,)
    telling.tell()
    assert queue.blocks() == (ONE,)
    queue.set_blocks(())
    telling.tell()
    assert queue.blocks() == (), "it has not changed"
    monkeypatch.setattr(placed, "AGAIN_S", 0.0)
    telling.tell()
    assert queue.blocks() == (ONE,), "the server may have lost it"
    fleet.now = ()
    telling.tell()
    assert queue.blocks() == ()


@pytest.mark.parametrize("nonsense", [None, 3, [7], [{"jobs": 3}], [{"jobs": [5, {"slot": ["x"]}], "count": "many"}]])
def test_what_a_server_says_of_blocks_is_foreign(nonsense: Any) -> None:
    assert all(block.name == "" and block.count == 0 for block in blocks(nonsense))


def test_a_server_may_hold_anything_there(queue: Queue) -> None:
    queue.client.execute_command("HSET", queue.keys.meta, "blocks", b"\xff{")
    assert queue.blocks() == ()


def test_status_tells_them(queue: Queue, server: ServerHandle, capsys: pytest.CaptureFixture[str]) -> None:
    queue.set_campaign({"name": "night", "phases": []})
    queue.set_blocks((ONE,))
    url = f"unix://:{server.password}@{server.socket}?db=0"
    assert main(["status", "--redis-url", url, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["blocks"]
    assert told == {
        "name": "gpu",
        "kind": "slurm",
        "count": 2,
        "jobs": [{"slot": "gpu-1", "job": "7", "state": "pending", "reason": "Priority"}],
        "trouble": "squeue did not answer",
    }
    assert main(["status", "--redis-url", url]) == 0
    said = "block gpu (slurm), 2 wanted: 1 waiting for a machine (1 Priority); squeue did not answer"
    assert said in capsys.readouterr().out


def test_a_screen_reads_what_the_supervisor_has_told(queue: Queue) -> None:
    assert read_blocks(lambda: queue) == ()
    told = (BlockInfo("lab", "slurm", 2, (JobInfo("lab-1", "7", "pending", "Priority"),), "squeue: timed out"),)
    queue.set_blocks(told)
    assert read_blocks(lambda: queue) == told


def test_what_is_none_of_ours_is_nothing_and_a_refusal_is_told(queue: Queue) -> None:
    queue.client.hset(queue.keys.meta, "blocks", '{"blocks": [7, {"name": []}]}')
    assert read_blocks(lambda: queue) == (BlockInfo("", "", 0),)
    queue.client.delete(queue.keys.meta)
    queue.client.set(queue.keys.meta, "overwritten")
    with pytest.raises(ServerError, match="WRONGTYPE"):
        read_blocks(lambda: queue)
