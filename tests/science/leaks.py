"""How often the leak audit accuses an honest market, and how often it finds a fault."""

from collections.abc import Callable, Iterator

import numpy as np
from msgspec.structs import replace

from tests.evaluation.logs import (
    simulated_log,
    taken,
    with_own_margin,
    with_reversed_spread_in_rewards,
    with_rows_of_training_in_the_test,
)
from trainer.evaluation.leak_findings import Grade, Log
from trainer.evaluation.leaks import audit

CLEAN_EDGES = (0.0, 0.5, 1.0)
"""Points that the honest markets overlook, in turn."""
LARGE_EDGE = 4.0
SHORT = {"570 games": (285, 285), "100 games": (50, 50), "30 games": (15, 15)}
"""Seasons of logs in which chance has more room."""
FAULTS: dict[str, Callable[[Log, int], Log]] = {
    "the game's own margin, AUC near .95": lambda log, seed: with_own_margin(log, 4.0, seed),
    "the game's own margin in much noise, AUC near .65": lambda log, seed: with_own_margin(log, 60.0, seed),
    "rewards with the spread's sign reversed": lambda log, _: with_reversed_spread_in_rewards(log),
    "5 % of the test rows are training rows": lambda log, seed: with_rows_of_training_in_the_test(log, 0.05, seed),
    "rows in no order": lambda log, seed: replace(
        taken(log, np.random.default_rng(seed).permutation(len(log))), parts=log.parts
    ),
    "propensities of other rows": lambda log, seed: replace(
        log, propensities=np.random.default_rng(seed).permutation(np.asarray(log.propensities))
    ),
    "propensities of 1/4": lambda log, _: replace(log, propensities=np.full(len(log), 0.25)),
}


def rows(replications: int, seed: int) -> Iterator[tuple[str, float, float, float]]:
    """Yield the share of honest markets that each grade accuses, and the share of each fault that is found."""
    honest, large = [], []
    short: dict[str, list[bool]] = {name: [] for name in SHORT}
    found: dict[str, list[bool]] = {name: [] for name in FAULTS}
    for market in range(replications):
        log = simulated_log(seed + market, CLEAN_EDGES[market % len(CLEAN_EDGES)])
        honest.append(audit(log).grade)
        large.append(audit(simulated_log(seed + market, LARGE_EDGE)).grade)
        for name, seasons in SHORT.items():
            small = simulated_log(seed + market, CLEAN_EDGES[market % len(CLEAN_EDGES)], seasons)
            short[name].append(not audit(small).trusted)
        for name, fault in FAULTS.items():
            found[name].append(not audit(fault(log, seed + market)).trusted)
    for grade in (Grade.LEAK, Grade.WRONG, Grade.SUSPECT):
        yield f"honest markets graded {grade.name}", honest.count(grade) / replications, 0.0, 0.02
    name = f"honest markets with {LARGE_EDGE:g} overlooked points graded LEAK"
    yield name, large.count(Grade.LEAK) / replications, 0.0, 0.1
    for name, accused in short.items():
        yield f"honest logs of {name} graded LEAK or WRONG", sum(accused) / replications, 0.0, 0.02
    for name, hits in found.items():
        yield f"found: {name}", sum(hits) / replications, 0.98, 1.0
