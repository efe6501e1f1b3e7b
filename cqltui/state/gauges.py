"""What the machine and the run do, over the last minutes. Pure."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

MOST = 600
"""So many samples are kept: twenty minutes of every two seconds."""
HELD_S = 25.0
"""So long a sample stands for what comes after it: history.jsonl has one every ten seconds, and more on a busy disk."""


class Gpu(Struct, frozen=True):
    """A graphics processor; None: it does not tell."""

    name: str
    use: float | None = None
    """Share of the time that it computed."""
    memory_bytes: int | None = None
    memory_total_bytes: int | None = None
    watts: float | None = None


class Gauge(Struct, frozen=True):
    """What a machine does; None: not known."""

    cpu: float | None = None
    """Share of all cores that is busy."""
    ours: float | None = None
    """Share of all cores that the workers have."""
    cores: int = 0
    workers: int = 0
    """How many of the run's workers are on this machine."""
    memory_bytes: int | None = None
    memory_total_bytes: int | None = None
    disk_free_bytes: int | None = None
    """Of the file system of the run directory."""
    disk_total_bytes: int | None = None
    disk_bytes_per_s: float | None = None
    """Read and written, of all disks."""
    gpus: tuple[Gpu, ...] = ()


class Sample(Struct, frozen=True):
    """One moment."""

    ts: float
    samples_per_s: float | None = None
    flops_per_s: float | None = None
    held_bytes: int | None = None
    """Memory of all workers."""
    gauge: Gauge | None = None
    """None: nobody looked."""


Pick = Callable[[Sample], float | None]


def of_gauge(pick: Callable[[Gauge], float | None]) -> Pick:
    """Return what takes a figure of the machine from a sample."""
    return lambda sample: None if sample.gauge is None else pick(sample.gauge)


def series(samples: Sequence[Sample], pick: Pick, start: float, end: float, cells: int) -> list[float | None]:
    """Return the means of `cells` equal parts of the time from `start` to `end`; None where nothing is known. A part
    without a sample has that of the one before, if it is not too long ago."""
    if cells < 1 or end <= start:
        return []
    sums, counts = [0.0] * cells, [0] * cells
    before: tuple[float, float] | None = None
    for sample in samples:
        value = pick(sample)
        if value is None or sample.ts > end:
            continue
        if sample.ts < start:
            before = (sample.ts, value)
            continue
        place = min(int((sample.ts - start) / (end - start) * cells), cells - 1)
        sums[place] += value
        counts[place] += 1
    found: list[float | None] = []
    for place in range(cells):
        ts = start + (place + 0.5) * (end - start) / cells
        if counts[place]:
            before = (ts, sums[place] / counts[place])
            found.append(before[1])
        else:
            found.append(before[1] if before is not None and ts - before[0] <= HELD_S else None)
    return found


def joined(old: Iterable[Sample], new: Sequence[Sample]) -> tuple[Sample, ...]:
    """Return what a file tells of before, and what was measured since, in order."""
    first = new[0].ts if new else float("inf")
    return (*(sample for sample in old if sample.ts < first), *new)
