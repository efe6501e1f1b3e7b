"""The as-of replay finds features that know later games, down to the last bit."""

from datetime import date, timedelta

import numpy as np
import pytest

from trainer.data.types import Double, Int
from trainer.evaluation.leak_findings import Grade
from trainer.evaluation.leak_replay import CUTS, Replayed, as_of_replay, cut_days

FIRST = date(2020, 9, 1)
DAYS: Int = FIRST.toordinal() + np.repeat(np.arange(40), 3)
IDS = tuple(f"g{number}" for number in range(120))
RESULTS: Double = np.random.default_rng(1).normal(size=120)


def means_before(count: int) -> Double:
    """Two features of the first games, from the days before theirs."""
    means = [RESULTS[: 3 * (row // 3)].mean() if row >= 3 else 0.0 for row in range(count)]
    return np.stack([means, np.arange(count)], axis=1)


def games_before(cut: date) -> int:
    return int((cut.toordinal() > DAYS).sum())


def honest(cut: date) -> Replayed:
    count = games_before(cut)
    return IDS[:count], means_before(count)


def test_features_of_earlier_days_replay_bit_for_bit() -> None:
    asked: list[date] = []

    def features_at(cut: date) -> Replayed:
        asked.append(cut)
        return honest(cut)

    found = as_of_replay(IDS, means_before(120), DAYS, features_at)
    assert (found.check, found.subject) == ("as_of_replay", "features")
    assert (found.value, found.bound, found.grade) == (0, 0, Grade.CLEAN)
    assert asked == cut_days(DAYS)
    compared = sum(games_before(cut) for cut in asked)
    assert found.sentence == f"0 of {compared:,} states, at 20 cuts, depend on what came later"


def test_a_feature_standardised_over_all_games_is_a_leak() -> None:
    def standardised(count: int) -> Double:
        states = means_before(count)
        return np.asarray((states - states.mean(axis=0)) / (states.std(axis=0) + 1), np.float64)

    found = as_of_replay(IDS, standardised(120), DAYS, lambda cut: (honest(cut)[0], standardised(games_before(cut))))
    assert found.grade == Grade.LEAK
    assert "the first is g0, which differs from what was known before" in found.sentence


def test_the_last_bit_of_one_feature_counts() -> None:
    cut = FIRST + timedelta(days=20)
    states = means_before(120)
    states[30, 0] = np.nextafter(states[30, 0], 9)
    found = as_of_replay(IDS, states, DAYS, honest, [cut])
    assert (found.value, found.grade) == (1, Grade.LEAK)
    assert f"g30, which differs from what was known before {cut}" in found.sentence
    states = means_before(120)
    states[60:, 0] += 1  # games of the cut's day and later are not compared
    assert as_of_replay(IDS, states, DAYS, honest, [cut]).grade == Grade.CLEAN


def test_games_that_come_or_go_with_later_ones_count() -> None:
    cut = FIRST + timedelta(days=20)
    fewer = as_of_replay(IDS, means_before(120), DAYS, lambda cut: (honest(cut)[0][:-1], honest(cut)[1][:-1]), [cut])
    assert fewer.value == 1
    assert "g59, which is missing from what was known" in fewer.sentence
    more = as_of_replay(IDS, means_before(120), DAYS, lambda _: (IDS[:61], means_before(61)), [cut])
    assert more.value == 1
    assert "g60, which is there only" in more.sentence


def test_the_order_of_the_rows_does_not_matter() -> None:
    order = np.random.default_rng(2).permutation(120)
    ids = [IDS[row] for row in order.tolist()]
    assert as_of_replay(ids, means_before(120)[order], DAYS[order], honest).grade == Grade.CLEAN


def test_cuts_are_spread_over_the_games_and_are_days_of_theirs() -> None:
    cuts = cut_days(DAYS)
    assert len(cuts) == CUTS
    assert cuts == sorted(set(cuts))
    assert cuts[0] > FIRST
    assert cuts[-1] == FIRST + timedelta(days=39)
    shares = np.diff([games_before(cut) for cut in cuts])
    assert shares.max() <= 9
    assert cut_days(DAYS[:3]) == []
    assert as_of_replay(IDS[:3], means_before(3), DAYS[:3], honest).grade == Grade.UNTESTED
    assert cut_days(DAYS[:6]) == [FIRST + timedelta(days=1)]


def test_what_cannot_be_compared_is_refused() -> None:
    states = means_before(120)
    with pytest.raises(ValueError, match="are compared with float32"):
        as_of_replay(IDS, states.astype(np.float32), DAYS, honest)
    with pytest.raises(ValueError, match="twice"):
        as_of_replay(("g",) * 120, states, DAYS, honest)
    with pytest.raises(ValueError, match="119 ids"):
        as_of_replay(IDS[1:], states, DAYS, honest)
