"""Whether a log is what it says: rewards that follow from the scores, actions from the propensities, rows in order."""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from trainer.data.types import Bool, Double, Int
from trainer.evaluation.leak_findings import PARTS, Finding, Grade, Log, untested

CONTRADICTED = 0.01
"""Share of the rewards that may contradict the scores: a few wrong scores are not a wrong convention."""
ZERO_BETS = 0.1
"""Share of the bets whose reward may be 0; about 3 % push."""
PAYOUT = 0.02
"""Relative deviation of what wins pay beside losses, by the posted prices. -1.10 for a lost bet is 10 %."""
REPEATED = 0.01
"""Share of the rows that may have the state of another: rounded numbers meet now and then."""
DISTINCT = 0.5
"""Share of the rows that have a value of their own in some feature, without which equal states mean nothing."""
LARGEST_Z = 4.0
"""Of logged actions under the propensities."""
FARTHEST = 3.0
"""Standard deviations at which a feature is cut off where it tests propensities, so that no outlier decides."""


def findings(log: Log) -> list[Finding]:
    """Return the findings on rewards, propensities, duplicates and order."""
    return [
        rewards_against_scores(log),
        payouts(log),
        no_bet_rewards(log),
        zero_rewards(log),
        propensities(log),
        duplicate_ids(log),
        duplicate_states(log),
        order_in_time(log),
        parts_in_time(log),
    ]


def rewards_against_scores(log: Log) -> Finding:
    """Compare each bet's reward with how it ended, and say under which mistake the rewards would agree."""
    check, subject = "rewards_against_scores", "rewards"
    if log.rewards is None or log.actions is None:
        return untested(check, subject, "the log has no rewards and actions")
    if log.decisions is None:
        return untested(check, subject, "the scores are not known")
    margin, spread = log.decisions.margin, log.decisions.spread
    rows = log.bets(log.actions) & np.isfinite(margin - spread)
    count = int(rows.sum())
    if not count:
        return untested(check, subject, "no bet has a known score")
    given = np.sign(log.rewards[rows].astype(np.float64))

    def contradicted(beats: Double) -> int:
        return int((given != np.sign(beats[rows])).sum())

    wrong = contradicted(margin - spread)
    mistakes = {
        "with the spread's sign reversed": contradicted(margin + spread),
        "scored by who won the game": contradicted(margin),
        "scored for the other side": contradicted(spread - margin),
    }
    nearest = min(mistakes, key=lambda mistake: mistakes[mistake])
    said = f"{wrong:,} of {count:,} rewards contradict the scores"
    if wrong and mistakes[nearest] < wrong / 2:
        said += f"; {nearest} {mistakes[nearest]:,} would"
    return Finding(check, subject, wrong / count, CONTRADICTED, _by_share(wrong, count, CONTRADICTED), said)


def payouts(log: Log) -> Finding:
    """Compare what a won bet pays with what a lost one of the same action costs, by the posted prices."""
    check, subject = "payouts", "rewards"
    if log.rewards is None or log.actions is None or log.decisions is None:
        return untested(check, subject, "the log has no rewards and actions, or the prices are not known")
    rewards, net_odds = log.rewards.astype(np.float64), log.decisions.net_odds[:, 0]
    value, count = 0.0, 0
    for action in np.unique(log.actions[log.bets(log.actions)]).tolist():
        rows = (log.actions == action) & np.isfinite(net_odds) & (net_odds > 0)
        won, lost = rows & (rewards > 0), rows & (rewards < 0)
        if won.any() and lost.any():
            ratio = float(np.median(rewards[won] / net_odds[won]) / -np.median(rewards[lost]))
            count += int(won.sum() + lost.sum())
            value = ratio - 1 if abs(ratio - 1) > abs(value) else value
    if not count:
        return untested(check, subject, "no action has won and lost bets with known prices")
    odd = abs(value) > PAYOUT
    said = f"won bets pay {1 + value:.3f} of what the posted prices and the lost bets say, over {count:,} decided bets"
    said += ": prices are others, or the vig is charged twice" if odd else ""
    return Finding(check, subject, value, math.copysign(PAYOUT, value), Grade.SUSPECT if odd else Grade.CLEAN, said)


