"""The figures of policies, each with its interval: of all seasons, and of each season.

All policies share the resamples, and so do all figures of a span, so that they can be compared. Weeks in which a policy
does not bet count as idle ones.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from trainer.data.decisions import Decisions
from trainer.data.types import Bool, Double
from trainer.evaluation.bankroll import LARGEST_STAKES, Bankroll, follow, resampled_drawdowns
from trainer.evaluation.blocks import RESAMPLES, Blocks, Resamples, resample, week_blocks
from trainer.evaluation.intervals import (
    NO_BETS,
    Bootstrap,
    Estimate,
    means,
    percentile_estimate,
    ratios,
    sharpe_ratios,
    wilson_estimate,
)
from trainer.evaluation.payoffs import Bets, Record, break_even, outcomes, profits, record

RUINED = "all was lost on one day"


class BankrollFigures(Struct, frozen=True):
    """What became of a bankroll whose largest stake is a given share of it."""

    largest_stake: float
    sharpe: Estimate
    """Of weekly returns, idle weeks included, times the root of the weeks of a season."""
    max_drawdown: Estimate
    """Share of the peak. It has no standard error of use: its interval is the percentile one of resampled weeks."""
    log_growth: Estimate
    """Mean of a week."""
    final: Estimate
    """Bankroll at the end, as a multiple of that at the start; its interval is that of the log growth, transformed."""
    staked: Estimate
    """Mean share of the bankroll that was staked on a day on which anything was offered."""
    largest_exposure: float
    """Largest share of the bankroll that was staked on one day."""
    scaled_days: int
    """Days on which the policy asked for more than the bankroll, and got all of it."""


class Figures(Struct, frozen=True):
    """One policy's figures over one span."""

    decisions: int
    weeks: int
    record: Record
    win_rate: Estimate
    """W / (W + L)."""
    break_even: float | None
    """The win rate at which these bets, at these prices, come out even (`payoffs.break_even`)."""
    roi: Estimate
    """Profit / staked, pushes in the stakes."""
    profit: Estimate
    """In units of the largest stake, without compounding."""
    used: Estimate
    """Utilisation: share of the decisions that were bet on."""
    bankrolls: tuple[BankrollFigures, ...]
    """At each of LARGEST_STAKES."""


class PolicyFigures(Struct, frozen=True):
    """One policy's figures."""

    name: str
    whole: Figures
    """Of all seasons."""
    seasons: Mapping[int, Figures]
    """Of each season alone, in order."""


class _Span(Struct, frozen=True, eq=False):
    """Decisions, their weeks, and the resamples that all policies share."""

    decisions: Decisions
    blocks: Blocks
    resamples: Resamples

    def weekly(self, columns: Sequence[Double]) -> Double:
        """[K, J], sums of each week, from a column [N] a policy."""
        return self.blocks.sums(np.stack(columns, axis=1))


def policy_figures(
    policies: Mapping[str, Bets], decisions: Decisions, rng: np.random.Generator, *, resamples: int = RESAMPLES
) -> tuple[PolicyFigures, ...]:
    """Return the figures of each policy, in the order given. Every policy has a bet, or none, at each decision [N].

    Raises:
        ValueError: there is no decision, or a bet is on one whose outcome or price is not known.
    """
    bets = tuple(policies.values())
    if not bets:
        return ()
    whole = _figures(bets, decisions, rng, resamples)
    by_season: list[dict[int, Figures]] = [{} for _ in bets]
    for season in np.unique(decisions.seasons).tolist():
        rows = np.flatnonzero(decisions.seasons == season)
        its = _figures([them.take(rows) for them in bets], decisions.take(rows), rng, resamples)
        for place, figures in zip(by_season, its, strict=True):
            place[season] = figures
    return tuple(map(PolicyFigures, policies, whole, by_season))


def roi_bootstrap(bets: Sequence[Bets], decisions: Decisions, blocks: Blocks, resamples: Resamples) -> Bootstrap:
    """Return the bootstrap of each policy's ROI, as `selection.max_t` takes it. `blocks` are of these decisions."""
    span = _Span(decisions, blocks, resamples)
    profit = span.weekly([profits(them, decisions) for them in bets])
    return ratios(profit, span.weekly([them.stake for them in bets]), _active(bets, span), blocks, resamples)


def win_rate_bootstrap(bets: Sequence[Bets], decisions: Decisions, blocks: Blocks, resamples: Resamples) -> Bootstrap:
    """Return the bootstrap of each policy's win rate. `blocks` are of these decisions."""
    span = _Span(decisions, blocks, resamples)
    returned = [outcomes(them, decisions) for them in bets]
    wins = span.weekly([(its > 0).astype(np.float64) for its in returned])
    decided = span.weekly([(its != 0).astype(np.float64) for its in returned])
    return ratios(wins, decided, decided > 0, blocks, resamples)


