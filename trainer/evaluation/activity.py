"""The weeks in which a policy bets, those in which it does not and why, and a Sharpe ratio that does not ask for them.

A week without a bet has one reason: that of the game that came closest to a bet.
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
from msgspec import Struct

from trainer.data.decisions import Decisions
from trainer.data.types import Bool, Int
from trainer.evaluation.blocks import week_blocks
from trainer.evaluation.figures import PolicyFigures
from trainer.evaluation.intervals import Estimate
from trainer.evaluation.payoffs import Bets


class Reason(StrEnum):
    """Why there is no bet, the closest to one first."""

    UNSURE = "not_confident"
    """There is a bet that promises a profit, of which the policy is not sure enough."""
    NO_EDGE = "no_edge"
    """By what the policy goes by, no bet that it may make promises a profit."""
    UNKNOWN = "not_known"
    """A price or a probability that the policy goes by is not known."""
    RULE = "by_rule"
    """The policy leaves such games out whatever they promise."""
    NO_GAME = "no_game"
    """Nothing was offered between weeks of the season in which something was."""


_RANKED = tuple(Reason)
BET = -1
"""Below the place of every reason."""


class Abstaining(Struct, frozen=True, eq=False):
    """What a policy that does not bet may have for a reason."""

    known: Bool | None = None
    """[N], whether all is known that it goes by; None: always."""
    surer_than: str = ""
    """Name of the policy whose bets it leaves out where it is not sure enough of them."""
    by_rule: bool = False
    """Whether it goes by no expectation."""


class Idle(Struct, frozen=True):
    """A season's weeks without a bet."""

    season: int
    weeks: int
    """From the first to the last in which anything was offered."""
    without_bet: int
    reasons: Mapping[Reason, int]
    """Adds up to `without_bet`; every reason is there."""


class Activity(Struct, frozen=True):
    """How often one policy bets, by weeks."""

    weeks: int
    """In which anything was offered."""
    with_bet: int
    utilisation: float
    """The share of these weeks in which it bets."""
    adjusted_sharpe: tuple[Estimate, ...]
    """At each of LARGEST_STAKES (`adjusted`)."""
    seasons: tuple[Idle, ...]


def adjusted(sharpe: Estimate, utilisation: float) -> Estimate:
    """Return the Sharpe ratio that does not ask how often a policy bets: Sharpe / sqrt(utilisation).

    The ratio counts idle weeks as returns of 0. With a share u of weeks with a bet, whose returns have the mean m and
    the deviation s, all weeks have the mean u m and the variance u s^2 + u (1 - u) m^2, so that the ratio is sqrt(u)
    times m / s, but for (1 - u) (m / s)^2, which is small in a week: what is returned is m / s of the weeks with a bet,
    times the root of the weeks of a season. Interval and error are those of the ratio, scaled alike, so that what is
    not told apart from 0 stays so; the utilisation counts as known.
    """
    return sharpe if sharpe.value is None else sharpe.times(1 / math.sqrt(utilisation))


def activities(
    policies: Mapping[str, Bets],
    abstaining: Mapping[str, Abstaining],
    figures: Sequence[PolicyFigures],
    decisions: Decisions,
) -> dict[str, Activity]:
    """Return each policy's activity; `figures` are of the same policies and decisions.

    Raises:
        ValueError: there is no decision.
    """
    blocks = week_blocks(decisions.seasons, decisions.weeks)
    found: dict[str, Activity] = {}
    for its in figures:
        closest = np.full(len(blocks), len(_RANKED))
        np.minimum.at(closest, blocks.of_decision, _places(its.name, policies, abstaining[its.name]))
        with_bet = int((closest == BET).sum())
        utilisation = with_bet / len(blocks)
        found[its.name] = Activity(
            weeks=len(blocks),
            with_bet=with_bet,
            utilisation=utilisation,
            adjusted_sharpe=tuple(adjusted(bankroll.sharpe, utilisation) for bankroll in its.whole.bankrolls),
            seasons=tuple(
                _idle(season, blocks.weeks[blocks.seasons == season], closest[blocks.seasons == season])
                for season in np.unique(blocks.seasons).tolist()
            ),
        )
    return found


def _places(name: str, policies: Mapping[str, Bets], why: Abstaining) -> Int:
    """Return the place of each decision's reason [N], BET where there is a bet."""
    bets = policies[name]
    place = np.full(len(bets), _RANKED.index(Reason.RULE if why.by_rule else Reason.NO_EDGE))
    if why.known is not None:
        place[~why.known] = _RANKED.index(Reason.UNKNOWN)
    if why.surer_than:
        place[policies[why.surer_than].placed] = _RANKED.index(Reason.UNSURE)
    place[bets.placed] = BET
    return place


def _idle(season: int, weeks: Int, closest: Int) -> Idle:
    """Return a season's weeks without a bet, of the weeks [K] in which anything was offered."""
    span = int(weeks.max() - weeks.min()) + 1
    reasons = {reason: int((closest == place).sum()) for place, reason in enumerate(_RANKED)}
    reasons[Reason.NO_GAME] = span - len(weeks)
    return Idle(season, span, sum(reasons.values()), reasons)
