"""AUC, Spearman's correlation and risk against coverage: by hand, beside scikit-learn and SciPy, and what changes
nothing."""

import math
from itertools import combinations, permutations, product

import numpy as np
import pytest

from trainer.data.types import Bool, Double
from trainer.evaluation.ranking import (
    auc,
    coverage_curve,
    midranks,
    pearson,
    risk_coverage,
    spearman,
    spearman_within_weeks,
    stratified_auc,
    two_sided,
)


def drawn(count: int, seed: int, levels: int | None = None) -> tuple[Double, Bool]:
    """Scores with some skill, rounded to so many levels, and classes."""
    rng = np.random.default_rng(seed)
    positive = rng.random(count) < 0.4
    scores = rng.normal(size=count) + 0.5 * positive
    return (scores if levels is None else np.round(scores * levels / 4)), positive


def test_midranks_share_the_mean_of_the_ranks_of_equals() -> None:
    assert midranks(np.array([3.0, 1.0, 3.0, 2.0, 3.0])).tolist() == [4, 1, 4, 2, 4]
    with pytest.raises(ValueError, match="not finite"):
        midranks(np.array([1.0, math.nan]))


def test_auc_by_hand_counts_ties_half() -> None:
    # Positives 1, 2, 4 and negatives 1, 3: of six pairs (1,1) ties, (2,1), (4,1) and (4,3) are won, the others lost.
    found = auc(np.array([1.0, 2, 4, 1, 3]), np.array([True, True, True, False, False]))
    assert found.value == pytest.approx(3.5 / 6)
    # Shares outranked: positives 1/4, 1/2, 1 (variance 7/48), negatives 5/6, 1/3 (variance 1/8).
    assert found.se == pytest.approx(math.sqrt(7 / 48 / 3 + 1 / 8 / 2))
    # Wilcoxon's variance with one tie of two: (5 + 1 - 6 / (5 * 4)) / (12 * 3 * 2).
    assert found.null_se == pytest.approx(math.sqrt(5.7 / 72))
    assert (found.positives, found.negatives) == (3, 2)
    assert found.cautious_se == found.se
    assert found.z == pytest.approx((3.5 / 6 - 0.5) / math.sqrt(7 / 48 / 3 + 1 / 8 / 2))


@pytest.mark.parametrize("levels", [None, 3])
def test_auc_is_scikit_learns_and_its_error_delongs_by_all_pairs(levels: int | None) -> None:
    from sklearn.metrics import roc_auc_score

    scores, positive = drawn(300, 1, levels)
    found = auc(scores, positive)
    assert found.value == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    wins = np.array([[(x > y) + 0.5 * (x == y) for y in scores[~positive]] for x in scores[positive]])
    m, n = wins.shape
    expected = wins.mean(axis=1).var(ddof=1) / m + wins.mean(axis=0).var(ddof=1) / n
    assert found.se == pytest.approx(math.sqrt(expected), rel=1e-9)


def test_the_standard_error_is_the_spread_of_the_auc_over_fresh_samples() -> None:
    found = [auc(*drawn(200, seed)) for seed in range(400)]
    spread = np.std([one.value for one in found])
    assert np.mean([one.se for one in found]) == pytest.approx(spread, rel=0.1)
    blind = [auc(scores, np.roll(positive, 1)) for scores, positive in (drawn(200, seed, 2) for seed in range(400))]
    assert np.mean([one.null_se for one in blind]) == pytest.approx(np.std([one.value for one in blind]), rel=0.1)


def test_separated_classes_have_no_delong_error_but_a_cautious_one() -> None:
    found = auc(np.array([1.0, 2, 3, 4]), np.array([False, False, True, True]))
    assert (found.value, found.se) == (1.0, 0.0)
    assert found.cautious_se == pytest.approx(math.sqrt(5 / 48))
    assert abs(found.z) < 2
    for positive in ([False, False, True], [False, True, True]):
        single = auc(np.array([1.0, 2, 3]), np.array(positive))
        assert math.isnan(single.se)
        assert single.cautious_se == single.null_se > 0


def test_equal_scores_have_an_auc_of_one_half_and_no_deviation() -> None:
    found = auc(np.ones(6), np.arange(6) < 2)
    assert (found.value, found.z) == (0.5, 0.0)


def test_auc_is_unchanged_by_shuffling_scaling_and_doubling_and_mirrored_by_the_sign() -> None:
    scores, positive = drawn(200, 2, 5)
    found = auc(scores, positive)
    order = np.random.default_rng(3).permutation(200)
    shuffled = auc(scores[order], positive[order])
    assert shuffled.value == pytest.approx(found.value, abs=1e-15)
    assert shuffled.se == pytest.approx(found.se, rel=1e-12)
    assert auc(np.exp(7 * scores), positive) == found
    assert auc(np.tile(scores, 2), np.tile(positive, 2)).value == pytest.approx(found.value, abs=1e-15)
    assert auc(-scores, positive).value == pytest.approx(1 - found.value)


