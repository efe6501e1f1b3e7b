"""`make scale`: a thousand workers and a million tasks, as a Markdown table with goals and verdicts.

Simulated workers speak the real protocol to a real embedded server and a real supervisor, and train nothing.
Each part has a process and a server of its own: none is measured in what another has left. Progress goes to standard
error.
"""

import argparse
import resource
import subprocess
import sys
from collections.abc import Sequence

from cqltui.broker.protocol.pages import MANY
from tests.scale import intake, measures
from tests.scale.campaigns import place
from tests.scale.judging import judged
from tests.scale.sharing import shared
from tests.scale.supervised import supervised
from tests.scale.workers import crew

BURSTS = 600
PARTS = ("tasks", "workers", "reports", "shares", "judging")


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def row(what: str, measured: str, goal: str = "-", met: bool | None = None) -> None:
    """One line of the table."""
    verdict = "-" if met is None else "met" if met else "MISSED"
    print(f"| {what} | {measured} | {goal} | {verdict} |", flush=True)


def bounded(what: str, value: float, unit: str, most: float, digits: int = 1) -> None:
    """A line whose value is to be at most so much."""
    row(what, f"{value:,.{digits}f} {unit}", f"<= {most:g} {unit}", value <= most)


def tasks(count: int, goals: tuple[float, float, float, float], seconds: float) -> None:
    """Submission, a late reader, memory, and the supervisor's events."""
    submit_s, read_s, event_ms, server_mb = goals
    say(f"{count:,} tasks")
    with place(count) as at:
        took, missing = measures.filled(at)
        row(f"{count:,} tasks: submit", str(took), f"<= {submit_s:g} s", took.cpu_s <= submit_s)
        bounded(f"{count:,} tasks: server memory", at.memory_mb(), "MB", server_mb, 0)
        row(f"{count:,} tasks: events missing from the journal", f"{missing:,}", "0", missing <= 0)
        if count > MANY:
            read, turned, held = measures.paged(at)
            what = f"a late reader is right: all are counted, {held:,} are held"
            row(f"{count:,} tasks: {what}", str(read), f"<= {read_s:g} s", read.cpu_s <= read_s)
            row(f"{count:,} tasks: a page of others is there", str(turned))
            row(f"{count:,} tasks: all are read, as a supervisor does", str(measures.late_reader(at)))
        else:
            early = measures.summed(at)
            row(f"{count:,} tasks: a late screen has header, phases and queue", str(early), "<= 5 s", early.cpu_s <= 5)
            read = measures.late_reader(at)
            row(f"{count:,} tasks: a late reader is right", str(read), f"<= {read_s:g} s", read.cpu_s <= read_s)
        if not seconds:
            return
        with supervised(at) as child:
            child.rest()
            rest, took_s = measures.event_s(at, child, crew(at.server.queue, 10), seconds)
            told = f"{rest:.0%} of a core, {child.memory_mb():,.0f} MB"
            row(f"{count:,} tasks: supervisor at rest", told)
            bounded(f"{count:,} tasks: supervisor, per event", 1000 * took_s, "ms", event_ms, 2)


def workers(count: int, pack: int) -> None:
    """Claims and leases."""
    say(f"{count:,} workers claim")
    with place(count * pack * 2) as at:
        measures.filled(at)
        at.server.queue.set_workers(count)
        all_ = crew(at.server.queue, count)
        last_s, whole = measures.claims(at, all_, pack)
        held = sum(len(worker.claims) for worker in all_)
        what = f"{count:,} workers x packs of {pack}"
        bounded(f"{what} ({held:,} leases): a claim", 1000 * last_s, "ms", 3)
        row(f"{what}: all have their first task", str(whole), "<= 5 s", whole.cpu_s <= 5)
        took = measures.leases_s(at)
        row(f"{what}: leases(), twice a second", f"{1000 * took.cpu_s:.0f} ms")


def reports(count: int, tasks_: int) -> None:
    """Reports taken in."""
    say(f"{count:,} workers report")
    for size in (tasks_ // 10, tasks_):
        for members in (1, 10):
            each = intake.taken_in(size, members, curve=False)
            what = f"{size:,} tasks: reports of {members} task{'s' * (members > 1)}, taken in one by one"
            told = f"{each:,.0f} a second of the processor ({each * members:,.0f} tasks')"
            row(what, told, ">= 5,000" if members == 1 else "-", each >= 5_000 if members == 1 else None)
    with place(count * 5) as at:
        measures.filled(at)
        all_ = crew(at.server.queue, count)
        measures.claims(at, all_, 1)
        _, again = measures.intake(at, all_, BURSTS)
        row(f"{count:,} workers: {BURSTS} reports in bursts of 100: whole readings again", f"{again}", "0", again == 0)


def shares(count: int) -> None:
    """Workers that two campaigns share by their weights."""
    say(f"{count:,} workers are shared")
    with place(1) as at:
        found = shared(at.client, count, 20 * count)
        what = f"{count:,} workers shared by two campaigns, weights 3 : 1, {found.turns:,} turns"
        row(f"{what}: their time", f"{found.ratio:.2f} : 1", "2.7 to 3.3", 2.7 <= found.ratio <= 3.3)
        row(f"{what}: a choice", f"{1000 * found.choose_s:.1f} ms")


def judging(tasks_: int) -> None:
    """Criteria and questions that look at whole curves."""
    say(f"{tasks_:,} tasks are judged")
    look_s, judge_s = judged(tasks_, 1000)
    what = f"{tasks_:,} finished tasks of 1,000 epochs"
    bounded(f"{what}: a look at one that ends", 1000 * look_s, "ms", 50)
    bounded(f"{what}: 7 criteria and 5 questions judged anew", 1000 * judge_s, "ms", 50)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long the supervisor is watched")
    parser.add_argument("--million", action="store_true", help="a million tasks too")
    parser.add_argument("--no-heading", action="store_true", help="of the table: another process has printed it")
    asked = parser.parse_args(arguments)
    if not asked.no_heading:
        print("| at scale | measured | goal | verdict |\n| --- | --- | --- | --- |", flush=True)
    if len(asked.parts) > 1:
        given = sys.argv[1:] if arguments is None else arguments
        # Of several --parts the last one counts.
        own = [sys.executable, "-m", "tests.scale.run", *given, "--no-heading", "--parts"]
        codes = [subprocess.run([*own, part], check=False).returncode for part in asked.parts]
        return int(any(codes))
    if "tasks" in asked.parts:
        tasks(asked.tasks, (5.0, 1.5, 0.2, 150.0), asked.seconds)
        if asked.million:
            tasks(1_000_000, (60.0, 5.0, 0.2, 1500.0), 0.0)
    if "workers" in asked.parts:
        workers(asked.workers, 10)
    if "reports" in asked.parts:
        reports(asked.workers, asked.tasks)
    if "shares" in asked.parts:
        shares(min(asked.workers, 80))  # each has a connection, and a pool a hundred
    if "judging" in asked.parts:
        judging(asked.workers)
    say(f"memory of this process at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
