"""`make bench`: the queue alone, with leases, fencing and events, on the embedded server, its AOF synced each second.

One worker process (this one) claims no-op tasks and completes them, one call each, through the `Queue` of workers.
In the same rounds it sends as many bare round trips: what no protocol of two calls a task can pass on this machine.
The table is Markdown, progress goes to standard error.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from statistics import median

from tests.benchmarks import queue_work as work

TASKS_PER_S, SUBMIT_S, STEADY = 3_000, 10.0, 0.9
"""Goals: tasks a second by one worker, seconds for 100,000 tasks, and claims from the longest queue over those from
the shortest, in the same round."""
FILLED_AT_ONCE = 20_000
EMPTY = ("EVAL", "return 1", 0)
DEPTHS = (1_000, 10_000, 100_000, 1_000_000)
CLAIMS = 500
"""A round's claims from a queue: half of the shortest one."""
TURNS = 5
"""Rounds of claims for each of the others: they are short, and the fill takes longer."""


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def shown(values: Sequence[float]) -> str:
    """Median and range."""
    return f"{median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def verdict(met: bool) -> str:
    """The last words of a line with a goal."""
    return "met" if met else "MISSED"


def line(what: str, measured: str, ratio: str, goal: str) -> None:
    """One row of the table."""
    print(f"| {what} | {measured} | {ratio} | {goal} |", flush=True)


def rates(at: work.Place, rounds: int, count: int, run: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Of each round: tasks a second, and the part of the bare round trips' speed that this is."""
    found, ratios = [], []
    for _ in range(rounds):
        floor = work.round_trips(at, count, *EMPTY)
        found.append(run())
        ratios.append(found[-1] / floor)
    return found, ratios


def no_ops(rounds: int, count: int) -> None:
    """Claim and complete."""
    with work.place() as at:
        work.submit(at, 0, (4 * rounds + 1) * count)
        work.no_ops(at, count)  # warm
        pings = [work.round_trips(at, count, "PING") for _ in range(rounds)]
        floors = [work.round_trips(at, count, *EMPTY) for _ in range(rounds)]
        line("bare round trips, two a task: PING", f"{shown(pings)} tasks/s", "-", "-")
        line("bare round trips, two a task: an empty script", f"{shown(floors)} tasks/s", "1.00", "-")
        alone, ratios = rates(at, rounds, count, lambda: work.no_ops(at, count))
        goal = f"{TASKS_PER_S:,} tasks/s: {verdict(median(alone) >= TASKS_PER_S)}"
        line("claim and complete, one by one", f"{shown(alone)} tasks/s", f"{median(ratios):.2f}", goal)
        with work.subscriber(at, rounds * count):
            heard, ratios = rates(at, rounds, count, lambda: work.no_ops(at, count))
        line("the same, a subscriber reads all events", f"{shown(heard)} tasks/s", f"{median(ratios):.2f}", "-")
        packs = [work.no_ops(at, count, limit=10) for _ in range(rounds)]
        line("claimed in packs of 10, completed one by one", f"{shown(packs)} tasks/s", "-", "-")


def submission(rounds: int, count: int) -> None:
    """enqueue_many, each time into a server with nothing in it."""
    took = []
    for _ in range(rounds):
        with work.place() as at:
            took.append(work.submit(at, 0, count))
    seconds = f"{median(took):.2f} s ({min(took):.2f}-{max(took):.2f})"
    goal = f"{SUBMIT_S:.0f} s: {verdict(median(took) < SUBMIT_S)}" if count >= 100_000 else "-"
    line(f"{count:,} tasks submitted", f"{seconds}, {count / median(took):,.0f} tasks/s", "-", goal)


def depths(rounds: int, lengths: Sequence[int]) -> None:
    """Claims from queues of several lengths, each on a server of its own, in turn: a slow moment is one of them all."""
    found: dict[int, list[float]] = {length: [] for length in lengths}
    with ExitStack() as stack:
        places = {length: stack.enter_context(work.place()) for length in lengths}
        for length, at in places.items():
            for first in range(0, length, FILLED_AT_ONCE):
                work.submit(at, first, min(FILLED_AT_ONCE, length - first))
        os.sync()  # what the fill left for the disk would slow the first rounds
        for at in places.values():
            work.settle(at.client)
            work.claims(at, CLAIMS)  # warm
        for _ in range(rounds * TURNS):
            for length, at in places.items():
                found[length].append(work.claims(at, CLAIMS))
    for length, rates_ in found.items():
        ratio = median(now / shortest for now, shortest in zip(rates_, found[lengths[0]], strict=True))
        last = length == lengths[-1]
        goal = f"{STEADY} of the shortest queue's: {ratio:.2f}, {verdict(ratio >= STEADY)}" if last else "-"
        line(f"claims, one a call, {length:,} queued", f"{shown(rates_)} claims/s", f"{ratio:.2f} of the first", goal)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer tasks and shorter queues")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parts", nargs="+", choices=("no-ops", "submission", "depths"))
    chosen = parser.parse_args(arguments)
    parts = chosen.parts or ("no-ops", "submission", "depths")
    count, many, lengths = (1_000, 10_000, DEPTHS[:3]) if chosen.quick else (2_000, 100_000, DEPTHS)
    print(f"{chosen.rounds} rounds: median (lowest-highest); {count:,} no-op tasks a round\n")
    print("| the queue alone | measured | of an empty script's round trips | goal |")
    print("| --- | --- | --- | --- |", flush=True)
    if "no-ops" in parts:
        say("no-op tasks, claimed and completed")
        no_ops(chosen.rounds, count)
    if "submission" in parts:
        say("submission")
        submission(min(3, chosen.rounds), many)
    if "depths" in parts:
        say(f"claims with up to {lengths[-1]:,} queued")
        depths(chosen.rounds, lengths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
