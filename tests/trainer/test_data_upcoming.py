"""What is predicted: rows without a result, their features bit for bit those of training, and why a row has none."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tests.trainer import test_data_logged as logs
from tests.trainer.test_data_games import Game, schedule, write
from trainer.config import STATE_COLUMNS, DataConfig, Source
from trainer.data import DataError, load
from trainer.data.types import Float
from trainer.data.upcoming import NOTHING_TO_PREDICT, Upcoming, load_upcoming


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "games.csv"


def read(file: Path, games: list[Game]) -> Upcoming:
    return load_upcoming(write(file, games), DataConfig(source="games", path=Path("of the run.csv")))


def trained_on(file: Path, games: list[Game]) -> tuple[dict[str, bytes], dict[str, tuple[bool, float, float]]]:
    """State, and (home side, spread, net odds) by game, of a file in which all games are played."""
    data = load(DataConfig(source="games", path=write(file, games)))
    states, sides = {}, {}
    for part in (data.train, data.validation):
        offered = part.decisions
        assert offered is not None
        for row, game in enumerate(offered.game_ids):
            states[game] = part.states[row].tobytes()
            sides[game] = (bool(offered.home[row]), float(offered.spread[row]), float(offered.net_odds[row, 0]))
    return states, sides


@pytest.mark.parametrize("places", [range(199, 200), range(196, 200), range(81, 83)], ids=["last", "week", "midst"])
def test_a_game_without_its_score_has_the_features_of_training_bit_for_bit(file: Path, places: range) -> None:
    """The last game, the last week, and two of one day that others come after."""
    games = schedule()
    for number, game in enumerate(games):
        game["home_spread_odds"] = str(-101 - number % 7)
    states, sides = trained_on(file, games)
    chosen = {games[place]["game_id"]: {**games[place], "result": ""} for place in places}
    found = read(file, [chosen.get(game["game_id"], game) for game in games][::-1])
    assert set(found.game_ids) == set(chosen)
    assert found.reasons == ("",) * len(chosen)
    assert [day for day in found.days if day] == sorted(date.fromisoformat(game["gameday"]) for game in chosen.values())
    for row, game_id in enumerate(found.game_ids):
        game, (home, spread, net_odds) = chosen[game_id], sides[game_id]
        assert found.states[row].tobytes() == states[game_id]
        assert found.sides[row] == game["home_team" if home else "away_team"]
        assert found.spread[row] == spread
        odds = found.odds[row]
        assert (odds / 100 if odds > 0 else -100 / odds) == net_odds
        assert (found.seasons[row], found.weeks[row]) == (int(game["season"]), int(game["week"]))
        assert found.rows[row] == 1 + 200 - games.index(next(it for it in games if it["game_id"] == game_id))


def test_a_row_that_cannot_be_computed_has_a_reason_and_the_others_their_features(file: Path) -> None:
    games = schedule()
    last = [{**game, "result": ""} for game in games[-4:]]
    whole = read(file, [*games[:-4], *last])
    last[0] |= {"spread_line": "NA", "total_line": ""}
    last[1]["home_team"] = "LAR"
    early = {**games[0], "game_id": "early", "result": ""}
    found = read(file, [early, *games[:-4], *last])
    reasons = dict(zip(found.game_ids, found.reasons, strict=True))
    assert reasons == {
        "early": "2001 is the file's first season: ratings come from seasons before",
        last[0]["game_id"]: "no spread_line and no total_line: cannot be computed",
        last[1]["game_id"]: "LAR without an earlier game that has a result: no rating",
        last[2]["game_id"]: "",
        last[3]["game_id"]: "",
    }
    assert found.known.tolist() == [row for row, game in enumerate(found.game_ids) if not reasons[game]]
    for row, game in enumerate(found.game_ids):
        if reasons[game]:
            assert np.isnan([*found.states[row], found.spread[row], found.odds[row]]).all()
            assert found.sides[row] == ""
        else:
            assert found.states[row].tobytes() == whole.states[whole.game_ids.index(game)].tobytes()


def test_a_team_is_known_from_the_day_after_its_first_result_and_under_its_former_name(file: Path) -> None:
    games = [{**game, **{side: "LV" if game[side] == "GB" else game[side] for side in ("home_team", "away_team")}}
             for game in schedule()]  # fmt: skip
    for game in games[:160]:
        for side in ("home_team", "away_team"):
            game[side] = "OAK" if game[side] == "LV" else game[side]
    games[-1]["result"] = ""
    assert read(file, games).reasons == ("",)
    newcomer = {**games[-1], "game_id": "new", "home_team": "HOU"}
    same_day = {**games[-1], "game_id": "same", "home_team": "HOU", "away_team": "SEA", "result": "3"}
    found = read(file, [*games[:-1], same_day, newcomer])
    assert found.reasons == ("HOU without an earlier game that has a result: no rating",)


def test_notes_are_of_the_games_that_are_predicted(file: Path) -> None:
    games = schedule()
    games[5]["home_spread_odds"] = ""  # was played: nobody bets on it
    for game in games[-8:]:
        game |= {"result": "", "spread_line": "3"}
    games[-1]["away_spread_odds"] = ""
    games[-1]["home_moneyline"] = ""
    found = read(file, games)
    assert found.notes == (
        "1 of 8 games have no spread odds: -110 is assumed for both sides",
        "1 of 8 games have no moneylines: their market_prob comes from the spread",
        "4 of 8 games come after games of the same teams without a result: their ratings do not know these; predict "
        "them again once there is one",
    )
    assert found.odds[-1] == -110


def test_a_spread_as_bookmakers_write_it_is_told(file: Path) -> None:
    games = schedule()
    for game, spread in zip(games[-4:], ("-3", "-2.5", "3", "-7"), strict=True):
        game |= {"result": "", "spread_line": spread, "home_moneyline": "-150", "away_moneyline": "130"}
    games[-1] |= {"home_moneyline": "", "away_moneyline": ""}
    (_, said) = read(file, games).notes
    assert said.startswith("1 of 4 games have a spread_line that favours the team that the moneylines do not, ")
    assert f"{games[-4]['game_id']} for one" in said


def test_games_of_one_day_do_not_wait_for_each_other(file: Path) -> None:
    games = schedule()
    cancelled = games[-41]  # of the season before: no rating waits for it any more
    for game in (cancelled, *games[-4:]):
        game |= {"result": "", "spread_line": "3"}
    assert read(file, games).notes == ()


def _reversed_spreads(games: list[Game]) -> None:
    for game in games:
        game |= {"home_moneyline": "150", "away_moneyline": "-170", "spread_line": "3"}
    games[-1]["result"] = ""


def _decimal_price(games: list[Game]) -> None:
    games[-1] |= {"result": "", "home_spread_odds": "1.91"}


def _no_history(games: list[Game]) -> None:
    for game in games:
        game["result"] = ""


def _twice(games: list[Game]) -> None:
    games.append({**games[-1], "result": ""})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_reversed_spreads, "column 'spread_line': in 159 of 159 games it favours the team that the moneylines do not"),
        (_decimal_price, "column 'home_spread_odds', row 201: '1.91' is no American price"),
        (_no_history, "column 'result': no game has a result: give the games before"),
        (_twice, "column 'game_id', row 202: '2005_10_.*' is there twice"),
        (lambda _: None, f"column 'result': {NOTHING_TO_PREDICT}"),
    ],
)
def test_what_training_would_refuse_is_refused(file: Path, change: object, said: str) -> None:
    games = schedule()
    change(games)  # type: ignore[operator]  # one of the functions above
    with pytest.raises(DataError, match=said):
        read(file, games)


def rows_of(file: Path, rows: list[logs.Row], source: Source = "logged", **settings: object) -> Upcoming:
    config = DataConfig(source=source, path=None, **settings)  # type: ignore[arg-type]  # settings of one test
    return load_upcoming(logs.write(file, rows), config)


def open_bets(count: int = 4, **told: object) -> list[logs.Row]:
    return [{**row, **told} for row in logs.without(logs.bets(count), "action", "r", "b_prob")]


def test_rows_of_features_are_the_columns_of_training_in_its_order(file: Path) -> None:
    rows: list[logs.Row] = [{**row, "my_edge": row["edge"], "edge": 9, "weather": "rain"} for row in open_bets()]
    columns = (("edge", "my_edge"), ("spread_close", "spread_close"))
    found = rows_of(file, rows, state_cols=columns)
    expected: Float = np.array([[row["my_edge"], row["spread_close"]] for row in rows], np.float32)
    assert found.states.tobytes() == expected.tobytes()
    assert found.spread.tolist() == [row["spread_close"] for row in rows]
    assert found.game_ids == ("g0", "g1", "g2", "g3")
    assert found.seasons == (2018, 2019, 2020, 2021)
    assert found.weeks == (1, 2, 3, 4)
    assert found.rows.tolist() == [2, 3, 4, 5]
    assert found.days == (None,) * 4
    assert set(found.odds.tolist()) == {-110}
    assert found.notes == ("4 of 4 games have no spread odds: -110 is assumed for both sides",)


def test_a_row_without_a_feature_says_which_and_one_with_a_result_is_left_out(file: Path) -> None:
    rows = open_bets(6, r="", home_score="", away_score="", season="", gameday="2025-09-04")
    rows[0]["p_hat"] = ""
    rows[1] |= {"p_hat": "NA", "edge": ""}
    rows[2]["r"] = 0
    rows[3] |= {"home_score": 20, "away_score": 17}
    rows[4] |= {"home_score": 20, "gameday": ""}
    found = rows_of(file, rows)
    assert found.game_ids == ("g0", "g1", "g4", "g5")
    assert found.reasons == (
        "no p_hat: cannot be computed",
        "no p_hat and no edge: cannot be computed",
        "",
        "",
    )
    assert np.isnan(found.states[:2]).all()
    assert np.isfinite(found.states[2:]).all()
    assert found.seasons == (None,) * 4
    assert found.days == (date(2025, 9, 4), date(2025, 9, 4), None, date(2025, 9, 4))


def test_the_side_is_told_by_bet_home_and_the_teams(file: Path) -> None:
    prices: logs.Row = {"home_spread_odds": -105, "away_spread_odds": 120}
    rows = open_bets(3, home_team="KC", away_team="", **prices)
    for row, home in zip(rows, (1, 0, 1), strict=True):
        row["bet_home"] = home
    found = rows_of(file, rows)
    assert (found.sides, found.odds.tolist()) == (("KC", "away", "KC"), [-105, 120, -105])
    assert rows_of(file, rows, "simulated").sides == ("KC", "away", "KC")
    assert rows_of(file, logs.without(rows, "bet_home")).sides == ("KC",) * 3, "a log sees it from the home team"
    assert rows_of(file, logs.without(rows, "bet_home"), "simulated").sides == ("offered",) * 3


def test_percentages_are_told(file: Path) -> None:
    assert "column 'p_hat': values from 55 to 55 are no probabilities" in rows_of(file, open_bets(p_hat=55)).notes[1]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"season": "2021.5"}, "column 'season', row 2: '2021.5' is not a whole number"),
        ({"gameday": "9/4/2025"}, "column 'gameday', row 2: '9/4/2025' is no date"),
        ({"p_hat": "high"}, "column 'p_hat', row 2: 'high' is not a number"),
        ({"bet_home": 2}, "column 'bet_home', row 2: '2': use 1 for the home side"),
        ({"r": 1}, NOTHING_TO_PREDICT),
    ],
)
def test_malformed_rows_are_refused(file: Path, told: logs.Row, said: str) -> None:
    with pytest.raises(DataError, match=said):
        rows_of(file, [{**row, **told} for row in open_bets()])
    with pytest.raises(DataError, match="column 'edge': the file has no such column"):
        rows_of(file, logs.without(open_bets(), "edge"))


def test_a_simulated_run_has_its_own_features_only(file: Path) -> None:
    with pytest.raises(DataError, match="this source has no feature 'wind'"):
        rows_of(file, open_bets(wind=3), "simulated", state_cols=(("wind", "wind"),))
    assert rows_of(file, open_bets(), "simulated").states.shape == (4, len(STATE_COLUMNS))
