"""`python -m tests.benchmarks.screen`: the screen in a real pseudo-terminal of 160x48, under load and at rest.

The run is a real queue on an embedded server; its workers tell and do not train (`screen_load.py`), in a process of
their own. What is measured is the screen's process alone. The table is Markdown, progress goes to standard error.
"""

import argparse
import compileall
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import psutil
from msgspec import Struct

from tests.benchmarks.queue import line, say, verdict
from tests.benchmarks.screen_load import TRUE
from tests.integration.terminal import Terminal

LIMIT_S = 60.0
QUIET_S = 3.0
"""Between the first paint and the measurement: the start is not part of it."""
BURST = 50_000
KEYS = 60
KEY_S = 0.11
MARKED = 8
"""Tasks, whose curves are drawn."""
PATTERN_ROW = b"seed %d"
LOOKING = (
    *(("", "3", b"Timeline"), ("", "2", b"Curves"), ("", "]", b"Curves"), ("", "1", b"Tasks")),
    *(("", "z", b"folded"), ("", "Z", b"seed "), ("", "_", b"Unzoom"), ("", "_", b"Phases")),
    *(("", "/", b"ilter"), ("xy", "z", b"xyz"), ("\x7f\x7f\x7f", "\t", b"seed ")),
)
"""Keys beside j and k, in this order: what is typed before, the key, and what is written for it and seldom else.
The cursor stands on the first letter of "filter"."""
ROUNDS = 10
WORK, WORK_S = 100_000, 15.0
"""Additions, some ten milliseconds of Python, and for how long they are repeated."""
ROOT = Path(__file__).parents[2]
CAMPAIGN = ROOT / "campaigns" / "deep.toml"


class Case(Struct, frozen=True):
    """A run under load, and what the screen may take of the machine for it."""

    tasks: int
    running: int
    events_per_s: float
    cpu_percent: float
    megabytes: float


CASES = (Case(49, 20, 490, 10, 60), Case(10_000, 100, 1_000, 15, 90))
PAINTS = {49: 0.35, 2_000: 0.5}
PAINT_NEW_S, GROWTH_MB = 0.35, 2.0
IDLE_PERCENT, KEY_MS, KILOBYTES_PER_S, LATE_S = 0.5, 30, 120, 1.0


class Pty(Terminal):
    """A terminal that counts what it gets, and emulates nothing: that would take more than the screen does."""

    count = 0

    def read(self, timeout_s: float) -> None:
        """Take what the program has written; its newest part is kept."""
        if select.select([self.master], [], [], timeout_s)[0]:
            data = os.read(self.master, 1 << 16)
            self.count += len(data)
            self.output = self.output[-(1 << 16) :] + data

    def until(self, said: bytes, limit_s: float = LIMIT_S) -> float:
        """Seconds until the program has written this."""
        began = time.perf_counter()
        while said not in self.output:
            if time.perf_counter() - began > limit_s or self.process.poll() is not None:
                raise RuntimeError(f"{said!r} was not written: {self.output[-400:]!r}")
            self.read(0.2)
        return time.perf_counter() - began

    def drain(self, seconds: float) -> None:
        """Read for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)


class Load:
    """The process of `screen_load.py`."""

    def __init__(self, run_dir: Path, tasks: int, running: int) -> None:
        self.run_dir = run_dir
        command = [sys.executable, "-m", "tests.benchmarks.screen_load", str(run_dir), str(tasks), str(running)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def order(self, text: str) -> None:
        """Give an order; `answer` waits until it has been carried out."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{text}\n")
        self._child.stdin.flush()

    def answer(self) -> str:
        """Wait for the answer to the last order."""
        assert self._child.stdout is not None
        said = self._child.stdout.readline().strip()
        if not said:
            raise RuntimeError("the load has ended")
        return said

    def close(self) -> None:
        """End it."""
        self.order("end")
        self._child.wait(LIMIT_S)


@contextmanager
def load(tasks: int, running: int) -> Iterator[Load]:
    """A run of so many tasks."""
    with tempfile.TemporaryDirectory(prefix="cqltui-bench-") as folder:
        run = Load(Path(folder) / "run", tasks, running)
        try:
            yield run
        finally:
            run.close()


