"""Two campaigns with weights 3 : 1 on one server: simulated workers that both share, on a real queue."""

import heapq
import random
import time

import redis
from msgspec import Struct

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Submission
from cqltui.broker.protocol.shares import Shares
from tests.scale.workers import process_of

WEIGHTS = {"three": 3, "one": 1}
LENGTHS = {"three": 2.0, "one": 9.0}
"""Mean seconds of a task: the shares are of time, and not of tasks."""


class Shared(Struct, frozen=True):
    """What came of it."""

    ratio: float
    """The workers' time of one campaign over that of the other; 3 is wanted."""
    choose_s: float
    """Wall seconds of a choice."""
    turns: int


def shared(client: redis.Redis, workers: int, turns: int, seed: int = 7) -> Shared:
    """Let so many workers take so many turns, on a clock of their own."""
    rng = random.Random(seed)
    queues = {name: Queue(client, name) for name in WEIGHTS}
    for name, queue in queues.items():
        queue.enqueue_many(Submission(f"{i:016x}", "d", {"phase": "p"}, {}, "", 5) for i in range(turns + workers))
        queue.present(None, WEIGHTS[name])
    who = {f"n{number}": Shares(client, f"n{number}") for number in range(workers)}
    registered = {
        (name, worker): queue.register_worker(worker, process_of(int(worker[1:])))
        for name, queue in queues.items()
        for worker in who
    }
    had = dict.fromkeys(WEIGHTS, 0.0)
    now = spent = 0.0
    ends: list[tuple[float, str, float, str]] = [(0.0, worker, 0.0, "") for worker in who]
    for _ in range(turns):
        now, worker, took, _ = heapq.heappop(ends)
        began = time.perf_counter()
        due = who[worker].choose(took)
        spent += time.perf_counter() - began
        assert due is not None, "both have work"
        (claim,) = queues[due].claim(registered[due, worker])
        assert queues[due].complete(claim.id, claim.token, {"loss": 0.5})
        length = rng.lognormvariate(0.0, 0.8) * LENGTHS[due]
        had[due] += length
        heapq.heappush(ends, (now + length, worker, length, due))
    for end, _, _, under_way in ends:
        had[under_way] -= end - now  # has yet to come
    return Shared(had["three"] / had["one"], spent / turns, turns)