def _active(bets: Sequence[Bets], span: _Span) -> Bool:
    """[K, J], whether a policy bets in a week."""
    return np.asarray(span.weekly([them.placed.astype(np.float64) for them in bets]) > 0)


def _figures(
    bets: Sequence[Bets], decisions: Decisions, rng: np.random.Generator, resamples: int
) -> tuple[Figures, ...]:
    blocks = week_blocks(decisions.seasons, decisions.weeks)
    drawn = resample(blocks, rng, resamples)
    span = _Span(decisions, blocks, drawn)
    active = _active(bets, span)
    records = [record(them, decisions) for them in bets]
    win_rates = map(win_rate_estimate, records, win_rate_bootstrap(bets, decisions, blocks, drawn).estimates())
    rois = roi_estimates(bets, decisions, blocks, drawn)
    gained = means(span.weekly([profits(them, decisions) for them in bets]), active, blocks, drawn).estimates()
    placed = span.weekly([them.placed.astype(np.float64) for them in bets])
    offered = np.broadcast_to(blocks.sums(np.ones(len(decisions)))[:, None], placed.shape)
    used = ratios(placed, offered, active, blocks, drawn).estimates()
    bankrolls = [_bankrolls(bets, largest, active, span) for largest in LARGEST_STAKES]
    return tuple(
        Figures(
            decisions=len(decisions),
            weeks=len(blocks),
            record=records[policy],
            win_rate=win_rate,
            break_even=break_even(bets[policy], decisions),
            roi=rois[policy],
            profit=gained[policy].times(len(blocks)),
            used=used[policy].within(0, 1),
            bankrolls=tuple(of_all[policy] for of_all in bankrolls),
        )
        for policy, win_rate in enumerate(win_rates)
    )


def roi_estimates(
    bets: Sequence[Bets], decisions: Decisions, blocks: Blocks, resamples: Resamples
) -> tuple[Estimate, ...]:
    """Return each policy's ROI; its bounds lie between a loss of all and the largest price."""
    most = float(decisions.net_odds.max())
    return tuple(it.within(-1, most) for it in roi_bootstrap(bets, decisions, blocks, resamples).estimates())


def win_rate_estimate(record: Record, estimate: Estimate) -> Estimate:
    """Return the interval by weeks, or the one by bets where weeks tell none."""
    if estimate.method is None:
        return wilson_estimate(record.wins, record.losses)
    return estimate.within(0, 1)


def _bankrolls(bets: Sequence[Bets], largest: float, active: Bool, span: _Span) -> tuple[BankrollFigures, ...]:
    blocks, drawn = span.blocks, span.resamples
    followed = [follow(them, span.decisions, blocks, largest) for them in bets]
    weekly = np.stack([bankroll.weekly_returns for bankroll in followed], axis=1)
    ruined = np.array([bankroll.ruined for bankroll in followed])
    sharpe = sharpe_ratios(weekly, active, blocks, drawn).estimates()
    growth = means(np.log1p(np.where(ruined, 0.0, weekly)), active, blocks, drawn).estimates()
    weeks = len(blocks)
    day_weeks = followed[0].day_weeks
    exposure = np.stack(
        [np.bincount(day_weeks, bankroll.exposure, weeks).astype(np.float64) for bankroll in followed], axis=1
    )
    days = np.broadcast_to(np.bincount(day_weeks, minlength=weeks).astype(np.float64)[:, None], exposure.shape)
    staked = ratios(exposure, days, active, blocks, drawn).estimates()

    def figures(policy: int, bankroll: Bankroll) -> BankrollFigures:
        its_growth = Estimate(None, reason=RUINED) if bankroll.ruined else growth[policy]
        final = its_growth.mapped(lambda it: math.exp(weeks * it), lambda it: weeks * math.exp(weeks * it))
        return BankrollFigures(
            largest_stake=largest,
            sharpe=sharpe[policy].times(math.sqrt(blocks.weeks_a_season)),
            max_drawdown=_drawdown(bankroll, drawn, bets[policy]),
            log_growth=its_growth,
            final=Estimate(0.0, reason=RUINED) if bankroll.ruined else final,
            staked=staked[policy].within(0, 1),
            largest_exposure=bankroll.largest_exposure,
            scaled_days=len(bankroll.scaled_days),
        )

    return tuple(figures(policy, bankroll) for policy, bankroll in enumerate(followed))


def _drawdown(bankroll: Bankroll, drawn: Resamples, bets: Bets) -> Estimate:
    if bankroll.ruined:
        return Estimate(1.0, reason=RUINED)
    if not bets.placed.any():
        return Estimate(0.0, reason=NO_BETS)
    return percentile_estimate(bankroll.max_drawdown, resampled_drawdowns(bankroll, drawn.draws))
