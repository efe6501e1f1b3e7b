"""The blocks of a campaign's workers: the engines that place them, and what would be started where."""

import os
import shlex
from collections.abc import Iterator

from cqltui.app import options
from cqltui.campaign.model import BlockConfig, Campaign, CommandConfig, SlurmConfig
from cqltui.errors import InputError
from cqltui.placement import slurmwords
from cqltui.placement.command import Command, start_words
from cqltui.placement.presets import dialect_of
from cqltui.placement.protocol import Placement
from cqltui.placement.slurm import Slurm
from cqltui.placement.starting import ENV_FILE, Starting, read_secrets, write_secrets
from cqltui.results.rundir import RunDir
from cqltui.supervisor.outpost import Outpost


def outposts(campaign: Campaign, run_dir: RunDir, redis_url: str | None) -> list[Outpost]:
    """Return the campaign's blocks elsewhere, each with its engine. Raises OSError."""
    found = []
    for block in campaign.blocks:
        starting = starting_of(campaign, block, run_dir, redis_url)
        if redis_url is not None and starting.env_file is not None:
            write_secrets(starting.env_file, {options.URL_VARIABLES[0]: redis_url})
        found.append(Outpost(block.name, block.slots, placement_of(block, starting), kind=engine_name(block)))
    return found


def starting_of(campaign: Campaign, block: BlockConfig, run_dir: RunDir, redis_url: str | None) -> Starting:
    """Return how a block's workers are started."""
    env_file = run_dir.path / "blocks" / f"{block.name}.env" if redis_url is not None else None
    return Starting(run_dir.path, block, run_dir.logs, env_file, campaign.store.url)


def engine_name(block: BlockConfig) -> str:
    """Return what a block's engine is called, for people."""
    return (block.on.preset if isinstance(block.on, CommandConfig) else None) or block.kind


def placement_of(block: BlockConfig, starting: Starting) -> Placement:
    """Return the engine of a block."""
    return Slurm(block.on, starting) if isinstance(block.on, SlurmConfig) else Command(block.on, starting)


def first_words(campaign: Campaign, block: BlockConfig, run_dir: RunDir) -> list[str]:
    """Return the words of the program that starts the block's first worker."""
    starting, slot = starting_of(campaign, block, run_dir, None), block.slots[0]
    if isinstance(block.on, SlurmConfig):
        return slurmwords.submit(block.on, starting, slot)
    return start_words(dialect_of(block.on), block.on.options, starting, slot)


def planned(campaign: Campaign, run_dir: RunDir) -> Iterator[str]:
    """Yield a line for each block: how many workers, where, and which program is started for one."""
    for block in campaign.blocks:
        workers = f"{block.count} worker{'s' * (block.count != 1)}"
        words = shlex.join(first_words(campaign, block, run_dir))
        yield f"{workers} of the block {block.name} ({block.kind}), each by: {words}"


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
