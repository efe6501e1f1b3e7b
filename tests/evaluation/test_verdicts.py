"""What figures come to, and how many bets would decide it."""

import pytest

from trainer.evaluation.intervals import CONSTANT, FEW_WEEKS, Estimate, wilson_estimate
from trainer.evaluation.payoffs import Record
from trainer.evaluation.verdicts import Judgement, Verdict, bets_needed, judge

EVEN = 11 / 21


def estimate(value: float, lower_bound: float, upper_bound: float) -> Estimate:
    """Only one-sided bounds decide; the two-sided ends would decide otherwise."""
    return Estimate(value, lower_bound - 9, upper_bound + 9, lower_bound, upper_bound, 0.1)


RECORD = Record(60, 40, 0)
WIN_RATE, IMPLAUSIBLE = estimate(0.6, 0.52, 0.68), estimate(0.7, 0.581, 0.8)
ROI, LOSING = estimate(0.1, -0.05, 0.25), estimate(-0.2, -0.3, -0.01)


def judged(
    *,
    record: Record = RECORD,
    win_rate: Estimate = WIN_RATE,
    roi: Estimate = ROI,
    adjusted_lower: float | None = -0.05,
    leaks: tuple[str, ...] = (),
) -> Judgement:
    return judge(record, win_rate, EVEN, roi, adjusted_lower=adjusted_lower, leaks=leaks)


def test_a_leak_comes_before_everything() -> None:
    its = judged(win_rate=IMPLAUSIBLE, adjusted_lower=0.2, leaks=("edge: AUC 0.956", "p_hat: AUC 0.883"))
    assert its.verdict is Verdict.LEAK
    assert "edge: AUC 0.956; p_hat: AUC 0.883" in its.sentence


def test_an_implausible_win_rate_comes_before_an_edge_but_only_with_fifty_bets() -> None:
    assert judged(win_rate=IMPLAUSIBLE, adjusted_lower=0.2).verdict is Verdict.IMPLAUSIBLE
    assert judged(win_rate=IMPLAUSIBLE, adjusted_lower=0.2, record=Record(35, 15, 0)).verdict is Verdict.IMPLAUSIBLE
    assert judged(win_rate=IMPLAUSIBLE, adjusted_lower=0.2, record=Record(35, 14, 0)).verdict is Verdict.EDGE
    assert judged(win_rate=estimate(0.7, 0.58, 0.8), adjusted_lower=0.2).verdict is Verdict.EDGE


def test_bets_that_all_win_are_implausible_though_their_weeks_do_not_differ() -> None:
    its = judged(record=Record(60, 0, 0), win_rate=wilson_estimate(60, 0), roi=Estimate(0.9, reason=CONSTANT))
    assert its.verdict is Verdict.IMPLAUSIBLE
    assert "100.0 % of 60" in its.sentence


def test_an_edge_needs_the_bound_that_counts_all_policies_not_the_one_of_the_policy_alone() -> None:
    roi = estimate(0.1, 0.02, 0.2)
    assert judged(roi=roi, adjusted_lower=0.001).verdict is Verdict.EDGE
    assert judged(roi=roi, adjusted_lower=0.0).verdict is Verdict.UNDECIDED
    assert judged(roi=roi, adjusted_lower=None).verdict is Verdict.UNDECIDED


def test_it_loses_where_the_upper_bound_of_what_it_returns_is_below_zero() -> None:
    assert judged(roi=LOSING).verdict is Verdict.LOSES
    assert judged(roi=estimate(-0.2, -0.3, 0.0)).verdict is Verdict.UNDECIDED


def test_bets_that_all_lose_lose_though_their_weeks_do_not_differ() -> None:
    roi = Estimate(-1.0, reason=CONSTANT)
    assert judged(record=Record(0, 30, 0), win_rate=wilson_estimate(0, 30), roi=roi).verdict is Verdict.LOSES
    assert judged(record=Record(0, 1, 0), win_rate=wilson_estimate(0, 1), roi=roi).verdict is Verdict.UNDECIDED
    for upper, verdict in ((EVEN, Verdict.UNDECIDED), (EVEN - 1e-6, Verdict.LOSES)):
        assert judged(win_rate=estimate(0.4, 0.3, upper), roi=roi).verdict is verdict


def test_what_is_not_decided_says_how_many_bets_more_would_decide_it() -> None:
    its = judged(record=Record(550, 450, 20), win_rate=estimate(0.55, 0.52, 0.58))
    needed = bets_needed(0.55, EVEN)
    assert needed is not None
    assert its.further_bets == needed - 1000
    assert f"{needed - 1000:,} bets more would show an edge with a chance of 80 %" in its.sentence
    assert "55.0 % of 1000 decided bets, where 52.4 % come out even" in its.sentence
    losing = judged(record=Record(50, 50, 0), win_rate=estimate(0.5, 0.4, 0.6), roi=estimate(-0.1, -0.25, 0.05))
    assert "would show a loss" in losing.sentence


def test_a_win_rate_and_a_return_that_point_to_different_sides_are_both_told() -> None:
    its = judged(record=Record(50, 50, 0), win_rate=estimate(0.5, 0.4, 0.6))
    assert "50.0 % of 100 decided bets, where 52.4 % come out even, each bet counted alike" in its.sentence
    assert "by its stakes it returns +10.0 %" in its.sentence
    assert (its.further_bets, "would show" in its.sentence) == (None, False)


def test_enough_bets_that_decide_nothing_are_said_to_differ_too_much() -> None:
    its = judged(record=Record(3_000, 2_000, 0), win_rate=estimate(0.6, 0.5, 0.7))
    assert its.further_bets == 0
    assert "weeks differ too much" in its.sentence


@pytest.mark.parametrize("record", [Record(0, 0, 0), Record(0, 0, 1)])
def test_no_bets_and_pushes_alone_are_nothing_to_judge(record: Record) -> None:
    its = judge(record, wilson_estimate(0, 0), None, Estimate(None, reason=FEW_WEEKS), adjusted_lower=None)
    assert its.verdict is Verdict.UNDECIDED
    assert "nothing to judge" in its.sentence
    assert its.further_bets is None


@pytest.mark.parametrize(("rate", "bets"), [(0.53, 40_103), (0.54, 5_868), (0.55, 2_240)])
def test_bets_needed_at_minus_110_are_the_simulated_ones_within_one_percent(rate: float, bets: int) -> None:
    assert bets_needed(rate, EVEN) == pytest.approx(bets, rel=0.01)


def test_more_power_and_a_smaller_difference_need_more_bets_and_none_can_be_told_from_itself() -> None:
    few, more = bets_needed(0.55, EVEN), bets_needed(0.55, EVEN, power=0.9)
    assert few is not None
    assert more is not None
    assert more > few
    assert bets_needed(EVEN, EVEN) is None
    assert judged(win_rate=estimate(EVEN, 0.5, 0.6)).further_bets is None
