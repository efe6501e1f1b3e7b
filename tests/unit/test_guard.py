"""How long a task waits after its worker's death."""

from typing import cast

import pytest

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Lease
from cqltui.campaign.model import WorkersConfig
from cqltui.placement.protocol import End, Why
from cqltui.state.model import Lifecycle, RunState, Status, TaskInfo, TaskState
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.guard import RETRY_LONGEST_S, Guard
from cqltui.supervisor.records import Records


class Told:
    """In place of the queue: one lease that is fenced, and what is said of it."""

    def __init__(self) -> None:
        self.deaths: list[tuple[object, ...]] = []
        self.released: list[tuple[object, ...]] = []
        self.said: list[tuple[str, str]] = []

    def leases(self) -> list[Lease]:
        """The one."""
        return [Lease("a1", "1-7", 3, "w1", fenced=True)]

    def release(self, *told: object) -> bool:
        """Keep it."""
        self.released.append(told)
        return True

    def unregister_worker(self, worker_id: str) -> bool:
        """It was registered."""
        return True

    def notice(self, level: str, text: str) -> None:
        """Keep it."""
        self.said.append((level, text))

    def file_sizes(self, *attempt: object) -> dict[str, int]:
        """No worker on another machine has handed anything over."""
        return {}

    def died(self, *told: object) -> bool:
        """Keep it."""
        self.deaths.append(told)
        return True


class Here:
    """A fleet of this machine alone, or of a block elsewhere alone."""

    def __init__(self, *, elsewhere: bool = False) -> None:
        self._elsewhere = elsewhere

    def is_elsewhere(self, worker_id: str) -> bool:
        """Whether a block has it."""
        return self._elsewhere

    def may_tell(self, worker_id: str) -> bool:
        """Its engine has told."""
        return False

    def last_words(self, worker_id: str) -> list[str]:
        """It has said nothing."""
        return []


class Nothing:
    """A run directory in which no attempt has left a result."""

    def finished(self, *attempt: object) -> None:
        """None is there."""


@pytest.mark.parametrize(
    ("deaths", "retry_s"),
    [
        *((-(2**63), 0.0), (0, 0.0), (1, 10.0), (2, 20.0), (3, 40.0), (7, RETRY_LONGEST_S), (50, RETRY_LONGEST_S)),
        *((3000, RETRY_LONGEST_S), (30_000_000, RETRY_LONGEST_S)),
    ],
)
def test_each_death_makes_the_next_attempt_wait_longer(deaths: int, retry_s: float) -> None:
    life = Lifecycle(status=Status.RUNNING, token="1-7", worker="w1", deaths=deaths)
    state = RunState(tasks={"a1": TaskState(TaskInfo("a1", "p"), life)})
    told = Told()
    guard = Guard(
        cast("Queue", told),
        cast("Fleet", Here()),
        WorkersConfig(max_deaths=5, retry_s=10.0),
        cast("Records", Nothing()),
    )
    guard.check(state, 0.0)
    assert told.deaths == [("a1", "1-7", "its worker w1 was replaced", 5, retry_s)]


@pytest.mark.parametrize(
    ("end", "is_death", "said"),
    [
        (End(Why.PREEMPTED), False, ("info", "worker w1 has ended: preempted; that is no death of its tasks")),
        (End(Why.NODE_LOST), False, ("info", "worker w1 has ended: its node was lost; that is no death of its tasks")),
        (End(Why.UNKNOWN), False, ("info", "worker w1 has ended: nobody tells why; that is no death of its tasks")),
        (End(Why.OOM), True, ("warning", "worker w1 died (out of memory)")),
        (End(Why.SIGNAL, -9), True, ("warning", "worker w1 died (signal 9)")),
        (End(Why.EXIT, 3), True, ("warning", "worker w1 died (exit code 3)")),
    ],
)
def test_only_an_end_that_a_task_may_have_brought_about_is_its_death(
    end: End, is_death: bool, said: tuple[str, str]
) -> None:
    told = Told()
    guard = Guard(cast("Queue", told), cast("Fleet", Here(elsewhere=True)), WorkersConfig(), cast("Records", Nothing()))
    guard.note_death("w1", end)
    guard.check(RunState(), 0.0)
    assert [(task, token) for task, token, *_ in told.deaths] == [("a1", "1-7")] * is_death
    assert ("a1", "1-7", Status.QUEUED) in told.released, "and that its id was taken is no death either"
    assert told.said == [said]
