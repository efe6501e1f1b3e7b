"""What a bankroll becomes if the stakes are a share of it: its path, exposure, drawdown, growth and Sharpe ratio.

Stakes are sized from the bankroll at the start of a day, so that games of one day do not see each other's outcome. A
bankroll starts at 1.
"""

import numpy as np
from msgspec import Struct

from trainer.data.decisions import Decisions
from trainer.data.types import Double, Int
from trainer.evaluation.blocks import Blocks
from trainer.evaluation.payoffs import Bets, outcomes

LARGEST_STAKES = (0.01, 0.03, 0.05)
"""Shares of the bankroll that the largest stake may be."""
_ROUNDING = 1e-12
"""Exposure may be this much above 1 before it is said to have been: sums of shares are rounded."""


class Bankroll(Struct, frozen=True, eq=False):
    """A bankroll over D days and K weeks in which anything was offered, in order of time."""

    largest_stake: float
    """Share of the bankroll that a stake of 1 is."""
    days: Int
    """[D], `date.toordinal()`."""
    day_weeks: Int
    """[D], index of the week of each day; of the earliest, where games of more than one week fell on a day."""
    exposure: Double
    """[D], share of the bankroll at the start of the day that was staked on it; at most 1."""
    returns: Double
    """[D], by which share the day changed the bankroll."""
    scaled_days: Int
    """Days whose stakes came to more than the bankroll, and were scaled down until they came to all of it. The policy
    asked for what nobody could have paid."""
    weekly_returns: Double
    """[K], of all days of each week together; 0 in a week without a bet."""

    @property
    def path(self) -> Double:
        """[D], the bankroll at the end of each day."""
        return np.asarray(np.cumprod(1 + self.returns))

    @property
    def weekly_path(self) -> Double:
        """[K], the bankroll at the end of each week."""
        return np.asarray(np.cumprod(1 + self.weekly_returns))

    @property
    def final(self) -> float:
        """The bankroll at the end, as a multiple of that at the start."""
        return float(self.path[-1])

    @property
    def ruined(self) -> bool:
        """Whether all was lost on one day."""
        return bool((self.returns <= -1).any())

    @property
    def max_drawdown(self) -> float:
        """Largest share by which the bankroll ever was below its peak so far, the start included; by day."""
        path = np.concatenate([[1.0], self.path])
        return float((1 - path / np.maximum.accumulate(path)).max())

    @property
    def log_growth(self) -> float | None:
        """Mean logarithm of the growth of a week, idle weeks included; None where all was lost."""
        return None if self.ruined else float(np.log1p(self.weekly_returns).mean())

    @property
    def largest_exposure(self) -> float:
        """Largest share of the bankroll that was staked on one day."""
        return float(self.exposure.max())

    @property
    def staked(self) -> float:
        """Mean share of the bankroll that was staked on a day on which anything was offered."""
        return float(self.exposure.mean())

    def sharpe(self, weeks_a_season: float) -> float | None:
        """Return mean / standard deviation of the weekly returns, times the root of the weeks of a season.

        Without a risk-free return. The deviation is that of a sample (K - 1). None where the returns do not vary.
        """
        if len(self.weekly_returns) < 2 or np.ptp(self.weekly_returns) <= _ROUNDING:
            return None
        deviation = self.weekly_returns.std(ddof=1)
        return float(self.weekly_returns.mean() / deviation * np.sqrt(weeks_a_season))


def follow(bets: Bets, decisions: Decisions, blocks: Blocks, largest_stake: float) -> Bankroll:
    """Return the bankroll of a policy whose largest stake is the given share of it. `blocks` are of these decisions.

    Raises:
        ValueError: a bet is on a decision whose outcome is not known, or the share is not in (0, 1].
    """
    if not 0 < largest_stake <= 1:
        raise ValueError(f"the largest stake is a share of the bankroll in (0, 1], not {largest_stake}")
    days, of_day = np.unique(decisions.days, return_inverse=True)
    stakes: Double = largest_stake * bets.stake
    wanted: Double = np.bincount(of_day, stakes, len(days)).astype(np.float64)
    gained: Double = np.bincount(of_day, stakes * outcomes(bets, decisions), len(days)).astype(np.float64)
    too_much = wanted > 1 + _ROUNDING
    scale = np.where(too_much, 1 / np.maximum(wanted, 1), 1.0)
    returns = np.maximum(gained * scale, -1.0)
    day_weeks = np.full(len(days), len(blocks), dtype=np.int64)
    np.minimum.at(day_weeks, of_day, blocks.of_decision)
    growth = np.ones(len(blocks))
    np.multiply.at(growth, day_weeks, 1 + returns)
    return Bankroll(
        largest_stake=largest_stake,
        days=days,
        day_weeks=day_weeks,
        exposure=wanted * scale,
        returns=returns,
        scaled_days=days[too_much],
        weekly_returns=growth - 1,
    )


def resampled_drawdowns(bankroll: Bankroll, draws: Int) -> Double:
    """Return the max drawdown [B] of B bankrolls that live through the weeks `draws` [B, K], each day by day.

    Raises:
        ValueError: all was lost on one day.
    """
    if bankroll.ruined:
        raise ValueError("all was lost: there is no drawdown but 1")
    total, low, high, inner = _weeks_in_short(bankroll, draws.shape[1])
    after = total[draws].cumsum(axis=1)
    before = after - total[draws]
    peak = np.maximum.accumulate(before + high[draws], axis=1)
    peak_before = np.concatenate([np.zeros((len(draws), 1)), peak[:, :-1]], axis=1)
    fall = np.maximum(inner[draws], peak_before - (before + low[draws]))
    return np.asarray(1 - np.exp(-np.maximum(fall.max(axis=1), 0)))


def _weeks_in_short(bankroll: Bankroll, weeks: int) -> tuple[Double, Double, Double, Double]:
    """Return what a drawdown needs of each week, each [K], in logarithms from the week's start: its whole growth, its
    lowest and highest point, and its largest fall."""
    sizes = np.bincount(bankroll.day_weeks, minlength=weeks)
    order = np.argsort(bankroll.day_weeks, kind="stable")
    within = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    growth = np.zeros((weeks, 1 + int(sizes.max())))  # a first column for the start; weeks with fewer days end in zeros
    growth[bankroll.day_weeks[order], 1 + within] = np.log1p(bankroll.returns[order])
    path = growth.cumsum(axis=1)
    falls = np.maximum.accumulate(path, axis=1) - path
    return path[:, -1], path.min(axis=1), path.max(axis=1), falls.max(axis=1)
