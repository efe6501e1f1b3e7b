"""Which wrong code would pass? Changes the code of each room harmfully, a change at a time, and runs the room's tests.

    python -m tests.mutants.run [--room data ...] [--seed 1] [--sample 60] [--noticed]

Changes are drawn by chance from all that the operators of `python.py` and `lua.py` can do, and taken from named.toml.
Those of equivalent.toml do no harm, and count neither way. Exits with 1 if a room notices less than it should.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from msgspec import Struct, field

from tests.mutants import inject
from tests.mutants.mutant import Mutant, drawn
from tests.mutants.named import NotApplicable, equivalent, named, outdated
from tests.mutants.rooms import ROOMS, ROOT, Room
from tests.mutants.session import NOTICED, SURVIVED, Trial, Verdicts

COLD_S = 180.0
NOT_LOADED = "ImportError while loading conftest"
"""What pytest says, with its exit code for a mistake of the user's."""
LOADED = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
PYTEST = ("-q", "-n", "0", "-p", "no:cacheprovider", "-W", LOADED)


class Outcome(Struct):
    """What a room's tests noticed."""

    room: Room
    noticed: list[tuple[Mutant, str]] = field(default_factory=list)
    survived: list[Mutant] = field(default_factory=list)
    harmless: list[Mutant] = field(default_factory=list)
    gone: list[NotApplicable] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Tests that fail on the code as it is, some of them for being slowed down."""
    problem: str = ""
    seconds: float = 0.0

    @property
    def share(self) -> float:
        """Noticed of all that do harm."""
        tried = len(self.noticed) + len(self.survived)
        return len(self.noticed) / tried if tried else 0.0

    @property
    def passed(self) -> bool:
        """Whether the room notices what it should, and every named change could be tried."""
        return not self.problem and not self.gone and self.share >= self.room.wanted


def try_room(room: Room, sample: int, seed: int, jobs: int) -> Outcome:
    """Try the room's changes. In a process of its own: it loads the room's tests."""
    outcome, began = Outcome(room, gone=[*outdated(room.files())]), time.monotonic()
    harmless = equivalent()
    mutants: list[Mutant] = []
    for entry in named(room.name):
        if isinstance(entry, NotApplicable):
            outcome.gone.append(entry)
        else:
            mutants.append(entry)
    for mutant in drawn(room, sample, seed):
        (outcome.harmless if mutant.key in harmless else mutants).append(mutant)
    trial = Trial(mutants, jobs)
    sys.stdout.flush()
    kept = os.dup(1)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 1)
        pytest.main([*PYTEST, *room.test_files()], plugins=[trial])
        os.dup2(kept, 1)
        said.seek(0)
        text = said.read().decode(errors="replace")
    verdicts = trial.verdicts
    outcome.left_out = verdicts.left_out
    outcome.problem = "" if verdicts.seconds else f"pytest said\n{text}"
    if not outcome.problem:
        _judge(outcome, mutants, verdicts, jobs)
    outcome.seconds = time.monotonic() - began
    return outcome


def _judge(outcome: Outcome, mutants: list[Mutant], verdicts: Verdicts, jobs: int) -> None:
    with ThreadPoolExecutor(jobs) as pool:
        cold = list(pool.map(lambda place: _cold(mutants[place], outcome), verdicts.cold))
    verdicts.noticed_by |= dict(zip(verdicts.cold, cold, strict=True))
    for place, mutant in enumerate(mutants):
        if by := verdicts.noticed_by[place]:
            outcome.noticed.append((mutant, by))
        else:
            outcome.survived.append(mutant)


def _cold(mutant: Mutant, outcome: Outcome) -> str:
    """Try a change of what a module does when it is loaded. By what it was noticed, "" if it was not."""
    with tempfile.TemporaryDirectory(prefix="cqltui-mutants-") as folder:
        text = Path(folder, "text")
        text.write_text(mutant.text, encoding="utf-8")
        environment = {
            inject.MODULE: mutant.module,
            inject.PATH: str(ROOT / mutant.file),
            inject.TEXT: str(text),
            "TMPDIR": folder,
        }
        left_out = [word for test in outcome.left_out for word in ("--deselect", test)]
        plugin = ("-x", "-p", "tests.mutants.inject")
        command = [sys.executable, "-m", "pytest", *PYTEST, *plugin, *left_out, *outcome.room.test_files()]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=COLD_S
            )
        except subprocess.TimeoutExpired:
            return "the time limit"
    if done.returncode == 0:
        return ""
    if NOT_LOADED in done.stderr:
        return "conftest.py, which cannot be loaded with it"
    if done.returncode not in {1, 2}:  # a test has failed, or cannot even be collected
        raise RuntimeError(f"{mutant} could not be tried:\n{done.stdout}{done.stderr}")
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split(" - ")[0].partition(" ")[2] if failed else f"exit code {done.returncode}"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    names = [room.name for room in ROOMS]
    parser.add_argument("--room", nargs="+", choices=names, default=names, help="rooms to try (all)")
    parser.add_argument("--seed", type=int, default=1, help="another seed draws other changes (1)")
    parser.add_argument("--sample", type=int, default=60, help="changes drawn in each room (60)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="tried at once (one a core)")
    parser.add_argument("--noticed", action="store_true", help="also list what was noticed, and by which test")
    options = parser.parse_args()
    outcomes = []
    for room in ROOMS:
        if room.name in options.room:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                outcome = pool.submit(try_room, room, options.sample, options.seed, options.jobs).result()
            _tell(outcome, options.noticed)
            outcomes.append(outcome)
    print("\nroom          tried  noticed   share  equivalent  not applicable  seconds")
    for outcome in outcomes:
        tried = len(outcome.noticed) + len(outcome.survived)
        print(
            f"{outcome.room.name:<12} {tried:>6}  {len(outcome.noticed):>7}  {outcome.share:>6.1%} "
            f" {len(outcome.harmless):>10}  {len(outcome.gone):>14}  {outcome.seconds:>7.0f}"
            f"{'' if outcome.passed else '   below what is wanted'}"
        )
    return SURVIVED if all(outcome.passed for outcome in outcomes) else NOTICED


def _tell(outcome: Outcome, noticed: bool) -> None:
    print(f"\n{outcome.room.name}")
    if outcome.problem:
        print(f"  NOT TRIED: {outcome.problem}")
    for test in outcome.left_out:
        print(f"  LEFT OUT, it fails without a change: {test}")
    for entry in outcome.gone:
        print(f"  NOT APPLICABLE: {entry}")
    for mutant in outcome.survived:
        print(f"  survived: {'(named) ' if mutant.named else ''}{mutant}")
    if noticed:
        for mutant, by in outcome.noticed:
            print(f"  noticed: {mutant}\n      by {by}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
