"""Bets that were really taken: their figures so far, their closing line value, and whether there is an alarm."""

import numpy as np
from msgspec import Struct

from trainer.data.decisions import Dated, Decisions, american_to_net, unit_returns
from trainer.data.outcomes import STANDARD_ODDS
from trainer.data.types import Bool, Double
from trainer.evaluation.blocks import RESAMPLES, resample, week_blocks
from trainer.evaluation.closing import ClosingValue, closing_values, summarised
from trainer.evaluation.eprocess import EProcess, e_process
from trainer.evaluation.figures import PolicyFigures, policy_figures
from trainer.evaluation.payoffs import Bets

NAME = "bets taken"


class Taken(Dated, frozen=True, eq=False):
    """N settled bets. Spreads and margins are of the side that was bet on: a positive spread is given by it."""

    spread: Double
    """[N], the line at which the bet was taken."""
    net_odds: Double
    stake: Double
    """[N], share of the largest stake."""
    close: Double
    """[N], the closing line; NaN where it is not known."""
    close_odds: Double
    """[N, 2], closing net odds of the side and of the other one; NaN where they are not known."""
    before_close: Bool
    """[N], whether the price was taken before the close."""
    counted: Bool
    """[N], whether the bet's week is over, so that the alarm counts it."""
    margin: Double

    @property
    def decisions(self) -> Decisions:
        """The bets as decisions, side 0 being the one that was bet on. The other side's price is not known, and nothing
        asks for it."""
        unknown = np.full(len(self), np.nan)
        odds = np.stack([self.net_odds, self.net_odds], axis=1)
        return Decisions(
            game_ids=self.game_ids,
            seasons=self.seasons,
            weeks=self.weeks,
            days=self.days,
            home=np.ones(len(self), dtype=np.bool_),
            spread=self.spread,
            margin=self.margin,
            market_prob=unknown,
            p_hat=unknown,
            net_odds=odds,
            returns=unit_returns(np.sign(self.margin - self.spread), odds),
            true_returns=np.stack([unknown, unknown], axis=1),
        )

    @property
    def measured(self) -> Bool:
        """[N], whether there is a closing line value."""
        return np.asarray(self.before_close & np.isfinite(self.close))


class Alarm(Struct, frozen=True):
    """An e-process, and the week of its alarm."""

    process: EProcess
    bets: int
    weeks: int
    """Bets and weeks that it counts."""
    when: tuple[int, int] | None
    """Season and week after which the e-value first reached the alarm; None where it has not."""


class Account(Struct, frozen=True):
    """What became of the bets taken."""

    figures: PolicyFigures
    closing: ClosingValue | None
    """None where it is not measurable: no bet was taken before a close that is known."""
    assumed: int
    """How many closing lines had no prices: -110 was assumed for both sides."""
    losing: Alarm
    """Against "the bets break even or better"."""
    short: Alarm | None
    """Against "the bets return what was expected, or more"; None where nothing was expected."""


def account(
    taken: Taken, rng: np.random.Generator, *, expected_roi: float | None = None, resamples: int = RESAMPLES
) -> Account:
    """Return the account of N >= 1 settled bets. `expected_roi`: what the evaluation promised, a share of the stake."""
    decisions = taken.decisions
    bets = Bets(np.zeros(len(taken), dtype=np.int64), taken.stake)
    (figures,) = policy_figures({NAME: bets}, decisions, rng, resamples=resamples)
    closing = None
    if taken.measured.any():
        blocks = week_blocks(taken.seasons, taken.weeks)
        values, posted = bets_by_close(taken)
        closing = summarised(values, posted, taken.measured, blocks, resample(blocks, rng, resamples))
    return Account(
        figures=figures,
        closing=closing,
        assumed=int(_without_odds(taken)[taken.measured].sum()),
        losing=_alarm(taken, decisions, 0.0),
        short=None if expected_roi is None else _alarm(taken, decisions, expected_roi),
    )


def bets_by_close(taken: Taken) -> tuple[Double, Double]:
    """Return the closing line value of each bet [N], and what the posted close was worth; NaN where not measurable."""
    values, posted = np.full(len(taken), np.nan), np.full(len(taken), np.nan)
    rows = np.flatnonzero(taken.measured)
    if len(rows):
        standard = float(american_to_net(np.array(STANDARD_ODDS)))
        close_odds = np.where(_without_odds(taken)[:, None], standard, taken.close_odds)
        values[rows], posted[rows] = closing_values(
            taken.spread[rows], taken.net_odds[rows], taken.close[rows], close_odds[rows]
        )
    return values, posted


def _without_odds(taken: Taken) -> Bool:
    return np.asarray(np.isnan(taken.close_odds).any(axis=1))


def _alarm(taken: Taken, decisions: Decisions, least: float) -> Alarm:
    rows = np.flatnonzero(taken.counted)
    if not len(rows):
        return Alarm(EProcess(least, np.empty(0)), 0, 0, None)
    blocks = week_blocks(taken.seasons[rows], taken.weeks[rows])
    process = e_process(decisions.returns[rows, 0], taken.net_odds[rows], blocks, least)
    first = process.alarm
    when = None if first is None else (int(blocks.seasons[first]), int(blocks.weeks[first]))
    return Alarm(process, len(rows), len(blocks), when)
