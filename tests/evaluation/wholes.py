"""A small data set with test rows, and networks to evaluate on it, for the tests of the whole."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from msgspec.structs import replace

from tests.evaluation.simulated_market import drawn, logged
from trainer.config import ACTIONS, STATE_COLUMNS
from trainer.data.standardise import fit_standardiser
from trainer.data.types import Dataset, Double, Float, Int, Transitions
from trainer.evaluation.choosing import Trained
from trainer.model import Model

SEASON_GAMES = (130, 130, 300, 300)
"""Two seasons to train on, one of validation and one of test."""
Numbers = Sequence[float] | Double


@cache
def dataset(edge_size: float = 1.0, seed: int = 11) -> Dataset:
    """A simulated market as the behaviour policy has logged it."""
    rows = logged(drawn(SEASON_GAMES, edge_size, seed), seed)
    assert rows.seasons is not None
    season = rows.seasons - rows.seasons.min()
    parts = [rows.take(np.flatnonzero(its)) for its in (season < 2, season == 2, season == 3)]
    return Dataset(STATE_COLUMNS, parts[0], parts[1], parts[2])


def without_outcomes(data: Dataset) -> Dataset:
    """The same log, of which nobody knows how the decisions came out."""
    train, validation, test = (replace(part, decisions=None) for part in (data.train, data.validation, data.test))
    return Dataset(data.state_cols, train, validation, test)


def network(worth: Numbers, by: dict[str, Numbers] | None = None, epoch: int | None = None) -> Model:
    """A network whose Q values are `worth` [A], plus `by` feature [A] a standard deviation."""
    weight = np.zeros((len(STATE_COLUMNS), len(ACTIONS)), dtype=np.float32)
    for name, slopes in (by or {}).items():
        weight[STATE_COLUMNS.index(name)] = slopes
    bias: Float = np.asarray(worth, dtype=np.float32).reshape(1, -1)
    standardiser = fit_standardiser(dataset().train.states)
    details = {} if epoch is None else {"epoch": epoch}
    return Model({"head.weight": weight, "head.bias": bias}, standardiser, (), STATE_COLUMNS, ACTIONS, details)


def always(action: int) -> Model:
    """A network that always takes this action."""
    return network([float(number == action) for number in range(len(ACTIONS))])


def members(count: int = 3) -> list[Trained]:
    """An ensemble that bets where the edge is large, whose members differ, with weights of two epochs."""
    rng = np.random.default_rng(5)

    def one(at: float, epoch: int) -> Model:
        slope = 0.05 + 0.02 * rng.random()
        stakes = np.array([0.0, 0.2, 0.6, 1.0])
        return network(at * stakes, {"edge": slope * stakes, "epa_gap": 0.03 * rng.normal() * stakes}, epoch)

    return [Trained(f"m{number}", "ensemble", {"last": one(0.01, 20), "best": one(0.03, 7)}) for number in range(count)]


def with_test(data: Dataset, test: Transitions) -> Dataset:
    """The data set with other test rows."""
    return replace(data, test=test)


def shuffled(part: Transitions, seed: int) -> Transitions:
    """The rows in another order."""
    order: Int = np.random.default_rng(seed).permutation(len(part))
    return part.take(order)
