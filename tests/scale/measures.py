"""What is measured, a function each. Seconds of the processor where others use the machine too, else of the clock."""

import time
from collections.abc import Callable
from statistics import median

from msgspec import Struct

from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.epoch import open_epoch
from cqltui.state.counting import tally
from cqltui.state.events import Kind
from cqltui.state.model import RunState, Status
from cqltui.state.page import SIZE
from cqltui.state.reduce import reduce, reduce_all
from cqltui.supervisor.records import Records
from cqltui.supervisor.submissions import planned
from cqltui.supervisor.submit import submit
from tests.scale.campaigns import Place, settle
from tests.scale.supervised import Supervised
from tests.scale.workers import SimulatedWorker, claim, tell

TASKS = Keys().tasks
LAST_CLAIMS = 100
SLICE_S, SLICES = 2.0, 9
REPORTED_S = 10.0


class Took(Struct, frozen=True):
    """How long something took."""

    wall_s: float
    own_s: float
    """Of this process's processor time."""
    server_s: float
    """Of the server's."""

    @property
    def cpu_s(self) -> float:
        """Of both, which take turns: the time on a machine that has nothing else to do."""
        return self.own_s + self.server_s

    def __str__(self) -> str:
        return f"{self.cpu_s:.2f} s (server {self.server_s:.2f}; by the clock {self.wall_s:.1f})"


def timed(place: Place, do: Callable[[], object]) -> Took:
    """Do it, and say how long it took."""
    server, own, wall = place.server_cpu_s(), time.process_time(), time.perf_counter()
    do()
    took = time.perf_counter() - wall, time.process_time() - own
    return Took(*took, place.server_cpu_s() - server)


def filled(place: Place) -> tuple[Took, int]:
    """Submit the campaign as a supervisor does at its start; also how many events the journal lacks after it."""
    queue, run_dir = place.server.queue, place.run_dir
    open_epoch(queue.client, run_dir.server / "epoch")
    records = Records(run_dir, planned(place.campaign, place.data))
    took = timed(place, lambda: submit(queue, place.campaign, place.data, records))
    queue.set_filled()
    records.close()
    settle(place.client)
    return took, queue.version()[1] - run_dir.journal.read_bytes().count(b"\n")


def late_reader(place: Place) -> Took:
    """Read everything as a screen that comes late, until its state is right."""
    state = RunState()

    def read() -> None:
        nonlocal state
        state = reduce(RunState(), place.server.queue.snapshot())

    took = timed(place, read)
    assert len(state.tasks) == sum(1 for _ in place.campaign.tasks)
    return took


def summed(place: Place) -> Took:
    """Read how many tasks there are of what, as a screen that comes late is told first."""
    feed = Feed(place.server.client, for_screen=True)
    state = RunState()

    def read() -> None:
        nonlocal state
        state = reduce_all(state, feed.poll(1.0))

    took = timed(place, read)
    feed.close()
    assert sum(tally(state).states.values()) == sum(1 for _ in place.campaign.tasks)
    return took


def paged(place: Place) -> tuple[Took, Took, int]:
    """Read what a screen that comes late to very many tasks shows, until its state is right, and turn to a page in
    their middle; also how many tasks it holds in the end."""
    feed, total = Feed(place.server.client, for_screen=True), int(place.client.execute_command("ZCARD", TASKS))
    state = RunState()

    def read() -> None:
        nonlocal state
        state = reduce_all(state, feed.poll(1.0))

    def turn() -> None:
        nonlocal state
        feed.turn(total // 2)
        while state.page is None or state.page.first != total // 2:
            state = reduce_all(state, feed.poll(1.0))

    took = [timed(place, do) for do in (read, turn)]
    feed.close()
    ids = place.client.execute_command("ZRANGE", TASKS, total // 2, total // 2 + SIZE - 1)
    assert list(state.tasks) == [task_id.decode() for task_id in ids]
    assert tally(state).states == {Status.QUEUED: sum(1 for _ in place.campaign.tasks)}
    return took[0], took[1], len(state.tasks)


def event_s(place: Place, child: Supervised, workers: list[SimulatedWorker], seconds: float) -> tuple[float, float]:
    """What the supervisor takes of a core at rest, and its processor's seconds for a lifecycle event beyond that."""
    rest, resting = child.share(seconds), [child.share(SLICE_S) for _ in range(SLICES)]
    told = [_told(place.server.queue, child, workers) for _ in range(SLICES)]
    began, before = time.perf_counter(), child.cpu_s()
    while (late_s := child.cpu_s() - before) > 0.2 * (time.perf_counter() - began):  # what it is behind with
        time.sleep(0.1)
    # Of slices the median: what the supervisor does once in a minute falls into one of them.
    each = median(spent_s / count for spent_s, count in told) + late_s / sum(count for _, count in told)
    return rest, max(0.0, each - median(resting) * SLICE_S / median(count for _, count in told))


def _told(queue: Queue, child: Supervised, workers: list[SimulatedWorker]) -> tuple[float, int]:
    """Have tasks claimed and given back for a slice of time; the supervisor's seconds of the processor, and events."""
    before, began, told = child.cpu_s(), time.perf_counter(), 0
    while time.perf_counter() < began + SLICE_S:
        for worker in workers:
            claim(queue, worker, 1)
            for held in worker.claims:
                queue.release(held.id, held.token)
                told += 2
            worker.claims = []
            time.sleep(0.005)  # one by one, as they come
    return child.cpu_s() - before, told


def claims(place: Place, workers: list[SimulatedWorker], limit: int) -> tuple[float, Took]:
    """Have all claim packs: seconds of one of the last claims, and until all have theirs."""

    def go(some: list[SimulatedWorker]) -> None:
        for worker in some:
            claim(place.server.queue, worker, limit)

    first, last = workers[:-LAST_CLAIMS], workers[-LAST_CLAIMS:]
    before, after = timed(place, lambda: go(first)), timed(place, lambda: go(last))
    assert all(worker.claims for worker in workers)
    whole = Took(before.wall_s + after.wall_s, before.own_s + after.own_s, before.server_s + after.server_s)
    return after.cpu_s / len(last), whole


def leases_s(place: Place) -> Took:
    """What the guard asks twice a second."""
    place.server.queue.leases()  # the first time more is asked
    return timed(place, place.server.queue.leases)


def intake(place: Place, workers: list[SimulatedWorker], count: int) -> tuple[float, int]:
    """Messages of workers that a reader takes in for a second of its processor, all that has come at a time; and how
    often it had to read everything again."""
    feed, queue = Feed(place.server.client), place.server.queue
    state = reduce_all(RunState(), feed.poll(1.0))
    taken = sent = again = 0
    spent = 0.0
    while taken < count:
        for worker in workers[:100]:
            tell(queue, worker)
            sent += 1
        while taken < sent:
            began = time.process_time()
            events = feed.poll(0.05)
            state = reduce_all(state, events)
            spent += time.process_time() - began
            taken += sum(event.kind is Kind.PROGRESS for event in events)
            again += sum(event.kind is Kind.SNAPSHOT for event in events)
    feed.close()
    return taken / spent, again
