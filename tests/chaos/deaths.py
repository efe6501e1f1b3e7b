"""Somebody is killed, or does not answer.

Each is injected into a running campaign, lasts for a moment or for some seconds, and may meet others. One that makes no
sense just now raises NotNow, and another is taken.
"""

from tests.chaos.world import LEASE_S, NotNow, World, worker_id

AWAY_S = 60.0
"""How long a server is away that is away for long."""


# Somebody is killed


def kill_worker(world: World) -> None:
    """One worker, in the middle of whatever it does."""
    worker = world.rng.choice(world.workers())
    world.spare([worker_id(worker)])
    world.kill(worker.pid)


def kill_supervisor(world: World) -> None:
    """The supervisor; workers and server go on."""
    world.kill(world.supervisor.pid)


def kill_server(world: World) -> None:
    """The server; the user's own is started again after some seconds."""
    world.kill_server()


def kill_screen(world: World) -> None:
    """The screen."""
    if world.screen is None or world.screen.code is not None:
        raise NotNow
    world.kill(world.screen.pid)


def kill_all(world: World) -> None:
    """Everything at once, as a reboot does; the same command goes on."""
    world.spare()
    processes = world.place.processes()
    if world.own_server and world.own_server.pid:
        world.kill_server()
    for process in processes:
        world.kill(process.pid)


def kill_supervisor_and_server(world: World) -> None:
    """Both at once: nobody brings the server back for a while."""
    world.kill(world.supervisor.pid)
    world.kill_server()


# Somebody does not answer


def freeze_worker(world: World) -> None:
    """A worker sleeps through its lease, and wakes up."""
    worker = world.rng.choice(world.workers())
    world.spare([worker_id(worker)])
    world.freeze([worker.pid], world.rng.uniform(1.0, 3.0) * LEASE_S)


def freeze_supervisor(world: World) -> None:
    """The supervisor sleeps."""
    world.freeze([world.supervisor.pid], world.rng.uniform(1.0, 10.0))


def freeze_server(world: World) -> None:
    """The server is there and does not answer: for some seconds, now and then for a minute."""
    seconds = AWAY_S if world.rng.random() < 0.1 else world.rng.uniform(1.0, 10.0)
    world.server_away(seconds)
    world.freeze([world.server_pid()], seconds)


def freeze_screen(world: World) -> None:
    """The screen sleeps: a slow reader, which the server may cut off."""
    if world.screen is None:
        raise NotNow
    world.freeze([world.screen.pid], world.rng.uniform(1.0, 10.0))


def sleep(world: World) -> None:
    """The machine sleeps for longer than a lease lasts: nobody runs."""
    world.server_away(seconds := world.rng.uniform(1.2, 2.0) * LEASE_S)
    pids = [process.pid for process in world.place.processes()]
    if world.own_server and world.own_server.pid:
        pids.append(world.own_server.pid)
    world.freeze(pids, seconds)


def cut_connections(world: World) -> None:
    """The server drops all of its clients."""
    with world.client() as client:
        kind = world.rng.choice(("pubsub", "normal"))
        client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
