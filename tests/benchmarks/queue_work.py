"""What the benchmark of the queue times: no-op tasks, bare round trips, submissions, and claims from a long queue."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import redis
from msgspec import Struct

from cqltui.broker.feed.feed import Feed
from cqltui.broker.protocol.line import Line
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Cost, Registration, Submission
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.handle import ServerHandle
from cqltui.broker.server.server import EmbeddedServer
from cqltui.state.events import Kind

PACK = "ensemble:256-128-64:128:fp32"
RESULT = {"loss": 0.5, "epochs": 10}
READY_S = 30.0
"""A subscriber that has heard nothing for so long ends."""
_POLL_S = 0.2


class Place(Struct, frozen=True):
    """A queue on an embedded server of its own, with one worker registered."""

    run_dir: Path
    server: ServerHandle
    client: redis.Redis
    line: Line
    queue: Queue
    worker: Registration


@contextmanager
def place() -> Iterator[Place]:
    """The server as a run has it (AOF, synced every second), in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="cqltui-bench-") as folder:
        run_dir = Path(folder) / "run"
        server = EmbeddedServer(run_dir).start()
        try:
            client = server.connect()
            open_epoch(client, run_dir / "server" / "epoch")
            queue = Queue(client)
            worker = queue.register_worker("w1", {"pid": 1, "device": "cpu"})
            yield Place(run_dir, server, client, Line(client), queue, worker)
            client.close()
        finally:
            server.leave()


def tasks(first: int, count: int) -> list[Submission]:
    """Tasks as a campaign submits them: the fields of the deep campaign's, about as long."""
    found = []
    for number in range(first, first + count):
        digest = sha256(str(number).encode()).hexdigest()
        trainer = {"epochs": 10, "lr": 1e-4, "alpha": 0.3, "hidden_dims": [256, 128, 64], "seed": number, "gamma": 0.99}
        info = {"phase": "ensemble", "title": f"seed {number}", "index": number, **trainer, "baseline_loss": None}
        columns = [[name, name] for name in ("spread_close", "total_close", "epa_gap", "market_prob", "p_hat", "edge")]
        spec = {"digest": digest, "phase": "ensemble", "trainer": trainer, "data": {"state_cols": columns}}
        cost = Cost(421_724_160, 10, 4_147_880, 143_680)
        found.append(Submission(f"t{number}", digest, info, spec, PACK, 6, cost))
    return found


def submit(at: Place, first: int, count: int) -> float:
    """Seconds that `enqueue_many` takes for the tasks; making them is not part of it."""
    made = tasks(first, count)
    began = time.perf_counter()
    at.queue.enqueue_many(made)
    return time.perf_counter() - began


def no_ops(at: Place, count: int, limit: int = 1) -> float:
    """Tasks a second, claimed and completed one by one; with a `limit`, claimed in packs of so many."""
    done = 0
    began = time.perf_counter()
    while done < count:
        for claim in at.queue.claim(at.worker, nonce=f"{began} {done}", limit=limit):
            assert at.queue.complete(claim.id, claim.token, RESULT)
            done += 1
    return count / (time.perf_counter() - began)


def round_trips(at: Place, count: int, *command: str | int) -> float:
    """Pairs of this command a second, one by one, sent as the queue sends its scripts."""
    began = time.perf_counter()
    for _ in range(2 * count):
        at.line.call(*command)
    return count / (time.perf_counter() - began)


def claims(at: Place, count: int) -> float:
    """Claims a second, one task each; the tasks go back to their places, untimed."""
    began = time.perf_counter()
    found = [at.queue.claim(at.worker, nonce=f"{began} {number}")[0] for number in range(count)]
    took = time.perf_counter() - began
    for claim in found:
        assert at.queue.release(claim.id, claim.token)
    return count / took


def settle(client: redis.Redis) -> None:
    """Waits until the server has ended rewriting its AOF, which a long fill makes it do."""
    while client.execute_command("INFO", "persistence")["aof_rewrite_in_progress"]:
        time.sleep(_POLL_S)


@contextmanager
def subscriber(at: Place, count: int) -> Iterator[None]:
    """While a process of its own reads all events, as the screen does. It has to have seen so many tasks done."""
    command = [sys.executable, "-m", "tests.benchmarks.queue_work", str(at.run_dir), str(count)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        yield
        seen = child.stdout.readline().strip()
        if seen != str(count):
            raise RuntimeError(f"the subscriber has seen {seen} tasks done, not {count}")
    finally:
        child.kill()
        child.communicate()


def listen(run_dir: Path, count: int) -> None:
    """The subscriber: says when it is there, and how many tasks it has seen done, at the latest when all is quiet."""
    feed = Feed(EmbeddedServer(run_dir).attach().connect)
    feed.poll(_POLL_S)
    print("ready", flush=True)
    done, quiet_at = 0, time.monotonic() + READY_S
    while done < count and time.monotonic() < quiet_at:
        events = feed.poll(_POLL_S)
        done += sum(event.kind is Kind.TASK_DONE for event in events)
        if events:
            quiet_at = time.monotonic() + READY_S
    print(done, flush=True)


if __name__ == "__main__":
    listen(Path(sys.argv[1]), int(sys.argv[2]))
