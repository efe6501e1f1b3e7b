"""What the intervals, the comparison of many policies and the verdicts do on simulated markets whose truth is known.

Policies are frozen: they are rules that saw none of the market's outcomes. The accepted ranges are those of the
evaluation's specification for 2,000 replications, and were fixed before the first run; a figure outside is a result.
(The specification has no range for rules that resemble each other: they were given that of independent ones. Some of
them bet seldom, their t has longer tails, and the test is conservative: a size of .027 at 22 weeks.)
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from tests.evaluation.markets import TrueMarket, true_market
from trainer.config import STAKES
from trainer.data.behaviour import preferred_action
from trainer.data.decisions import NO_SIDE
from trainer.data.types import Double
from trainer.evaluation.blocks import RESAMPLES, Resamples, resample, week_blocks
from trainer.evaluation.figures import roi_bootstrap, win_rate_bootstrap
from trainer.evaluation.intervals import Bootstrap, Estimate
from trainer.evaluation.payoffs import Bets, break_even, record
from trainer.evaluation.selection import max_t
from trainer.evaluation.verdicts import Verdict, judge

Row = tuple[str, float, float, float]
"""Name, measured, lowest and highest accepted."""

ONE_SEASON = (285,)
"""Games of 22 weeks."""
TWO_SEASONS = (285, 285)
POLICIES = 49
NULL, PLANTED = 0.0, 4.0
"""Edge sizes of a market without an edge, and of one with an edge that has to be found."""


def rows(replications: int, seed: int, *, resamples: int = RESAMPLES) -> Iterator[Row]:
    """Yield each figure with the range in which it is accepted at 2,000 replications."""
    yield from coverage(replications, seed, resamples)
    yield from size_of_max_t(replications, seed, resamples)
    yield from verdicts(replications, seed, resamples)


def coverage(replications: int, seed: int, resamples: int) -> Iterator[Row]:
    """Yield how often 95 % intervals hold the truth, on markets of one season."""
    held: dict[str, list[bool]] = {}
    for replication in range(replications):
        rng = np.random.default_rng((seed, 1, replication))
        market = true_market(ONE_SEASON, NULL, rng)
        bets, drawn = by_edge(market), _resamples(market, rng, resamples)
        for name, bootstrap, truth in (
            ("ROI", _roi(market, [bets], drawn), market.true_roi(bets)),
            ("win rate", _win_rate(market, [bets], drawn), market.true_win_rate(bets)),
        ):
            for method, estimate in (
                ("bootstrap-t", bootstrap.estimates()[0]),
                ("percentile", bootstrap.percentile_estimates()[0]),
            ):
                held.setdefault(f"{name}: coverage of {method}", []).append(_holds(estimate, truth))
    for name, hits in held.items():
        accepted = (0.935, 0.965) if "bootstrap-t" in name else (0.0, 1.0)  # the other is there to be compared with
        yield name, float(np.mean(hits)), *accepted


def size_of_max_t(replications: int, seed: int, resamples: int) -> Iterator[Row]:
    """Yield how often the best of 49 seems better than a fair bet, where none is better."""
    for rules, (name, season_games) in product(
        (independent, similar), (("22 weeks", ONE_SEASON), ("44 weeks", TWO_SEASONS))
    ):
        found = 0
        for replication in range(replications):
            rng = np.random.default_rng((seed, 2, len(season_games), replication))
            market = true_market(season_games, NULL, rng)
            bets, drawn = rules(market, np.random.default_rng((seed, 3))), _resamples(market, rng, resamples)
            blocks = week_blocks(market.decisions.seasons, market.decisions.weeks)
            compared = max_t(roi_bootstrap(bets, market.zero_mean(), blocks, drawn))
            found += any(it.adjusted_lower is not None and it.adjusted_lower > 0 for it in compared)
        yield f"size of max-t over {POLICIES} policies, {rules.__name__}, {name}", found / replications, 0.03, 0.07


def verdicts(replications: int, seed: int, resamples: int) -> Iterator[Row]:
    """Yield how often two seasons give the verdict "edge", without an edge and with one."""
    for edge_size, accepted in ((NULL, (0.0, 0.04)), (PLANTED, (0.75, 1.0))):
        found = sum(
            verdict_of(true_market(TWO_SEASONS, edge_size, rng), rng, resamples) is Verdict.EDGE
            for rng in (np.random.default_rng((seed, 4, int(edge_size), it)) for it in range(replications))
        )
        yield f"verdict 'edge' at an edge size of {edge_size:g}", found / replications, *accepted


def verdict_of(market: TrueMarket, rng: np.random.Generator, resamples: int) -> Verdict:
    """Return the verdict on the one frozen policy."""
    bets, drawn = by_edge(market), _resamples(market, rng, resamples)
    roi, win_rate = _roi(market, [bets], drawn).estimates()[0], _win_rate(market, [bets], drawn).estimates()[0]
    its_record, even = record(bets, market.decisions), break_even(bets, market.decisions)
    return judge(its_record, win_rate, even, roi, adjusted_lower=roi.lower_bound).verdict


def by_edge(market: TrueMarket) -> Bets:
    """Return the bets of the rule that logs the training games, without its exploration: more stake on more edge."""
    stakes = np.asarray(STAKES, dtype=np.float64)[preferred_action(market.edge)]
    return Bets(np.where(stakes > 0, 0, NO_SIDE), stakes)


def independent(market: TrueMarket, rng: np.random.Generator) -> list[Bets]:
    """Return the bets of 49 rules that bet on every game, each on sides that tell nothing of another's."""
    count = len(market.decisions)
    return [Bets(rng.integers(0, 2, count), np.ones(count)) for _ in range(POLICIES)]


def similar(market: TrueMarket, rng: np.random.Generator) -> list[Bets]:
    """Return the bets of 49 rules that resemble each other: each weighs the features differently and bets on the side
    that it prefers, every other one only where it is decided."""
    decisions = market.decisions
    features = np.stack([market.edge / 0.04, decisions.spread / 6, 10 * (decisions.market_prob - 0.5)], axis=1)
    shared = rng.normal(size=3)
    return [_rule(features @ (shared + rng.normal(size=3)), choosy=rule % 2 == 1) for rule in range(POLICIES)]


def _rule(score: Double, *, choosy: bool) -> Bets:
    placed = np.abs(score) > (1.0 if choosy else 0.0)
    side = np.where(placed, (score < 0).astype(np.int64), NO_SIDE)
    return Bets(side, np.where(placed, np.clip(np.abs(score), 0.25, 1.0), 0.0))


def _resamples(market: TrueMarket, rng: np.random.Generator, resamples: int) -> Resamples:
    return resample(week_blocks(market.decisions.seasons, market.decisions.weeks), rng, resamples)


def _roi(market: TrueMarket, bets: list[Bets], drawn: Resamples) -> Bootstrap:
    return roi_bootstrap(bets, market.decisions, week_blocks(market.decisions.seasons, market.decisions.weeks), drawn)


def _win_rate(market: TrueMarket, bets: list[Bets], drawn: Resamples) -> Bootstrap:
    blocks = week_blocks(market.decisions.seasons, market.decisions.weeks)
    return win_rate_bootstrap(bets, market.decisions, blocks, drawn)


def _holds(estimate: Estimate, truth: float) -> bool:
    return estimate.lower is not None and estimate.upper is not None and estimate.lower <= truth <= estimate.upper
