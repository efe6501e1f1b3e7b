"""What bets paid: profits, the record of wins, losses and pushes, and the win rate that the prices ask for.

A stake is a share of the largest stake, which is the unit that profits are counted in. Which outcome a bet had follows
from `Decisions.returns` alone, so that a push is neither won nor lost, and returns the stake.
"""

import numpy as np
from msgspec import Struct

from trainer.data.decisions import NO_SIDE, SIDES, Decisions
from trainer.data.types import Bool, Double, Int


class Bets(Struct, frozen=True, eq=False):
    """What a policy does at each of N decisions."""

    side: Int
    """[N], 0, 1, or NO_SIDE where it does not bet."""
    stake: Double
    """[N], share of the largest stake: in (0, 1] where it bets, 0 where it does not."""

    def __post_init__(self) -> None:
        """Raise ValueError where sides and stakes do not fit each other."""
        if self.side.ndim != 1 or self.side.shape != self.stake.shape:
            raise ValueError(f"a side and a stake a decision, not {self.side.shape} and {self.stake.shape}")
        if not np.isin(self.side, (NO_SIDE, *SIDES)).all():
            raise ValueError(f"a side is {NO_SIDE}, 0 or 1")
        fits = np.where(self.side == NO_SIDE, self.stake == 0, (self.stake > 0) & (self.stake <= 1))
        if not fits.all():
            row = int(np.argmin(fits))
            raise ValueError(
                f"decision {row}: stake {self.stake[row]} on side {self.side[row]}; it is in (0, 1], or 0 for no bet"
            )

    def __len__(self) -> int:
        return len(self.side)

    @property
    def placed(self) -> Bool:
        """[N], whether it bets."""
        return np.asarray(self.side != NO_SIDE)

    def take(self, rows: Int) -> "Bets":
        """Return the bets at the chosen decisions, in the order of `rows` [M]."""
        return Bets(self.side[rows], self.stake[rows])


class Record(Struct, frozen=True):
    """How many bets were won, lost and pushed."""

    wins: int
    losses: int
    pushes: int

    @property
    def bets(self) -> int:
        """All bets, pushes included."""
        return self.wins + self.losses + self.pushes

    @property
    def decided(self) -> int:
        """The bets that were won or lost."""
        return self.wins + self.losses

    @property
    def win_rate(self) -> float | None:
        """W / (W + L); None where no bet was decided."""
        return self.wins / self.decided if self.decided else None

    def __str__(self) -> str:
        return f"{self.wins}-{self.losses}-{self.pushes}"


def of_side_taken(values: Double, bets: Bets) -> Double:
    """Return the value of the side that was bet on [N], 0 where there is no bet. `values` [N, 2], a column a side."""
    if len(values) != len(bets):
        raise ValueError(f"{len(bets)} bets for {len(values)} decisions")
    taken = values[np.arange(len(bets)), np.maximum(bets.side, 0)]
    return np.where(bets.placed, taken, 0.0)


def outcomes(bets: Bets, decisions: Decisions) -> Double:
    """Return what one unit on the side taken returned [N]: net odds, -1, or 0 on a push and where there is no bet.

    Raises:
        ValueError: a bet is on a decision whose outcome is not known. Such decisions cannot be evaluated.
    """
    returned = of_side_taken(decisions.returns, bets)
    unknown = np.flatnonzero(np.isnan(returned))
    if len(unknown):
        raise ValueError(f"{len(unknown)} bets have no outcome, the first on {decisions.game_ids[unknown[0]]}")
    return returned


def profits(bets: Bets, decisions: Decisions) -> Double:
    """Return each decision's profit [N], in units of the largest stake; 0 on a push and where there is no bet.

    Raises:
        ValueError: a bet is on a decision whose outcome is not known.
    """
    return bets.stake * outcomes(bets, decisions)


def record(bets: Bets, decisions: Decisions) -> Record:
    """Return how many bets were won, lost and pushed.

    Raises:
        ValueError: a bet is on a decision whose outcome is not known.
    """
    returned = outcomes(bets, decisions)
    wins, losses = int((returned > 0).sum()), int((returned < 0).sum())
    return Record(wins, losses, int(bets.placed.sum()) - wins - losses)


def break_even(bets: Bets, decisions: Decisions) -> float | None:
    """Return the win rate at which these bets, at these prices, come out even; None where no bet was decided.

    If each of n decided bets wins with the same chance w, equal stakes gain w sum(b) and lose (1 - w) n, b being the
    net odds: w is 1 / (1 + mean b), 11 / 21 = 52.4 % where all are at -110. Stakes do not count, as they do not in the
    win rate, and neither do pushes.

    Raises:
        ValueError: a bet is on a decision whose outcome, or price, is not known.
    """
    decided = outcomes(bets, decisions) != 0
    if not decided.any():
        return None
    odds = of_side_taken(decisions.net_odds, bets)[decided]
    if np.isnan(odds).any():
        raise ValueError(f"{int(np.isnan(odds).sum())} bets have no price")
    return float(1 / (1 + odds.mean()))
