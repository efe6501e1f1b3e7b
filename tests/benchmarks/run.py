"""`make bench`: this trainer beside a straightforward loop, d3rlpy and JAX, and the limit of the matrix products.

Each contender is a process of its own on one core, warm, and all train in turn, round by round: a ratio compares what
was measured within seconds on the same core. The table is Markdown, progress goes to standard error.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from tests.benchmarks.common import Row

SMALL, WIDE = (256, 128, 64), (2048, 1024, 512, 256)
ROWS = {
    "single": Row(SMALL, 1, "fp32"),
    "single-bf16": Row(SMALL, 1, "bf16"),
    "ten": Row(SMALL, 10, "fp32"),
    "ten-bf16": Row(SMALL, 10, "bf16"),
    "twenty": Row(SMALL, 20, "fp32"),
    "twenty-bf16": Row(SMALL, 20, "bf16"),
    "wide": Row(WIDE, 3, "fp32"),
    "wide-bf16": Row(WIDE, 3, "bf16"),
}
GOALS = {
    "single": {"loop": 2.5, "jax": 1.0},
    "ten": {"loop": 3.5, "d3rlpy": 7.0, "jax": 1.0, "products": 0.65},
    "ten-bf16": {"loop": 7.0, "d3rlpy": 14.0, "jax": 1.2},
    "twenty": {"loop": 3.5, "d3rlpy": 7.0, "jax": 1.0, "products": 0.65},
    "twenty-bf16": {"loop": 7.0, "d3rlpy": 14.0, "jax": 1.2},
    "wide": {"loop": 1.7, "products": 0.85},
    "wide-bf16": {"loop": 5.0, "jax": 1.3},
}
"""Least ratios of member-epochs a second. The loop, d3rlpy and JAX run in fp32, whatever the row says."""
OTHERS = ("loop", "d3rlpy", "jax", "products")


class Contender:
    """A process that trains when it is told to."""

    def __init__(self, name: str, row: Row) -> None:
        # One after another and in fp32 is as fast as a library without packs goes.
        members = 1 if name in ("loop", "d3rlpy") else row.members
        precision = row.precision if name in ("ours", "products") else "fp32"
        spec = {"name": name, "hidden_dims": row.hidden_dims, "members": members, "precision": precision}
        self.name = name
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (a pipe that nobody reads would fill up)
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.contenders", json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.ready = self._line() == "ready"

    def train(self, seconds: float) -> float:
        """Member-epochs a second over so many seconds."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{seconds}\n")
        self._child.stdin.flush()
        line = self._line()
        if not line:
            raise SystemExit(f"{self.name} ended: {self.end()}")
        answer = json.loads(line)
        if answer["cpu_s"] > 1.1:
            raise RuntimeError(f"{self.name} used {answer['cpu_s']:.2f} cores, not one")
        return float(answer["epochs_per_s"])

    def end(self) -> str:
        """Stop it; the last line that it had to say of an error."""
        self._child.kill()
        self._child.communicate()
        self._errors.seek(0)
        return (self._errors.read().strip().splitlines() or ["it said nothing"])[-1]

    def _line(self) -> str:
        assert self._child.stdout is not None
        line = self._child.stdout.readline().strip()
        while line and line != "ready" and not line.startswith("{"):  # a library that talks
            line = self._child.stdout.readline().strip()
        return line


def measure(row: Row, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Member-epochs a second of each contender, round by round."""
    contenders = []
    for name in ("ours", *OTHERS):
        contender = Contender(name, row)
        if contender.ready:
            contenders.append(contender)
        else:
            print(f"{name} is left out: {contender.end()}", flush=True)
    found: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    try:
        for _ in range(rounds):
            for contender in contenders:
                found[contender.name].append(contender.train(seconds))
    finally:
        for contender in contenders:
            contender.end()
    return found


def table_line(name: str, found: dict[str, list[float]]) -> str:
    """The Markdown row: medians, and the median of the rounds' ratios beside the goal."""
    row, ours = ROWS[name], found.get("ours")
    if ours is None:
        return f"| {list(row.hidden_dims)}, {row.members}, {row.precision} | left out | - | - | - | - |"
    speed = f"{median(ours):.4g} ({min(ours):.4g}-{max(ours):.4g})"
    cells = [f"{list(row.hidden_dims)}, {row.members}, {row.precision}", speed]
    for other in OTHERS:
        if other not in found:
            cells.append("-")
            continue
        ratios = [mine / its for mine, its in zip(ours, found[other], strict=True)]
        ratio = median(ratios)
        goal = GOALS.get(name, {}).get(other)
        shown = f"{ratio:.0%}" if other == "products" else f"{ratio:.2f}x"
        if goal is not None:
            wanted = f"{goal:.0%}" if other == "products" else f"{goal}x"
            shown = f"**{shown}**, goal {wanted}: {'met' if ratio >= goal else 'MISSED'}"
        spread = "" if other == "products" else f" ({min(ratios):.2f}-{max(ratios):.2f})"
        cells.append(f"{median(found[other]):.4g}: {shown}{spread}")
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    """What the figures were measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    model = next(models, platform.processor())
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scipy", "numba", "d3rlpy", "jax"))
    settings = ", ".join(f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("OPENBLAS"))
    return f"{model}, one core; {packages}; {settings or 'no OPENBLAS setting'}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each contender in each round")
    parser.add_argument("--json", type=Path, help="write all rounds there, too")
    chosen = parser.parse_args(arguments)
    print(f"{machine()}; {chosen.rounds} rounds, member-epochs a second: median (lowest-highest)\n")
    print("| network, members, precision | this trainer | a straightforward loop | d3rlpy | JAX | products alone |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    everything = {}
    for number, name in enumerate(chosen.rows, start=1):
        print(f"row {number} of {len(chosen.rows)}: {name}", file=sys.stderr)
        everything[name] = measure(ROWS[name], chosen.rounds, chosen.seconds)
        print(table_line(name, everything[name]), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(everything, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
