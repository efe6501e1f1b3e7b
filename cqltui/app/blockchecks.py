"""Whether a campaign's blocks of workers can be started: findings, each with its fix. No worker is ordered."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from cqltui import __version__
from cqltui.app.blocks import dial_words, first_words, host_engine, placement_of, starting_of
from cqltui.app.blockversions import versions
from cqltui.broker.server.checkup import Finding, Level
from cqltui.campaign.blocks import NOT_SHARED
from cqltui.campaign.hosts import SshConfig
from cqltui.campaign.model import BlockConfig, Campaign, CommandConfig, SlurmConfig
from cqltui.child import find_program
from cqltui.placement import wayback
from cqltui.placement.protocol import PlacementError, State
from cqltui.placement.ssh import Ssh
from cqltui.placement.tools import run_tool
from cqltui.results.rundir import RunDir

HERE_ONLY = ("", "localhost", "127.0.0.1", "::1")
"""Hosts of a URL that mean another machine on each."""
NOTHING = "#!/bin/sh\n"


def blocks(campaign: Campaign, run_dir: RunDir, url: str | None) -> Iterator[Finding]:
    """Yield how each block of the campaign stands. `url`: of the user's own server."""
    for block in campaign.blocks:
        what = f"block {block.name}"
        if isinstance(block.on, SshConfig):
            yield from _hosts(campaign, block, block.on, run_dir, url)
            yield from _data(campaign, block, what)
            continue
        yield from _engine(campaign, block, block.on, run_dir, what)
        yield from versions(block, what)
        yield from _data(campaign, block, what)
        if not (block.shared or block.env_file is not None or _brings_url(block)):
            fix = "write REDIS_URL=... into a file there (chmod 600), and name it: env_file"
            yield Finding(Level.WARNING, what, "nothing there tells its workers the server's URL", fix)
        else:
            yield _route(url, what)


def _hosts(
    campaign: Campaign, block: BlockConfig, config: SshConfig, run_dir: RunDir, url: str | None
) -> Iterator[Finding]:
    """Yield whether ssh reaches each host, what is there, and whether there is a way back to the server."""
    if config.dials_in:
        fix = f"on each of its machines: {dial_words(run_dir, block)}"
        yield Finding(Level.OK, f"block {block.name}", f"its workers are started by hand: {fix}")
    for host in config.hosts:
        what = f"block {block.name} on {host}"
        engine = host_engine(config, host, starting_of(campaign, block, run_dir, url), url)
        try:
            found = engine.look()
            live = sum(state is not State.ENDED for state in engine.list().values())
        except PlacementError as error:
            yield Finding(Level.ERROR, what, str(error), error.fix)
            continue
        workers = f"; {live} worker{'s' * (live != 1)} of this run" if live else ""
        here = f"cqltui {__version__}, Python {found.python}, {found.cores} cores{workers}"
        yield Finding(Level.OK, what, here)
        if not found.has_data_root:
            yield Finding(Level.ERROR, what, f"data_root = {block.data_root}: there is no such folder there", "make it")
        yield _way_back(engine, what) if url is None else _route(url, what)


def _way_back(engine: Ssh, what: str) -> Finding:
    """Return whether a tunnel gets through from there to a socket here, which answers as the server would."""
    try:
        wayback.check(engine)
    except PlacementError as error:
        return Finding(
            Level.ERROR, what, f"no way back to the embedded server: {error}", "or set REDIS_URL to a server"
        )
    return Finding(Level.OK, what, "a tunnel leads back to the embedded server")


def _engine(
    campaign: Campaign, block: BlockConfig, config: SlurmConfig | CommandConfig, run_dir: RunDir, what: str
) -> Iterator[Finding]:
    words = first_words(campaign, block, run_dir)
    if find_program(words[0]) is None and not os.path.isabs(words[0]):  # noqa: PTH117
        yield Finding(Level.ERROR, what, f"there is no program {words[0]!r} on PATH", "start the campaign where it is")
        return
    try:
        found = placement_of(config, starting_of(campaign, block, run_dir, None)).list()
        if isinstance(block.on, SlurmConfig):
            run_tool([words[0], "--test-only", *(word for word in words[1:] if word != "--parsable")], NOTHING)
    except PlacementError as error:
        yield Finding(Level.ERROR, what, str(error), "correct the block, or ask who looks after the engine")
        return
    live = sum(state is not State.ENDED for state in found.values())
    jobs = f"; {live} job{'s' * (live != 1)} of this run" if live else ""
    takes = "would take its jobs" if isinstance(block.on, SlurmConfig) else "answers"
    yield Finding(Level.OK, what, f"{words[0]} {takes}{jobs}")


def _brings_url(block: BlockConfig) -> bool:
    return isinstance(block.on, CommandConfig) and block.on.preset in NOT_SHARED


def _data(campaign: Campaign, block: BlockConfig, what: str) -> Iterator[Finding]:
    """Yield whether its workers lack the file of data."""
    lacks = not block.shared and block.data_root is None and not campaign.store.send_data
    if campaign.data.path is not None and lacks:
        fix = "name the folder there that has it: data_root, or say [store] send_data = true"
        yield Finding(Level.WARNING, what, "its workers do not find the file of data", fix)


def _route(url: str | None, what: str) -> Finding:
    """Return whether its workers can find a server."""
    fix = "set REDIS_URL to a server that its machines reach (docs/servers.md), unless they are this one"
    if url is None:
        return Finding(Level.WARNING, what, "the embedded server is reached on this machine alone", fix)
    host = urlsplit(url).hostname or ""
    if host in HERE_ONLY:
        return Finding(Level.WARNING, what, f"the server's URL names {host or 'a socket of'} this machine", fix)
    return Finding(Level.OK, what, f"its workers are told a server on {host}")
