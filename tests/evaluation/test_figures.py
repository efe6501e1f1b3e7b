"""Every figure of a policy, and what may and may not change it."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.markets import TrueMarket, bets, by_hand, true_market
from tests.science.intervals import by_edge
from trainer.data.decisions import Decisions
from trainer.data.types import Int
from trainer.evaluation.bankroll import LARGEST_STAKES, follow
from trainer.evaluation.blocks import resample, week_blocks
from trainer.evaluation.figures import RUINED, BankrollFigures, Figures, policy_figures, win_rate_bootstrap
from trainer.evaluation.intervals import CONSTANT, NO_BETS, Estimate, Method
from trainer.evaluation.payoffs import Bets, Record

SEASONS = (60, 60)
"""Games of each of two seasons, over 22 weeks each."""


def market(seed: int = 1) -> TrueMarket:
    return true_market(SEASONS, 0.0, np.random.default_rng(seed))


def figures_of(taken: Bets, decisions: Decisions, *, resamples: int = 400) -> Figures:
    """The figures of one policy over all seasons."""
    (its,) = policy_figures({"it": taken}, decisions, np.random.default_rng(9), resamples=resamples)
    return its.whole


def numbers(figures: Figures | BankrollFigures | Estimate) -> dict[str, float | None]:
    """Everything that can be compared, by the path to it."""
    found: dict[str, float | None] = {}
    for field in figures.__struct_fields__:
        value = getattr(figures, field)
        if isinstance(value, Estimate):
            found |= {f"{field}.{name}": it for name, it in numbers(value).items()}
        elif field == "bankrolls":
            for it in value:
                found |= {f"{it.largest_stake}.{name}": number for name, number in numbers(it).items()}
        elif isinstance(value, float | int) or value is None:
            found[field] = value
    return found


def same(one: Figures, other: Figures, *, but: tuple[str, ...] = ()) -> None:
    """Fail on the first number that differs and does not begin with one of `but`."""
    theirs = numbers(other)
    assert len(theirs) > 100
    for name, number in numbers(one).items():
        if not name.startswith(but):
            assert number == (None if theirs[name] is None else pytest.approx(theirs[name], rel=1e-9, abs=1e-12)), name


def test_shuffling_rows_changes_nothing() -> None:
    its = market()
    taken = by_edge(its)
    rows: Int = np.random.default_rng(2).permutation(len(taken))
    shuffled = figures_of(taken.take(rows), its.decisions.take(rows))
    same(figures_of(taken, its.decisions), shuffled)


def test_permuting_bets_within_weeks_changes_nothing_that_is_of_weeks() -> None:
    its = market()
    taken = by_edge(its)
    order = np.lexsort((np.random.default_rng(3).random(len(taken)), its.decisions.weeks, its.decisions.seasons))
    same(figures_of(taken.take(order), its.decisions.take(order)), figures_of(taken, its.decisions))


def test_splitting_each_bet_in_two_halves_changes_nothing_but_the_count() -> None:
    its = market()
    taken = by_edge(its)
    twice: Int = np.repeat(np.arange(len(taken)), 2)
    halves = figures_of(Bets(taken.side[twice], taken.stake[twice] / 2), its.decisions.take(twice))
    whole = figures_of(taken, its.decisions)
    same(halves, whole, but=("decisions",))
    assert halves.record.bets == 2 * whole.record.bets


def test_multiplying_stakes_multiplies_the_profit_and_changes_no_rate() -> None:
    its = market()
    taken = by_edge(its)
    halved = figures_of(Bets(taken.side, taken.stake / 2), its.decisions)
    whole = figures_of(taken, its.decisions)
    bankroll = tuple(str(largest) for largest in LARGEST_STAKES)
    same(halved, whole, but=("profit", *bankroll))
    assert halved.profit.lower == pytest.approx((whole.profit.lower or 0) / 2)
    assert halved.profit.value == pytest.approx((whole.profit.value or 0) / 2)
    for one, other in zip(halved.bankrolls, whole.bankrolls, strict=True):  # a day a week: returns are in proportion
        assert one.sharpe.upper == pytest.approx(other.sharpe.upper)
        assert one.staked.value == pytest.approx((other.staked.value or 0) / 2)


def test_outcomes_of_games_that_were_not_bet_on_change_nothing() -> None:
    its = market()
    taken = by_edge(its)
    flipped = its.decisions.returns.copy()
    idle = ~taken.placed
    assert idle.any()
    flipped[idle] = flipped[idle][:, ::-1]
    same(figures_of(taken, replace(its.decisions, returns=flipped)), figures_of(taken, its.decisions))


def test_each_figure_is_the_one_worked_out_by_hand() -> None:
    decisions = by_hand([1, -1, 1, 0, -1, 1], weeks=[1, 1, 2, 3, 4, 4], odds=100)
    its = figures_of(bets([0, 0, 0, 0, -1, 1], [1, 0.5, 1, 1, 0, 1]), decisions)
    assert (its.decisions, its.weeks, its.record, its.break_even) == (6, 4, Record(2, 2, 1), 0.5)
    assert its.win_rate.value == 0.5
    assert its.profit.value == pytest.approx(0.5)
    assert its.roi.value == pytest.approx(0.5 / 4.5)
    assert its.used.value == pytest.approx(5 / 6)
    assert [it.largest_stake for it in its.bankrolls] == [0.01, 0.03, 0.05]
    last = its.bankrolls[-1]
    assert last.final.value == pytest.approx(1.025 * 1.05 * 0.95)
    assert last.log_growth.value == pytest.approx(math.log(1.025 * 1.05 * 0.95) / 4)
    assert last.max_drawdown.value == pytest.approx(0.05)
    returns = np.array([0.025, 0.05, 0, -0.05])
    assert last.sharpe.value == pytest.approx(returns.mean() / returns.std(ddof=1) * 2)
    assert last.staked.value == pytest.approx((0.075 + 0.05 + 0.05 + 0.05) / 4)
    assert last.largest_exposure == pytest.approx(0.075)
    assert last.scaled_days == 0


def test_every_figure_of_a_usual_policy_has_an_interval_around_it_that_says_how_it_was_made() -> None:
    its = figures_of(by_edge(market()), market().decisions)
    rates = [its.win_rate, its.roi, its.profit, its.used]
    for bankroll in its.bankrolls:
        rates += [bankroll.sharpe, bankroll.log_growth, bankroll.final, bankroll.staked]
        assert bankroll.max_drawdown.method is Method.PERCENTILE
        assert bankroll.max_drawdown.lower is not None
    for rate in rates:
        assert rate.method is Method.STUDENTISED
        assert rate.lower is not None
        assert rate.upper is not None
        assert rate.value is not None
        assert rate.lower < rate.value < rate.upper


def test_final_bankroll_has_the_interval_of_its_growth() -> None:
    its = figures_of(by_edge(market()), market().decisions)
    for bankroll in its.bankrolls:
        growth, final = bankroll.log_growth, bankroll.final
        assert growth.lower is not None
        assert (final.lower, final.value) == pytest.approx(
            (math.exp(44 * growth.lower), math.exp(44 * (growth.value or 0)))
        )


def test_seasons_are_figures_of_their_own_and_add_up() -> None:
    its = market()
    (policy,) = policy_figures({"by edge": by_edge(its)}, its.decisions, np.random.default_rng(0), resamples=100)
    assert policy.name == "by edge"
    assert list(policy.seasons) == [2015, 2016]
    assert [it.decisions for it in policy.seasons.values()] == [60, 60]
    assert sum(it.profit.value or 0 for it in policy.seasons.values()) == pytest.approx(policy.whole.profit.value)
    assert policy.whole.weeks == 44
    assert {it.weeks for it in policy.seasons.values()} == {22}


def test_sharpe_is_annualised_by_the_weeks_of_one_season_however_many_there_are() -> None:
    its = market()
    blocks = week_blocks(its.decisions.seasons, its.decisions.weeks)
    figures = figures_of(by_edge(its), its.decisions)
    for bankroll in figures.bankrolls:
        followed = follow(by_edge(its), its.decisions, blocks, bankroll.largest_stake)
        assert bankroll.sharpe.value == pytest.approx(followed.sharpe(22))


def test_the_share_staked_is_a_mean_of_days_not_of_weeks() -> None:
    decisions = by_hand([1, -1, 1], weeks=[1, 1, 2], odds=100)
    decisions = replace(decisions, days=np.array([1, 2, 8]))
    its = figures_of(bets([0, 0, 0], [1, 0.5, 1]), decisions)
    assert its.bankrolls[-1].staked.value == pytest.approx(0.05 * 2.5 / 3)


def test_rates_end_at_none_and_all() -> None:
    beyond = 0
    for seed in range(25):
        yes = np.random.default_rng(seed).random(14) < 0.7
        weeks = [1 + row // 2 for row in range(14)]
        decisions = by_hand(np.where(yes, 1.0, -1.0).tolist(), weeks=weeks)
        blocks = week_blocks(decisions.seasons, decisions.weeks)
        drawn = resample(blocks, np.random.default_rng(9), 200)
        (unbounded,) = win_rate_bootstrap([bets([0] * 14)], decisions, blocks, drawn).estimates()
        beyond += unbounded.upper is not None and unbounded.upper > 1
        win_rate = figures_of(bets([0] * 14), decisions, resamples=200).win_rate
        used = figures_of(bets(np.where(yes, 0, -1).tolist()), decisions, resamples=200).used
        for rate in (win_rate, used):
            assert rate.lower is None or rate.lower >= 0
            assert rate.upper is None or rate.upper <= 1
    assert beyond


def test_pushes_alone_are_no_bets_to_a_win_rate() -> None:
    decisions = by_hand([0, 0, 0])
    blocks = week_blocks(decisions.seasons, decisions.weeks)
    drawn = resample(blocks, np.random.default_rng(0), 50)
    assert win_rate_bootstrap([bets([0, 1, 0])], decisions, blocks, drawn).reasons == (NO_BETS,)


def test_policies_keep_their_order_and_do_not_change_each_other() -> None:
    its = market()
    never = bets([-1] * len(its.decisions))
    both = policy_figures({"z": by_edge(its), "a": never}, its.decisions, np.random.default_rng(9), resamples=400)
    assert [policy.name for policy in both] == ["z", "a"]
    same(both[0].whole, figures_of(by_edge(its), its.decisions))
    assert policy_figures({}, its.decisions, np.random.default_rng(0)) == ()


def test_a_policy_that_never_bets_has_reasons_in_the_place_of_figures() -> None:
    its = figures_of(bets([-1] * 4), by_hand([1, -1, 1, 1]))
    assert (its.record, its.break_even, its.profit.value, its.used.value) == (Record(0, 0, 0), None, 0, 0)
    assert (its.win_rate, its.roi) == (Estimate(None, reason=NO_BETS), Estimate(None, reason=NO_BETS))
    for bankroll in its.bankrolls:
        assert (bankroll.final.value, bankroll.max_drawdown) == (1, Estimate(0.0, reason=NO_BETS))
        assert bankroll.sharpe == Estimate(None, reason=NO_BETS)


def test_a_policy_that_always_wins_still_has_an_interval_of_its_win_rate() -> None:
    its = figures_of(bets([0] * 60), by_hand([1] * 60))
    assert its.win_rate.method is Method.WILSON
    assert its.win_rate.lower == pytest.approx(60 / (60 + 1.959964**2))
    assert its.roi.value == pytest.approx(10 / 11)
    assert (its.roi.lower, its.roi.reason) == (None, CONSTANT)


def test_a_lost_bankroll_has_no_growth_and_says_so() -> None:
    covers = [-1.0] * 25 + [1.0, -1.0, 1.0]
    its = figures_of(bets([0] * 28), by_hand(covers, weeks=[1] * 25 + [2, 3, 4]))
    assert its.bankrolls[0].log_growth.value is not None
    last = its.bankrolls[-1]  # 25 bets of 5 % on one day, scaled down to all of it
    assert last.scaled_days == 1
    assert last.largest_exposure == pytest.approx(1)
    assert last.log_growth == Estimate(None, reason=RUINED)
    assert last.final == Estimate(0.0, reason=RUINED)
    assert last.max_drawdown == Estimate(1.0, reason=RUINED)


def test_no_number_is_ever_nan() -> None:
    for covers in ([1.0], [0.0, 0.0], [1.0, -1.0], [-1.0] * 5):
        decisions = by_hand(covers)
        for side in (-1, 0, 1):
            its = figures_of(bets([side] * len(covers)), decisions, resamples=50)
            assert not [name for name, it in numbers(its).items() if it is not None and not math.isfinite(it)]


def test_the_bounds_of_an_roi_are_between_a_loss_of_all_and_the_largest_price() -> None:
    won, lost = (2, 7, 9, 12), (3, 16, 18, 21)
    sides = [0 if week in (*won, *lost) else -1 for week in range(24)]
    roi = figures_of(bets(sides), by_hand([-1.0 if week in lost else 1.0 for week in range(24)])).roi
    assert roi.lower == -1, "studentised it is less, with so few bets"
    assert roi.upper == pytest.approx(10 / 11)
