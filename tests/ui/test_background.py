"""Threads beside the screen's: they let a key be answered first."""

import time
from threading import Event

import pytest
from msgspec.structs import replace

from cqltui.state.eta import estimate
from cqltui.state.model import Lifecycle, Progress, RunState, Status, TaskInfo, TaskState
from cqltui.ui.background import Background
from cqltui.ui.estimating import FEW, Estimating

LIMIT_S = 30.0
MANY = 10 * FEW
NOW = 1_760_734_800.0


def many() -> RunState:
    """Tasks that wait, but for one that trains."""
    info = TaskInfo("t0", "p", epochs=100, epoch_steps=13, step_flops=1_000, shape="8:50")
    life = Lifecycle((1, 1), Status.RUNNING, token="1-1", attempt=1, claimed_ts=NOW - 90, started_ts=NOW - 90)
    report = Progress("1-1", 50 * 13, 50, 100, ts=NOW, elapsed_s=80.0)
    waits = [TaskState(replace(info, id=f"t{place}")) for place in range(1, MANY)]
    return RunState(tasks={one.id: one for one in [TaskState(info, life, report), *waits]}, online=True)


def test_a_call_waits_until_it_may_begin() -> None:
    free, done, order = Event(), Event(), []

    def give_way(began_s: float) -> None:
        order.append("asked")
        assert abs(began_s - time.monotonic()) < LIMIT_S
        assert free.wait(LIMIT_S)

    background = Background("reads", lambda then: then(), lambda error: pytest.fail(str(error)), give_way)
    background.start()
    background.call(lambda: order.append("read"), lambda _: done.set(), lambda error: pytest.fail(str(error)))
    assert not done.wait(0.05)
    free.set()
    assert done.wait(LIMIT_S)
    assert order == ["asked", "read"]
    background.stop()


def test_an_estimate_stops_in_between_and_comes_to_the_same() -> None:
    state = many()
    stops: list[None] = []
    assert estimate(state, NOW, lambda: stops.append(None)) == estimate(state, NOW)
    assert estimate(state, NOW).finish_ts is not None
    assert len(stops) > MANY // 100, "in all that goes through the tasks"


def test_the_estimate_of_many_gives_way_from_when_it_was_begun() -> None:
    asked: list[float] = []
    done = Event()
    background = Background("estimates", lambda then: then(), lambda error: pytest.fail(str(error)))
    background.start()
    before_s = time.monotonic()
    estimating = Estimating(background, done.set, asked.append)
    estimating.ask(many(), NOW)
    assert done.wait(LIMIT_S)
    assert len(asked) > 10
    assert len(set(asked)) == 1, "however often it has stopped"
    assert before_s <= asked[0] <= time.monotonic()
    assert estimating.newest.finish_ts is not None
    background.stop()
