"""The account of bets that were taken, on a history written down by hand."""

import numpy as np
import pytest
from msgspec.structs import replace

from trainer.evaluation.payoffs import Record
from trainer.evaluation.taken import Taken, account, bets_by_close


def taken(count: int = 6) -> Taken:
    """A bet a week at -110 on a side that gives three: won by 7, lost by 7, pushed, and so on."""
    weeks = np.arange(1, count + 1)
    return Taken(
        game_ids=tuple(f"g{week}" for week in weeks),
        seasons=np.full(count, 2022),
        weeks=weeks,
        days=738_400 + 7 * weeks,
        spread=np.full(count, 3.0),
        net_odds=np.full(count, 10 / 11),
        stake=np.array([1.0, 0.5, 1.0, 0.2, 1.0, 1.0, *[1.0] * count])[:count],
        margin=np.array([7.0, -7.0, 3.0, *[-7.0] * count])[:count],
        close=np.full(count, 3.5),
        close_odds=np.full((count, 2), 10 / 11),
        before_close=np.ones(count, dtype=np.bool_),
        counted=np.ones(count, dtype=np.bool_),
    )


def seeded() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_record_and_the_profit_are_those_of_the_bets() -> None:
    its = account(taken(), seeded(), resamples=200).figures.whole
    assert its.record == Record(wins=1, losses=4, pushes=1)
    profit = 10 / 11 - 0.5 - 0.2 - 1 - 1
    assert its.profit.value == pytest.approx(profit)
    assert its.roi.value == pytest.approx(profit / 4.7)
    assert its.break_even == pytest.approx(11 / 21)
    # At 5 %: the peak is after the first bet, and four are lost after it.
    kept = (1 - 0.05 * 0.5) * (1 - 0.05 * 0.2) * (1 - 0.05) ** 2
    assert its.bankrolls[-1].max_drawdown.value == pytest.approx(1 - kept)


def test_closing_line_value_needs_a_price_before_a_close_that_is_known() -> None:
    bets = taken()
    assert account(replace(bets, before_close=~bets.before_close), seeded(), resamples=200).closing is None
    assert account(replace(bets, close=np.full(6, np.nan)), seeded(), resamples=200).closing is None
    some = replace(bets, before_close=np.array([True, False, False, True, False, False]))
    its = account(some, seeded(), resamples=200).closing
    assert its is not None
    assert (its.bets, its.better) == (2, 1.0), "three points are fewer than three and a half"
    assert np.isnan(bets_by_close(some)[0]).tolist() == [False, True, True, False, True, True]


def test_a_close_without_prices_is_taken_at_the_standard_one_and_counted() -> None:
    bets = taken()
    odds = bets.close_odds.copy()
    odds[2, 1] = np.nan
    its = account(replace(bets, close_odds=odds), seeded(), resamples=200)
    assert its.assumed == 1
    assert bets_by_close(replace(bets, close_odds=odds))[0].tolist() == bets_by_close(bets)[0].tolist()
    assert account(bets, seeded(), resamples=200).assumed == 0


def test_both_alarms_name_the_week_and_count_weeks_that_are_over() -> None:
    bets = taken(200)
    its = account(bets, seeded(), expected_roi=0.05, resamples=20)
    assert its.losing.when is not None
    assert its.short is not None
    assert its.short.when is not None
    assert its.short.when <= its.losing.when
    assert its.losing.when == (2022, 1 + int(its.losing.process.alarm or 0))
    assert (its.losing.bets, its.losing.weeks) == (200, 200)
    early = replace(bets, counted=bets.weeks < its.losing.when[1])
    assert account(early, seeded(), resamples=20).losing.when is None
    assert account(early, seeded(), resamples=20).short is None
    none = replace(bets, counted=np.zeros(200, dtype=np.bool_))
    assert account(none, seeded(), resamples=20).losing.bets == 0
