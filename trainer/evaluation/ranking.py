"""How well a number orders outcomes: AUC, Spearman's correlation, and risk against coverage.

Everything here depends on the order of the values alone: multiplying all stakes, or any other increasing change of a
score, changes nothing. Ties count half, so that shuffling the rows changes nothing either.
"""

import math

import numpy as np
from msgspec import Struct

from trainer.data.types import Bool, Double, Int

CURVE_POINTS = 100
"""Of a curve that is drawn."""


class Auc(Struct, frozen=True):
    """P(score of a positive > score of a negative), ties counted half, and how exactly it is known."""

    value: float
    se: float
    """DeLong's standard error; 0 where the classes are separated. NaN where a class has a single row."""
    null_se: float
    """The standard error that it has if the scores say nothing of the class (Wilcoxon's, corrected for ties)."""
    positives: int
    negatives: int

    @property
    def cautious_se(self) -> float:
        """The larger of both errors: DeLong's vanishes where a few rows happen to be separated."""
        return self.null_se if math.isnan(self.se) else max(self.se, self.null_se)

    @property
    def z(self) -> float:
        """Deviation from 1/2 in cautious standard errors; 0 where all scores are equal."""
        return 0.0 if self.cautious_se == 0 else (self.value - 0.5) / self.cautious_se


class Correlation(Struct, frozen=True):
    """Spearman's rank correlation, and how often chance alone makes it as large."""

    value: float
    p_value: float
    """Two-sided, at least 1 / (permutations + 1)."""
    permutations: int


class RiskCoverage(Struct, frozen=True, eq=False):
    """Mean loss of the most certain rows, by how many of them are kept."""

    coverage: Double
    """[N], 1/N to 1."""
    risk: Double
    """[N], mean loss of the most certain share; the last is the mean of all."""
    aurc: float
    """Mean of `risk`, the area under it."""
    random: float
    """What abstaining at random has in expectation: the mean loss."""
    random_sd: float
    """The standard deviation of the area over random orders of the rows."""
    oracle: float
    """The smallest area that any order has: that by the losses themselves."""


class CoverageCurve(Struct, frozen=True):
    """Risk against coverage at some of the coverages, for a picture."""

    coverage: tuple[float, ...]
    """From the smallest to 1."""
    risk: tuple[float, ...]
    """Mean loss of the most certain share."""
    random_sd: tuple[float, ...]
    """Standard deviation of the mean loss of a share that is drawn at random; its expectation is the last `risk`, the
    mean loss of all."""
    oracle: tuple[float, ...]
    """Mean loss of the share with the smallest losses: no order has less."""


def two_sided(z: float) -> float:
    """Return P(|Z| >= |z|) of a standard normal."""
    return math.erfc(abs(z) / math.sqrt(2))


