"""A supervisor follows how many workers are asked for, also one that comes later."""

from typing import cast

import pytest

from cqltui.broker.protocol.queue import Queue
from cqltui.placement.process import Launcher
from cqltui.state.model import RunState
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.sizing import Sizing
from tests.contract.helpers import state, worker


class Recorder:
    """In place of a fleet and of what tells how the run stands."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, object]] = []
        self.told = 0

    def resize(self, count: int, launcher: object) -> None:
        """Remember it."""
        self.sizes.append((count, launcher))

    def tell(self, run: RunState) -> None:
        """Count it."""
        self.told += 1


def _follow(sizing: Sizing, queue: Queue, recorder: Recorder) -> None:
    launcher = cast("dict[int, Launcher]", {count: f"of {count}" for count in range(10)})
    sizing.follow(state(queue), cast("Fleet", recorder), launcher.__getitem__, recorder.tell)


def _said(queue: Queue) -> list[str]:
    raw: list[bytes] = queue.client.execute_command("LRANGE", queue.keys.notices, 0, -1)
    return [line.decode() for line in raw]


def test_it_is_followed_once_and_said_by_whom(queue: Queue) -> None:
    sizing, recorder = Sizing(queue, 2, 4), Recorder()
    sizing.open()
    _follow(sizing, queue, recorder)
    assert recorder.sizes == [], "nobody has asked for anything"
    queue.ask_workers(3, "anna@box screen")
    _follow(sizing, queue, recorder)
    _follow(sizing, queue, recorder)
    assert (sizing.count, recorder.sizes, recorder.told) == (3, [(3, "of 3")], 1)
    assert queue.client.execute_command("HGET", queue.keys.meta, "workers") == b"3", "claims share the work out so"
    assert len(_said(queue)) == 1
    assert "3 workers from now on in place of 2 (asked for by anna@box screen)" in _said(queue)[0]


def test_no_more_than_the_machine_can_have(queue: Queue) -> None:
    sizing, recorder = Sizing(queue, 2, 4), Recorder()
    queue.ask_workers(9)
    _follow(sizing, queue, recorder)
    assert (sizing.count, recorder.sizes) == (4, [(4, "of 4")])
    assert "9 workers were asked for; this machine can have 4 at most" in _said(queue)[0]
    assert Sizing(queue, 6, 4).limit == 6, "what the file says has never been refused"


@pytest.mark.parametrize(("ended", "count"), [(False, 3), (True, 2)])
def test_it_outlives_a_supervisor_that_dies_but_not_the_end_of_the_run(queue: Queue, ended: bool, count: int) -> None:
    queue.ask_workers(3)
    if ended:
        queue.finish(1_795_000_000.0)
    sizing, recorder = Sizing(queue, 2, 4), Recorder()
    sizing.open()
    assert sizing.count == count
    assert queue.asked_workers() == (0 if ended else 3)
    _follow(sizing, queue, recorder)
    assert recorder.sizes == [], "the fleet was made so"
    assert worker(queue).id


def test_it_is_asked_for_again_after_a_loss(queue: Queue) -> None:
    sizing, recorder = Sizing(queue, 2, 4), Recorder()
    queue.ask_workers(3)
    _follow(sizing, queue, recorder)
    queue.client.flushall()
    _follow(sizing, queue, recorder)
    assert sizing.count == 3, "an empty server asks for nothing"
    sizing.put_back()
    assert queue.asked_workers() == 3
    queue.ask_workers(1)
    sizing.put_back()
    assert queue.asked_workers() == 1, "somebody was quicker"
