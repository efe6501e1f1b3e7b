"""P(cover) in an evaluation: fitted on the seasons before the part, and how well it is calibrated there.

Beside its scores stand those of two predictions that need no fit: one half, and the market's, by its prices without
vig. Where both sides of a spread have one price these two are the same.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from trainer.data.decisions import Decisions, both
from trainer.data.types import Bool, Dataset, Double
from trainer.evaluation import covering
from trainer.evaluation.calibration import Calibration, calibration
from trainer.evaluation.covering import Covering
from trainer.evaluation.policies import fair_cover

NOT_FITTED = f"fewer than {covering.MIN_GAMES} games before with both probabilities and a result"
NOTHING_DECIDED = "no game with a probability was decided"


class Covers(Struct, frozen=True, eq=False):
    """P(side 0 covers) of the N decisions of a part."""

    fitted: Covering
    """`cover` [N]; the last of the coefficients are those of the part."""
    members: Covering
    """`cover` [B, N], of fits on resampled weeks."""


class Fit(Struct, frozen=True):
    """One fit: P(side 0 covers) = sigmoid(disagreement x (logit p_hat - logit market_prob) + spread x points / 10)."""

    before: int
    """It saw the games of the seasons before this one."""
    games: int
    disagreement: float
    disagreement_error: float
    """Standard deviation over the fits on resampled weeks."""
    spread: float
    spread_error: float


class Scores(Struct, frozen=True):
    """Of a prediction, over the same games."""

    brier: float
    """Mean squared difference of probability and outcome (Brier, 1950)."""
    log_loss: float
    """Mean negative log likelihood, in nats."""

    @classmethod
    def of(cls, predicted: Double, covered: Bool) -> "Scores":
        """Return those of predictions [N] of outcomes [N]."""
        its = calibration(predicted, covered)
        return cls(its.brier, its.log_loss)


class Calibrated(Struct, frozen=True):
    """How well P(cover) agrees with what happened, in one span."""

    games: int
    """Decided ones with a probability."""
    left_out: int
    """Pushes, which the probability is not of either, and games without a probability."""
    fitted: Calibration
    half: Scores
    """Of 0.5."""
    market: Scores
    """Of the prices without vig."""


class CoverFigures(Struct, frozen=True):
    """What P(cover) came from, and what it is worth."""

    whole: Calibrated | None
    seasons: Mapping[int, Calibrated | None]
    fits: tuple[Fit, ...]
    """In order of time; the last is frozen, and predicts all of the part."""
    reason: str | None = None
    """Why there are no figures."""


def covers_of(dataset: Dataset, decisions: Decisions, seed: int) -> Covers:
    """Return P(cover) of the decisions of a part: each season's fit is on the ones before it, and none is on seasons
    of the part."""
    earlier = [part.decisions for part in (dataset.train, dataset.validation) if part.decisions is not None]
    first = int(decisions.seasons.min())
    everything = decisions
    for them in reversed(earlier):
        before = np.flatnonzero(them.seasons < first)
        everything = both(them.take(before), everything)
    rows = slice(len(everything) - len(decisions), None)
    fitted = covering.walk_forward(everything, first)
    members = covering.ensemble(everything, first, seed=seed)
    return Covers(
        Covering(fitted.cover[rows], fitted.coefficients, fitted.games),
        Covering(members.cover[:, rows], members.coefficients, members.games),
    )


def cover_figures(covers: Covers, decisions: Decisions) -> CoverFigures:
    """Return the fits, and the calibration on the N decisions of the part, whose outcomes are known."""
    predicted, market = covers.fitted.cover, fair_cover(decisions.net_odds)
    decided = np.isfinite(predicted) & np.isfinite(market) & (np.abs(decisions.covers) == 1)
    whole = _calibrated(predicted, market, decisions, decided, np.ones(len(decisions), dtype=np.bool_))
    seasons = {
        season: _calibrated(predicted, market, decisions, decided, decisions.seasons == season)
        for season in np.unique(decisions.seasons).tolist()
    }
    reason = None
    if whole is None:
        reason = NOTHING_DECIDED if covers.fitted.coefficients else NOT_FITTED
    return CoverFigures(whole, seasons, tuple(_fits(covers)), reason)


def _fits(covers: Covers) -> list[Fit]:
    found = []
    for before, beta in sorted(covers.fitted.coefficients.items()):
        errors = covers.members.coefficients[before].std(axis=0, ddof=1)
        (disagreement, spread), (its_error, spread_error) = beta.tolist(), errors.tolist()
        found.append(Fit(before, covers.fitted.games[before], disagreement, its_error, spread, spread_error))
    return found


def _calibrated(
    predicted: Double, market: Double, decisions: Decisions, decided: Bool, span: Bool
) -> Calibrated | None:
    rows = np.flatnonzero(decided & span)
    if not len(rows):
        return None
    covered = decisions.covers[rows] > 0
    return Calibrated(
        games=len(rows),
        left_out=int(span.sum()) - len(rows),
        fitted=calibration(predicted[rows], covered),
        half=Scores.of(np.full(len(rows), 0.5), covered),
        market=Scores.of(market[rows], covered),
    )
