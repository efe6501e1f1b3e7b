"""What a policy's figures come to, in a word and in a sentence, and how many bets more would decide it."""

import math
from collections.abc import Sequence
from enum import StrEnum
from statistics import NormalDist

from msgspec import Struct

from trainer.evaluation.intervals import LEVEL, Estimate
from trainer.evaluation.payoffs import Record

IMPLAUSIBLE_WIN_RATE = 0.58
"""Nobody wins this often against closing spreads: a lower bound above it tells of a mistake, not of an edge."""
IMPLAUSIBLE_BETS = 50
"""With fewer bets, a high win rate is luck often enough."""
POWER = 0.8
"""Chance to find what is there, with the bets that `bets_needed` asks for."""


class Verdict(StrEnum):
    """In the order in which they are looked for: the first that holds is the verdict."""

    LEAK = "leak"
    IMPLAUSIBLE = "implausible"
    EDGE = "edge"
    LOSES = "loses"
    UNDECIDED = "not distinguishable from break-even"


class Judgement(Struct, frozen=True):
    """A verdict and what it rests on."""

    verdict: Verdict
    sentence: str
    further_bets: int | None = None
    """How many bets more would decide it if the win rate seen were the true one; None where it is decided, or where no
    number would do."""


def judge(
    record: Record,
    win_rate: Estimate,
    break_even: float | None,
    roi: Estimate,
    *,
    adjusted_lower: float | None,
    leaks: Sequence[str] = (),
) -> Judgement:
    """Return the first verdict that holds.

    Args:
        record: the policy's bets.
        win_rate: of these bets.
        break_even: the win rate at which they come out even.
        roi: of these bets, profit / staked.
        adjusted_lower: one-sided lower bound of the ROI that holds for all policies looked at (`selection.max_t`). For
            a policy that was chosen without the test seasons it is `roi.lower_bound`. None where there is none.
        leaks: what the leak audit found, in words.
    """
    if leaks:
        return Judgement(Verdict.LEAK, f"The features know the outcome, so no figure counts: {'; '.join(leaks)}.")
    if not record.bets:
        return Judgement(Verdict.UNDECIDED, "It never bets, so there is nothing to judge.")
    lower = win_rate.lower_bound
    if lower is not None and lower > IMPLAUSIBLE_WIN_RATE and record.bets >= IMPLAUSIBLE_BETS:
        return Judgement(
            Verdict.IMPLAUSIBLE,
            f"It wins {_percent(win_rate.value)} of {record.decided} decided bets, at least {_percent(lower)} with "
            f"95 % confidence. Nobody wins over {_percent(IMPLAUSIBLE_WIN_RATE)} against closing spreads: look for the "
            "mistake.",
        )
    if adjusted_lower is not None and adjusted_lower > 0:
        return Judgement(
            Verdict.EDGE,
            f"It returns {_percent(roi.value, sign=True)} of what it stakes in {record.bets} bets, more than "
            f"{_percent(adjusted_lower, sign=True)} with 95 % confidence, all policies looked at being counted.",
        )
    if _loses(win_rate, break_even, roi):
        return Judgement(
            Verdict.LOSES,
            f"It returns {_percent(roi.value, sign=True)} of what it stakes in {record.bets} bets: with 95 % "
            "confidence it loses.",
        )
    return _undecided(record, win_rate, break_even, roi)


def bets_needed(win_rate: float, break_even: float, power: float = POWER, level: float = LEVEL) -> int | None:
    """Return how many decided bets tell the true win rate from break-even, one-sided; None where they are equal.

    A score test of one proportion: n = ((z_level sqrt(q (1 - q)) + z_power sqrt(p (1 - p))) / (p - q))^2 with p the win
    rate and q the break-even (Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 3rd ed., section
    2.5). Where p is below q, these bets show that the policy loses.
    """
    if win_rate == break_even:
        return None
    normal = NormalDist()
    by_null = normal.inv_cdf(1 - level) * math.sqrt(break_even * (1 - break_even))
    by_truth = normal.inv_cdf(power) * math.sqrt(win_rate * (1 - win_rate))
    return math.ceil(((by_null + by_truth) / (win_rate - break_even)) ** 2)


def _loses(win_rate: Estimate, break_even: float | None, roi: Estimate) -> bool:
    """Say whether the ROI is below 0; by the win rate where weeks do not differ, as where every bet is lost."""
    if roi.upper_bound is not None:
        return roi.upper_bound < 0
    return win_rate.upper_bound is not None and break_even is not None and win_rate.upper_bound < break_even


def _undecided(record: Record, win_rate: Estimate, break_even: float | None, roi: Estimate) -> Judgement:
    bets = f"{record.bets} bet{'' if record.bets == 1 else 's'}"
    if win_rate.value is None or break_even is None:
        return Judgement(Verdict.UNDECIDED, f"With {bets}, none of them decided, there is nothing to judge.")
    rate, even = _percent(win_rate.value), _percent(break_even)
    seen = f"It wins {rate} of {record.decided} decided bets, where {even} come out even"
    needed = bets_needed(win_rate.value, break_even)
    if needed is None:
        return Judgement(Verdict.UNDECIDED, f"{seen}: if it is as good as that, no number of bets would decide it.")
    further = max(needed - record.decided, 0)
    if not further:
        return Judgement(Verdict.UNDECIDED, f"{seen}, but its weeks differ too much to tell it from luck.", 0)
    if roi.value is not None and roi.value * (win_rate.value - break_even) < 0:
        return Judgement(
            Verdict.UNDECIDED,
            f"{seen}, each bet counted alike, while by its stakes it returns {_percent(roi.value, sign=True)}: neither "
            "is distinguishable from luck.",
        )
    shown = "an edge" if win_rate.value > break_even else "a loss"
    return Judgement(
        Verdict.UNDECIDED,
        f"{seen}: that is not distinguishable from luck. If this were its true win rate, {further:,} bets more would "
        f"show {shown} with a chance of {100 * POWER:.0f} %.",
        further,
    )


def _percent(value: float | None, *, sign: bool = False) -> str:
    if value is None:
        return "an unknown share"
    return f"{100 * value:+.1f} %" if sign else f"{100 * value:.1f} %"
