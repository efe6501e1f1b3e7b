"""What all sources share: the behaviour policy, the split, standardisation, and what may be imported."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trainer.config import Split
from trainer.data import DataError, fit_standardiser
from trainer.data.behaviour import EPSILON, bet_size, draw_actions, preferred_action, propensities
from trainer.data.split import split_by_time
from trainer.data.types import Transitions


def rows(count: int, seasons: list[int] | None = None) -> Transitions:
    states = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    return Transitions(
        states=states,
        actions=np.arange(count) % 4,
        rewards=np.arange(count, dtype=np.float32),
        next_states=np.zeros_like(states),
        terminals=np.ones(count, dtype=np.bool_),
        game_ids=tuple(f"game-{number}" for number in range(count)),
        seasons=None if seasons is None else np.array(seasons),
    )


def test_actions_grow_with_the_edge() -> None:
    edge = np.array([0.0, 0.009, 0.01, 0.029, 0.03, 0.059, 0.06, 0.5, -0.02, -0.2])
    assert preferred_action(edge).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 1, 3]
    assert bet_size(edge).tolist() == [1, 1, 1, 1, 2, 2, 3, 3, 1, 3]


def test_propensities_are_those_of_the_draws_and_never_zero() -> None:
    edge = np.repeat([0.0, 0.02, 0.04, 0.1], 10_000)
    actions, chances = draw_actions(edge, np.random.default_rng(5))
    table = propensities(edge)
    assert table.sum(axis=1) == pytest.approx(1)
    assert table.min() == pytest.approx(EPSILON / 4)
    np.testing.assert_array_equal(chances, table[np.arange(len(edge)), actions])
    for bucket in range(4):
        here = slice(10_000 * bucket, 10_000 * (bucket + 1))
        shares = np.bincount(actions[here], minlength=4) / 10_000
        assert shares == pytest.approx(table[here][0], abs=4 * np.sqrt(0.25 / 10_000))
        assert shares.argmax() == bucket


SEASONS = [2001, 2001, 2002, 2003, 2003, 2005, 2006]


@pytest.mark.parametrize(
    ("split", "validation", "test"),
    [
        (Split(validation_seasons=2, test_seasons=1), [3, 4, 5], [6]),
        (Split(validation_seasons=2, test_seasons=0), [5, 6], []),
        (Split(validation_seasons=0, test_seasons=2), [], [5, 6]),
        (Split(validation_seasons=0, test_seasons=0), [], []),
        (Split(train_until=2002, validate_until=2003), [3, 4], [5, 6]),
        (Split(train_until=2003, validate_until=2004), [], [5, 6]),
        (Split(train_until=2003, validate_until=2003), [], [5, 6]),
        (Split(train_until=2003, validate_until=2010), [5, 6], []),
        (Split(validation_fraction=0.3, test_fraction=0.3), [3, 4], [5, 6]),
        (Split(validation_fraction=0.01, test_fraction=0.01), [5], [6]),
        (Split(validation_fraction=0.0, test_fraction=0.3), [], [5, 6]),
        (Split(validation_fraction=0.5, test_fraction=0.0), [3, 4, 5, 6], []),
    ],
)
def test_validation_comes_after_training_and_test_after_both(
    split: Split, validation: list[int], test: list[int]
) -> None:
    parts = split_by_time(rows(7, SEASONS), split)
    train = [row for row in range(7) if row not in {*validation, *test}]
    assert [part.rewards.tolist() for part in parts] == [train, validation, test]
    assert [part.game_ids for part in parts] == [
        tuple(f"game-{row}" for row in part) for part in (train, validation, test)
    ]


@pytest.mark.parametrize(
    ("split", "said"),
    [
        (Split(validation_seasons=3, test_seasons=2), r"the last 3 are for validation and 2 for test: none is left"),
        (Split(validation_seasons=5, test_seasons=0), r"the last 5 are for validation: none is left"),
        (Split(train_until=2000, validate_until=2003), r"no season up to data.split.train_until = 2000; .* 2001"),
        (Split(validation_fraction=0.5, test_fraction=0.5), r"7 usable row\(s\) cannot be split into training, valid"),
    ],
)
def test_something_is_left_to_train_on(split: Split, said: str) -> None:
    with pytest.raises(DataError, match=said):
        split_by_time(rows(7, SEASONS), split)


def test_rows_without_seasons_are_not_split_by_them() -> None:
    with pytest.raises(DataError, match=r"has no season: .*validation_fraction = 0.2, test_fraction = 0.2"):
        split_by_time(rows(7), Split(validation_seasons=1, test_seasons=1))


def test_one_row_cannot_be_split() -> None:
    with pytest.raises(DataError, match=r"1 usable row"):
        split_by_time(rows(1), Split(validation_fraction=0.2, test_fraction=0.0))


def test_standardised_training_states_have_mean_0_and_deviation_1() -> None:
    states = np.random.default_rng(0).normal([3, -200, 0], [2, 0.5, 1e-3], (1000, 3)).astype(np.float32)
    standardiser = fit_standardiser(states)
    seen = standardiser.apply(states)
    assert seen.dtype == standardiser.mean.dtype == standardiser.std.dtype == np.float32
    assert seen.mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-3)
    assert seen.std(axis=0) == pytest.approx([1, 1, 1], abs=1e-3)


def test_a_constant_feature_becomes_zero_not_nan() -> None:
    states = np.full((7, 2), 0.1, dtype=np.float32)
    states[:, 1] = np.arange(7)
    standardiser = fit_standardiser(states)
    assert standardiser.std[0] == 1
    assert standardiser.apply(states)[:, 0] == pytest.approx(np.zeros(7), abs=1e-7)


def test_data_needs_neither_torch_nor_pandas_nor_the_queue() -> None:
    code = (
        "import sys, trainer.data; "
        "print(sorted(name for name in ('torch', 'pandas', 'cqltui', 'redis', 'textual') if name in sys.modules))"
    )
    root = Path(__file__).parents[2]
    found = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=root, timeout=60)
    assert found.strip() == "[]"


def test_an_error_names_file_column_and_row() -> None:
    error = DataError("wrong", path=Path("bets.csv"), column="edge", row=3)
    assert str(error) == "bets.csv, column 'edge', row 3: wrong"
    assert (error.path, error.column, error.row) == (Path("bets.csv"), "edge", 3)
    assert str(DataError("wrong")) == "wrong"