@contextmanager
def screen(*arguments: str, cwd: Path | None = None) -> Iterator[Pty]:
    """The program in a terminal, from its command on."""
    terminal = Pty([sys.executable, "-m", "cqltui", *arguments], cwd or Path.cwd())
    try:
        yield terminal
    finally:
        terminal.close()


class Paint(Struct, frozen=True):
    """The first paint, from the command on."""

    seconds: float
    cpu_s: float
    """Of the screen's process: what a machine that has other work to do too tells."""


def paint(run: Load) -> Paint:
    """Until there is a row of the task list."""
    with screen("attach", str(run.run_dir)) as terminal:
        return _painted(terminal, terminal.until(b"seed "))


def _painted(terminal: Pty, seconds: float) -> Paint:
    spent = psutil.Process(terminal.process.pid).cpu_times()
    return Paint(seconds, spent.user + spent.system)


def paint_new() -> Paint:
    """Until there is the screen of a run that has yet to be started."""
    with tempfile.TemporaryDirectory(prefix="cqltui-bench-") as folder:
        place = Path(folder)
        with screen(str(CAMPAIGN), "--device", "cpu", cwd=place) as terminal:
            found = _painted(terminal, terminal.until(b"The run goes on without this screen"))
            terminal.until(b"R running")  # the run can be stopped
        stop = [sys.executable, "-m", "cqltui", "stop", "--yes", str(place / "runs" / CAMPAIGN.stem)]
        subprocess.run(stop, cwd=place, check=False, capture_output=True, timeout=LIMIT_S)  # 4: there are tasks left
    return found


class Use(Struct, frozen=True):
    """What the screen took of the machine."""

    cpu_percent: float
    kilobytes_per_s: float
    megabytes: float


def use(terminal: Pty, seconds: float) -> Use:
    """Watch for so long."""
    process = psutil.Process(terminal.process.pid)
    before, count, began = process.cpu_times(), terminal.count, time.perf_counter()
    terminal.drain(seconds)
    after, took = process.cpu_times(), time.perf_counter() - began
    cpu_s = after.user + after.system - before.user - before.system
    return Use(100 * cpu_s / took, (terminal.count - count) / 1e3 / took, process.memory_info().rss / 1e6)


def mark(terminal: Pty) -> None:
    """Mark tasks, whose curves are seen from then on."""
    terminal.press("g" + MARKED * " ")
    terminal.drain(1.0)


def moving(terminal: Pty, tasks: int) -> list[float]:
    """Milliseconds from a key to the row that it leads to: it waits in the queue, and so is drawn for the key only."""
    terminal.press("G")
    terminal.drain(1.0)
    found = []
    for number in range(KEYS):
        row, key = (tasks - 2, "k") if number % 2 == 0 else (tasks - 1, "j")
        found.append(_answered(terminal, key, PATTERN_ROW % row))
    return found


def looking(terminal: Pty) -> list[float]:
    """Milliseconds from the other keys to what they lead to."""
    found = []
    for before, key, said in ROUNDS * LOOKING:
        if before:
            terminal.press(before)
            terminal.drain(2 * KEY_S)
        found.append(_answered(terminal, key, said))
    return found


def _answered(terminal: Pty, key: str, said: bytes) -> float:
    terminal.output = b""
    terminal.press(key)
    found = 1e3 * terminal.until(said, 5.0)
    terminal.drain(KEY_S)
    return found


def late(run: Load, terminal: Pty) -> float:
    """Seconds until a reader that was stopped while so many events came shows the last of them."""
    terminal.press("g")
    terminal.drain(1.0)
    os.kill(terminal.process.pid, signal.SIGSTOP)
    run.order(f"burst {BURST}")
    run.answer()
    terminal.output = b""
    os.kill(terminal.process.pid, signal.SIGCONT)
    return terminal.until(f"{TRUE}".encode())


def steadiness() -> str:
    """Return how long the same piece of work takes, again and again, while nothing else runs: what the machine itself
    adds to a key is in there."""
    found, end = [], time.perf_counter() + WORK_S
    while time.perf_counter() < end:
        time.sleep(0.02)
        began = time.perf_counter()
        sum(number * number for number in range(WORK))
        found.append(1e3 * (time.perf_counter() - began))
    parts = quantiles(found, n=100)
    return f"median {median(found):.1f}, p95 {parts[94]:.1f}, p99 {parts[98]:.1f} ms"