def test_an_auc_refuses_what_it_cannot_rank() -> None:
    with pytest.raises(ValueError, match="both classes"):
        auc(np.arange(3.0), np.ones(3, dtype=np.bool_))
    with pytest.raises(ValueError, match="not finite"):
        auc(np.array([0.0, math.nan]), np.array([True, False]))
    with pytest.raises(ValueError, match="differ in length"):
        auc(np.arange(3.0), np.array([True, False]))


def test_stratified_auc_compares_within_strata_only_weighted_by_pairs() -> None:
    # Stratum 0: 1 > 0 won, one pair. Stratum 1: positives 10, 12 against 11, 13: one of four pairs won.
    scores = np.array([0.0, 1, 10, 12, 11, 13, 99])
    positive = np.array([False, True, True, True, False, False, True])
    strata = np.array([0, 0, 1, 1, 1, 1, 2])
    found = stratified_auc(scores, positive, strata)
    assert found.value == pytest.approx((1 * 1.0 + 4 * 0.25) / 5)
    assert (found.positives, found.negatives) == (3, 3)
    parts = auc(scores[:2], positive[:2]), auc(scores[2:6], positive[2:6])
    assert found.null_se == pytest.approx(math.hypot(parts[0].null_se / 5, parts[1].null_se * 4 / 5))
    with pytest.raises(ValueError, match="no stratum"):
        stratified_auc(scores, positive, np.arange(7))


