"""Whether bets return less than they should: a test that may be looked at after every week.

The null hypothesis: given all that is known before a week, each of its bets returns at least `least` of its stake in
expectation (0: bets break even). Somebody who doubts it plays against it with one unit of money. In a week, a fraction
f of it is put on each bet's returning less: the money becomes 1 + f sum(least - x) times what it was, x being the unit
returns. Under the null hypothesis no such game is worth playing, so the money is a nonnegative supermartingale, and
the probability that it ever reaches 1 / LEVEL is at most LEVEL (Ville's inequality), however often one looks, whenever
one stops, and however the bets of one week depend on each other (Waudby-Smith and Ramdas, Estimating means of bounded
random variables by betting, JRSS B 86, 2024; Shafer, Testing by betting, JRSS A 184, 2021).

The money is shared out equally among FRACTIONS beforehand, since the best one depends on how bad the bets are. A
week's bets and prices are known before it, so that its fraction may be cut by them: in the worst case, that all win,
MOST_AT_RISK of the money is lost.
"""

import numpy as np
from msgspec import Struct

from trainer.data.types import Double
from trainer.evaluation.blocks import Blocks
from trainer.evaluation.intervals import LEVEL

FRACTIONS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""The best fraction is about (least - mean) / variance, and a bet's variance is about 0.9."""
MOST_AT_RISK = 0.9
ALARM = 1 / LEVEL
"""The e-value at which there is an alarm."""
_LARGEST_LOG = 700.0
"""Beyond it a double has no exponential."""


class EProcess(Struct, frozen=True, eq=False):
    """Evidence against "each bet returns at least `least` in expectation", week by week."""

    least: float
    values: Double
    """[K], the e-value after each week: what one unit of the doubter's money has become."""

    @property
    def now(self) -> float:
        """The e-value after the last week; 1 before the first."""
        return float(self.values[-1]) if len(self.values) else 1.0

    @property
    def largest(self) -> float:
        """The largest e-value so far, the 1 of the start included. 1 / it is a p-value that holds at any time."""
        return max(1.0, float(self.values.max())) if len(self.values) else 1.0

    @property
    def alarm(self) -> int | None:
        """Index of the first week after which the e-value was ALARM or more; None where there is none."""
        reached = np.flatnonzero(self.values >= ALARM)
        return int(reached[0]) if len(reached) else None


def e_process(returns: Double, net_odds: Double, blocks: Blocks, least: float = 0.0) -> EProcess:
    """Return the e-process of bets [N] against "each returns at least `least`".

    Args:
        returns: [N], what one unit returned: net odds, -1, or 0 on a push.
        net_odds: [N], the most that one unit can return.
        blocks: the bets' weeks.
        least: share of the stake.
    """
    gained = blocks.sums(least - returns)
    worst = blocks.sums(np.maximum(net_odds - least, 0.0))
    with np.errstate(divide="ignore"):
        cut = MOST_AT_RISK / worst
    fractions = np.minimum(np.array(FRACTIONS)[:, None], cut)
    logs = np.log1p(fractions * gained).cumsum(axis=1)
    money = np.logaddexp.reduce(logs, axis=0) - np.log(len(FRACTIONS))
    return EProcess(least, np.exp(np.minimum(money, _LARGEST_LOG)))
