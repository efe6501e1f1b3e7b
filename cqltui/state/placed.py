"""The blocks of workers elsewhere, as their engines told last. Frozen, pure; what comes from a server is foreign."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from cqltui.state import decode

QUOTA = "quota"
"""The kind of what is no block: how many workers the run's user may have."""


class JobInfo(Struct, frozen=True):
    """A worker that an engine was asked for."""

    slot: str
    """The worker's id."""
    job: str
    """What the engine calls it."""
    state: str
    """pending, running or unknown."""
    reason: str = ""
    """Why it waits, in the engine's words. Foreign."""


class BlockInfo(Struct, frozen=True):
    """A block, and its jobs."""

    name: str
    kind: str
    count: int
    """Workers that it is to have."""
    jobs: tuple[JobInfo, ...] = ()
    trouble: str = ""
    """What the engine could not do last; empty once something has worked again."""


def reasons(jobs: Sequence[JobInfo]) -> Mapping[str, int]:
    """Return how many workers wait for each reason that is known, the commonest first."""
    counted = Counter(job.reason for job in jobs if job.state == "pending" and job.reason)
    return dict(counted.most_common())


def block_line(block: BlockInfo) -> str:
    """Return how a block stands, in a line for people. Foreign in parts."""
    if block.kind == QUOTA:
        return f"quota: {block.name}" + (f"; {block.trouble}" if block.trouble else "")
    states = Counter(job.state for job in block.jobs)
    words = {"running": "running", "pending": "waiting for a machine", "unknown": "not known"}
    parts = [f"{states[state]} {said}" for state, said in words.items() if states[state]]
    waits = ", ".join(f"{count} {reason}" for reason, count in reasons(block.jobs).items())
    said = f"block {block.name} ({block.kind}), {block.count} wanted: {', '.join(parts) or 'no worker'}"
    return said + (f" ({waits})" if waits else "") + (f"; {block.trouble}" if block.trouble else "")


def blocks(raw: object) -> tuple[BlockInfo, ...]:
    """Return what a supervisor has told of its blocks."""
    return tuple(_block(told) for told in decode.few(raw))


def _block(told: Mapping[str, object]) -> BlockInfo:
    return BlockInfo(
        name=decode.text(told, "name"),
        kind=decode.text(told, "kind"),
        count=decode.whole(told, "count"),
        jobs=tuple(_jobs(told.get("jobs"))),
        trouble=decode.text(told, "trouble"),
    )


def _jobs(raw: object) -> Iterator[JobInfo]:
    for told in list(decode.dicts(raw))[: 2 * decode.LIST_LIMIT]:  # a block has at most 1,024 workers
        yield JobInfo(*(decode.text(told, name) for name in ("slot", "job", "state", "reason")))