def test_correlations_are_scipys_with_ties_and_zero_for_a_constant() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(4)
    x = np.round(rng.normal(size=80), 1)
    y = np.round(x + rng.normal(size=80))
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
    assert pearson(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    assert spearman(x, np.ones(80)) == pearson(np.full(80, 0.1), y) == 0
    assert pearson(np.array([1.0, 2]), np.array([5.0, 3])) == -1
    with pytest.raises(ValueError, match="two rows"):
        pearson(np.ones(1), np.ones(1))


def test_permutation_p_value_is_that_of_all_permutations_within_weeks() -> None:
    from scipy.stats import spearmanr

    x = np.array([1.0, 2, 3, 4, 5, 6, 7])
    y = np.array([1.0, 3, 2, 5, 4, 7, 6])
    weeks = np.array([1, 1, 1, 1, 2, 2, 2])
    found = spearman_within_weeks(x, y, weeks, 4000, np.random.default_rng(5))
    assert found.value == pytest.approx(spearmanr(x, y).statistic)

    def statistic(order: tuple[int, ...]) -> float:
        z = y[list(order)]
        return sum(float((x[part] - x[part].mean()) @ (z[part] - z[part].mean())) for part in (weeks == 1, weeks == 2))

    everything = [abs(statistic(a + b)) for a, b in product(permutations(range(4)), permutations(range(4, 7)))]
    exact = np.mean(np.array(everything) >= abs(statistic(tuple(range(7)))) - 1e-9)
    assert found.p_value == pytest.approx(exact, abs=0.02)
    assert 0.02 < exact < 0.9


def test_a_permutation_test_refuses_what_it_cannot_permute() -> None:
    x, rng = np.arange(4.0), np.random.default_rng(1)
    with pytest.raises(ValueError, match="differ in length"):
        spearman_within_weeks(x, x, np.arange(5), 9, rng)
    with pytest.raises(ValueError, match="0 permutations"):
        spearman_within_weeks(x, x, np.arange(4), 0, rng)
    assert spearman_within_weeks(x, x, np.arange(4), 1, rng).p_value == 1


def test_what_moves_from_week_to_week_only_is_no_correlation() -> None:
    weeks = np.repeat(np.arange(20), 6)
    rng = np.random.default_rng(6)
    x, y = weeks + rng.random(120), weeks + rng.random(120)
    found = spearman_within_weeks(x, y, weeks, 199, rng)
    assert found.value > 0.95
    assert found.p_value > 0.05
    constant = spearman_within_weeks(x, weeks.astype(np.float64), weeks, 19, rng)
    assert constant.p_value == 1


def test_a_correlation_within_weeks_is_found_whatever_the_order_of_rows_and_the_unit() -> None:
    weeks = np.repeat(np.arange(20), 6)
    rng = np.random.default_rng(7)
    x = rng.normal(size=120)
    y = x + rng.normal(size=120)
    found = spearman_within_weeks(x, -y, weeks, 199, rng)
    assert found.value < -0.5
    assert found.p_value == 1 / 200
    order = rng.permutation(120)
    other = spearman_within_weeks(1000 * x[order], -3 * y[order], weeks[order], 199, rng)
    assert other.value == pytest.approx(found.value, abs=1e-12)
    assert other.p_value == 1 / 200


def test_permuting_within_weeks_rejects_as_often_as_it_says_where_there_is_nothing() -> None:
    rng = np.random.default_rng(8)
    weeks = np.repeat(np.arange(8), 5)
    share = rng.normal(size=8)[weeks]
    small = [
        spearman_within_weeks(share + rng.normal(size=40), share + rng.normal(size=40), weeks, 39, rng).p_value <= 0.1
        for _ in range(500)
    ]
    assert 0.06 < np.mean(small) < 0.14


def test_risk_against_coverage_by_hand() -> None:
    # By certainty: losses 0, 1, 0, 1; risks 0, 1/2, 1/3, 1/2.
    found = risk_coverage(np.array([0.4, 0.1, 0.3, 0.2]), np.array([1.0, 0, 0, 1]))
    assert found.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert found.risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert found.aurc == pytest.approx(1 / 3)
    assert found.random == 0.5
    assert found.oracle == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    areas = [risk_coverage(np.arange(4.0), np.array(order)).aurc for order in permutations([1.0, 0.0, 0.0, 1.0])]
    assert np.mean(areas) == pytest.approx(found.random)
    assert np.std(areas) == pytest.approx(found.random_sd)


def test_equal_uncertainties_count_as_all_their_orders_on_average() -> None:
    uncertainty, losses = np.array([1.0, 2, 2, 2, 3]), np.array([0.0, 1, 0, 4, 2])
    found = risk_coverage(uncertainty, losses)
    orders = [
        risk_coverage(np.array([1.0, *(2 + 0.1 * np.array(order)), 3]), losses) for order in permutations(range(3))
    ]
    assert found.aurc == pytest.approx(np.mean([one.aurc for one in orders]))
    assert found.risk == pytest.approx(np.mean([one.risk for one in orders], axis=0))
    flat = risk_coverage(np.ones(5), losses)
    assert flat.aurc == pytest.approx(flat.random)
    assert flat.random_sd == pytest.approx(0, abs=1e-12)


def test_random_orders_of_tied_uncertainties_spread_as_told() -> None:
    uncertainty, losses = np.array([1.0, 1, 2, 2, 3]), np.array([0.0, 1, 0, 4, 2])
    areas = [risk_coverage(uncertainty, losses[list(order)]).aurc for order in permutations(range(5))]
    assert risk_coverage(uncertainty, losses).random_sd == pytest.approx(np.std(areas))


def test_two_rows_have_a_spread_of_areas_and_one_has_none() -> None:
    found = risk_coverage(np.array([1.0, 2]), np.array([0.0, 1]))
    assert found.random_sd == pytest.approx(0.25)  # the areas are 1/4 and 3/4
    alone = risk_coverage(np.array([1.0]), np.array([0.3]))
    assert (alone.aurc, alone.random_sd) == (0.3, 0)


def test_risk_is_unchanged_by_shuffling_and_by_the_unit_of_uncertainty() -> None:
    rng = np.random.default_rng(9)
    uncertainty, losses = np.round(rng.random(50), 1), rng.random(50)
    found = risk_coverage(uncertainty, losses)
    order = rng.permutation(50)
    other = risk_coverage(5 * uncertainty[order], losses[order])
    assert other.risk == pytest.approx(found.risk)
    assert other.random_sd == pytest.approx(found.random_sd)
    with pytest.raises(ValueError, match="no row"):
        risk_coverage(np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match="finite"):
        risk_coverage(np.array([1.0, math.inf]), np.zeros(2))


def test_two_sided_is_the_normal_tail() -> None:
    from scipy.stats import norm

    assert two_sided(-1.96) == pytest.approx(2 * norm.sf(1.96), rel=1e-12)


def test_the_curve_by_hand_has_the_risk_of_every_subset_that_chance_and_the_oracle_would_keep() -> None:
    uncertainty, losses = np.array([1.0, 2, 3, 4]), np.array([0.0, 1, 0, 1])
    curve = coverage_curve(risk_coverage(uncertainty, losses), losses)
    assert curve.coverage == (0.25, 0.5, 0.75, 1)
    assert curve.risk == pytest.approx((0, 1 / 2, 1 / 3, 1 / 2))
    assert curve.oracle == pytest.approx((0, 0, 1 / 3, 1 / 2))
    for kept, spread in enumerate(curve.random_sd, 1):
        assert spread == pytest.approx(np.std([np.mean(some) for some in combinations(losses, kept)]))


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 577])
def test_a_curve_has_100_points_at_most_as_far_apart_as_rows_permit(count: int) -> None:
    losses = np.random.default_rng(3).random(count)
    found = risk_coverage(np.arange(count, dtype=np.float64), losses)
    curve = coverage_curve(found, losses)
    lengths = {len(values) for values in (curve.coverage, curve.risk, curve.random_sd, curve.oracle)}
    assert lengths == {min(count, 100)}
    assert (curve.coverage[0], curve.coverage[-1]) == (1 / count, 1)
    assert (curve.risk[0], curve.risk[-1], curve.random_sd[-1]) == (found.risk[0], found.risk[-1], 0)
    assert np.diff(curve.coverage).max(initial=0) <= 1 / min(count, 99) + 1 / count