def no_bet_rewards(log: Log) -> Finding:
    """Count the rows without a bet whose reward is not exactly 0."""
    check, subject = "no_bet_rewards", "rewards"
    if log.rewards is None or log.actions is None:
        return untested(check, subject, "the log has no rewards and actions")
    idle = ~log.bets(log.actions)
    count = int(idle.sum())
    if not count:
        return untested(check, subject, "every row bets")
    wrong = int((log.rewards[idle] != 0).sum())
    said = f"{wrong:,} of {count:,} rows without a bet have a reward other than 0"
    return Finding(check, subject, float(wrong), 0.0, Grade.WRONG if wrong else Grade.CLEAN, said)


def zero_rewards(log: Log) -> Finding:
    """Count the bets whose reward is 0, as on a push only: where many are, results are missing."""
    check, subject = "zero_rewards", "rewards"
    if log.rewards is None or log.actions is None:
        return untested(check, subject, "the log has no rewards and actions")
    bets = log.bets(log.actions)
    count = int(bets.sum())
    if not count:
        return untested(check, subject, "no row bets")
    zero = int((log.rewards[bets] == 0).sum())
    many = zero > ZERO_BETS * count + LARGEST_Z * math.sqrt(ZERO_BETS * (1 - ZERO_BETS) * count)
    said = f"{zero:,} of {count:,} bets have the reward 0" + (": more than can push" if many else "")
    return Finding(check, subject, zero / count, ZERO_BETS, Grade.SUSPECT if many else Grade.CLEAN, said)


def propensities(log: Log) -> Finding:
    """Test the logged actions under the propensities; WRONG where |z| > 4.

    With the chances of every action [N, A]: the log likelihood and the number of each action beside what they expect.
    With those of the logged action only: the rows that took an action, each weighted by 1 / propensity, stand for all
    rows in number (the harmonic mean test of Li, Kim & Zitouni 2015, WSDM) and in the mean of every feature. Where
    bets were sized afterwards, so that the propensity is that of betting at all, all bets together do.
    """
    check, subject = "propensities", "actions"
    if log.propensities is None or log.actions is None or not len(log):
        return untested(check, subject, "the log has no propensities and actions")
    chances = log.propensities.astype(np.float64)
    logged = chances if chances.ndim == 1 else chances[np.arange(len(log)), log.actions]
    impossible = int((~((logged > 0) & (logged <= 1 + 1e-6))).sum())
    if impossible:
        said = f"{impossible:,} logged actions have a propensity outside (0, 1]"
        return Finding(check, subject, math.inf, LARGEST_Z, Grade.WRONG, said)
    if chances.ndim == 2 and (np.abs(chances.sum(axis=1) - 1) > 1e-3).any():
        said = "the propensities of a row do not add up to 1"
        return Finding(check, subject, math.inf, LARGEST_Z, Grade.WRONG, said)
    z = _harmonic(log, log.actions, logged) if chances.ndim == 1 else _likelihood(chances, log.actions)
    worst = max(z, key=lambda name: abs(z[name]))
    wrong = abs(z[worst]) > LARGEST_Z
    said = f"under the propensities {worst} deviates by z = {z[worst]:.1f}"
    if wrong:
        said += ": they are not the chances of the logged actions, or an action was possible in some rows only"
    return Finding(check, subject, z[worst], LARGEST_Z, Grade.WRONG if wrong else Grade.CLEAN, said)


