"""`python -m tests.benchmarks.eta RUN...`: how often recorded runs ended within the range that was predicted.

Each run is played again (`recorded`), and asked at many moments between its first claim and its last end when it will
end, and when its phases will. Without a run the cost of an estimate of 10,000 tasks is measured alone.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from cqltui.state.eta import estimate
from cqltui.state.model import Progress, RunState, Status, TaskState
from tests.benchmarks.recorded import Recorded, recorded
from tests.unit.runs import ARCHITECTURES, EPOCH_STEPS, LAUNCH, info, queued, run_of

MOMENTS = 200
QUARTERS = 4
TASKS, DONE, RUNNING, WORKERS = 10_000, 4_000, 64, 8
TIMES = 5
HEADING = (
    *("run", "s", "within", "0-25 %", "25-50 %", "50-75 %", "75-100 %"),
    *("sooner", "later", "width", "from"),
)


class Asked(Struct, frozen=True):
    """What was expected at one moment, and what came."""

    share: float
    """Of the run that had passed."""
    left_s: float
    """That it really took from then on."""
    expected_s: float | None
    between_s: tuple[float, float] | None

    @property
    def is_within(self) -> bool:
        """Whether the end lay within the range."""
        return self.between_s is not None and self.between_s[0] <= self.left_s <= self.between_s[1]

    @property
    def width(self) -> float:
        """Of the range, as a share of what remained."""
        low, high = self.between_s or (0.0, 0.0)
        return (high - low) / max(self.left_s, 1.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.eta", description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="a finished run's directory")
    parser.add_argument("--moments", type=int, default=MOMENTS, help="to ask at, of each run")
    options = parser.parse_args(arguments)
    found: dict[str, list[Asked]] = {}
    phases: list[Asked] = []
    rows: list[tuple[str, ...]] = [HEADING]
    for path in options.runs:
        try:
            run = recorded(path)
        except (OSError, ValueError) as error:
            print(f"{path} is left out: {error}", file=sys.stderr)
            continue
        name = run.at(run.finish_ts).campaign.name
        asked, of_phases = ask(run, options.moments)
        found.setdefault(name, []).extend(asked)
        phases += of_phases
        rows.append((str(path)[-36:], f"{run.finish_ts - run.start_ts:,.0f}", *figures(asked)))
    for name, asked in found.items():
        rows.append((f"all of {name}", "", *figures(asked)))
    if found:
        rows.append(("all", "", *figures([each for asked in found.values() for each in asked])))
        rows.append(("all phases of all", "", *figures(phases)))
        _print(rows)
        print("within: the true end lay in the range, of the moments that had one; sooner, later: it lay before, after")
        print("width: median, as a share of what remained; from: the share of the run before which nothing was said")
    for packed in (True, False):
        milliseconds = cost_s(many(packed)) * 1000
        print(f"an estimate of {TASKS:,} tasks, {'in packs' if packed else 'each alone'}: {milliseconds:.0f} ms of CPU")
    return 0


def ask(run: Recorded, moments: int) -> tuple[list[Asked], list[Asked]]:
    """Return what was expected of the run's end, and of the ends of its phases."""
    whole_s = run.finish_ts - run.start_ts
    ends: dict[str, float] = {}
    for task in run.at(run.finish_ts).tasks.values():
        ends[task.info.phase] = max(ends.get(task.info.phase, 0.0), task.life.finished_ts)
    asked, of_phases = [], []
    for number in range(moments):
        share = (number + 0.5) / moments
        now = run.start_ts + share * whole_s
        expected = estimate(run.at(now), now)
        asked.append(_asked(share, run.finish_ts, expected.finish_ts, expected.between, now))
        for phase, end_ts in ends.items():
            if end_ts > now:
                ts = expected.phases.get(phase)
                of_phases.append(_asked(share, end_ts, ts, expected.around(ts), now))
    return asked, of_phases


def _asked(
    share: float, end_ts: float, expected_ts: float | None, between: tuple[float, float] | None, now: float
) -> Asked:
    between_s = None if between is None else (between[0] - now, between[1] - now)
    return Asked(share, end_ts - now, None if expected_ts is None else expected_ts - now, between_s)


def figures(asked: Sequence[Asked]) -> tuple[str, ...]:
    """Return a line's figures."""
    told = [each for each in asked if each.between_s is not None]
    if not told:
        return ("nothing was said", *[""] * 8)
    quarters = [[each for each in told if int(each.share * QUARTERS) == quarter] for quarter in range(QUARTERS)]
    sooner = sum(each.between_s is not None and each.left_s < each.between_s[0] for each in told)
    return (
        _percent(sum(each.is_within for each in told), len(told)),
        *(_percent(sum(each.is_within for each in some), len(some)) for some in quarters),
        _percent(sooner, len(told)),
        _percent(len(told) - sooner - sum(each.is_within for each in told), len(told)),
        f"{median(each.width for each in told):.2f}",
        f"{min(each.share for each in told):.0%}",
    )


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def _print(rows: Iterable[Sequence[str]]) -> None:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        print(first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)))


def many(packed: bool) -> RunState:
    """Return a run of many tasks in its middle."""
    tasks: list[TaskState] = []
    for number in range(TASKS):
        task = info(number, f"phase {number % 3}", ARCHITECTURES[number % 8], epochs=100 + number % 7 * 50)
        tasks.append(queued(task if packed else replace(task, pack=""), float(number % 3)))
    now = LAUNCH + DONE * 2.0
    for number, state in enumerate(tasks[: DONE + RUNNING]):
        worker, token, task = f"w{number % WORKERS + 1}", f"1-{number + 1}", state.info
        done = number < DONE
        claimed_ts = LAUNCH + number * 2.0 if done else now - 30.0 + number % WORKERS
        epoch = task.epochs if done else task.epochs // 2
        elapsed_s, ts = 20.0 + number % 5, claimed_ts + 20
        report = Progress(token, epoch * EPOCH_STEPS, epoch, task.epochs, elapsed_s=elapsed_s, ts=ts)
        life = replace(state.life, worker=worker, token=token, started_ts=claimed_ts, claimed_ts=claimed_ts)
        if done:
            life = replace(life, status=Status.DONE, finished_ts=claimed_ts + 25, report=report)
            tasks[number] = replace(state, life=life)
        else:
            tasks[number] = replace(state, life=replace(life, status=Status.RUNNING), live=report)
    return run_of(tasks, now, WORKERS)


def cost_s(state: RunState) -> float:
    """Return the CPU seconds of an estimate, the best of some."""
    best = float("inf")
    for _ in range(TIMES):
        began_s = time.process_time()
        estimate(state, state.now)
        best = min(best, time.process_time() - began_s)
    return best


if __name__ == "__main__":
    sys.exit(main())
