"""What `cqltui bench` measured, as a table for people and as JSON for programs."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, to_builtins
from rich.table import Table
from rich.text import Text

from cqltui.state.units import size


class BenchRow(Struct, frozen=True):
    """A network trained as a pack of `members`. What was measured is None where it failed."""

    network: str
    """What sets it apart, for people."""
    shape: Mapping[str, Any]
    """The settings on which its speed depends."""
    batch_size: int
    precision: str
    members: int
    epoch_steps: int
    step_flops: int
    """FLOPs of one member's step."""
    estimate_bytes: int
    """What the queue counts a pack at when it bounds its size."""
    step_s: float | None
    """Seconds of a step of all members."""
    limit_s: float | None
    """Seconds of that step's matrix products alone."""
    peak_bytes: int | None
    """What the process has held at most while it trained, above what it held before."""
    error: str = ""

    @property
    def epochs_per_s(self) -> float | None:
        """Member-epochs a second."""
        return self.members / (self.step_s * self.epoch_steps) if self.step_s else None

    @property
    def samples_per_s(self) -> float | None:
        """Transitions a second, of all members."""
        return self.members * self.batch_size / self.step_s if self.step_s else None

    @property
    def gflops(self) -> float | None:
        """10^9 FLOPs a second of matrix products."""
        return self.members * self.step_flops / self.step_s / 1e9 if self.step_s else None

    @property
    def limit_share(self) -> float | None:
        """Of the speed of the products alone, the share that training reaches. None where it is faster: calls from
        Python, which outweigh the products of a small network, are no limit for code that is compiled as a whole."""
        share = self.limit_s / self.step_s if self.step_s and self.limit_s else None
        return share if share is not None and share <= 1 else None


NONE = "–"
DERIVED = ("epochs_per_s", "samples_per_s", "gflops", "limit_share")


def bench_json(row: BenchRow) -> dict[str, Any]:
    """Return the row with what follows from it."""
    raw: dict[str, Any] = to_builtins(row)
    shape: dict[str, Any] = raw.pop("shape")
    del raw["network"]  # for people
    return shape | raw | {name: getattr(row, name) for name in DERIVED}


def bench_table(rows: list[BenchRow], device: str) -> Table:
    """Return one line a row."""
    table = Table(title=f"Training on {device}, one thread", title_justify="left", box=None, pad_edge=False)
    table.add_column("network", no_wrap=True)
    table.add_column("precision", no_wrap=True)
    for column in ("members", "epochs/s", "samples/s", "GFLOP/s", "of the products' limit", "peak memory", "estimate"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        name = Text(row.network)
        if row.error:
            table.add_row(name, row.precision, str(row.members), Text(row.error, style="bold red"))
            continue
        table.add_row(
            name,
            row.precision,
            str(row.members),
            f"{row.epochs_per_s or 0:,.1f}",
            f"{row.samples_per_s or 0:,.0f}",
            f"{row.gflops or 0:,.0f}",
            NONE if row.limit_share is None else f"{row.limit_share:.0%}",
            size(row.peak_bytes or 0),
            size(row.estimate_bytes),
        )
    return table