def _harmonic(log: Log, actions: Int, logged: Double) -> dict[str, float]:
    bets = log.bets(actions)
    moments = _moments(log)
    excess = float((logged**-2).sum() / (1 / logged).sum()) - 1

    def tests(groups: dict[str, Bool]) -> dict[str, float]:
        weights = {name: np.where(rows, 1 / logged, 0.0) for name, rows in groups.items()}
        return {
            name + by: _standing_for_all(weight, values, max(0.0, excess))
            for name, weight in weights.items()
            for by, values in moments
        }

    each = tests({f"action {action}": actions == action for action in np.unique(actions).tolist()})
    if not bets.any() or bets.all():
        return each
    grouped = tests({"no bet": ~bets, "betting at all": bets})
    return min(each, grouped, key=lambda found: max(map(abs, found.values())))


def _moments(log: Log) -> list[tuple[str, Double]]:
    """Return ones, and the features in standard deviations, of which the rows of an action have to have the means."""
    moments = [("", np.ones(len(log)))]
    for column, name in enumerate(log.names):
        values = log.states[:, column].astype(np.float64)
        if np.isfinite(values).all() and (values != values[0]).any():
            scaled = (values - values.mean()) / values.std()
            moments.append((f" by {name}", scaled.clip(-FARTHEST, FARTHEST)))
    return moments


def _standing_for_all(weights: Double, values: Double, least: float) -> float:
    """Return z of the mean of (weights - 1) x values [N], which is 0, by the largest of three estimates of its error.

    A row of large weight that an action happens not to have tells nothing of the error: the weights of the rows that
    it has, and `least`, the excess of the weights of all actions, do.
    """
    off = (weights - 1) * values
    by_weights = float((weights * (weights - 1) * values**2).sum() / weights.sum())
    by_all = least * float((values**2).mean())
    error = math.sqrt(max(by_weights, by_all, float(off.var())) / len(off))
    return _ratio(float(off.mean()), error)


def _likelihood(chances: Double, actions: Int) -> dict[str, float]:
    logs = np.log(np.where(chances > 0, chances, 1.0))
    expected = (chances * logs).sum(axis=1)
    variance = (chances * logs**2).sum(axis=1) - expected**2
    logged = logs[np.arange(len(actions)), actions]
    z = {"the likelihood": _ratio(float((logged - expected).sum()), math.sqrt(max(0.0, float(variance.sum()))))}
    for action in range(chances.shape[1]):
        chance = chances[:, action]
        z[f"action {action}"] = _ratio(
            float((actions == action).sum() - chance.sum()), math.sqrt(float((chance * (1 - chance)).clip(0).sum()))
        )
    return z


def _ratio(deviation: float, error: float) -> float:
    if abs(deviation) < 1e-6:
        return 0.0
    return deviation / error if error > 0 else math.copysign(math.inf, deviation)


def duplicate_ids(log: Log) -> Finding:
    """Count the rows whose game is in an earlier part or twice in theirs."""
    check, subject = "duplicate_ids", "game ids"
    if log.decisions is None or not any(log.decisions.game_ids):
        return untested(check, subject, "the rows have no game ids")
    named = np.array([bool(name) for name in log.decisions.game_ids])
    _, game = np.unique(np.array(log.decisions.game_ids), return_inverse=True)
    within, across = _repeats(game.reshape(-1)[named], None if log.parts is None else log.parts[named])
    grade = Grade.LEAK if across else Grade.SUSPECT if within else Grade.CLEAN
    said = f"{within:,} rows repeat a game of their part" + _crossing(log, across, "a game of an earlier part")
    return Finding(check, subject, float(within + across), 0.0, grade, said)


