"""What a log has for estimates alone: the chances of every action, and the bets without a reward."""

from pathlib import Path

import numpy as np
import pytest

from tests.trainer.test_data_logged import QUARTER, Row, bets, config, without, write
from trainer.config import STATE_COLUMNS, DataConfig, Split
from trainer.data import load
from trainer.data.behaviour import propensities
from trainer.data.simulated import load_simulated
from trainer.data.types import DataError

SPLIT = Split(validation_seasons=1, test_seasons=1)
"""Of the four seasons 2018 to 2021, five rows each: two to train on."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bets.csv"


def test_the_chances_of_a_file_of_bets_or_none_follow_from_that_of_the_logged_action(file: Path) -> None:
    rows = [{**row, "action": int(row["action"] == 3), "b_prob": 0.7} for row in bets()]
    train = load(config(write(file, rows))).train
    assert train.chances is not None
    assert train.chances.sum(axis=1) == pytest.approx(np.ones(len(train)))
    betting = np.where(train.actions > 0, 0.7, 0.3)
    edge = train.states[:, STATE_COLUMNS.index("edge")]
    size = 1 + (edge >= 0.03) + (edge >= 0.06)
    assert train.chances[np.arange(len(train)), size] == pytest.approx(betting)
    assert train.chances[:, 0] == pytest.approx(1 - betting)
    assert train.propensities is not None
    assert train.chances[np.arange(len(train)), train.actions] == pytest.approx(train.propensities)


def test_the_chances_of_other_logs_are_not_known(file: Path) -> None:
    assert load(config(write(file, bets()))).train.chances is None
    rows: list[Row] = [{**row, "action": int(row["action"] == 3)} for row in without(bets(), "b_prob")]
    assert load(config(write(file, rows))).train.chances is None


def test_the_simulators_chances_are_those_that_it_drew_from() -> None:
    test = load_simulated(DataConfig(seed=3)).test
    assert test.chances is not None
    assert test.propensities is not None
    assert test.chances[np.arange(len(test)), test.actions].tolist() == test.propensities.tolist()
    assert test.decisions is not None
    edge = np.abs(test.decisions.p_hat - test.decisions.market_prob).round(6)
    assert test.chances == pytest.approx(propensities(edge))


def without_reward(*numbers: int) -> list[Row]:
    return [{**row, "r": "" if number in numbers else row["r"]} for number, row in enumerate(bets())]


def test_bets_without_a_reward_are_counted_in_the_part_of_their_time(file: Path) -> None:
    # Rows 0 to 9 are trained on, 10 to 14 validation, 15 to 19 test; even rows are no bets.
    data = load(config(write(file, without_reward(1, 4, 11, 12, 13, 17)), split=SPLIT))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [8, 2, 4]
    spread = {name: (its.states[:, 0] + 3.5).tolist() for name, its in data.unrewarded.items()}
    assert spread == {"validation": [11, 13], "test": [17]}
    assert data.unrewarded["test"].actions.tolist() == [3]
    assert set(data.without_test().unrewarded) == {"validation"}
    for row in (rows := without_reward(17)):
        row["action"] = int(row["action"] == 3)
    rows[17]["edge"] = 0.04
    sized = load(config(write(file, rows), split=SPLIT))
    assert sized.unrewarded["test"].actions.tolist() == [2], "a bet of a 0/1 file is sized by its edge"


def test_bets_that_are_not_settled_yet_are_not_counted(file: Path) -> None:
    # Row 19 is of the last week; of the test season the weeks before have their rewards.
    data = load(config(write(file, without_reward(19)), split=SPLIT))
    assert len(data.unrewarded["test"]) == 0
    unknown = without_reward(17)
    unknown[17]["season"] = ""
    assert len(load(config(write(file, unknown), split=SPLIT)).unrewarded["test"]) == 0, "of no known time"


def test_without_seasons_the_order_of_the_file_is_time(file: Path) -> None:
    rows = without(without_reward(16, 17), "season", "week", "game_id")
    data = load(config(write(file, rows), split=QUARTER))
    assert {name: (its.states[:, 0] + 3.5).tolist() for name, its in data.unrewarded.items()} == {"validation": [17]}
    rows[17]["action"] = "x"
    with pytest.raises(DataError, match="column 'action', row 19"):
        load(config(write(file, rows), split=QUARTER))
