"""`make science`: does the evaluation do what its statistics promise? Each figure beside the range that is accepted."""

import argparse
import sys
from collections.abc import Callable, Iterator

from tests.science import alarm, intervals, leaks, offpolicy

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
    arguments = parser.parse_args()
    outside = 0
    for topic in arguments.topic or TOPICS:
        rows, whole = TOPICS[topic]
        replications = max(2, round(arguments.share * whole))
        print(f"{topic}: {replications:,} replications, seed {arguments.seed}", flush=True)
        for name, measured, low, high in rows(replications, arguments.seed):
            fits = low <= measured <= high
            outside += not fits
            mark = "within " if fits else "OUTSIDE"
            print(f"  {mark}  {measured:9.4f}  [{low:g}, {high:g}]  {name}", flush=True)
    print(f"{outside} outside of their range" if outside else "all within")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
