"""Logged bets from a CSV: what is read, what is dropped, and what each fault in a file is answered with."""

import csv
from pathlib import Path

import numpy as np
import pytest

from trainer.config import STATE_COLUMNS, DataConfig, Split
from trainer.data import DataError, load

Row = dict[str, object]


QUARTER = Split(validation_fraction=0.25, test_fraction=0.0)


def bets(count: int = 20) -> list[Row]:
    """Rows of two actions (0 and 3), four seasons, edges that differ."""
    return [
        {
            "spread_close": -3.5 + number, "total_close": 44, "epa_gap": 0.01 * number, "market_prob": 0.5,
            "p_hat": 0.55, "edge": 0.005 * number, "action": 3 * (number % 2), "r": 0.91 if number % 4 == 1 else -1,
            "game_id": f"g{number}", "season": 2018 + number * 4 // count, "week": 1 + number % 5, "b_prob": 0.5,
        }
        for number in range(count)
    ]  # fmt: skip


def write(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def without(rows: list[Row], *columns: str) -> list[Row]:
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def config(path: Path, **settings: object) -> DataConfig:
    return DataConfig(source="logged", path=path, **settings)  # type: ignore[arg-type]  # settings of one test


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bets.csv"


def test_a_whole_file(file: Path) -> None:
    rows = bets()
    data = load(config(write(file, rows)))
    assert data.state_cols == STATE_COLUMNS
    assert (len(data.train), len(data.validation), data.notes) == (10, 10, ())
    assert data.train.seasons is not None
    assert data.train.weeks is not None
    assert data.train.propensities is not None
    assert data.validation.game_ids is not None
    assert set(data.train.seasons.tolist()) == {2018, 2019}
    by_id = {row["game_id"]: row for row in rows}
    for place, game_id in enumerate(data.validation.game_ids):
        row = by_id[game_id]
        assert data.validation.states[place] == pytest.approx([row[name] for name in STATE_COLUMNS])
        assert data.validation.actions[place] == row["action"]
        assert data.validation.rewards[place] == pytest.approx(row["r"])
    order = list(zip(data.train.seasons.tolist(), data.train.weeks.tolist(), strict=True))
    assert order == sorted(order)
    assert data.train.propensities.tolist() == [0.5] * 10
    assert data.train.terminals.all()
    assert data.train.decisions is None, "the file has no scores"


def test_the_file_decides_the_bytes(file: Path) -> None:
    rows = bets()
    first = load(config(write(file, rows))).digest()
    assert load(config(write(file, rows))).digest() == first
    rows[3]["r"] = 0.5
    assert load(config(write(file, rows))).digest() != first


def test_bets_of_a_0_1_file_are_sized_by_the_edge(file: Path) -> None:
    rows = bets()
    edges = [0.0, -0.029, 0.03, -0.059, 0.06, 0.2, 0.5, 0.01]
    for row, edge in zip(rows, edges * 3, strict=False):
        row["edge"] = edge
    for row in rows:
        row["action"] = "1.0"
    rows[2]["action"] = rows[17]["action"] = "0"
    data = load(config(write(file, without(rows, "season", "week"))))
    assert [*data.train.actions, *data.validation.actions][:8] == [1, 1, 0, 2, 3, 3, 3, 1]
    assert "actions are 0 and 1: 18 bets became" in data.notes[0]


def test_an_edge_that_is_not_in_the_state_still_sizes_the_bets(file: Path) -> None:
    rows = bets()
    for row in rows:
        row["action"] = int(row["action"] == 3)
    chosen = (("p_hat", "p_hat"),)
    data = load(config(write(file, rows), state_cols=chosen))
    assert data.train.states.shape == (10, 1)
    assert set(data.train.actions.tolist()) == {0, 1, 2}
    with pytest.raises(DataError, match=r"column 'edge': .* sizes the bets"):
        load(config(write(file, without(rows, "edge")), state_cols=chosen))
    rows[1]["edge"] = ""
    with pytest.raises(DataError, match=r"column 'edge', row 3: .* sizes the bet of this row"):
        load(config(write(file, rows), state_cols=chosen))


def test_renamed_columns(file: Path) -> None:
    rows = [{("delta" if name == "edge" else name): value for name, value in row.items()} for row in bets()]
    chosen = (("edge", "delta"), ("line", "spread_close"))
    data = load(config(write(file, rows), state_cols=chosen))
    assert data.state_cols == ("edge", "line")
    assert data.train.states[0].tolist() == pytest.approx([rows[0]["delta"], rows[0]["spread_close"]])


def test_incomplete_rows_are_dropped_and_counted(file: Path) -> None:
    rows = bets()
    rows[0]["p_hat"] = ""
    rows[5]["action"] = "NA"
    rows[9]["r"] = " "
    rows[9]["season"] = ""  # is not asked for in a row that is dropped
    data = load(config(write(file, rows)))
    assert len(data.train) + len(data.validation) == 17
    assert data.notes == ("3 of 20 rows dropped: a state, the action or the reward is missing",)
    ids = {*(data.train.game_ids or ()), *(data.validation.game_ids or ())}
    assert ids == {f"g{number}" for number in range(20)} - {"g0", "g5", "g9"}


def test_without_seasons_the_last_rows_are_held_out(file: Path) -> None:
    data = load(config(write(file, without(bets(), "season", "week", "game_id", "b_prob")), split=QUARTER))
    assert (len(data.train), len(data.validation)) == (15, 5)
    assert data.validation.states[:, 0].tolist() == [11.5, 12.5, 13.5, 14.5, 15.5]
    assert data.notes == ("no season column: the rows are taken to be in order of time",)


def test_a_chosen_fraction_goes_before_the_seasons(file: Path) -> None:
    data = load(config(write(file, bets()), split=QUARTER))
    assert (len(data.train), len(data.validation)) == (15, 5)


def test_without_seasons_and_without_a_choice_the_last_fifth_is_held_out(file: Path) -> None:
    data = load(config(write(file, without(bets(), "season", "week"))))
    assert (len(data.train), len(data.validation)) == (16, 4)
    assert data.notes[:1] == ("no season column: the last 4 of 20 rows are for validation",)


def test_with_too_few_seasons_the_last_rows_are_held_out(file: Path) -> None:
    data = load(config(write(file, bets()), split=Split(validation_seasons=4, test_seasons=0)))
    assert (len(data.train), len(data.validation)) == (16, 4)
    assert "too few seasons" in data.notes[0]


def test_a_byte_order_mark_quotes_and_spaces_are_read(file: Path) -> None:
    write(file, bets())
    text = file.read_text().replace("spread_close,", '" spread_close ",')
    file.write_text("\ufeff" + text + "\n", encoding="utf-8")
    assert len(load(config(file)).train) == 10


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("p_hat", "abc", r"column 'p_hat', row 6: 'abc' is not a number"),
        ("p_hat", "1_000", r"column 'p_hat', row 6: '1_000' is not a number"),
        ("p_hat", "nan", r"column 'p_hat', row 6: 'nan' cannot be computed with"),
        ("edge", "-inf", r"column 'edge', row 6: '-inf' cannot be computed with"),
        ("edge", "1e39", r"column 'edge', row 6: '1e39' cannot be computed with"),
        ("r", "\x1b[2Jx", r"column 'r', row 6: '\\x1b\[2Jx' is not a number"),
        ("r", "9" * 500 + "x", r"row 6: '9{40}…' is not a number"),
        ("action", "4", r"column 'action', row 6: '4' is no action: use 0 to 3 \(no-bet, small, medium, large\)"),
        ("action", "0.5", r"column 'action', row 6: '0.5' is no action"),
        ("action", "-1", r"column 'action', row 6: '-1' is no action"),
        ("b_prob", "0", r"column 'b_prob', row 6: '0' is no probability"),
        ("b_prob", "1.5", r"column 'b_prob', row 6: '1.5' is no probability"),
        ("b_prob", "", r"column 'b_prob', row 6: '' is no probability"),
        ("season", "2018.5", r"column 'season', row 6: '2018.5' is not a whole number"),
        ("season", "", r"column 'season', row 6: '' is not a whole number"),
        ("game_id", "", r"column 'game_id', row 6: the cell is empty"),
    ],
)
def test_a_wrong_cell_is_named(file: Path, column: str, value: str, message: str) -> None:
    rows = bets()
    rows[4][column] = value
    with pytest.raises(DataError, match=message) as caught:
        load(config(write(file, rows)))
    assert str(caught.value).startswith(f"{file}, ")
    assert (caught.value.path, caught.value.column, caught.value.row) == (file, column, 6)


