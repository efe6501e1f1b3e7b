"""What is stored is lost or damaged, or there is no room for more.

Each is injected into a running campaign, lasts for a moment or for some seconds, and may meet others. One that makes no
sense just now raises NotNow, and another is taken.
"""

import os
from contextlib import suppress
from pathlib import Path

from cqltui.state.model import Status
from tests.chaos.deaths import kill_all
from tests.chaos.world import NotNow, World, worker_id

# What is stored is lost or damaged


def flush(world: World) -> None:
    """The server's data is lost."""
    with world.client() as client:
        client.flushall()


def delete_key(world: World) -> None:
    """One key is gone: evicted, or deleted by hand."""
    with world.client() as client:
        patterns = ("cq:*", "training_queue", "active_workers")
        names = sorted(name for pattern in patterns for name in client.scan_iter(match=pattern, count=1000))
        # Files of a worker elsewhere are nowhere else.
        names = [name for name in names if not name.startswith(b"cq:files:")]
        if not names:
            raise NotNow
        client.delete(world.rng.choice(names))


def damage_aof(world: World) -> None:
    """The server is killed, and its append-only file overwritten in the middle, cut off, or gone."""
    if world.own_server is not None:
        raise NotNow
    folder = world.place.run_dir.server / "appendonlydir"
    found = max(folder.glob("*.incr.aof"), default=None)
    if found is None or (size := found.stat().st_size) < 1000:
        raise NotNow
    world.kill_server()
    where = world.rng.randrange(size // 10, size)
    match world.rng.choice(("overwrite", "cut", "remove")):
        case "overwrite":
            with found.open("r+b") as file:
                file.seek(where)
                file.write(world.rng.randbytes(64))
        case "cut":
            os.truncate(found, where)
        case _:
            found.unlink()


def lose_data(world: World) -> None:
    """The user's own server comes back without its data."""
    if world.own_server is None:
        raise NotNow
    world.kill_server(empty=True)


def damage_checkpoint(world: World) -> None:
    """The newest checkpoint of a task is cut off, overwritten, or a pickle, and its worker is killed."""
    worker = world.rng.choice(world.workers())
    state = world.spare([worker_id(worker)])
    tasks = [t for t in state.tasks.values() if t.status is Status.RUNNING and t.life.worker == worker_id(worker)]
    for task in tasks:
        found = max(world.place.checkpoints(task), default=None)
        if found is not None:
            world.kill(worker.pid)
            with suppress(FileNotFoundError):  # replaced by a later one meanwhile
                _damage(world, found)
            return
    raise NotNow


def _damage(world: World, path: Path) -> None:
    whole = path.read_bytes()
    half = world.rng.randrange(len(whole))
    path.write_bytes(
        world.rng.choice(
            (whole[:half], whole[:half] + world.rng.randbytes(16) + whole[half + 16 :], b"\x80\x04cos\nsystem\n.", b"")
        )
    )


def plant_stale_files(world: World) -> None:
    """After a kill of everything: files that speak of processes which are others by now, and a socket of nobody."""
    kill_all(world)
    folder = world.place.run_dir.path
    (folder / "supervisor.json").write_text(f'{{"pid": {os.getpid()}, "create_time": 1.0, "ready": true}}')
    for name in ("server.pid", "lock", "users.lock"):
        (folder / "server" / name).touch()


# There is no room


def full_server(world: World) -> None:
    """The server has reached its maxmemory."""
    with world.client() as client:
        client.execute_command("CONFIG", "SET", "maxmemory", "1")
    world.later(world.rng.uniform(1.0, 6.0), lambda: _enough(world, "CONFIG", "SET", "maxmemory", "0"))


def full_disk(world: World) -> None:
    """The run's disk is full."""
    if not os.path.ismount(world.place.folder):
        raise NotNow
    filler = world.place.folder / "filler"
    with suppress(OSError), filler.open("wb") as file:  # until there is no more room
        while True:
            file.write(bytes(1 << 16))
    world.later(world.rng.uniform(1.0, 6.0), lambda: filler.unlink(missing_ok=True))


def _enough(world: World, *command: str) -> None:
    """Again and again, until it is so: the server may be away."""
    try:
        with world.client() as client:
            client.execute_command(*command)
    except NotNow:
        world.later(0.5, lambda: _enough(world, *command))
