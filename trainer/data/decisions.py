"""What was offered at each decision, and how it came out: what evaluation looks at and training never does.

A decision is one game. Side 0 is the one that the state is seen from, side 1 the other. Everything is [N], or [N, 2]
with a column a side, in the order of the states. What a source does not tell is NaN.
"""

import numpy as np
from msgspec import Struct

from trainer.data.arrays import Bool, Double, Int

SIDES = (0, 1)
NO_SIDE = -1
"""No bet, where a side is chosen."""


class Dated(Struct, frozen=True, eq=False):
    """N things in order of time."""

    game_ids: tuple[str, ...]
    seasons: Int
    weeks: Int
    days: Int
    """`date.toordinal()`. Where only the week is known, its first."""

    def __len__(self) -> int:
        return len(self.seasons)


class Decisions(Dated, frozen=True, eq=False):
    """N decisions in order of time. Stakes are sized at the start of a day."""

    home: Bool
    """Whether side 0 is the home team."""
    spread: Double
    """Points by which side 0 is favoured at the close."""
    margin: Double
    """Score of side 0 minus that of side 1. It is the outcome, which only `covers`, `returns` and the audit go by: it
    is in no feature, and no policy is given it."""
    market_prob: Double
    """The market's probability that side 0 wins, without vig."""
    p_hat: Double
    """The model's."""
    net_odds: Double
    """[N, 2], profit per unit of a bet that wins."""
    returns: Double
    """[N, 2], what one unit on the side returned: net odds, -1, or 0 on a push."""
    true_returns: Double
    """[N, 2], what it returns in expectation, where a simulator knows it."""

    @property
    def covers(self) -> Double:
        """[N], 1 where side 0 covers the spread, -1 where side 1 does, 0 on a push, NaN where it is not known."""
        return np.sign(self.margin - self.spread)

    def take(self, rows: Int) -> "Decisions":
        """Return the chosen rows, in the order of `rows` [M]."""
        arrays = {name: getattr(self, name)[rows] for name in _ARRAYS}
        return Decisions(tuple(self.game_ids[row] for row in rows.tolist()), **arrays)


def both(first: Decisions, then: Decisions) -> Decisions:
    """Return the decisions of both, those of `first` first."""
    arrays = {name: np.concatenate([getattr(first, name), getattr(then, name)]) for name in _ARRAYS}
    return Decisions(first.game_ids + then.game_ids, **arrays)


_ARRAYS = tuple(name for name in Decisions.__struct_fields__ if name != "game_ids")


def american_to_net(odds: Double) -> Double:
    """Return the profit per unit of a won bet: -110 pays 0.909, +120 pays 1.2. |odds| is at least 100."""
    return np.where(odds > 0, odds / 100, 100 / np.abs(odds))


def implied_probability(odds: Double) -> Double:
    """Return the probability at which American odds break even, vig included: -110 is 0.524."""
    return 1 / (1 + american_to_net(odds))


def unit_returns(covers: Double, net_odds: Double) -> Double:
    """Return what one unit on either side returned [N, 2]: net odds, -1, or 0 on a push. `covers` as of `Decisions`."""
    beats = np.stack([covers, -covers], axis=1)
    return np.where(beats > 0, net_odds, beats) + 0.0  # no negative zeros


def own_side_first(home: Bool, values: Double) -> Double:
    """Return values [N, 2] of the home and the away side with the side first that a decision is seen from."""
    return np.where(home[:, None], values, values[:, ::-1])
