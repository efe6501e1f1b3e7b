"""`make chaos`: real campaigns under a seeded random schedule of faults, and at the end of each: was anything lost?

The same seed gives the same faults in the same order, as far as the machine's timing lets them meet the same moments.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random

import pytest
from msgspec import Struct, field
from msgspec.structs import asdict

from cqltui.results.left import from_disk
from tests.chaos import tools
from tests.chaos.faults import FAULTS, Fault, name_of
from tests.chaos.figures import check_status, read_figures
from tests.chaos.machines import Machines, machines
from tests.chaos.machines import why_not as why_no_machines
from tests.chaos.promise import Tally, digest, judge
from tests.chaos.server import OwnServer
from tests.chaos.world import CAMPAIGN, NotNow, World
from tests.integration.place import Place, Trained, hooked, until

STEP_S = 0.05
PAUSE_S = (1.0, 4.0)
"""Between two faults."""
UNDISTURBED_S = 600.0
ROUND_FAULTS = 40
"""After so many a run is let come to its end."""
FINISH_S = 400.0
"""In which a run that nobody disturbs any more has to end."""
LEFT_S = 120.0
"""In which a server has to end whose users were all killed."""

ELSEWHERE = 1
"""Of three rounds, the one with workers on other machines."""

Say = Callable[[str], None]


class Summary(Struct):
    """All rounds together."""

    tally: Tally = field(default_factory=Tally)
    faults: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    digests: set[str] = field(default_factory=set)

    @property
    def kept(self) -> bool:
        """Whether the promise was kept in all rounds."""
        return self.rounds > 0 and self.tally.kept and len(self.digests) == 1


def place_of(
    folder: Path, number: int, stack: ExitStack, pace_s: float
) -> tuple[Place, OwnServer | None, Machines | None]:
    """Where a round takes place: every third on the user's own server, on a host of its own if that can be had, and
    every third with workers on other machines too, if those can."""

    def paced(environment: Mapping[str, str]) -> Mapping[str, str]:
        return hooked(environment, PACE_S=str(pace_s)) if pace_s else environment

    if number % 3 == ELSEWHERE and not why_no_machines():
        made = stack.enter_context(machines(folder / "machines", folder / "place", pace_s))
        campaign = made.campaign(CAMPAIGN)
        return Place(folder / "place", None, campaign, paced(made.environment)), None, made
    if number % 3 == 2:
        network = None if tools.why_no_network() else stack.enter_context(tools.Network(number % 250))
        server = OwnServer(folder / "server", network)
        server.start()
        stack.callback(server.end)
        server.wait()
        return Place(folder / "place", server.url, CAMPAIGN, paced({})), server, None
    environment = {} if tools.why_no_clock() else tools.clock_environment(folder / "clock")
    disk = folder / "place"
    if not tools.why_no_disk():
        stack.enter_context(tools.small_disk(disk))
    # What is printed has room, whatever is full.
    return Place(disk, None, CAMPAIGN, paced(environment), outputs=folder), None, None


@contextmanager
def world_of(folder: Path, rng: Random, number: int, options: Sequence[str], pace_s: float = 0.0) -> Iterator[World]:
    """A round's world; nothing of it is left behind."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        place, own_server, elsewhere = place_of(folder, number, stack, pace_s)
        world = World(place, rng, options, own_server, elsewhere)
        stack.callback(world.close)
        yield world


def disturb(world: World, faults: Sequence[Fault], limit: int, until: float, say: Say) -> Counter[str]:
    """Inject faults into a run until it has ended, there were enough, or it is time; how many of each kind."""
    injected: Counter[str] = Counter()
    next_at = time.monotonic() + 3.0
    while not world.ended and injected.total() < limit and time.monotonic() < until:
        world.tend()
        if time.monotonic() >= next_at and (name := _inject(world, faults, injected)):
            injected[name] += 1
            say(name)
            next_at = time.monotonic() + world.rng.uniform(*PAUSE_S)
        time.sleep(STEP_S)
    return injected


def _inject(world: World, faults: Sequence[Fault], injected: Counter[str]) -> str:
    """One of those that were injected least; its name, or nothing if none makes sense just now."""
    for fault in sorted(faults, key=lambda fault: (injected[name_of(fault)], world.rng.random())):
        try:
            fault(world)
        except NotNow:
            continue
        return name_of(fault)
    return ""


def finish(world: World) -> None:
    """Let the run come to its end, and the screen tell of it."""
    world.heal()
    deadline = time.monotonic() + FINISH_S
    while not world.ended and time.monotonic() < deadline:
        world.tend()
        time.sleep(STEP_S)
    if not world.ended:
        world.complaints.append(f"the run did not end within {FINISH_S:.0f} s of the last fault")


