"""Well-formed files that mean something else: each is named, with the place and the fix, or read as it is meant."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainer.config import STATE_COLUMNS, DataConfig, Split
from trainer.data import DataError, Dataset, load

Row = dict[str, str]
TEAMS = ("A", "B", "C", "D")


def games() -> list[Row]:
    """Four seasons of twelve games; the home team is favoured by 3, and wins by 7 or loses by 1."""
    return [
        {
            "game_id": f"{season}_{week:02d}_{home}",
            "season": str(season),
            "week": str(week),
            "gameday": f"{season}-09-{7 * week % 28 + 1:02d}",
            "gametime": "13:00",
            "away_team": away,
            "home_team": home,
            "location": "Home",
            "result": "7" if (week + season) % 2 else "-1",
            "spread_line": "3",
            "total_line": "44.5",
            "home_moneyline": "-150",
            "away_moneyline": "130",
            "home_spread_odds": "-110",
            "away_spread_odds": "-105",
        }
        for season in (2001, 2002, 2003, 2004)
        for week in range(6)
        for home, away in ((TEAMS[week % 4], TEAMS[(week + 1) % 4]), (TEAMS[(week + 2) % 4], TEAMS[(week + 3) % 4]))
    ]


def bets() -> list[Row]:
    """A log of 40 decisions in four seasons, with scores; every second bet wins."""
    rows = []
    for number in range(40):
        won = number % 2 == 0
        rows.append(
            {
                "game_id": f"{2001 + number // 10}_{number % 10 + 1:02d}_A",
                "season": str(2001 + number // 10),
                "week": str(number % 10 + 1),
                **{name: str(0.5 + 0.01 * (number % 7)) for name in STATE_COLUMNS},
                "spread_close": "3",
                "action": str(number % 4),
                "r": str((0.0, 0.2, 0.6, 1.0)[number % 4] * (10 / 11 if won else -1)),
                "home_score": "30" if won else "20",
                "away_score": "20",
            }
        )
    return rows


def read(path: Path, rows: list[Row], source: str = "games", split: Split | None = None) -> Dataset:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return load(DataConfig(source=source, path=path, split=split))  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "d.csv"


def change(rows: list[Row], **cells: str) -> list[Row]:
    return [{**row, **cells} for row in rows]


def test_a_spread_of_the_other_sign_is_refused(file: Path) -> None:
    """It was trained on without a word."""
    read(file, games())
    with pytest.raises(DataError, match=r"column 'spread_line': in 36 of 36 games .* positive .* change its sign$"):
        read(file, change(games(), spread_line="-3"))


def test_a_few_games_in_which_the_market_disagrees_with_itself_are_none(file: Path) -> None:
    rows = games()
    rows[30]["spread_line"] = rows[31]["spread_line"] = "-1"
    assert read(file, rows).warnings == read(file, games()).warnings


@pytest.mark.parametrize("place", ["home", "H", "Wembley"])
def test_a_place_that_is_not_known_is_refused(file: Path, place: str) -> None:
    rows = games()
    rows[20]["location"] = place
    with pytest.raises(DataError, match=rf"column 'location', row 22: '{place}' is no place: use Home or Neutral"):
        read(file, rows)


def test_a_team_of_another_name_in_mid_history_is_named(file: Path) -> None:
    rows = [
        {**row, **{key: "LAR" for key in ("home_team", "away_team") if row[key] == "D" and row["season"] >= "2003"}}
        for row in games()
    ]
    assert read(file, rows).warnings[0].startswith("team 'LAR' appears in 2003, when 'D' is last seen (2002): if they")


def test_a_team_that_moved_and_then_took_a_name_of_its_own_is_told_by_the_names_of_the_file(file: Path) -> None:
    names = {"2001": "STL", "2002": "STL", "2003": "LAR", "2004": "LAR"}
    rows = [
        {**row, **{key: names[row["season"]] for key in ("home_team", "away_team") if row[key] == "D"}}
        for row in games()
    ]
    assert read(file, rows).warnings[0].startswith("team 'LAR' appears in 2003, when 'STL' is last seen (2002)")


@pytest.mark.parametrize(("old", "new"), [("OAK", "LV"), ("SD", "LAC"), ("STL", "LA")])
def test_a_relocated_team_is_one_team(file: Path, old: str, new: str) -> None:
    def named(row: Row) -> Row:
        name = old if row["season"] < "2003" else new
        return {**row, **{key: name for key in ("home_team", "away_team") if row[key] == "D"}}

    moved = read(file, [named(row) for row in games()])
    assert (moved.warnings, moved.digest()) == (read(file, games()).warnings, read(file, games()).digest())


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


def test_a_new_team_beside_all_others_is_none_of_these(file: Path) -> None:
    rows = games()
    rows += [{**row, "game_id": row["game_id"] + "2", "home_team": "E"} for row in rows if row["season"] >= "2003"]
    assert not any("appears" in line for line in read(file, rows).warnings)


@pytest.mark.parametrize(("decimal", "price"), [("1.91", "-110"), ("2.2", "+120")])
def test_decimal_odds_are_refused_with_the_american_price(file: Path, decimal: str, price: str) -> None:
    said = rf"column 'home_spread_odds', row 14: '{decimal}' is no American price: .*decimal price it is \{price}\)"
    with pytest.raises(DataError, match=said):
        read(file, change(games(), home_spread_odds=decimal))


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


def test_a_constant_feature_is_named(file: Path) -> None:
    assert any(line == "column 'total_close' is 44.5 in every row: it tells the network nothing"
               for line in read(file, games()).warnings)  # fmt: skip


def test_a_log_with_scores_knows_what_it_could_have_won(file: Path) -> None:
    rows = change(bets(), away_spread_odds="120", home_spread_odds="-110")
    data = read(file, rows, "logged")
    decisions = data.train.decisions
    assert decisions is not None
    assert decisions.net_odds[0] == pytest.approx([100 / 110, 1.2])
    assert decisions.returns[:2] == pytest.approx(np.array([[100 / 110, -1], [-1, 1.2]]))
    assert data.warnings == ("column 'spread_close' is 3 in every row: it tells the network nothing",)


def test_the_side_of_the_bet_may_be_the_away_team(file: Path) -> None:
    decisions = read(file, change(bets(), bet_home="0", spread_close="-3"), "logged").train.decisions
    assert decisions is not None
    assert decisions.margin[:2].tolist() == [-10, 0]
    assert not decisions.home.any()
    assert decisions.returns[:2, 0] == pytest.approx([-1, 10 / 11]), "-10 is no cover of -(-3), a tie is"


@pytest.mark.parametrize("season", ["0", "10000", "21"])
def test_a_season_is_a_year(file: Path, season: str) -> None:
    rows = bets()
    rows[0]["season"] = season
    with pytest.raises(DataError, match=rf"column 'season', row 2: '{season}' is no season: use the year"):
        read(file, rows, "logged")


def test_rewards_that_contradict_the_scores_are_counted_under_both_signs(file: Path) -> None:
    """A published log had the spread's sign reversed in its rewards."""
    rows = [{**row, "home_score": "22", "away_score": "20"} for row in bets()]  # wins by 2 only: covers -3, not 3
    rows = [{**row, "r": str(abs(float(row["r"])))} for row in rows]
    (found, _) = read(file, rows, "logged").warnings
    assert found == (
        "column 'r': 30 of 30 rewards of bets contradict the scores; with the sign of the spread reversed it would be 0"
    )


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
    seasons = [{**row, "season": "2001" if n < 9 else "2002"} for n, row in enumerate(rows)]
    read(file, seasons, "logged", Split(validation_seasons=1, test_seasons=0))
    with pytest.raises(DataError, match=r"column .gameday., row \d+: .* comes after"):
        read(file, seasons, "logged", Split(validation_fraction=0.1, test_fraction=0.0))


def test_rows_that_are_sorted_are_counted(file: Path) -> None:
    rows = bets()
    rows[7], rows[20] = rows[20], rows[7]
    assert read(file, rows, "logged").notes[0] == "2 of 40 rows were not in order of time: sorted by season, week"
    assert read(file, rows, "logged").digest() == read(file, bets(), "logged").digest()


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


def test_a_spread_of_the_other_sign_in_a_log_with_scores_is_named_first(file: Path) -> None:
    rows = change(bets(), spread_close="-3", market_prob="0.6", home_score="15")
    assert read(file, rows, "logged").warnings[0] == (
        "column 'spread_close': in 40 of 40 rows it favours the side that market_prob does not: it must be positive "
        "where the side is favoured; change its sign"
    )
    for prob in ("60", "0.5", "0.4"):  # a percentage tells no favourite
        assert not any("favours" in line for line in read(file, change(rows, market_prob=prob), "logged").warnings)


def test_a_week_with_a_name_is_refused(file: Path) -> None:
    rows = games()
    rows[20]["week"] = "WC"
    with pytest.raises(DataError, match=r"column 'week', row 22: 'WC' is not a number: put a whole number there$"):
        read(file, rows)
