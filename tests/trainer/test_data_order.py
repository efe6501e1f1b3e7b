"""What kind of file it is, and its order in time: read as it is meant, or refused with the place and the fix."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trainer.datafiles import bets, games, read
from trainer.config import DataConfig, Split
from trainer.data import DataError, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "d.csv"


def test_weeks_that_begin_anew_with_the_playoffs_are_named(file: Path) -> None:
    """Games of two times in one week would be resampled together."""
    rows = games()
    for row in rows:
        if row["season"] == "2004" and row["week"] in "45":
            row |= {"week": str(int(row["week"]) - 3), "gameday": f"2005-01-0{row['week']}"}
    (found,) = (line for line in read(file, rows).warnings if "week" in line)
    assert found.startswith("2 week(s) have games more than 21 days apart, such as week 1 of 2004 (118 days): if the")
    rows = [{**row, "gameday": "2001-09-02"} for row in bets()]
    assert not any("week" in line for line in read(file, rows, "logged").warnings)
    rows[5] |= {"week": "1", "gameday": "2001-09-23"}
    assert not any("week" in line for line in read(file, rows, "logged").warnings)
    rows[5] |= {"gameday": "2001-09-24"}
    assert any("such as week 1 of 2001 (22 days)" in line for line in read(file, rows, "logged").warnings)


def test_days_are_ordered_as_dates_however_they_are_written(file: Path) -> None:
    """Sorted as text, `20021231` comes after `2002-...` of any month: a rating knew a later game."""
    rows = games()
    mixed = [
        {**row, "gameday": row["gameday"].replace("-", "") if n % 3 else row["gameday"]} for n, row in enumerate(rows)
    ]
    assert read(file, mixed).digest() == read(file, rows).digest()


def test_times_are_ordered_as_times(file: Path) -> None:
    rows = [{**row, "gametime": "9:30" if n % 2 else "13:00"} for n, row in enumerate(games())]
    data = read(file, rows)
    ids = data.train.game_ids or ()
    by_id = {row["game_id"]: row["gametime"] for row in rows}
    assert [by_id[game_id] for game_id in ids[:4]] == ["9:30", "9:30", "13:00", "13:00"], "four games of one day"
    rows[3]["gametime"] = "25:00"
    with pytest.raises(DataError, match=r"column 'gametime', row 5: '25:00' is no time"):
        read(file, rows)


def test_the_last_share_of_rows_that_are_not_in_order_is_refused(file: Path) -> None:
    rows = [{name: cell for name, cell in row.items() if name not in ("season", "week")} for row in bets()]
    read(file, rows, "logged")
    rows[7], rows[20] = rows[20], rows[7]
    with pytest.raises(
        DataError, match=r"column 'game_id', row 10: '2001_09_A' comes after a game of 2003, week 1: sort"
    ):
        read(file, rows, "logged")


def test_the_last_share_of_days_that_are_not_in_order_is_refused(file: Path) -> None:
    rows = [
        {name: cell for name, cell in row.items() if name not in ("season", "week", "game_id")}
        | {"gameday": f"20{10 + number:02d}-09-01"}
        for number, row in enumerate(bets())
    ]
    rows[3]["gameday"] = ""
    read(file, rows, "logged")
    rows[7], rows[20] = rows[20], rows[7]
    with pytest.raises(
        DataError, match=r"column .gameday., row 10: .2018-09-01. comes after 2030-09-01: sort the rows"
    ):
        read(file, rows, "logged")
    rows[7]["gameday"] = rows[6]["gameday"]
    rows[20]["gameday"] = "2030-09-01"
    read(file, rows, "logged")
    rows[8]["gameday"] = "2015-09-01"
    seasons = [{**row, "season": "2001" if n < 9 else "2002"} for n, row in enumerate(rows)]
    read(file, seasons, "logged", Split(validation_seasons=1, test_seasons=0))
    with pytest.raises(DataError, match=r"column .gameday., row \d+: .* comes after"):
        read(file, seasons, "logged", Split(validation_fraction=0.1, test_fraction=0.0))


def test_rows_that_are_sorted_are_counted(file: Path) -> None:
    rows = bets()
    rows[7], rows[20] = rows[20], rows[7]
    assert read(file, rows, "logged").notes[0] == "2 of 40 rows were not in order of time: sorted by season, week"
    assert read(file, rows, "logged").digest() == read(file, bets(), "logged").digest()
    weekless = [{name: cell for name, cell in row.items() if name != "week"} | {"gameday": ""} for row in rows]
    assert read(file, weekless, "logged").notes[0] == "4 of 40 rows were not in order of time: sorted by season"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            lambda text: text.replace(",", ";").encode(),
            r"csv, row 1: its columns are separated by semicolons: save it with commas",
        ),
        (lambda text: text.replace(",", "\t").encode(), r"separated by tabs: save it with commas"),
        (lambda text: b"\x1f\x8b\x08\x00" + text.encode(), r"is compressed by gzip: unpack it"),
        (lambda text: b"PAR1" + text.encode(), r"is a Parquet file: save it as CSV"),
        (lambda text: text.encode("utf-16"), r"is UTF-16 text: save it as a UTF-8 CSV"),
        (
            lambda text: text.replace("A,", "\u00e9,").encode("latin-1"),
            r"column 'game_id', row 2: the file is not UTF-8 text",
        ),
    ],
)
def test_another_kind_of_file_is_told_by_its_name(file: Path, changed: Callable[[str], bytes], said: str) -> None:
    read(file, games())
    file.write_bytes(changed(file.read_text()))
    with pytest.raises(DataError, match=said):
        load(DataConfig(source="games", path=file))


def test_line_ends_and_a_byte_order_mark_change_nothing(file: Path) -> None:
    digest = read(file, games()).digest()
    text = file.read_bytes()
    for other in (text.replace(b"\r\n", b"\n"), b"\xef\xbb\xbf" + text):
        file.write_bytes(other)
        assert load(DataConfig(source="games", path=file)).digest() == digest


def test_rows_of_a_week_are_sorted_by_day_where_each_has_one(file: Path) -> None:
    rows = [
        {**row, "week": "1", "gameday": f"{row['season']}-09-{10 - number % 10:02d}"}
        for number, row in enumerate(bets())
    ]
    data = read(file, rows, "logged")
    assert data.notes[0] == "40 of 40 rows were not in order of time: sorted by season, week, gameday"
    assert data.train.game_ids is not None
    assert data.train.game_ids[:10] == tuple(f"2001_{number:02d}_A" for number in range(10, 0, -1))
    scoreless = [{name: cell for name, cell in row.items() if not name.endswith("_score")} for row in rows]
    scoreless[4]["gameday"] = "soon"
    assert read(file, scoreless, "logged").notes == ()


def test_a_week_with_a_name_is_refused(file: Path) -> None:
    rows = games()
    rows[20]["week"] = "WC"
    with pytest.raises(DataError, match=r"column 'week', row 22: 'WC' is not a number: put a whole number there$"):
        read(file, rows)
