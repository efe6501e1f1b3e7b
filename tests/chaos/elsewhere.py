"""Engines that have workers elsewhere, the ways there, and their machines.

Each is injected into a running campaign, lasts for a moment or for some seconds, and may meet others. One that makes no
sense just now raises NotNow, and another is taken. None does before each block's workers have had a task: while a link
that is cut as the run begins is away, a slow machine does all of it elsewhere.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.chaos.machines import Machines
from tests.chaos.world import LEASE_S, NotNow, World

BLOCKS = frozenset({"w", "lab-", "slurm-"})
"""What the names of their workers begin with."""


def claimants(lines: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return of which blocks workers have had a task, by a journal's lines."""
    return {line["worker"].rstrip("0123456789") for line in lines if line["kind"] == "task.claimed"}


def _machines(world: World) -> Machines:
    machines = world.machines
    if machines is None:
        raise NotNow
    if not machines.have_trained:
        journal = world.place.journal() if world.place.run_dir.journal.is_file() else []
        machines.have_trained = claimants(journal) >= BLOCKS
    if not machines.have_trained:
        raise NotNow
    return machines


def cut_link(world: World) -> None:
    """The link to the host that ssh reaches is cut, for longer than a lease: who works there trains on."""
    hosts = _machines(world).hosts
    hosts.link(up=False)
    world.later(world.rng.uniform(1.0, 5.0) * LEASE_S, lambda: hosts.link(up=True))


def kill_tunnel(world: World) -> None:
    """The ssh that leads from there to the server is killed."""
    try:
        tunnel = _machines(world).hosts.tunnel()
    except ValueError:  # it is being built
        raise NotNow from None
    world.kill(tunnel.pid)


def stop_sshd(world: World) -> None:
    """Nobody lets us in there for a while; connections stay."""
    hosts = _machines(world).hosts
    hosts.stop()
    world.later(world.rng.uniform(1.0, 5.0) * LEASE_S, hosts.serve_again)


def preempt(world: World) -> None:
    """A job of a higher priority takes both nodes for a moment: workers save their work and leave."""
    cluster = _machines(world).cluster
    cluster.tool("sbatch", "--partition=high", "--nodes=2", "--chdir=/", "--output=/dev/null", "--wrap=sleep 1")


def cancel_job(world: World) -> None:
    """Somebody cancels a worker's job."""
    cluster = _machines(world).cluster
    found = [job for job, name, state, _ in cluster.jobs() if "-slurm-" in name and state == "RUNNING"]
    if not found:
        raise NotNow
    cluster.tool("scancel", world.rng.choice(found))


def controller_away(world: World) -> None:
    """Slurm's controller does not answer for a while, and goes on from what it has saved."""
    cluster = _machines(world).cluster
    if not cluster.is_controlled:
        raise NotNow
    cluster.stop_controller()
    world.later(world.rng.uniform(1.0, 8.0) * LEASE_S, cluster.start_controller)
