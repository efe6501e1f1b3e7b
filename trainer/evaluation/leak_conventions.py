"""Well-formed data in the wrong convention: a reversed spread, percentages for probabilities, a column of one value."""

import numpy as np

from trainer.data.types import Double
from trainer.evaluation.leak_findings import Finding, Grade, Log, untested

PROBABILITIES = ("market_prob", "p_hat")
"""Features, and fields of `Decisions`, that are the probability of winning."""
SPREAD, MARKET_PROB = "spread_close", "market_prob"
CLEAR_SPREAD = 1.0
"""Points from which on a favourite of the spread is one of the moneylines as well."""
MOST, SOME = 0.5, 0.1
"""Shares of the games in which the spread may contradict the market's probability: WRONG above, SUSPECT above."""


def findings(log: Log) -> list[Finding]:
    """Return the findings on signs, scales and constant columns, of the features and of the decisions."""
    columns = {name: log.states[:, place].astype(np.float64) for place, name in enumerate(log.names)}
    found = [*market_sign(columns.get(SPREAD), columns.get(MARKET_PROB), "features")]
    decisions = log.decisions
    if decisions is not None:
        found += market_sign(decisions.spread, decisions.market_prob, "decisions")
    for name in PROBABILITIES:
        found += [probabilities(columns[name], name)] if name in columns else []
        found += [] if decisions is None else [probabilities(getattr(decisions, name), f"decisions: {name}")]
    return [*found, *(constant(values, name) for name, values in columns.items())]


def market_sign(spread: Double | None, market_prob: Double | None, subject: str) -> list[Finding]:
    """Return whether the spread's favourite [N] is that of the market's win probability [N], if both are there."""
    check = "market_sign"
    if spread is None or market_prob is None:
        return [untested(check, subject, f"{SPREAD} and {MARKET_PROB} are not both there")]
    rows = np.isfinite(spread) & (np.abs(spread) >= CLEAR_SPREAD) & (market_prob != 0.5)
    rows &= (market_prob >= 0) & (market_prob <= 1)  # percentages favour nobody, and are a finding of their own
    count = int(rows.sum())
    if not count:
        return [untested(check, subject, "no game has a clear favourite by the spread and by the market's probability")]
    wrong = int(((spread[rows] > 0) != (market_prob[rows] > 0.5)).sum())
    share = wrong / count
    grade = Grade.WRONG if share > MOST else Grade.SUSPECT if share > SOME else Grade.CLEAN
    said = f"in {wrong:,} of {count:,} games the spread's favourite is the market probability's underdog"
    said += ": the sign of the spread is reversed" if grade == Grade.WRONG else ""
    return [Finding(check, subject, share, MOST, grade, said)]


def probabilities(values: Double, subject: str) -> Finding:
    """Return whether values [N] are probabilities."""
    check = "probabilities"
    known = values[np.isfinite(values)]
    if not len(known):
        return untested(check, subject, "no row has a value")
    outside = int(((known < 0) | (known > 1)).sum())
    said = f"{outside:,} of {len(known):,} values are outside [0, 1]"
    if outside and known.min() >= 0 and np.median(known) > 1 and known.max() <= 100:
        said += ": they look like percentages"
    share = outside / len(known)
    return Finding(check, subject, share, 0.0, Grade.WRONG if outside else Grade.CLEAN, said)


def constant(values: Double, subject: str) -> Finding:
    """Return whether a feature [N] says anything."""
    check = "constant"
    if len(values) < 2:
        return untested(check, subject, f"there are {len(values)} rows")
    known = values[np.isfinite(values)]
    distinct = len(np.unique(known))
    missing = len(values) - len(known)
    said = f"{distinct:,} values in {len(values):,} rows" if distinct != 1 else f"every row has the value {known[0]:g}"
    said += f", {missing:,} of which have none" if missing else ""
    return Finding(check, subject, float(distinct), 2.0, Grade.CLEAN if distinct > 1 else Grade.SUSPECT, said)
