"""Which cqltui the workers of a block would be of: findings, each with its fix."""

import os
import re
import shlex
from collections.abc import Iterator, Sequence

import cqltui
from cqltui.broker.server.checkup import Finding, Level
from cqltui.campaign.model import BlockConfig, SlurmConfig
from cqltui.child import PYTHON
from cqltui.placement import slurmwords
from cqltui.placement.protocol import PlacementError
from cqltui.placement.tools import run_tool

ASK = ("-P", "-m", "cqltui", "--version")
_VERSION = re.compile(r"^cqltui (\S{1,40})$", re.MULTILINE)
JOB_S = 60.0
"""A job that asks has a machine within half of it, or is given up."""


def versions(block: BlockConfig, what: str) -> Iterator[Finding]:
    """Yield whether Python and this version of cqltui are where the block's workers are, as far as that can be told:
    where the disks are shared by running it here, on a cluster of Slurm whose disks are not by a job of a second."""
    python = block.python or PYTHON[0]
    ours = cqltui.__version__
    if block.shared and not os.access(python, os.X_OK):
        fix = "name that of an environment with cqltui, or say shared = false"
        yield Finding(Level.WARNING, what, f"python = {python}: there is no such program here", fix)
        return
    if block.shared:
        words: Sequence[str] = (python, *ASK)
    elif isinstance(block.on, SlurmConfig):
        words = slurmwords.at_once(block.on, _script(block.on, python), int(JOB_S / 2))
    else:
        fix = f"have {ours} there: a worker of another version is told to leave"
        yield Finding(Level.WARNING, what, "which cqltui its machines have is not known here", fix)
        return
    try:
        said = run_tool(words, limit_s=JOB_S)
    except PlacementError as error:
        # What the lines of setup bring, such as a module, is not here; and a full cluster has no machine just now.
        level = Level.ERROR if block.shared and not getattr(block.on, "setup", ()) else Level.WARNING
        yield Finding(level, what, f"{python} could not tell its cqltui: {error}", f"install cqltui {ours} there")
        return
    theirs = found[1] if (found := _VERSION.search(said)) is not None else "an unknown version"
    where = f"{python} has cqltui {theirs}"
    if theirs == ours:
        yield Finding(Level.OK, what, where)
    else:
        yield Finding(
            Level.ERROR, what, f"{where}, and this is {ours}", f"install cqltui {ours} there, or {theirs} here"
        )


def _script(slurm: SlurmConfig, python: str) -> str:
    return "\n".join((*slurm.setup, f"exec {shlex.join((python, *ASK))}"))