def duplicate_states(log: Log) -> Finding:
    """Count the rows whose state is in an earlier part or twice in theirs: real games differ in some digit."""
    check, subject = "duplicate_states", "states"
    count = len(log)
    if count < 2:
        return untested(check, subject, f"there are {count} rows")
    distinct = max((len(np.unique(log.states[:, column])) for column in range(len(log.names))), default=0)
    if distinct < DISTINCT * count:
        reason = f"no feature has more than {distinct:,} values in {count:,} rows, so that equal states mean nothing"
        return untested(check, subject, reason)
    _, state = np.unique(log.states + 0.0, axis=0, return_inverse=True)
    within, across = _repeats(state.reshape(-1), log.parts)
    grade = _by_share(within, count, REPEATED)
    later = count if log.parts is None else int((log.parts > 0).sum())
    if across:
        grade = max(grade, Grade.LEAK if across > REPEATED * later else Grade.SUSPECT)
    if len(log.names) == 1 and grade == Grade.SUSPECT:
        grade = Grade.CLEAN  # rounded values of one feature meet by chance
    said = f"{within:,} rows repeat a state of their part" + _crossing(log, across, "a state of an earlier part")
    return Finding(check, subject, (within + across) / count, REPEATED, grade, said)


def _crossing(log: Log, across: int, what: str) -> str:
    return "" if log.parts is None else f", and {across:,} repeat {what}"


def _repeats(keys: Int, parts: Int | None) -> tuple[int, int]:
    """Return how many rows have the key [N] of another row of their part, and of a row of an earlier part."""
    labels = np.zeros(len(keys), dtype=np.int64) if parts is None else parts
    pairs = np.unique(np.stack([keys, labels], axis=1), axis=0)
    first = np.full(int(keys.max(initial=-1)) + 1, len(PARTS))
    np.minimum.at(first, keys, labels)
    return len(keys) - len(pairs), int((labels > first[keys]).sum())


def order_in_time(log: Log) -> Finding:
    """Count the rows of an earlier day than the row before; where there are some, "the last rows" are of any time."""
    check, subject = "order_in_time", "rows"
    times = _times(log)
    if times is None:
        return untested(check, subject, "the rows have no days, or seasons and weeks")
    back = int((np.diff(times) < 0).sum())
    grade = Grade.CLEAN
    if back:
        separated = log.parts is not None and not any(count for *_, count in _later(times, log.parts))
        grade = Grade.SUSPECT if separated else Grade.WRONG
    said = f"{back:,} of {len(log):,} rows are of an earlier time than the row before"
    said += ": the last rows are not the latest" if back else ""
    return Finding(check, subject, float(back), 0.0, grade, said)


def parts_in_time(log: Log) -> Finding:
    """Count the rows that are later than a row of the part after theirs. Rows of one day may be in both."""
    check, subject = "parts_in_time", "parts"
    times = _times(log)
    if times is None or log.parts is None:
        return untested(check, subject, "the rows have no parts, or no time")
    found = list(_later(times, log.parts))
    if not found:
        return untested(check, subject, "all rows are of one part")
    earlier, later, count = max(found, key=lambda one: one[2])
    total = sum(one[2] for one in found)
    said = (
        f"{count:,} {earlier} rows are later than the first {later} row" if count else "each part ends before the next"
    )
    return Finding(check, subject, float(total), 0.0, Grade.LEAK if total else Grade.CLEAN, said)


def _later(times: Int, parts: Int) -> Iterator[tuple[str, str, int]]:
    """Yield each pair of neighbouring parts, and how many rows of the first are later than the second begins."""
    present = np.unique(parts).tolist()
    for label, following in pairwise(present):
        count = int((times[parts == label] > times[parts == following].min()).sum())
        yield PARTS[label], PARTS[following], count


def _times(log: Log) -> Int | None:
    """Return a number [N] that grows with time, or None where all are equal."""
    if log.decisions is None or not len(log):
        return None
    weeks = 1000 * log.decisions.seasons + log.decisions.weeks
    return next((times for times in (log.decisions.days, weeks) if (times != times[0]).any()), None)


def _by_share(wrong: int, count: int, bound: float) -> Grade:
    if wrong > bound * count:
        return Grade.WRONG
    return Grade.SUSPECT if wrong else Grade.CLEAN
