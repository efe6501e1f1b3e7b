"""What a ledger holds: bets as they were taken, and the results of their games. Pure."""

import math
from datetime import UTC, datetime
from typing import Literal, get_args

from msgspec import Struct, to_builtins

Side = Literal["home", "away"]
SIDES: tuple[Side, ...] = get_args(Side)
SAME = 5e-4
"""Relative difference below which two numbers are one that was rounded in a file: -110 and net odds of 0.909."""
LONGEST_ID = 120
LARGEST_SPREAD, LARGEST_ODDS, LARGEST_SCORE, LARGEST_WEEK = 100, 1000, 1000, 100
YEARS = (1900, 2200)


class Bet(Struct, frozen=True):
    """A bet as it was taken."""

    bet_id: str
    """Unique in a ledger."""
    game_id: str
    """As the file of results names it."""
    side: Literal["home", "away"]
    spread: float
    """Points by which the side was favoured at the line taken."""
    net_odds: float
    """Profit per unit if it wins."""
    stake: float
    """Share of the largest stake, in (0, 1]."""
    taken_at: str
    """As `timestamp` writes it."""
    season: int | None = None
    week: int | None = None

    def differences(self, other: "Bet", *, with_time: bool) -> list[str]:
        """Return what is different of another bet of the same id, in words. `with_time`: whether the other's time was
        told, and is not just that of its being added."""
        names = ["game_id", "side", "spread", "net_odds", "stake"] + ["taken_at"] * with_time
        return [
            f"{name} {_shown(mine)} was {_shown(its)}"
            for name in names
            if not _same(mine := getattr(other, name), its := getattr(self, name))
        ]


class Result(Struct, frozen=True):
    """How a game ended, and how its market closed."""

    game_id: str
    season: int
    week: int
    gameday: str
    """As 2022-09-11."""
    kick_off: str | None
    """As `timestamp` writes it, and not later than it was; None where the file does not tell."""
    home_score: int
    away_score: int
    close_spread: float | None
    """Points by which the home team was favoured at the close."""
    close_home_odds: float | None
    """Net odds."""
    close_away_odds: float | None

    def differences(self, other: "Result") -> list[str]:
        """Return what is different of another result of the same game, in words."""
        mine, its = to_builtins(other), to_builtins(self)
        return [
            f"{name} {_shown(mine[name])} was {_shown(its[name])}"
            for name in self.__struct_fields__
            if not _same(mine[name], its[name])
        ]


class Entry(Struct, frozen=True):
    """A bet, and the result of its game once there is one."""

    bet: Bet
    result: Result | None

    @property
    def margin(self) -> int | None:
        """Score of the side that was bet on minus that of the other one."""
        if self.result is None:
            return None
        margin = self.result.home_score - self.result.away_score
        return margin if self.bet.side == "home" else -margin

    @property
    def outcome(self) -> str:
        """What became of it: won, lost, push, or open."""
        if self.margin is None:
            return "open"
        beats = self.margin - self.bet.spread
        return "push" if beats == 0 else "won" if beats > 0 else "lost"

    @property
    def profit(self) -> float | None:
        """In units of the largest stake; None while it is open."""
        by = {"won": self.bet.net_odds, "lost": -1.0, "push": 0.0}
        return None if self.outcome == "open" else self.bet.stake * by[self.outcome]

    @property
    def before_close(self) -> bool:
        """Whether the price was taken before the kick-off; where only the day is known, before that day."""
        if self.result is None:
            return False
        return self.bet.taken_at < (self.result.kick_off or self.result.gameday)


def timestamp(moment: datetime) -> str:
    """Return a moment as 2022-09-11T17:00:00Z; so written, an earlier moment or day is a smaller text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def bet_id(game_id: str, side: str, taken_at: str | None) -> str:
    """Return what names a bet that has no name of its own: its time is a part of it where it was told."""
    return " ".join(filter(None, (game_id, side, taken_at)))


def american(net_odds: float) -> int:
    """Return the American price, to the nearest whole number."""
    return round(100 * net_odds) if net_odds >= 1 else -round(100 / net_odds)


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)
    return one == other


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return "unknown" if value is None else str(value)
