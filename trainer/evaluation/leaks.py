"""The leak audit: do the features know how the bet ends, and is the log what it says it is?

An efficient closing line permits an AUC of about .50 to .53 for "this bet covers"; features that were computed from
the game itself reach .88 to .96. The thresholds are fixed: they are not tuned until a file passes.
"""

import math

import numpy as np

from trainer.data.types import Bool, Double, Int
from trainer.evaluation import leak_conventions, leak_log
from trainer.evaluation.leak_findings import Audit, Finding, Grade, Log, untested
from trainer.evaluation.logistic import cross_fitted, time_folds
from trainer.evaluation.ranking import Auc, auc, pearson, stratified_auc, two_sided
from trainer.evaluation.selection import holm

LARGEST_DEVIATION = 0.05
"""Deviation of an AUC from 1/2 that is no leak, however certain: closing lines have small known biases."""
ERRORS = 3.29
"""Standard errors by which a LEAK has to exceed it: two-sided 0.1 %."""
SUSPECT_P = 0.01
"""Adjusted p-value (Holm) below which a deviation is SUSPECT."""
LARGEST_CORRELATION = 0.2
"""Of a feature with margin - spread; honest ones have .06 at most, leaky ones .75 to .88."""
TOGETHER = "all features together"


def audit(log: Log, replay: Finding | None = None) -> Audit:
    """Return the findings of every check; `replay` is that of `leak_replay.as_of_replay`.

    What a check needs and the log lacks makes an UNTESTED finding. Shuffling the rows changes nothing but the check of
    their order, and the size of stakes and rewards none of the grades.
    """
    return Audit(
        (
            *feature_findings(log),
            *margin_findings(log),
            *leak_log.findings(log),
            *leak_conventions.findings(log),
            replay or untested("as_of_replay", "features", "the source of the features was not given"),
        )
    )


def outcomes(log: Log) -> tuple[Double, str]:
    """Return how the bet on side 0 ended [N], 1 or -1, 0 on a push and NaN where it is unknown, and where from.

    The scores tell, or, where there are none at all, the signs of the rewards of the rows that bet.
    """
    if log.decisions is not None and np.isfinite(log.decisions.covers).any():
        return log.decisions.covers, "the scores"
    if log.rewards is not None and log.actions is not None:
        return np.where(log.bets(log.actions), np.sign(log.rewards.astype(np.float64)), math.nan), "the rewards"
    return np.full(len(log), math.nan), "nothing"


def feature_findings(log: Log) -> list[Finding]:
    """Return one finding a feature, and one for a cross-fitted logistic regression on all of them.

    LEAK where |AUC - 1/2| - 3.29 SE > .05, SUSPECT where it is .05 or more and the p-value, adjusted for all of these
    tests (Holm 1979), is below .01. SE is the larger of DeLong's and that of a score that knows nothing, so that a few
    rows that happen to be separated are no leak.
    """
    ends, source = outcomes(log)
    decided = np.isfinite(ends) & (ends != 0)
    covered = ends > 0
    states = log.states.astype(np.float64)
    found: list[tuple[str, Auc] | Finding] = []
    for column, name in enumerate(log.names):
        rows = decided & np.isfinite(states[:, column])
        problem = _one_sided(covered[rows], len(log))
        if problem:
            found.append(untested("feature_auc", name, problem))
        else:
            found.append((name, auc(states[rows, column], covered[rows])))
    found.append(_together(log, states, decided, covered))
    measured = [one for one in found if not isinstance(one, Finding)]
    adjusted = iter(holm(np.array([two_sided(one.z) for _, one in measured])).tolist())
    return [one if isinstance(one, Finding) else _graded(*one, next(adjusted), source) for one in found]


def _one_sided(covered: Bool, count: int) -> str | None:
    """Return why there is no AUC, if so."""
    if not len(covered):
        return f"of {count} rows none has a known outcome"
    if covered.all() or not covered.any():
        return f"all {len(covered)} decided bets ended alike"
    return None


def _together(log: Log, states: Double, decided: Bool, covered: Bool) -> tuple[str, Auc] | Finding:
    """Return the AUC of what a fit on other seasons, or other weeks, predicts."""
    rows = decided & np.isfinite(states).all(axis=1)
    problem = _one_sided(covered[rows], len(log))
    if problem:
        return untested("features_auc", TOGETHER, problem)
    folds = _folds(log, rows)
    if len(np.unique(folds)) < 2:
        return untested("features_auc", TOGETHER, "there are too few rows to fit on some and look at others")
    chances = cross_fitted(states[rows], covered[rows], folds)
    try:
        return TOGETHER, stratified_auc(chances, covered[rows], folds)
    except ValueError:
        return untested("features_auc", TOGETHER, "in no season or run of weeks did some bets cover and others not")


def _folds(log: Log, rows: Bool) -> Int:
    """Return the fold of each of the rows [M], by time, or by place where all are of one time."""
    places = np.flatnonzero(rows)
    if log.decisions is not None:
        folds = time_folds(log.decisions.seasons[rows], log.decisions.weeks[rows])
        if (folds != folds[0]).any():
            return folds
    return time_folds(np.zeros_like(places), places)


def _graded(name: str, found: Auc, adjusted: float, source: str) -> Finding:
    check = "features_auc" if name == TOGETHER else "feature_auc"
    deviation = abs(found.value - 0.5)
    allowed = LARGEST_DEVIATION + ERRORS * found.cautious_se
    bound = 0.5 + math.copysign(allowed, found.value - 0.5)
    bets = found.positives + found.negatives
    said = f"AUC {found.value:.3f} for the outcome of {bets:,} decided bets, by {source} (z = {found.z:.1f})"
    if deviation > allowed:
        grade, meaning = Grade.LEAK, "a closing line permits about .50 to .53: this was not known before the game"
    elif deviation >= LARGEST_DEVIATION and adjusted < SUSPECT_P:
        grade, meaning = Grade.SUSPECT, f"chance alone does that with p = {adjusted:.2g}, adjusted for all features"
    elif adjusted < SUSPECT_P:
        grade, meaning = Grade.CLEAN, "a difference that is certain and small: a bias of the market, and no leak"
    else:
        grade, meaning = Grade.CLEAN, "no more than chance"
    return Finding(check, name, found.value, bound, grade, f"{said}: {meaning}")


def margin_findings(log: Log) -> list[Finding]:
    """Return the correlation of every feature with the points by which side 0 beat the spread.

    LEAK where it is .2 or more and 3.29 / sqrt(N - 1) or more, its standard error if the feature knows nothing.
    """
    check = "margin_correlation"
    if log.decisions is None:
        return [untested(check, "features", "the scores are not known")]
    beat = log.decisions.margin - log.decisions.spread
    findings = []
    for column, name in enumerate(log.names):
        values = log.states[:, column].astype(np.float64)
        rows = np.isfinite(beat) & np.isfinite(values)
        count = int(rows.sum())
        if count < 3:
            findings.append(untested(check, name, f"{count} rows have a score and the feature"))
            continue
        value = pearson(values[rows], beat[rows])
        bound = max(LARGEST_CORRELATION, ERRORS / math.sqrt(count - 1))
        leaks = abs(value) >= bound
        meaning = "it holds the game's own result" if leaks else "no leak"
        sentence = f"correlation {value:+.3f} with margin - spread over {count:,} games: {meaning}"
        grade = Grade.LEAK if leaks else Grade.CLEAN
        findings.append(Finding(check, name, value, math.copysign(bound, value), grade, sentence))
    return findings
