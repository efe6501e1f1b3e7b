"""Well-formed files that mean something else: each is named, with the place and the fix, or read as it is meant."""

from pathlib import Path

import numpy as np
import pytest

from tests.trainer.datafiles import Row, bets, change, games, read
from trainer.data import DataError
from trainer.data.conventions import reversed_spread


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "d.csv"


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
    (found,) = (line for line in read(file, rows).warnings if "appears" in line)
    assert found.startswith("team 'LAR' appears in 2003, when 'D' is last seen (2002): if they")


def test_a_team_that_moved_and_then_took_a_name_of_its_own_is_told_by_the_names_of_the_file(file: Path) -> None:
    names = {"2001": "STL", "2002": "STL", "2003": "LAR", "2004": "LAR"}
    rows = [
        {**row, **{key: names[row["season"]] for key in ("home_team", "away_team") if row[key] == "D"}}
        for row in games()
    ]
    assert read(file, rows).warnings[0].startswith("team 'LAR' appears in 2003, when 'STL' is last seen (2002)")


def test_a_team_that_goes_after_the_first_season_makes_none_of_the_others_new(file: Path) -> None:
    rows = [
        {**row, **{key: "X" for key in ("home_team", "away_team") if row[key] == "D" and row["season"] > "2001"}}
        for row in games()
    ]
    (found,) = (line for line in read(file, rows).warnings if "appears" in line)
    assert found.startswith("team 'X' appears in 2002, when 'D' is last seen (2001)")


@pytest.mark.parametrize(("old", "new"), [("OAK", "LV"), ("SD", "LAC"), ("STL", "LA")])
def test_a_relocated_team_is_one_team(file: Path, old: str, new: str) -> None:
    def named(row: Row) -> Row:
        name = old if row["season"] < "2003" else new
        return {**row, **{key: name for key in ("home_team", "away_team") if row[key] == "D"}}

    moved = read(file, [named(row) for row in games()])
    assert (moved.warnings, moved.digest()) == (read(file, games()).warnings, read(file, games()).digest())


@pytest.mark.parametrize("since", ["2003", "2004"])
def test_a_new_team_beside_all_others_is_none_of_these(file: Path, since: str) -> None:
    rows = games()
    rows += [{**row, "game_id": row["game_id"] + "2", "home_team": "E"} for row in rows if row["season"] >= since]
    assert not any("appears" in line for line in read(file, rows).warnings)


@pytest.mark.parametrize(("decimal", "price"), [("1.91", "-110"), ("2.2", "+120")])
def test_decimal_odds_are_refused_with_the_american_price(file: Path, decimal: str, price: str) -> None:
    said = rf"column 'home_spread_odds', row 14: '{decimal}' is no American price: .*decimal price it is \{price}\)"
    with pytest.raises(DataError, match=said):
        read(file, change(games(), home_spread_odds=decimal))


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


def test_a_spread_of_the_other_sign_in_a_log_with_scores_is_named_first(file: Path) -> None:
    rows = change(bets(), spread_close="-3", market_prob="0.6", home_score="15")
    assert read(file, rows, "logged").warnings[0] == (
        "column 'spread_close': in 40 of 40 rows it favours the side that market_prob does not: it must be positive "
        "where the side is favoured; change its sign"
    )
    for prob in ("60", "0.5", "0.4"):  # a percentage tells no favourite
        assert not any("favours" in line for line in read(file, change(rows, market_prob=prob), "logged").warnings)


@pytest.mark.parametrize(
    ("spreads", "probs", "said"),
    [
        ([-1.0] * 20, [1.0] * 20, "20 of 20"),
        ([1.0] * 20, [0.0] * 20, "20 of 20"),
        ([-3.0] * 11 + [3.0] * 9, [0.6] * 20, "11 of 20"),
        ([-3.0] * 10 + [3.0] * 10, [0.6] * 20, ""),
        ([-3.0] * 19, [0.6] * 19, ""),
        ([-0.5] * 30, [0.6] * 30, ""),
        ([3.0] * 30, [0.5] * 30, ""),
        ([-3.0] * 30, [1.5] * 30, ""),
        ([-3.0] * 30, [np.nan] * 30, ""),
    ],
)
def test_a_sign_is_judged_by_twenty_clear_favourites_and_more(
    spreads: list[float], probs: list[float], said: str
) -> None:
    found = " ".join(reversed_spread("s", np.array(spreads), np.array(probs)))
    assert (said in found) if said else not found


@pytest.mark.parametrize(("against", "told"), [(0, True), (4, True), (5, False)])
def test_rewards_that_contradict_the_scores_are_counted_by_hand(file: Path, against: int, told: bool) -> None:
    """The spread is 3: +4 covers it, +2 does not; with its sign reversed +2 does, and -4 does not."""
    ends = [("22", 1)] * 10 + [("24", 1)] * 10 + [("22", -1)] * against + [("16", -1)] * (20 - against)
    rows = [
        {**row, "action": str(1 + number % 3), "home_score": score, "r": str(won)}
        for number, (row, (score, won)) in enumerate(zip(bets(), ends, strict=True))
    ]
    also = f"; with the sign of the spread reversed it would be {against}" if told else ""
    assert read(file, rows, "logged").warnings[0] == f"column 'r': 10 of 40 rewards of bets contradict the scores{also}"