def at_rest(run: Load, seconds: float) -> Use:
    """A run whose workers say nothing."""
    with screen("attach", str(run.run_dir)) as terminal:
        terminal.until(b"seed ")
        terminal.drain(QUIET_S)
        return use(terminal, seconds)


def row(what: str, values: Sequence[float], unit: str, goal: float, digits: int = 0) -> None:
    """One row of the table: the median and the range, against the goal."""
    middle = median(values)
    span = f" ({min(values):.{digits}f}-{max(values):.{digits}f})" if len(values) > 1 else ""
    line(what, f"{middle:.{digits}f}{span} {unit}", "-", f"{goal:g} {unit}: {verdict(middle <= goal)}")


def painted(what: str, found: Sequence[Paint], goal_s: float) -> None:
    """Two rows about first paints."""
    row(what, [1e3 * paint.seconds for paint in found], "ms", 1e3 * goal_s)
    spent = [1e3 * paint.cpu_s for paint in found]
    line(f"{what}: CPU time until then", f"{median(spent):.0f} ({min(spent):.0f}-{max(spent):.0f}) ms", "-", "-")


def under_load(case: Case, seconds: float) -> None:
    """Measure the screen of a run under load."""
    what = f"{case.tasks:,} tasks, {case.events_per_s:,.0f} events/s"
    with load(case.tasks, case.running) as run, screen("attach", str(run.run_dir)) as terminal:
        terminal.until(b"seed ")
        typed_s = 3 * KEY_S * (KEYS + ROUNDS * len(LOOKING)) + 3.0
        run.order(f"run {QUIET_S + seconds + typed_s} {case.events_per_s}")
        mark(terminal)
        terminal.drain(QUIET_S)
        found = use(terminal, seconds)
        pressed = {"j, k": moving(terminal, case.tasks), "others": looking(terminal)}
        run.answer()
        row(f"{what}: CPU", [found.cpu_percent], "%", case.cpu_percent, 1)
        for which, times in pressed.items():
            p95 = quantiles(times, n=20)[-1]
            said = f"median {median(times):.1f}, p95 {p95:.1f} ms"
            line(f"{what}: key to screen, {which}", said, "-", f"{KEY_MS} ms: {verdict(p95 <= KEY_MS)}")
        row(f"{what}: to the terminal", [found.kilobytes_per_s], "kB/s", KILOBYTES_PER_S)
        row(f"{what}: memory", [found.megabytes], "MB", case.megabytes)
        row(f"{what}: a reader stopped during {BURST:,} events is right", [late(run, terminal)], "s", LATE_S, 2)


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement under load")
    parser.add_argument("--rounds", type=int, default=5, help="first paints of each kind")
    chosen = parser.parse_args()
    compileall.compile_dir(ROOT / "cqltui", quiet=1)  # as it is where the program is installed
    compileall.compile_dir(ROOT / "trainer", quiet=1)
    print("| the screen, 160x48 | measured | ratio | goal |\n| --- | --- | --- | --- |")
    for tasks, goal in PAINTS.items():
        say(f"first paint, {tasks} tasks")
        with load(tasks, 20) as run:
            painted(f"first paint, attach, {tasks:,} tasks", [paint(run) for _ in range(chosen.rounds)], goal)
            if tasks == 49:
                row("CPU at rest", [at_rest(run, chosen.seconds).cpu_percent], "%", IDLE_PERCENT, 2)
    say("first paint, a new run")
    painted("first paint, a new run", [paint_new() for _ in range(chosen.rounds)], PAINT_NEW_S)
    line("the machine: one piece of Python, again and again", steadiness(), "-", "-")
    for case in CASES:
        say(f"{case.tasks} tasks under load")
        under_load(case, chosen.seconds)
    say("eight hours of events")
    grown = subprocess.run([sys.executable, "-m", "tests.benchmarks.screen_night"], stdout=subprocess.PIPE, check=True)
    row("memory that eight hours of events add to an hour's", [float(grown.stdout)], "MB", GROWTH_MB, 1)


if __name__ == "__main__":
    main()
