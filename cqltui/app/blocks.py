"""The blocks of a campaign's workers: the engines that place them, and what would be started where."""

import getpass
import os
import shlex
import socket
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cqltui.app import options
from cqltui.campaign.hosts import SshConfig
from cqltui.campaign.model import BlockConfig, Campaign, CommandConfig, SlurmConfig
from cqltui.errors import InputError
from cqltui.placement import slurmwords, sshwords
from cqltui.placement.command import Command, start_words
from cqltui.placement.presets import dialect_of
from cqltui.placement.protocol import Placement, PlacementError
from cqltui.placement.slurm import Slurm
from cqltui.placement.ssh import Ssh
from cqltui.placement.starting import ENV_FILE, Starting, read_secrets, write_secrets
from cqltui.results.rundir import RunDir
from cqltui.supervisor.outpost import Outpost

if TYPE_CHECKING:
    from cqltui.placement.tunnel import Tunnel  # with the library of clients, which a plan does without

SSH_QUERY_S = 10.0
"""Between two questions to a host, which has no other users of its answers."""
Tunnels = Mapping[tuple[str, str], "Tunnel"]
"""By block and host."""
NO_TUNNELS: Tunnels = {}


def outposts(
    campaign: Campaign, run_dir: RunDir, redis_url: str | None, tunnels: Tunnels = NO_TUNNELS
) -> list[Outpost]:
    """Return the campaign's blocks elsewhere, each with its engine; of ssh each host. Raises OSError."""
    found = []
    for block in campaign.blocks:
        starting = starting_of(campaign, block, run_dir, redis_url)
        if isinstance(block.on, SshConfig):
            for host in block.on.hosts:
                tunnel = tunnels.get((block.name, host))
                engine = host_engine(block.on, host, starting, redis_url, tunnel)
                slots = list(block.on.share(block.slots, host))
                found.append(Outpost(f"{block.name} on {host}", slots, engine, SSH_QUERY_S, engine_name(block)))
            continue
        if redis_url is not None and starting.env_file is not None and block.env_file is None:
            write_secrets(starting.env_file, {options.URL_VARIABLES[0]: redis_url})
        found.append(Outpost(block.name, block.slots, placement_of(block.on, starting), kind=engine_name(block)))
    return found


def host_engine(
    config: SshConfig, host: str, starting: Starting, redis_url: str | None = None, tunnel: "Tunnel | None" = None
) -> Ssh:
    """Return the engine of one host. Workers are started with a URL, or at the end of a tunnel."""
    return Ssh(config, host, starting, partial(_secrets, redis_url, tunnel))


def _secrets(redis_url: str | None, tunnel: "Tunnel | None") -> Mapping[str, str]:
    """Return what a worker is told of the server. Raises PlacementError while there is no way to it."""
    url = tunnel.url() if tunnel is not None else redis_url
    if url is None:
        raise PlacementError("its workers do not reach the embedded server")
    return {options.URL_VARIABLES[0]: url}


def starting_of(campaign: Campaign, block: BlockConfig, run_dir: RunDir, redis_url: str | None) -> Starting:
    """Return how a block's workers are started."""
    if isinstance(block.on, SshConfig):  # whose other end has a place for logs and what is secret
        return Starting(run_dir.path, block, run_dir.logs, store=campaign.store.url)
    env_file = Path(block.env_file) if block.env_file is not None else None
    if env_file is None and redis_url is not None and (block.shared or _brings_secrets(block)):
        env_file = run_dir.path / "blocks" / f"{block.name}.env"
    logs = run_dir.logs if block.shared else Path.home() / (block.log or "")
    return Starting(run_dir.path, block, logs, env_file, campaign.store.url)


def _brings_secrets(block: BlockConfig) -> bool:
    """Return whether the engine takes what is secret from a file here to its jobs."""
    return isinstance(block.on, CommandConfig) and "{secrets}" in dialect_of(block.on).start


def engine_name(block: BlockConfig) -> str:
    """Return what a block's engine is called, for people."""
    return (block.on.preset if isinstance(block.on, CommandConfig) else None) or block.kind


def placement_of(engine: SlurmConfig | CommandConfig, starting: Starting) -> Placement:
    """Return the engine of a block."""
    return Slurm(engine, starting) if isinstance(engine, SlurmConfig) else Command(engine, starting)


def first_words(campaign: Campaign, block: BlockConfig, run_dir: RunDir) -> list[str]:
    """Return the words of the program that starts the block's first worker."""
    starting, slot = starting_of(campaign, block, run_dir, None), block.slots[0]
    if isinstance(block.on, SshConfig):
        return sshwords.shown(block.on, block.on.hosts[0] if block.on.hosts else "", starting.worker(slot))
    if isinstance(block.on, SlurmConfig):
        return slurmwords.submit(block.on, starting, slot)
    return start_words(dialect_of(block.on), block.on.options, starting, slot)


def planned(campaign: Campaign, run_dir: RunDir) -> Iterator[str]:
    """Yield a line for each block: how many workers, where, and which program is started for one."""
    for block in campaign.blocks:
        workers = f"{len(block.slots)} worker{'s' * (len(block.slots) != 1)} of the block {block.name} ({block.kind})"
        if isinstance(block.on, SshConfig) and block.on.dials_in:
            yield f"{workers}, which are started by hand: {dial_words(run_dir, block)}"
            continue
        where = f" on {', '.join(block.on.hosts)}" if isinstance(block.on, SshConfig) else ""
        yield f"{workers}{where}, each by: {shlex.join(first_words(campaign, block, run_dir))}"


def take_secrets() -> None:
    """Take what the file holds that a block's worker was started with into this process's environment. Raises
    InputError."""
    path = os.environ.pop(ENV_FILE, None)
    if not path:
        return
    try:
        os.environ.update(read_secrets(path))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: the file that {ENV_FILE} names cannot be used: {why}") from None


def dial_words(run_dir: RunDir, block: BlockConfig) -> str:
    """Return what to type on a machine of the block, for its first worker."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's, who has no name
        user = "USER"
    place = f"{user}@{socket.gethostname()}:{run_dir.guest(block.name).absolute()}"
    typed = ["cqltui", "worker", "--worker-id", block.slots[0], "--through", place]
    for option, value in (("--dir", block.dir), ("--data-root", block.data_root)):
        typed += [option, value] if value is not None else []
    if block.device != "auto":
        typed += ["--device", block.device]
    if block.min_priority is not None:
        typed += ["--min-priority", str(block.min_priority)]
    return shlex.join(typed)
