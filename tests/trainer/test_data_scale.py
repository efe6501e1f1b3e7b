"""Columns of absurd scale: each gets a warning with its name and range, and no other."""

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from trainer import data
from trainer.config import STATE_COLUMNS, DataConfig
from trainer.data import scale

NAMES = tuple((name, name) for name in STATE_COLUMNS)
SANE = [-3.5, 44.0, 0.1, 0.52, 0.55, 0.03]


def warned(state: list[float], reward: float = 0.9) -> list[str]:
    """The warnings of a file with one sane row, and one of these."""
    states = np.array([SANE, state], dtype=np.float32)
    return list(scale.warnings(NAMES, states, "r", np.array([-1.0, reward], dtype=np.float32)))


@pytest.mark.parametrize(
    ("feature", "value", "said"),
    [
        ("market_prob", 52.5, "column 'market_prob': values from 0.52 to 52.5 are no probabilities"),
        ("market_prob", 1.01, "column 'market_prob': values from 0.52 to 1.01 are no probabilities"),
        ("p_hat", -0.1, "column 'p_hat': values from -0.1 to 0.55 are no probabilities"),
        ("edge", -3.0, "column 'edge': values from -3 to 0.03 are no differences of probabilities"),
        ("spread_close", -1000.0, "column 'spread_close': values from -1000 to -3.5 are of an absurd scale"),
        ("total_close", 1e3, "column 'total_close': values from 44 to 1000 are of an absurd scale"),
        ("epa_gap", 2e9, "column 'epa_gap': values from 0.1 to 2e+09 are of an absurd scale"),
    ],
)
def test_a_feature(feature: str, value: float, said: str) -> None:
    state = SANE.copy()
    state[STATE_COLUMNS.index(feature)] = value
    (found,) = warned(state)
    assert found.startswith(said)


@pytest.mark.parametrize(
    ("feature", "value"), [("market_prob", 1.0), ("p_hat", 0.0), ("edge", -1.0), ("total_close", 999.0)]
)
def test_a_feature_at_the_edge_of_what_is_sane(feature: str, value: float) -> None:
    state = SANE.copy()
    state[STATE_COLUMNS.index(feature)] = value
    assert warned(state) == []


@pytest.mark.parametrize(("reward", "shown"), [(-1000.0, "from -1000 to -1"), (25_000.0, "from -1 to 25000")])
def test_a_reward(reward: float, shown: str) -> None:
    (found,) = warned(SANE, reward)
    assert found.startswith(f"column 'r': values {shown} are of an absurd scale for rewards")
    assert warned(SANE, 999.0 if reward > 0 else -999.0) == []


def test_a_file_is_looked_over_whole_and_by_its_own_names(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    rows = [f"{40 + row},{0.5 if row else 0.6},{row % 4},{0.1 * row}" for row in range(20)]
    rows[-1] = "40,52.5,1,-4000"  # held out
    path.write_text("\n".join(["total,chance,action,r", *rows, ""]))
    config = DataConfig("logged", path, state_cols=(("total_close", "total"), ("market_prob", "chance")))
    assert [text.partition(" are")[0] for text in data.load(config).warnings] == [
        "column 'chance': values from 0.5 to 52.5",
        "column 'r': values from -4000 to 1.8",
    ]
    path.write_text("\n".join(["total,chance,action,r", *rows[:-1], ""]))
    assert data.load(config).warnings == ()
    assert data.load(replace(config, source="simulated", path=None, state_cols=NAMES)).warnings == ()