def check(world: World, expected: Mapping[str, Trained]) -> Tally:
    """The run has ended: what has become of it?"""
    figures = read_figures(world.place.run_dir, expected)
    world.check_screen(figures)
    world.check_processes()
    try:
        world.complaints += check_status(world.place, figures)
    except (ValueError, KeyError, pytest.fail.Exception) as error:
        world.complaints.append(f"status after the end: {error}")
    tally = judge(world.place.run_dir, expected)
    tally.complaints += world.complaints
    return tally


def undisturbed(folder: Path) -> tuple[dict[str, Trained], tuple[str, ...]]:
    """What the campaign gives when nobody disturbs it, and the options with which it gives that anywhere: the precision
    that "auto" is on this machine, which with workers on machines that are not known is another."""
    place = Place(folder, None, CAMPAIGN)
    place.make(limit_s=UNDISTURBED_S)
    trained = place.trained()
    (precision,) = {task.info.settings["precision"] for task in from_disk(place.run_dir).tasks.values()}
    return trained, ("--set", f"trainer.precision={precision}")


def left_behind(place: Place) -> int:
    """How many processes of a run live on two minutes after all but its server was killed at once."""
    place.begin()
    try:
        until(place.under_way, "a task under way")
        server = place.server_pid()
        for process in place.processes():
            if process.pid != server:
                process.kill()
        deadline = time.monotonic() + LEFT_S
        while (left := len(place.processes())) and time.monotonic() < deadline:
            time.sleep(STEP_S)
        return left
    finally:
        place.end_all()


class Round(Struct, frozen=True):
    """One run from start to end."""

    folder: Path
    rng: Random
    number: int
    options: Sequence[str]
    expected: Mapping[str, Trained]
    pace_s: float = 0.0
    """What an epoch takes at least: a short training that lasts."""

    def run(self, faults: Sequence[Fault], limit: int, until: float, say: Say, summary: Summary) -> Tally:
        """Disturb it, let it end, and take it into the summary."""
        with world_of(self.folder, self.rng, self.number, self.options, self.pace_s) as world:
            summary.faults += disturb(world, faults, limit, until, say)
            finish(world)
            tally = check(world, self.expected)
            summary.digests |= {digest(self.expected), digest(world.place.trained_so_far())}
            if not tally.kept:  # the small disk goes with the round
                with suppress(shutil.Error):
                    shutil.copytree(world.place.folder, self.folder / "evidence")
        summary.rounds += 1
        summary.tally.add(tally)
        return tally


def report(summary: Summary, seed: int, minutes: float) -> str:
    """The summary as it is printed."""
    tally = summary.tally
    width = max(map(len, summary.faults), default=0)
    lines = [f"seed {seed}, {minutes:.1f} minutes, {summary.rounds} runs, {summary.faults.total()} faults", ""]
    lines += [f"  {name:<{width}}  {count:>4}" for name, count in sorted(summary.faults.items())]
    lines += [f"  {what}: none, since {why}" for what, why in missing().items() if why]
    counts = {name: value for name, value in asdict(tally).items() if isinstance(value, int)}
    lines += ["", *(f"  {name:<10}  {value:>6}" for name, value in counts.items())]
    same = "all equal to the undisturbed run's" if len(summary.digests) == 1 else "DIFFERENT"
    lines += [f"  {'digests':<10}  {same}: {', '.join(sorted(found[:16] for found in summary.digests))}"]
    lines += ["", "the promise was kept" if summary.kept else "THE PROMISE WAS BROKEN", *tally.complaints]
    return "\n".join(lines)


def missing() -> dict[str, str]:
    """Kinds of faults that this machine cannot have, with the reason."""
    return {
        "full disk": tools.why_no_disk(),
        "jump clock": tools.why_no_clock(),
        "pull cable": tools.why_no_network(),
        "workers elsewhere": why_no_machines(),
    }


def main() -> int:
    """Rounds until the time is over; 0 if the promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", nargs="+", default=[], metavar="FAULT", help="such as kill_worker")
    parser.add_argument("--keep", type=Path, help="a new folder in which everything stays to be looked at")
    chosen = parser.parse_args()
    began, rng, summary = time.monotonic(), Random(chosen.seed), Summary()
    end = began + 60 * chosen.minutes
    faults = [fault for fault in FAULTS if not chosen.only or fault.__name__ in chosen.only]

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", file=sys.stderr, flush=True)

    with ExitStack() as stack:
        folder = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cqltui-chaos-")))
        say("a run that nobody disturbs")
        expected, options = undisturbed(folder / "undisturbed")
        while time.monotonic() < end:
            number = summary.rounds
            say(f"run {number + 1}")
            disturbed = Round(folder / f"run-{number}", rng, number, options, expected)
            tally = disturbed.run(faults, ROUND_FAULTS, end, say, summary)
            say("kept" if tally.kept else f"BROKEN: {tally}")
        say("a run of which all but the server is killed")
        summary.tally.left += left_behind(Place(folder / "killed", None, CAMPAIGN))
    print(report(summary, chosen.seed, (time.monotonic() - began) / 60))
    return 0 if summary.kept else 1


if __name__ == "__main__":
    sys.exit(main())
