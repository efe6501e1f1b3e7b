"""How long a task waits after its worker's death."""

from typing import cast

import pytest

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Lease
from cqltui.campaign.model import WorkersConfig
from cqltui.state.model import Lifecycle, RunState, Status, TaskInfo, TaskState
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.guard import RETRY_LONGEST_S, Guard
from cqltui.supervisor.records import Records


class Told:
    """In place of the queue: one lease that is fenced, and what is said of it."""

    def __init__(self) -> None:
        self.deaths: list[tuple[object, ...]] = []

    def leases(self) -> list[Lease]:
        """The one."""
        return [Lease("a1", "1-7", 3, "w1", fenced=True)]

    def file_sizes(self, *attempt: object) -> dict[str, int]:
        """No worker on another machine has handed anything over."""
        return {}

    def died(self, *told: object) -> bool:
        """Keep it."""
        self.deaths.append(told)
        return True


class Here:
    """A fleet of this machine alone."""

    def is_elsewhere(self, worker_id: str) -> bool:
        """No block has it."""
        return False


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
