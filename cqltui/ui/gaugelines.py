"""The machine's gauges with their history, as lines. Pure, but for the time zone."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from cqltui.state.gauges import HELD_S, Gauge, Gpu, Pick, Sample, of_gauge, series
from cqltui.ui import format as fmt
from cqltui.ui.line import Line, left
from cqltui.ui.spark import BLOCKS

NAME, VALUE, GAP = 10, 27, 1
NARROW_VALUE = 18
TALLEST = 5
"""Rows of one chart."""
WINDOWS = (60.0, 120.0, 300.0, 600.0, 1_200.0)
"""Seconds that a chart may show: as many as there are figures of, but no more than it has cells for."""
BEFORE_S = 300.0
"""So many at least, where the run's history tells of before."""
CELL_S = 10.0
"""A cell stands for so many at most."""
GIBIBYTE = 1024**3


PARTS = "  "
"""Between the parts of a value, of which the first are the more important."""


class Row(Struct, frozen=True):
    """One gauge: its name, what it says now, and its history."""

    name: str
    value: str
    values: Sequence[float | None]
    top: float
    """What the full height of the chart stands for."""
    role: str = "accent"


def window_s(samples: Sequence[Sample], now: float, cells: int, *, ended: bool = False) -> float:
    """Return how many seconds a chart of so many cells shows."""
    first = next((sample.ts for sample in samples if sample.gauge is not None), now)
    known = max(now - first, BEFORE_S if samples and samples[0].ts < first and not ended else 0.0)
    wanted = next((seconds for seconds in WINDOWS if seconds >= known), WINDOWS[-1])
    most = max((seconds for seconds in WINDOWS if seconds <= cells * CELL_S), default=WINDOWS[0])
    return min(wanted, most)


def chart_cells(cells: int) -> int:
    """Return the cells of a chart in a line of so many; 0 where there is no room for one."""
    room = cells - NAME - value_cells(cells) - GAP
    return room if room >= 8 else 0


def value_cells(cells: int) -> int:
    """Return the cells of a value."""
    return VALUE if cells >= 60 else NARROW_VALUE


def gauge_rows(samples: Sequence[Sample], now: float, cells: int, ended: tuple[float, float] | None) -> list[Row]:
    """Return what there is to show of the machine and of the run. `ended`: when the run began and ended, if it has: its
    speed is shown over all of it."""
    width = chart_cells(cells)
    start = now - window_s(samples, now, width, ended=ended is not None)

    def row(name: str, value: str, pick: Pick, top: float | None = None, role: str = "accent") -> Row:
        values = series(samples, pick, start, now, width)
        return Row(name, value, values, top or max((it for it in values if it is not None), default=0.0) or 1.0, role)

    gauge = samples[-1].gauge if samples else None
    machine = _machine(gauge, row) if gauge is not None else []
    if ended is not None:
        return [*_ended(samples, ended, cells), *machine]
    newest = next((it for it in reversed(samples) if it.samples_per_s is not None), None)
    if newest is None or now - newest.ts > HELD_S:
        return machine
    machine.append(row("samples/s", fmt.count(newest.samples_per_s or 0.0), _samples, role="done"))
    machine.append(row("GFLOP/s", f"{(newest.flops_per_s or 0.0) / 1e9:,.1f}", _flops, role="done"))
    return machine


def _ended(samples: Sequence[Sample], ended: tuple[float, float], cells: int) -> list[Row]:
    """Return how fast the run was, and what its workers held, over all of it."""
    width = chart_cells(cells)
    known = [sample for sample in samples if ended[0] <= sample.ts <= ended[1] and sample.gauge is None]
    best = max((sample.samples_per_s or 0.0 for sample in known), default=0.0)
    held = max((sample.held_bytes or 0 for sample in known), default=0)
    rows = []
    if best:
        span = fmt.between(ended, ended[0]) if value_cells(cells) == VALUE else ""
        rows.append(
            Row(
                "samples/s",
                f"≤ {fmt.count(best)}  {span}".rstrip(),
                series(known, _samples, *ended, width),
                best,
                "done",
            )
        )
    if held:
        values = series(known, _held, *ended, width)
        rows.append(Row("held", f"≤ {gibibytes(held)} GiB", values, held, "curve2"))
    return rows


def _samples(sample: Sample) -> float | None:
    return sample.samples_per_s