def test_a_missing_column_suggests_the_nearest(file: Path) -> None:
    renamed = {"market_prob": "Market_Prob"}
    rows = [{renamed.get(name, name): value for name, value in row.items()} for row in bets()]
    with pytest.raises(DataError, match=r"column 'market_prob': .*did you mean Market_Prob"):
        load(config(write(file, rows)))
    with pytest.raises(DataError, match=r"column 'action': .* no such column; known: .*spread_close, .*r"):
        load(config(write(file, without(bets(), "action"))))


def test_one_action_only(file: Path) -> None:
    rows = bets()
    for row in rows:
        row["action"] = 1
    with pytest.raises(DataError, match="column 'action': every row has the action 1"):
        load(config(write(file, rows)))
    rows[-1]["action"] = 3  # held out
    with pytest.raises(DataError, match="all 10 training rows have the action small"):
        load(config(write(file, rows)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n", "the file is empty"),
        (",".join([*STATE_COLUMNS, "action", "r"]).encode(), "a header but no rows"),
        (",".join([*STATE_COLUMNS, "action", "r"]).encode() + b"\n1,2,3\n", r"row 2: 3 cells, but the header names 8"),
        (",".join([*STATE_COLUMNS, "action", "r", "r"]).encode() + b"\n", "column 'r', row 1: .*more than once"),
        (",".join([*STATE_COLUMNS, "action", "r"]).encode() + b"\n,,,,,,,\n", "no row has all of its states"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b"\xff\x00", "not UTF-8"),
        (b'spread_close,"a"b\n', "row 1: the row is not valid CSV"),
    ],
)
def test_a_file_that_is_no_table(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(config(file))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: there is no such file"):
        load(config(tmp_path / "none.csv"))
    with pytest.raises(DataError, match="cannot be read"):
        load(config(tmp_path))
    with pytest.raises(DataError, match=r"'logged' needs data\.path"):
        load(DataConfig(source="logged"))


def test_the_order_of_the_file_is_kept_within_a_week(file: Path) -> None:
    rows = bets()
    for row in rows:
        row["week"] = 1
    data = load(config(write(file, rows[::-1])))
    assert data.train.game_ids == tuple(f"g{number}" for number in (4, 3, 2, 1, 0, 9, 8, 7, 6, 5))
    assert np.isfinite(data.train.states).all()
