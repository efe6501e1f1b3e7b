"""Logs of simulated markets, and the faults that a log may have."""

import csv
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from trainer.config import STAKES, DataConfig
from trainer.data.bets import to_transitions
from trainer.data.decisions import Decisions, own_side_first, unit_returns
from trainer.data.simulated import MARKET_STREAM, SEASON_GAMES, simulate
from trainer.data.types import Double, Int
from trainer.evaluation.leak_findings import Log
from trainer.evaluation.logistic import sigmoid


def simulated_log(seed: int, edge_size: float = 0.5, seasons: tuple[int, ...] = SEASON_GAMES) -> Log:
    """An honest log of the simulated market; the last two seasons are for validation and test."""
    games = simulate(seasons, edge_size, np.random.default_rng((seed, MARKET_STREAM))).games
    config = DataConfig(seed=seed, edge_size=edge_size)
    rows = to_transitions(games, config)
    return Log(
        states=rows.states,
        names=tuple(name for name, _ in config.state_cols),
        decisions=rows.decisions,
        actions=rows.actions,
        rewards=rows.rewards,
        propensities=rows.propensities,
        parts=np.maximum(0, games.seasons - games.seasons.max() + 2),
    )


def known(log: Log) -> Decisions:
    """The decisions of a log that has them."""
    assert log.decisions is not None
    return log.decisions


def taken(log: Log, rows: Int) -> Log:
    """The chosen rows of a log."""
    return Log(
        states=log.states[rows],
        names=log.names,
        decisions=known(log).take(rows),
        actions=None if log.actions is None else log.actions[rows],
        rewards=None if log.rewards is None else log.rewards[rows],
        propensities=None if log.propensities is None else log.propensities[rows],
        parts=None if log.parts is None else log.parts[rows],
        stakes=log.stakes,
    )


def with_feature(log: Log, name: str, values: Double) -> Log:
    """The log with other values of a feature."""
    states = log.states.copy()
    states[:, log.names.index(name)] = values
    return replace(log, states=states)


def with_own_margin(log: Log, noise: float, seed: int) -> Log:
    """p_hat, epa_gap and edge computed from the game itself, plus so many points of noise."""
    rng = np.random.default_rng(seed)
    beat = known(log).margin - known(log).spread
    epa = with_feature(log, "epa_gap", (known(log).margin + noise * rng.normal(size=len(log))) / 62)
    chance = sigmoid(0.15 * (known(log).margin + noise * rng.normal(size=len(log))))
    return with_feature(
        with_feature(epa, "p_hat", chance), "edge", sigmoid(0.1 * (beat + 0.5 * noise * rng.normal(size=len(log))))
    )


def with_reversed_spread_in_rewards(log: Log) -> Log:
    """Rewards as if the favourite got the points."""
    assert log.actions is not None
    ends = unit_returns(np.sign(known(log).margin + known(log).spread), known(log).net_odds)[:, 0]
    return replace(log, rewards=np.asarray(STAKES)[log.actions] * ends)


def with_rows_of_training_in_the_test(log: Log, share: float, seed: int) -> Log:
    """The log with some of its test rows replaced by training rows."""
    assert log.parts is not None
    rng = np.random.default_rng(seed)
    rows = np.arange(len(log))
    chosen = rng.permutation(np.flatnonzero(log.parts == 2))
    chosen = chosen[: max(1, round(share * len(chosen)))]
    rows[chosen] = rng.choice(np.flatnonzero(log.parts == 0), len(chosen), replace=False)
    return replace(taken(log, rows), parts=log.parts)


def with_every_fault(log: Log, seed: int) -> Log:
    """The log as a published one was: features of the game's own margin, rewards with the spread's sign reversed,
    propensities that are none, repeated rows, and no order; r is 0 wherever it had not bet, as in an honest one."""
    rng = np.random.default_rng(seed)
    faulty = with_reversed_spread_in_rewards(with_own_margin(log, 4.0, seed))
    confidence = known(log).p_hat.clip(0.01, 1.0)  # of the model, in the place of what the policy did
    repeated = rng.choice(len(log), len(log) // 20, replace=False)
    rows = rng.permutation(np.concatenate([np.arange(len(log)), repeated]))
    return taken(replace(faulty, propensities=confidence), rows)


def write_log(path: Path, log: Log) -> Path:
    """Write a log as the CSV of `source = "logged"`, its rows in their order, with scores and prices."""
    decisions = known(log)
    assert log.actions is not None
    assert log.rewards is not None
    assert log.propensities is not None
    margin = np.where(decisions.home, 1, -1) * decisions.margin
    net = own_side_first(decisions.home, decisions.net_odds)  # of the home side first
    odds = np.where(net >= 1, 100 * net, -100 / net).round().astype(np.int64)
    columns = {
        "game_id": decisions.game_ids,
        "season": decisions.seasons,
        "week": decisions.weeks,
        **{name: log.states[:, place] for place, name in enumerate(log.names)},
        "action": log.actions,
        "r": log.rewards,
        "b_prob": log.propensities,
        "home_score": (40 + margin).astype(np.int64),
        "away_score": np.full(len(log), 40),
        "home_spread_odds": odds[:, 0],
        "away_spread_odds": odds[:, 1],
        "bet_home": decisions.home.astype(np.int64),
    }
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path
