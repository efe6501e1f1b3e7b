"""Random commands on a queue, and what must hold after each."""

from contextlib import suppress

from hypothesis import strategies as st

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim, TaskError
from cqltui.state.model import Status, Wanted
from tests.contract.helpers import formed, state, task, worker

IDS = ["a", "b", "c"]
STEP = st.tuples(
    st.sampled_from(
        [
            "enqueue",
            "submit",
            "withdraw",
            "claim",
            "progress",
            "checkpoint",
            "complete",
            "fail",
            "delay",
            "died",
            "release",
            "promote",
            "pause",
            "resume",
            "cancel",
            "resubmit",
            "priority",
            "want",
            "zadd",
            "register",
        ]
    ),
    st.sampled_from(IDS),
    st.integers(0, 3),
)


class Machine:
    """Random commands on a queue."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.who = worker(queue)
        self.claims: dict[str, Claim] = {}
        self.trained = 0

    def step(self, name: str, task_id: str, n: int) -> None:
        """One command; a refusal is an answer too."""
        with suppress(TaskError):
            self._step(name, task_id, n)

    def _step(self, name: str, task_id: str, n: int) -> None:
        queue = self.queue
        held = self.claims.get(task_id)
        if name == "claim":
            self.claims |= {claim.id: claim for claim in queue.claim(self.who, limit=n)}
        elif name in {"pause", "resume", "cancel", "resubmit"}:
            getattr(queue, name)(task_id)
        elif name == "enqueue":
            queue.enqueue(task(task_id, n, "k"))
        elif name == "submit":
            queue.enqueue_many([formed(task_id, n, "k")], rows=True)
        elif name == "withdraw":
            queue.withdraw([task_id])
        elif name == "promote":
            queue.promote(task_id)
        elif name == "priority":
            queue.set_priority(task_id, n)
        elif name == "want":
            queue.want(list(Wanted)[n])
        elif name == "zadd":
            queue.client.execute_command("ZADD", queue.keys.queue, n, task_id)
            queue.reconcile()
        elif name == "register":
            self.who = worker(queue)
        elif held is not None:
            self._report(name, held, n)

    def _report(self, name: str, held: Claim, n: int) -> None:
        queue, task_id, token = self.queue, held.id, held.token
        if name == "progress":
            self.trained += 1  # reports of one attempt are ordered by their step
            queue.progress(self.who, [{"task": task_id, "token": token, "step": self.trained, "epoch": n}], {"pid": 1})
        elif name == "checkpoint":
            queue.checkpoint(task_id, token, n)
        elif name == "complete":
            queue.complete(task_id, token, {"loss": n})
        elif name in {"fail", "delay"}:
            queue.fail(task_id, token, "boom", None if name == "fail" else 60.0)
        elif name == "died":
            queue.died(task_id, token, "killed", 2, float(n))
        elif name == "release":
            queue.release(task_id, token, [Status.QUEUED, Status.PAUSED, Status.CANCELLED][n % 3])


def invariants(queue: Queue) -> None:
    """Each task is in the containers of its state and in no other."""
    client, keys = queue.client, queue.keys
    tasks = state(queue).tasks
    by = {status: {k for k, t in tasks.items() if t.status is status} for status in Status}
    names = {
        Status.QUEUED: client.execute_command("ZRANGE", keys.queue, 0, -1),
        Status.RUNNING: client.execute_command("HKEYS", keys.leases),
        Status.DELAYED: client.execute_command("ZRANGE", keys.delayed, 0, -1),
        Status.PAUSED: client.execute_command("SMEMBERS", keys.paused),
        Status.DEAD: client.execute_command("SMEMBERS", keys.dead),
    }
    for status, raw in names.items():
        assert {name.decode() for name in raw} == by[status], status
    indexed: list[bytes] = []
    for level in client.execute_command("ZRANGE", keys.levels, 0, -1):
        indexed += client.execute_command("ZRANGE", keys.order + level.decode(), 0, -1)
    assert {name.decode() for name in indexed} == by[Status.QUEUED]
    assert len(indexed) == len(by[Status.QUEUED])
