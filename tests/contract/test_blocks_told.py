"""How the blocks of workers elsewhere stand, from the supervisor to a screen."""

import pytest

from cqltui.app.requests import read_blocks
from cqltui.broker.protocol.queue import Queue
from cqltui.errors import ServerError
from cqltui.state.placed import BlockInfo, JobInfo


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