def midranks(values: Double) -> Double:
    """Return the ranks [N] from 1; equal values share the mean of theirs.

    Raises:
        ValueError: a value is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("values that are not finite have no rank: leave their rows out")
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    ranks: Double = (last - (counts - 1) / 2)[group]
    return ranks


def auc(scores: Double, positive: Bool) -> Auc:
    """Return the area under the ROC curve of `scores` [N] for `positive` [N].

    Source: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44, equations 3 to 5, by midranks as in Sun & Xu (2014),
    IEEE Signal Processing Letters 21.

    Raises:
        ValueError: a score is not finite, or a class has no row.
    """
    _same_length(scores, positive)
    m, n = int(positive.sum()), int((~positive).sum())
    if m == 0 or n == 0:
        raise ValueError(f"an AUC needs rows of both classes, and there are {m} and {n}")
    ranks = midranks(scores)
    above = (ranks[positive] - midranks(scores[positive])) / n
    """[m], share of the negatives that each positive outranks."""
    below = (ranks[~positive] - midranks(scores[~positive])) / m
    """[n], share of the positives that each negative outranks."""
    value = float(above.mean())
    se = math.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n) if m > 1 and n > 1 else math.nan
    _, counts = np.unique(scores, return_counts=True)
    total = m + n
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (total * (total - 1))
    null_se = math.sqrt(max(0.0, (total + 1 - ties) / (12 * m * n)))
    return Auc(value, se, null_se, m, n)


def stratified_auc(scores: Double, positive: Bool, strata: Int) -> Auc:
    """Return the AUC over pairs of the same stratum [N], each stratum weighted by its pairs.

    Scores of different fits are comparable within a fold only: a fold with many positives leaves few to fit on, so
    that its scores are low, and the AUC over all rows of a score that knows nothing lies below 1/2.

    Raises:
        ValueError: as `auc`, or no stratum has rows of both classes.
    """
    _same_length(scores, positive, strata)
    parts = []
    for stratum in np.unique(strata):
        rows = strata == stratum
        if positive[rows].any() and not positive[rows].all():
            parts.append(auc(scores[rows], positive[rows]))
    if not parts:
        raise ValueError("no stratum has rows of both classes")
    pairs = np.array([part.positives * part.negatives for part in parts], dtype=np.float64)
    weights = pairs / pairs.sum()

    def together(errors: list[float]) -> float:
        return math.sqrt(float((weights**2) @ np.square(errors)))

    return Auc(
        value=float(weights @ np.array([part.value for part in parts])),
        se=together([part.se for part in parts]),
        null_se=together([part.null_se for part in parts]),
        positives=sum(part.positives for part in parts),
        negatives=sum(part.negatives for part in parts),
    )


def pearson(x: Double, y: Double) -> float:
    """Return the correlation of x [N] and y [N]; 0 where either is constant.

    Raises:
        ValueError: the lengths differ, or there are fewer than two rows.
    """
    _same_length(x, y)
    if len(x) < 2:
        raise ValueError(f"a correlation needs two rows or more, and there are {len(x)}")
    if (x == x[0]).all() or (y == y[0]).all():
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip((x @ y) / math.sqrt(float((x @ x) * (y @ y))), -1, 1))


def spearman(x: Double, y: Double) -> float:
    """Return the correlation of the midranks of x [N] and y [N]; 0 where either is constant.

    Raises:
        ValueError: as `pearson`, or a value is not finite.
    """
    return pearson(midranks(x), midranks(y))


def spearman_within_weeks(x: Double, y: Double, weeks: Int, permutations: int, rng: np.random.Generator) -> Correlation:
    """Return Spearman's correlation over all rows, tested by permuting y [N] within `weeks` [N].

    `weeks` tells (season, week) blocks apart, such as 100 x season + week. What x and y share from week to week stays
    in every permutation and so does not count: the statistic is the product of the ranks as deviations from their
    weeks' means, whose permutations have the mean 0. The p-value counts the data as one of its permutations, so the
    test is exact (Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9).

    Raises:
        ValueError: as `spearman`, or `permutations` is less than 1.
    """
    _same_length(x, y, weeks)
    if permutations < 1:
        raise ValueError(f"{permutations} permutations test nothing: use 1 or more")
    ranks_x, ranks_y = midranks(x), midranks(y)
    value = pearson(ranks_x, ranks_y)
    _, block = np.unique(weeks, return_inverse=True)
    order = np.argsort(block, kind="stable")
    block = block[order]
    a, b = (_without_block_means(ranks[order], block) for ranks in (ranks_x, ranks_y))
    observed = abs(float(a @ b)) * (1 - 1e-9)
    """A permutation that is the data again adds up in another order: it must not count as smaller."""
    as_large = 0
    for _ in range(permutations):
        shuffled = b[np.lexsort((rng.random(len(b)), block))]
        as_large += abs(float(a @ shuffled)) >= observed
    return Correlation(value, (1 + as_large) / (1 + permutations), permutations)


def _without_block_means(values: Double, block: Int) -> Double:
    means = np.bincount(block, values) / np.bincount(block)
    deviations: Double = values - means[block]
    deviations[np.abs(deviations) < 1e-9] = 0.0  # of ranks, which are multiples of a half
    return deviations


def risk_coverage(uncertainty: Double, losses: Double) -> RiskCoverage:
    """Return the risk of keeping the most certain rows, at each coverage, of uncertainties [N] and losses [N].

    Rows of equal uncertainty are kept in random order: each counts with the mean loss of its group, which is what
    that gives in expectation. A loss is 1 for a lost bet and 0 for a won one, or minus the unit return.

    Source: Geifman & El-Yaniv (2017), "Selective Classification for Deep Neural Networks", and Geifman, Uziel &
    El-Yaniv (2019), "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers", equation 4.

    Raises:
        ValueError: there is no row, the lengths differ, or a value is not finite.
    """
    _same_length(uncertainty, losses)
    if not len(losses):
        raise ValueError("there is no row to keep")
    if not (np.isfinite(uncertainty).all() and np.isfinite(losses).all()):
        raise ValueError("uncertainties and losses have to be finite: leave the other rows out")
    count = len(losses)
    kept = np.arange(1, count + 1)
    _, group, sizes = np.unique(uncertainty, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    risk = (np.bincount(group, losses) / sizes)[group[order]].cumsum() / kept
    share = (1 / kept)[::-1].cumsum()[::-1] / count
    """[N], weight of the row at each place in the area: it counts at its own coverage and all larger ones."""
    of_group = np.bincount(group[order], share) / sizes
    weights = of_group[group]
    spread = losses.var(ddof=1) if count > 1 else 0.0
    return RiskCoverage(
        coverage=kept / count,
        risk=risk,
        aurc=float(risk.mean()),
        random=float(losses.mean()),
        random_sd=math.sqrt(float(((weights - 1 / count) ** 2).sum() * spread)),
        oracle=float(share @ np.sort(losses)),
    )


def coverage_curve(found: RiskCoverage, losses: Double, points: int = CURVE_POINTS) -> CoverageCurve:
    """Return the curve of `risk_coverage` of N rows with these losses, at `points` coverages or at all N if these are
    fewer; they are as far apart as whole rows permit, and the last is 1."""
    count = len(losses)
    kept = np.unique(np.round(np.linspace(1, count, min(points, count))).astype(np.int64))
    spread = losses.var(ddof=1) if count > 1 else 0.0
    return CoverageCurve(
        coverage=tuple(found.coverage[kept - 1].tolist()),
        risk=tuple(found.risk[kept - 1].tolist()),
        random_sd=tuple(np.sqrt(spread * (1 / kept - 1 / count)).tolist()),
        oracle=tuple((np.sort(losses).cumsum()[kept - 1] / kept).tolist()),
    )


def _same_length(*arrays: Double | Bool | Int) -> None:
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        raise ValueError(f"arrays of one row each differ in length: {sorted(lengths)}")
