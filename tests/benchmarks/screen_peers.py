"""`python -m tests.benchmarks.screen_peers`: other people's screens beside ours, in the same pseudo-terminal.

Each is installed into an environment of its own under build/peers (asks the package index), but btop, which is taken
where it is on PATH. First paint is the first moment at which so many lines of the terminal hold something; idle CPU and
memory are the whole process tree's. Ours shows a run that has ended and one that goes on without a word.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

import psutil
from msgspec import Struct

from tests.benchmarks.queue import say
from tests.benchmarks.screen import QUIET_S, load
from tests.integration.terminal import Terminal

PEERS = Path("build/peers")
LINES = 12
"""A screen with so many lines that hold something has been painted."""
LIMIT_S = 20.0
LOG_LINES = 5_000
LIVE = "import time\ndata = []\nwhile True:\n    data.append(bytearray(1000))\n    time.sleep(0.01)\n"


class Peer(Struct, frozen=True):
    """A program and how it is started; `{log}`, `{script}` and `{leet}` are files that are made for it."""

    package: str
    program: str
    arguments: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    """Of what it needs, where its newest does not work."""


FOUND = (
    Peer("harlequin", "harlequin", (":memory:",)),
    Peer("posting", "posting", (), ("tree-sitter<0.26",)),  # 2.11.1 dies of SIGSEGV with 0.26.1
    Peer("toolong", "tl", ("{log}",)),
    Peer("memray", "memray", ("run", "--live", "{script}")),
    Peer("wandb", "wandb", ("leet", "{leet}")),
)


class Seen(Struct, frozen=True):
    """What a program took."""

    paint_s: float
    cpu_percent: float
    megabytes: float


def install(peer: Peer) -> Path | None:
    """The peer's program; None where it cannot be installed."""
    place = PEERS / peer.package
    program = place / "bin" / peer.program
    if not program.exists():
        say(f"installing {peer.package}")
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        wanted = [peer.package, *peer.constraints]
        done = subprocess.run([place / "bin" / "pip", "install", "-q", *wanted], capture_output=True, check=False)
        if done.returncode or not program.exists():
            say(f"{peer.package} does not install here: {done.stderr.decode()[-200:]}")
            return None
    return program.absolute()


def watch(argv: list[str], cwd: Path, seconds: float) -> Seen:
    """Start it, and watch it at rest."""
    began = time.perf_counter()
    terminal = Terminal(argv, cwd)
    try:
        while sum(bool(line.strip()) for line in terminal.screen.display) < LINES:
            terminal.read(0.02)
            if (code := terminal.process.poll()) is not None:
                raise RuntimeError(f"{argv[0]} ended with {code} before it was painted:\n{terminal.text()[-2000:]}")
            if time.perf_counter() - began > LIMIT_S:
                raise RuntimeError(f"{argv[0]} was not painted in {LIMIT_S:.0f} s:\n{terminal.text()[-2000:]}")
        painted = time.perf_counter() - began
        _read_for(terminal, QUIET_S)
        before, start = _cpu_s(terminal.process.pid), time.perf_counter()
        _read_for(terminal, seconds)
        used = _cpu_s(terminal.process.pid) - before
        return Seen(painted, 100 * used / (time.perf_counter() - start), _megabytes(terminal.process.pid))
    finally:
        for process in _tree(terminal.process.pid):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        terminal.close()


def _read_for(terminal: Terminal, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        terminal.read(left)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_s(pid: int) -> float:
    return sum(times.user + times.system for process in _tree(pid) for times in [process.cpu_times()])


def _megabytes(pid: int) -> float:
    return sum(process.memory_info().rss for process in _tree(pid)) / 1e6


def row(name: str, seen: Sequence[Seen]) -> None:
    """One row of the table: medians."""
    paint, cpu, memory = (
        median(getattr(one, field) for one in seen) for field in ("paint_s", "cpu_percent", "megabytes")
    )
    print(f"| {name} | {1e3 * paint:,.0f} ms | {cpu:.1f} % | {memory:.0f} MB |", flush=True)


def main() -> None:
    """Measure ours, then the others, round by round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="at rest")
    parser.add_argument("--leet", type=Path, help="a wandb folder of offline runs, for LEET")
    parser.add_argument("--run", type=Path, help="a run that has ended, for ours")
    chosen = parser.parse_args()
    print("| program | first paint | CPU at rest | memory |\n| --- | --- | --- | --- |")
    ours = [sys.executable, "-m", "cqltui", "attach"]
    with tempfile.TemporaryDirectory(prefix="cqltui-bench-") as folder, load(49, 20) as run:
        log, script = Path(folder) / "a.log", Path(folder) / "live.py"
        log.write_text("".join(f"2026-01-01 21:00:{i % 60:02} INFO epoch {i}\n" for i in range(LOG_LINES)), "utf-8")
        script.write_text(LIVE, "utf-8")
        commands = {"cqltui attach, 49 tasks": [*ours, str(run.run_dir)]}
        if chosen.run is not None:
            commands["cqltui attach, ended"] = [*ours, str(chosen.run.absolute())]
        for peer in FOUND:
            needs_leet = "{leet}" in peer.arguments
            if (needs_leet and chosen.leet is None) or (program := install(peer)) is None:
                continue
            leet = "" if chosen.leet is None else str(chosen.leet.absolute())
            given = [text.format(log=log, script=script, leet=leet) for text in peer.arguments]
            commands[f"{peer.package}"] = [str(program), *given]
        if (btop := shutil.which("btop")) is not None:
            commands["btop"] = [btop]
        seen: dict[str, list[Seen]] = {name: [] for name in commands}
        for _ in range(chosen.rounds):
            for name, argv in commands.items():
                try:
                    seen[name].append(watch(argv, Path(folder), chosen.seconds))
                except RuntimeError as error:
                    say(str(error))
        for name, found in seen.items():
            if found:
                row(name, found)


if __name__ == "__main__":
    main()
