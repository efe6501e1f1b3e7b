"""How often the ledger's alarm goes off where it should not, and how soon it does where it should.

A season has 22 weeks, each with some bets at posted prices around -110. The truth is known: every bet wins with the
chance at which it returns what is said, given all before its week. Constants and ranges were fixed before the first
run.
"""

from collections.abc import Callable, Iterator
from statistics import NormalDist

import numpy as np

from trainer.data.decisions import american_to_net
from trainer.data.types import Double, Int
from trainer.evaluation.blocks import week_blocks
from trainer.evaluation.eprocess import e_process

Count = Callable[[int, int, np.random.Generator], int]
"""Bets of a week: by their mean, and how many were lost in the week before."""
Row = tuple[str, float, float, float]
"""Name, measured, lowest and highest accepted."""

WEEKS = 22
PRICES = (-120.0, -115.0, -110.0, -105.0, 100.0, 105.0)
PUSHES = 0.027
"""Share of games that end on the spread."""
LEVEL = 0.05
PROMISED = 0.05
"""ROI that an evaluation is said to have found."""
LOSES = -0.1
COIN = -0.045
"""What a coin's bets at -110 return."""
YEARS = (1, 5, 10)
FULL, CONFIDENT = 13, 3
"""Bets a week of a policy that bets on every game, and of one that bets on the most confident 20 %."""


def rows(replications: int, seed: int) -> Iterator[Row]:
    """Yield the share of false alarms, then that of true ones and the bets that they took."""
    null: dict[str, tuple[int, Count, float, float, float]] = {
        "a season": (1, steady, 0.0, 0.0, 0.0),
        "a season, bets of a week correlated by .1": (1, steady, 0.0, 0.0, 0.1),
        "a season, all bets of a week won or lost together": (1, steady, 0.0, 0.0, 0.999),
        "a season, more bets after losses": (1, chasing, 0.0, 0.0, 0.0),
        "a season, promised 5 % and returning 5 %": (1, steady, PROMISED, PROMISED, 0.0),
        "ten seasons, looked at each week": (10, steady, 0.0, 0.0, 0.1),
    }
    for place, (name, (seasons, count, truth, least, correlation)) in enumerate(null.items()):
        found = [
            alarm_after(np.random.default_rng((seed, 1, place, it)), seasons, FULL, count, truth, least, correlation)
            for it in range(replications)
        ]
        yield f"false alarms, {name}", float(np.mean([bets is not None for bets in found])), 0.0, LEVEL
    for place, (name, truth, least) in enumerate(
        (
            ("bets that return -10 %, against break-even", LOSES, 0.0),
            ("bets that return -4.5 %, against break-even", COIN, 0.0),
            ("bets that return -4.5 %, against +5 % promised", COIN, PROMISED),
        )
    ):
        for a_week in (FULL, CONFIDENT):
            taken = [
                alarm_after(np.random.default_rng((seed, 2, place, it)), max(YEARS), a_week, steady, truth, least, 0.0)
                for it in range(max(2, replications // 4))
            ]
            times = np.array([np.inf if bets is None else bets for bets in taken])
            for years in YEARS:
                share = float((times <= years * WEEKS * a_week).mean())
                found_soon = (a_week, years, truth) == (FULL, 10, LOSES)
                yield (
                    f"alarms, {name}: {a_week} bets a week, by the end of season {years}",
                    share,
                    0.8 if found_soon else 0.0,
                    1.0,
                )
            yield f"bets until the alarm, {name}: {a_week} a week, median", float(np.median(times)), 0.0, np.inf


def steady(a_week: int, lost: int, rng: np.random.Generator) -> int:
    """Return the number of bets of a week, whatever was lost in the one before."""
    return int(rng.integers(1, 2 * a_week))


def chasing(a_week: int, lost: int, rng: np.random.Generator) -> int:
    """Return the number of bets of somebody who wants back what was lost."""
    return 1 + min(2 * lost, 4 * a_week)


def alarm_after(
    rng: np.random.Generator,
    seasons: int,
    a_week: int,
    count: Count,
    truth: float,
    least: float,
    correlation: float,
) -> int | None:
    """Return after how many bets there is an alarm against "each returns at least `least`"; None where there is none.

    Args:
        rng: of this history.
        seasons: that it has.
        a_week: bets of a week in the mean.
        count: how many there are in a week, by what was lost in the one before.
        truth: what each bet returns in expectation, given all before its week.
        correlation: of the normal variables that decide the bets of one week.
    """
    returns, odds, sizes = history(rng, seasons * WEEKS, a_week, count, truth, correlation)
    weeks = np.repeat(np.arange(len(sizes)), sizes)
    process = e_process(returns, odds, week_blocks(weeks // WEEKS, weeks % WEEKS), least)
    return None if process.alarm is None else int(sizes[: process.alarm + 1].sum())


def history(
    rng: np.random.Generator,
    weeks: int,
    a_week: int,
    count: Count,
    truth: float,
    correlation: float,
) -> tuple[Double, Double, Int]:
    """Return what each bet returned, its net odds, and the number of bets of each week."""
    normal = NormalDist()
    prices = american_to_net(np.array(PRICES))
    chances = (1 - PUSHES + truth) / (1 + prices)
    thresholds = np.array([normal.inv_cdf(chance) for chance in chances])
    pushed = np.array([normal.inv_cdf(chance + PUSHES) for chance in chances])
    returns, odds, sizes = [], [], []
    lost = 0
    for _ in range(weeks):
        size = count(a_week, lost, rng)
        price = rng.integers(0, len(PRICES), size)
        shared, own = rng.standard_normal(), rng.standard_normal(size)
        drawn = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
        won, push = drawn < thresholds[price], drawn < pushed[price]
        returns.append(np.where(won, prices[price], np.where(push, 0.0, -1.0)))
        odds.append(prices[price])
        sizes.append(size)
        lost = int((~push).sum())
    return np.concatenate(returns), np.concatenate(odds), np.array(sizes, dtype=np.int64)
