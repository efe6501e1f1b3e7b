"""`make science`: does the evaluation do what its statistics promise? Each figure beside the range that is accepted."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.science import alarm, intervals, leaks, offpolicy
from tests.science.page import Measured, Topic, outcome, page
from trainer.files import write_bytes

Rows = Callable[[int, int], Iterator[tuple[str, float, float, float]]]
TOPICS: dict[str, tuple[Rows, int]] = {
    "intervals": (intervals.rows, 2000),
    "offpolicy": (offpolicy.rows, 500),
    "leaks": (leaks.rows, 200),
    "alarm": (alarm.rows, 2000),
}
"""Each with the replications that its ranges are for."""


def main() -> int:
    """Print every figure; 1 if one is outside of its range."""
    parser = argparse.ArgumentParser(prog="make science", description=__doc__)
    parser.add_argument("--topic", choices=TOPICS, action="append", help="only this one (may be repeated)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="share of the replications, for a look")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the figures as a page, too (docs/science.md)")
    arguments = parser.parse_args()
    measured = []
    for name in arguments.topic or TOPICS:
        rows, whole = TOPICS[name]
        replications = max(2, round(arguments.share * whole))
        print(f"{name}: {replications:,} replications, seed {arguments.seed}", flush=True)
        figures = []
        for row in rows(replications, arguments.seed):
            figures.append(one := Measured(*row))
            print(f"  {one.mark:<7}  {one.value:9.4f}  {one.accepted:>14}  {one.name}", flush=True)
        measured.append(Topic(name, replications, arguments.seed, figures))
    print(outcome(measured))
    if arguments.page:
        write_bytes(arguments.page, page(measured, sys.argv[1:]).encode())
    return 0 if all(one.fits for topic in measured for one in topic.figures) else 1


if __name__ == "__main__":
    sys.exit(main())
