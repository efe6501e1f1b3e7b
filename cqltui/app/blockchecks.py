"""Whether a campaign's blocks of workers can be started: findings, each with its fix. No worker is ordered."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from cqltui.app.blocks import first_words, placement_of, starting_of
from cqltui.app.blockversions import versions
from cqltui.broker.server.checkup import Finding, Level
from cqltui.campaign.model import BlockConfig, Campaign, SlurmConfig
from cqltui.child import find_program
from cqltui.placement.protocol import PlacementError, State
from cqltui.placement.tools import run_tool
from cqltui.results.rundir import RunDir

HERE_ONLY = ("", "localhost", "127.0.0.1", "::1")
"""Hosts of a URL that mean another machine on each."""
NOTHING = "#!/bin/sh\n"


def blocks(campaign: Campaign, run_dir: RunDir, url: str | None) -> Iterator[Finding]:
    """Yield how each block of the campaign stands. `url`: of the user's own server."""
    for block in campaign.blocks:
        what = f"block {block.name}"
        yield from _engine(campaign, block, run_dir, what)
        yield from versions(block, what)
        yield from _data(campaign, block, what)
        yield _route(url, what)


def _engine(campaign: Campaign, block: BlockConfig, run_dir: RunDir, what: str) -> Iterator[Finding]:
    words = first_words(campaign, block, run_dir)
    if find_program(words[0]) is None and not os.path.isabs(words[0]):  # noqa: PTH117
        yield Finding(Level.ERROR, what, f"there is no program {words[0]!r} on PATH", "start the campaign where it is")
        return
    try:
        found = placement_of(block, starting_of(campaign, block, run_dir, None)).list()
        if isinstance(block.on, SlurmConfig):
            run_tool([words[0], "--test-only", *(word for word in words[1:] if word != "--parsable")], NOTHING)
    except PlacementError as error:
        yield Finding(Level.ERROR, what, str(error), "correct the block, or ask who looks after the engine")
        return
    live = sum(state is not State.ENDED for state in found.values())
    jobs = f"; {live} job{'s' * (live != 1)} of this run" if live else ""
    takes = "would take its jobs" if isinstance(block.on, SlurmConfig) else "answers"
    yield Finding(Level.OK, what, f"{words[0]} {takes}{jobs}")


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
