"""How far off the run's expected end may be, told by how far off its earlier expectations were. Pure.

What remains is taken to last between exp(-sooner) and exp(later) times as long as expected. Four things widen it:

- Little has been trained, or much of what remains is of shapes that nobody has trained yet.
- The work went faster or slower than expected. For two earlier moments the work that was left is computed with what was
  known of the speed then; by how much less is left now, for each second that workers have trained since, is the run's
  pace. 1 is as expected; 3 where other programs have left the machine since, or larger networks turned out cheap.
- What waits may go as fast as the fastest pack of its shape did: the first ones share the machine with what starts.
- The machine may get busier or freer, as it does for everybody.

The constants were chosen on recorded runs; `python -m tests.benchmarks.eta` measures how often the end lay within.
"""

from collections import defaultdict
from collections.abc import Mapping
from math import exp, hypot, log

from msgspec import Struct

from cqltui.state.model import TaskInfo
from cqltui.state.rates import Rates, Trained, told_by

DRIFT = 0.22
"""Of the logarithm of a speed from one part of a run to the next."""
OWN_SHARE = 0.6
"""As much of it for a pack that goes on, whose speed is its own."""
UNSEEN = 0.5
"""Of the logarithm of the speed of a shape that was not trained yet."""
NEW, NEW_S = 3.0, 2.0
"""In a run's first seconds, in which workers compile and load; halved once they have trained for `NEW_S`."""
LATER_SHARE = 0.4
"""Ends come later than expected by less than they come sooner: what slows a run down is there from its start."""
SLOWED_SHARE = 0.2
"""Of a pace that was slower than expected as much is expected to go on; one that was faster may stay so."""
FASTEST, SLOWEST = 6.0, 1 / 4
"""A pace beyond tells no more than these."""
MOMENTS = 0.25, 0.5
"""The earlier moments, as shares of the time since the first claim."""
WIDEST = 2.0
"""Beyond, the highest is more than seven times the lowest, and nothing is said."""
LEAST_S = 0.15
"""What is added at both ends: reports are a little old, and results are handed over."""


class Left:
    """What remains to be trained."""

    def __init__(self) -> None:
        self.steps: defaultdict[str, int] = defaultdict(int)
        """By shape, all of them."""
        self.own: defaultdict[str, int] = defaultdict(int)
        """Those of packs that go on."""
        self.flops: dict[str, int] = {}
        """Of a step of the shape."""

    def add(self, info: TaskInfo, steps: int, *, own: bool = False) -> None:
        """Count the steps of a pack of tasks like this one; `own`: it has shown its speed."""
        self.steps[info.shape] += steps
        self.flops[info.shape] = info.step_flops
        if own:
            self.own[info.shape] += steps


class Spread(Struct, frozen=True):
    """What the end may differ by: logarithms of factors of the time that remains, and seconds."""

    sooner: float
    later: float
    least_s: float = 0.0

    def around(self, ts: float, now: float) -> tuple[float, float] | None:
        """Return the earliest and the latest of what is expected at `ts`; None if that says nothing."""
        left_s = ts - now
        if self.sooner + self.later > WIDEST or left_s < 0:
            return None
        earliest = now + max(0.0, left_s * exp(-self.sooner) - self.least_s)
        return earliest, now + left_s * exp(self.later) + self.least_s


def spread(measured: Rates, left: Left, now: float) -> Spread:
    """Return how far off the end of what is left may be."""
    rated = {shape: measured.shape_s(shape, left.flops[shape]) or 0.0 for shape in left.steps}
    seconds = {shape: steps * rated[shape] for shape, steps in left.steps.items()}
    total_s = sum(seconds.values()) or 1.0
    own = sum(steps * rated[shape] for shape, steps in left.own.items()) / total_s
    unseen = sum(each for shape, each in seconds.items() if shape not in measured.measured) / total_s
    trained_s = sum(pack.seconds for pack in measured.packs.values())
    new = NEW / (1 + trained_s / NEW_S)
    base = hypot(DRIFT * (1 - own + OWN_SHARE * own), UNSEEN * unseen, new)
    paces = [log(min(FASTEST, max(SLOWEST, pace))) for pace in _paces(measured, left, total_s, now)]
    faster, slower = max(paces, default=0.0), min(paces, default=0.0)
    return Spread(
        sooner=base + max(0.0, faster) + _best(measured, left, rated) / total_s,
        later=LATER_SHARE * base - SLOWED_SHARE * min(0.0, slower),
        least_s=LEAST_S + measured.overhead_s / 2,
    )


def _best(measured: Rates, left: Left, rated: Mapping[str, float]) -> float:
    """Return the sum over what waits of its seconds and the logarithm by how much faster its shape's best pack was."""
    fastest: dict[str, float] = {}
    for pack in measured.packs.values():
        pace_s = pack.seconds / pack.steps
        fastest[pack.info.shape] = min(pace_s, fastest.get(pack.info.shape, pace_s))
    return sum(
        (steps - left.own[shape]) * rated[shape] * log(rated[shape] / fastest[shape])
        for shape, steps in left.steps.items()
        if rated[shape] > fastest.get(shape, rated[shape])
    )


def _paces(measured: Rates, left: Left, now_s: float, now: float) -> list[float]:
    """Return the paces since the earlier moments, as far as something was trained before and after them. `now_s`: the
    seconds of a worker that what is left takes by what is known now."""
    packs = [(claimed_ts, pack) for (_, claimed_ts), pack in measured.packs.items()]
    start_ts = min((claimed_ts for claimed_ts, _ in packs), default=now)
    flops = {pack.info.shape: pack.info.step_flops for _, pack in packs} | left.flops
    found = []
    for share in MOMENTS:
        moment = start_ts + share * (now - start_ts)
        then, since, spent_s = _at(packs, moment)
        if spent_s > 0 and then.measured:
            steps = defaultdict(float, since)
            for shape, remaining in left.steps.items():
                steps[shape] += remaining
            then_s = sum(n * (then.shape_s(shape, flops[shape]) or 0.0) for shape, n in steps.items())
            found.append((then_s - now_s) / spent_s)
    return found


def _at(packs: list[tuple[float, Trained]], moment: float) -> tuple[Rates, dict[str, float], float]:
    """Return what was known of the speed at that moment, the steps made since by shape, and the seconds they took. A
    pack that trained then is taken to have trained evenly."""
    seen: list[tuple[Trained, float]] = []
    since: defaultdict[str, float] = defaultdict(float)
    spent_s = 0.0
    for claimed_ts, pack in packs:
        share = 0.0
        if claimed_ts < moment:
            share = 1.0 if pack.ts <= moment else (moment - claimed_ts) / (pack.ts - claimed_ts)
            seen.append((pack, share))
        if share < 1:
            since[pack.info.shape] += (1 - share) * pack.steps
            spent_s += (1 - share) * pack.seconds
    return told_by(seen), since, spent_s
