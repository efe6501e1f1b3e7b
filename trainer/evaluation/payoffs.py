"""Bets."""

from dataclasses import dataclass

from trainer.data.types import Double, Int


@dataclass(frozen=True, slots=True, eq=False)
class Bets:
    """What a policy bets on N decisions."""

    side: Int
    """[N], 0 or 1, or NO_SIDE."""
    stake: Double
    """[N], share of the largest stake; 0 where there is no bet."""
