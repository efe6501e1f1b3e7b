"""P(cover) in an evaluation: what it was fitted on, and its calibration beside predictions without a fit."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.wholes import dataset
from trainer.data.decisions import Decisions, american_to_net
from trainer.data.types import Dataset
from trainer.evaluation.calibration import calibration
from trainer.evaluation.cover_figures import NOT_FITTED, NOTHING_DECIDED, CoverFigures, cover_figures, covers_of

DATA: Dataset = dataset()


def _test_rows() -> Decisions:
    assert DATA.test.decisions is not None
    return DATA.test.decisions


TEST = _test_rows()


def figures(decisions: Decisions, data: Dataset = DATA) -> CoverFigures:
    return cover_figures(covers_of(data, decisions, 3), decisions)


@pytest.fixture(scope="module")
def found() -> CoverFigures:
    return figures(TEST)


def test_the_fit_of_the_part_is_on_all_seasons_before_it_and_on_none_of_its_own(found: CoverFigures) -> None:
    first = int(TEST.seasons.min())
    assert [fit.before for fit in found.fits] == [first - 2, first - 1, first]
    earlier = [part.decisions for part in (DATA.train, DATA.validation)]
    decided = sum(int((its.covers != 0).sum()) for its in earlier if its is not None)
    assert found.fits[-1].games == decided
    errors = covers_of(DATA, TEST, 3).members.coefficients[first].std(axis=0, ddof=1)
    assert (found.fits[-1].disagreement_error, found.fits[-1].spread_error) == pytest.approx(tuple(errors))
    flipped = replace(TEST, margin=2 * TEST.spread - TEST.margin)
    assert figures(flipped).fits == found.fits


def test_the_figures_are_of_the_decided_games_by_season(found: CoverFigures) -> None:
    covers = covers_of(DATA, TEST, 3)
    decided = TEST.covers != 0
    assert found.whole is not None
    assert (found.whole.games, found.whole.left_out) == (decided.sum(), (~decided).sum())
    assert found.whole.left_out > 0
    assert found.whole.fitted == calibration(covers.fitted.cover[decided], TEST.covers[decided] > 0)
    assert (found.whole.half.brier, found.whole.half.log_loss) == pytest.approx((0.25, math.log(2)))
    halves = replace(TEST, seasons=TEST.seasons + (np.arange(len(TEST)) >= 80))
    split = figures(halves)
    games = [its.games for its in split.seasons.values() if its is not None]
    assert games == [decided[:80].sum(), decided[80:].sum()]
    assert split.fits[-1].before == TEST.seasons.min(), "one fit for all seasons of the part"


def test_the_market_is_its_prices_without_vig() -> None:
    odds = american_to_net(np.tile([-150.0, 130.0], (len(TEST), 1)))
    found = figures(replace(TEST, net_odds=odds)).whole
    assert found is not None
    fair = 0.6 / (0.6 + 1 / 2.3)
    won = TEST.covers[TEST.covers != 0] > 0
    assert found.market.brier == pytest.approx(np.where(won, (1 - fair) ** 2, fair**2).mean())
    assert found.market.log_loss == pytest.approx(-np.where(won, math.log(fair), math.log(1 - fair)).mean())


def test_what_cannot_be_fitted_or_compared_says_why() -> None:
    few = replace(DATA, train=DATA.train.take(np.arange(20)), validation=DATA.validation.take(np.arange(20)))
    found = figures(TEST, few)
    assert (found.fits, found.whole, found.reason) == ((), None, NOT_FITTED)
    pushed = figures(replace(TEST, margin=TEST.spread))
    assert (pushed.whole, pushed.reason) == (None, NOTHING_DECIDED)
    assert set(pushed.seasons.values()) == {None}
    unknown = figures(replace(TEST, p_hat=np.full(len(TEST), np.nan)))
    assert (unknown.whole, unknown.reason) == (None, NOTHING_DECIDED)