def _flops(sample: Sample) -> float | None:
    return sample.flops_per_s


def _held(sample: Sample) -> float | None:
    return sample.held_bytes


def _machine(its: Gauge, row: Callable[..., Row]) -> list[Row]:
    rows: list[Row] = []
    if its.cpu is not None:
        rows.append(row("CPU", f"{_percent(its.cpu)} of {its.cores:,} cores", of_gauge(lambda it: it.cpu), 1.0))
    if its.ours is not None:
        one = "worker" if its.workers == 1 else "workers"
        text = f"{_percent(its.ours)} by {its.workers:,} {one}"
        rows.append(row("  of it", text, of_gauge(lambda it: it.ours), 1.0, "running"))
    for index, gpu in enumerate(its.gpus):
        rows += _gpu(index, gpu, row)
    if its.memory_bytes is not None and its.memory_total_bytes:
        text = f"{gibibytes(its.memory_bytes)} of {gibibytes(its.memory_total_bytes)} GiB"
        rows.append(row("memory", text, of_gauge(lambda it: it.memory_bytes), its.memory_total_bytes, "curve2"))
    if its.disk_free_bytes is not None:
        rate = its.disk_bytes_per_s
        moved = "" if rate is None else f"{PARTS}{rate / 1e6:,.1f} MB/s"
        text = f"{gibibytes(its.disk_free_bytes)} GiB free{moved}"
        rows.append(row("disk", text, of_gauge(lambda it: it.disk_bytes_per_s), None, "curve5"))
    return rows


def _gpu(index: int, gpu: Gpu, row: Callable[..., Row]) -> list[Row]:
    def of(pick: Callable[[Gpu], float | None]) -> Pick:
        return of_gauge(lambda it: pick(it.gpus[index]) if index < len(it.gpus) else None)

    use = "" if gpu.use is None else _percent(gpu.use)
    watts = "" if gpu.watts is None else f"{gpu.watts:,.0f} W"
    rows = [row(f"GPU {index}", PARTS.join(filter(None, (use, watts))) or gpu.name, of(lambda it: it.use), 1.0)]
    if gpu.memory_bytes is not None and gpu.memory_total_bytes:
        text = f"{gibibytes(gpu.memory_bytes)} of {gibibytes(gpu.memory_total_bytes)} GiB"
        rows.append(row("  memory", text, of(lambda it: it.memory_bytes), gpu.memory_total_bytes, "curve2"))
    return rows


def gauge_lines(rows: Sequence[Row], cells: int, height: int, *, words: bool = False) -> list[Line]:
    """Return the gauges in at most `height` lines, each chart as tall as there is room. `words`: nothing is drawn."""
    shown = rows[: max(height, 0)]
    if not shown:
        return []
    width = 0 if words else chart_cells(cells)
    # A blank line below each chart that is taller than a line.
    tall = min((height - len(shown)) // len(shown), TALLEST) if width and height >= 3 * len(shown) else 1
    lines: list[Line] = []
    for row in shown:
        chart = area(row.values, tall, row.top) if width else [""]
        start: Line = (
            (left(row.name, NAME), "dim"),
            (left(_fitting(row.value, cells), value_cells(cells) + GAP), "text"),
        )
        blank: Line = ((" " * (NAME + value_cells(cells) + GAP), "text"),)
        lines += [(*(start if not number else blank), (text, row.role)) for number, text in enumerate(chart)]
        if tall > 1:
            lines.append(())
    return lines


def _fitting(value: str, cells: int) -> str:
    """Return as many of the value's parts as there is room for: half a figure is none."""
    while len(value) > value_cells(cells) and PARTS in value:
        value = value.rpartition(PARTS)[0]
    return value


def area(values: Sequence[float | None], rows: int, top: float) -> list[str]:
    """Return a filled chart in so many rows, the highest first; blank where nothing is known."""
    levels = [
        -1 if value is None else max(min(round(value / top * rows * len(BLOCKS)), rows * len(BLOCKS)), 1)
        for value in values
    ]
    return ["".join(_block(level - len(BLOCKS) * below) for level in levels) for below in range(rows - 1, -1, -1)]


def _block(level: int) -> str:
    return " " if level < 1 else BLOCKS[min(level, len(BLOCKS)) - 1]


def gibibytes(size: float) -> str:
    """Return a number of bytes in GiB, in about three digits."""
    value = size / GIBIBYTE
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
