"""The clock, the network, and what people do.

Each is injected into a running campaign, lasts for a moment or for some seconds, and may meet others. One that makes no
sense just now raises NotNow, and another is taken.
"""

import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import redis

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import TaskError
from cqltui.broker.server.connect import connect_run_dir
from cqltui.errors import ExitCode, ServerError
from cqltui.state.model import Status, Wanted
from tests.chaos.screen import Screen
from tests.chaos.world import LEASE_S, NotNow, World, worker_id
from tests.integration.command import Command

REORDERS, RESUBMITTED = 20, 2
COMMAND_S = 20.0
"""How long a second supervisor has to find out that there is one."""
ANSWERED_S = 1.5
REFUSED_S = 15.0
"""How long after a refusal somebody may still tell of it, and end with the code of wrong input."""


class Refusal(NamedTuple):
    """Commands that make a server refuse what a run needs, and take that back."""

    refuse: tuple[str, ...]
    accept: tuple[str, ...]


REFUSALS = (
    Refusal(("ACL", "SETUSER", "default", "-evalsha", "-eval"), ("ACL", "SETUSER", "default", "+@all")),
    Refusal(("ACL", "SETUSER", "default", "-hset"), ("ACL", "SETUSER", "default", "+@all")),
    Refusal(("CONFIG", "SET", "min-replicas-to-write", "1"), ("CONFIG", "SET", "min-replicas-to-write", "0")),
    Refusal(("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
)
"""The last one the embedded server does not know."""


# The world around


def jump_clock(world: World) -> None:
    """The clock of the day jumps, by up to an hour."""
    offset = world.place.environment.get("CHAOS_CLOCK")
    if offset is None:
        raise NotNow
    Path(offset).write_text(f"{world.rng.choice((-3600, -600, 600, 3600)):+d}", encoding="ascii")


def pull_cable(world: World) -> None:
    """The network between the server and all others is cut, for longer than a lease."""
    if world.own_server is None or world.own_server.network is None:
        raise NotNow
    network = world.own_server.network
    world.server_away(seconds := world.rng.uniform(1.0, 3.0) * LEASE_S)
    network.cable(plugged=False)
    world.later(seconds, lambda: network.cable(plugged=True))


def refusing_server(world: World) -> None:
    """The server answers and refuses: what a user may do was changed, it has become a replica, or lacks its own."""
    kind = world.rng.choice(tuple(REFUSALS if world.own_server else REFUSALS[:-1]))
    seconds = world.rng.uniform(1.0, 3.0) * LEASE_S
    with world.client() as client:
        world.server_away(seconds)  # before: it asks the server, which is to refuse from here on
        client.execute_command(*kind.refuse)
    world.refuses_until = time.monotonic() + seconds + REFUSED_S
    world.later(seconds, lambda: _accept_again(world, kind))


def _accept_again(world: World, kind: Refusal) -> None:
    """Again and again, until it is so: the server may be away."""
    place = world.place
    try:  # not as a run connects, which refuses such a server
        with redis.Redis.from_url(place.url) if place.url else connect_run_dir(place.run_dir.path) as client:
            client.execute_command(*kind.accept)
    except (redis.RedisError, OSError, ServerError):
        if not world.ended:
            world.later(0.5, lambda: _accept_again(world, kind))


# What people do


def second_supervisor(world: World) -> None:
    """Somebody starts the campaign once more."""
    if not world.supervisor.err:
        raise NotNow
    second = world.begin()
    world.later(COMMAND_S, lambda: _refused(world, second))


def second_worker(world: World) -> None:
    """Somebody starts a worker under an id that is taken: the older one is fenced. It leaves after a while."""
    worker = world.rng.choice(world.workers())
    world.spare([worker_id(worker)])
    world.look()
    words = ("--device", "cpu", "--poll-interval", "0.2", "--run-dir", str(world.place.run_dir.path))
    second = world.place.start("worker", "--worker-id", worker_id(worker), *words)
    world.later(world.rng.uniform(5.0, 15.0), lambda: second.send(signal.SIGTERM))


def interrupt(world: World) -> None:
    """Ctrl-C: checkpoint and stop."""
    if not world.supervisor.err:
        raise NotNow
    world.supervisor.send(signal.SIGINT)
    world.expect_end()


def closed_stream(world: World) -> None:
    """Who reads the output leaves, as tee does at a Ctrl-C: the run goes on."""
    if world.supervisor.is_deaf or not world.supervisor.err:  # one that found another has yet to say so
        raise NotNow
    world.supervisor.deafen()


def signal_after_hang_up(world: World) -> None:
    """The output is closed, and then the run is asked to stop."""
    if not world.supervisor.err:
        raise NotNow
    world.supervisor.deafen()
    world.supervisor.send(world.rng.choice((signal.SIGHUP, signal.SIGINT, signal.SIGTERM)))
    world.expect_end()


def double_answers(world: World) -> None:
    """Keys come in a burst, as from a paste or over a slow line: a question is answered more than once."""
    if world.screen is None or world.screen.code is not None:
        raise NotNow
    screen = world.screen
    world.later(ANSWERED_S, lambda: _close_what_is_open(screen))
    screen.terminal.press(
        world.rng.choice(("xnnn", "x\r\r\r", "x\x1b\x1b\x1b", "qccc", "q\x1b\x1b", "?\x1b\x1b", "\r\x1b\x1b"))
    )


def drain(world: World) -> None:
    """`cqltui stop --drain`: what runs ends, nothing else starts."""
    _want(world, Wanted.DRAINING)


def pause(world: World) -> None:
    """The campaign is paused, and goes on later."""
    _want(world, Wanted.PAUSED)
    world.later(world.rng.uniform(1.0, 5.0), lambda: _want_again(world))


def reorder(world: World) -> None:
    """Tasks are moved again and again while the run is read: every reading holds them all. Some train once more."""
    tasks = world.look().tasks
    done = sorted(task.id for task in tasks.values() if task.status is Status.DONE)
    again = world.rng.sample(done, min(len(done), RESUBMITTED))
    with world.client() as client, world.place.queue() as other:
        queue = Queue(client)
        epoch, _ = queue.version()
        for _ in range(REORDERS):
            with suppress(TaskError):
                if again:
                    queue.resubmit(again.pop())
                else:
                    queue.set_priority(world.rng.choice(sorted(tasks)), world.rng.randrange(10))
            missing = tasks.keys() - other.snapshot().data["tasks"].keys()
            if missing and queue.version()[0] == epoch:
                world.complaints.append(f"a reading lacks {sorted(missing)}")


def nonsense(world: World) -> None:
    """Foreign entries in the queue, foreign messages among the events."""
    with world.client() as client:
        client.execute_command("ZADD", "training_queue", "inf", b"\xff\x1b[31m", 9, "../../etc", -1, "[bold]x")
        for raw in (b"", b"\xff", b"[" * 5000, b'{"v":99,"kind":"task.done"}', b'{"v":1,"kind":"task.done","ts":NaN}'):
            client.publish("cq:events", raw)


def _close_what_is_open(screen: Screen) -> None:
    """What a key has opened that found no question."""
    if screen.code is None:
        with suppress(OSError):  # it was closed meanwhile
            screen.terminal.press("\x1b")


def _want(world: World, wanted: Wanted) -> None:
    with world.client() as client:
        Queue(client).want(wanted)


def _want_again(world: World) -> None:
    try:
        _want(world, Wanted.RUNNING)
    except NotNow:
        if not world.ended:
            world.later(0.5, lambda: _want_again(world))


def _refused(world: World, second: Command) -> None:
    """It has to refuse, or to go on with the run if the first was killed meanwhile."""
    if second.code is None:
        second.send(signal.SIGINT)
    elif (second.code not in tuple(ExitCode) and not world.was_killed(second.pid)) or "Traceback" in second.err:
        world.complaints.append(f"a second supervisor ended with {second.code}: {second.err[-1500:]}")
