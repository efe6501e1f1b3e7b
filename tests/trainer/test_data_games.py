"""Schedules in the nflverse format: features hold nothing of the game or of a later one. The games are invented."""

import csv
import datetime
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from trainer.config import DataConfig
from trainer.data import DataError, Dataset, load
from trainer.data.games import NO_TEST
from trainer.data.ratings import CARRY_OVER, GAIN, HOME_ADVANTAGE, Schedule, fit_logistic, rating_gaps
from trainer.data.types import Double

Game = dict[str, str]
TEAMS = ("ARI", "BUF", "CHI", "DAL", "GB", "KC", "NE", "SF")
WEEKS = 10


def schedule(seasons: int = 5) -> list[Game]:
    """Four games a week of ten weeks a season, Sunday and Monday, with teams of lasting strength."""
    rng = np.random.default_rng(11)
    strength = dict(zip(TEAMS, rng.normal(0, 6, len(TEAMS)), strict=True))
    games = []
    for season in range(2001, 2001 + seasons):
        for week in range(1, WEEKS + 1):
            teams = [TEAMS[place] for place in rng.permutation(len(TEAMS))]
            for number in range(4):
                home, away = teams[2 * number], teams[2 * number + 1]
                fair = strength[home] - strength[away] + 2
                day = datetime.date(season, 9, 2) + datetime.timedelta(days=7 * (week - 1) + (number == 3))
                games.append(
                    {
                        "game_id": f"{season}_{week:02d}_{away}_{home}", "season": str(season), "week": str(week),
                        "gameday": day.isoformat(), "gametime": "20:15" if number == 3 else "13:00",
                        "away_team": away, "home_team": home, "result": str(round(fair + rng.normal(0, 12))),
                        "spread_line": str(round(2 * fair) / 2), "total_line": "44.5", "location": "Home",
                        "home_moneyline": "-150", "away_moneyline": "130", "home_spread_odds": "-105",
                        "away_spread_odds": "-115", "roof": "dome, closed",
                    }
                )  # fmt: skip
    return games


def write(path: Path, games: list[Game]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(games[0]))
        writer.writeheader()
        writer.writerows(games)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "games.csv"


def read(file: Path, games: list[Game]) -> Dataset:
    return load(DataConfig(source="games", path=write(file, games)))


def features(data: Dataset) -> dict[str, list[float]]:
    """State by game."""
    return {
        game_id: state.tolist()
        for part in (data.train, data.validation)
        for game_id, state in zip(part.game_ids or (), part.states, strict=True)
    }


def test_seasons_after_the_first_split_by_time(file: Path) -> None:
    data = read(file, schedule())
    assert data.train.seasons is not None
    assert data.validation.seasons is not None
    assert set(data.train.seasons.tolist()) == {2002, 2003}
    assert set(data.validation.seasons.tolist()) == {2004, 2005}
    assert (len(data.train), len(data.validation)) == (80, 80)
    assert data.notes == ("40 games of the first season (2001) left out: they warm up the ratings", NO_TEST)
    assert data.digest() == read(file, schedule()).digest()
    assert data.digest() == read(file, schedule()[::-1]).digest()


@pytest.mark.parametrize("place", [45, 83, 121])
def test_a_result_changes_no_feature_of_its_game_or_of_an_earlier_one(file: Path, place: int) -> None:
    games = schedule()
    before = features(read(file, games))
    changed = games[place]
    changed["result"] = str(int(changed["result"]) + 40)
    after = features(read(file, games))
    day = {game["game_id"]: game["gameday"] for game in games}
    until = [game_id for game_id in before if day[game_id] <= changed["gameday"]]
    assert changed["game_id"] in until
    assert {game_id: before[game_id] for game_id in until} == {game_id: after[game_id] for game_id in until}
    involved = {changed["home_team"], changed["away_team"]}
    later = [
        game["game_id"]
        for game in games[place + 1 :]
        if game["gameday"] > changed["gameday"] and (game["home_team"] in involved) != (game["away_team"] in involved)
    ]
    assert len(later) > 10
    assert all(before[game_id] != after[game_id] for game_id in later)


def test_a_result_reaches_the_win_probabilities_of_later_seasons_only(file: Path) -> None:
    """A game between teams that never play again moves nothing but the fit of the seasons that follow."""
    games = schedule()
    extra = {**games[79], "game_id": "extra", "home_team": "XX", "away_team": "YY"}
    before = features(read(file, [*games, {**extra, "result": "-30"}]))
    after = features(read(file, [*games, {**extra, "result": "30"}]))
    moved = {game_id[:4] for game_id in before if before[game_id] != after[game_id]}
    assert extra["season"] == "2002"
    assert moved == {"2003", "2004", "2005"}


@pytest.mark.parametrize(
    ("moneylines", "sign", "expected"),
    [(("150", "-170"), 1, [100 / 105, 0, -1]), (("-900", "600"), -1, [-1, 0, 100 / 115])],
    ids=["home", "away"],
)
def test_the_result_decides_the_reward_only(
    file: Path, moneylines: tuple[str, str], sign: int, expected: list[float]
) -> None:
    """A market that is far off decides which side the model prefers."""
    games = schedule()
    last = games[-1]
    last["spread_line"], (last["home_moneyline"], last["away_moneyline"]) = "5", moneylines
    returns, states = [], []
    for result in ("60", "5", "-60"):
        last["result"] = result
        data = read(file, games)
        assert data.validation.decisions is not None
        assert data.validation.game_ids is not None
        place = data.validation.game_ids.index(last["game_id"])
        returns.append(float(data.validation.decisions.returns[place, 0]))
        states.append(features(data))
    assert states[0] == states[1] == states[2]
    assert states[0][last["game_id"]][0] == sign * 5
    assert returns == pytest.approx(expected)


def test_market_probability_from_the_moneylines_without_vig_else_from_the_spread(file: Path) -> None:
    games = schedule()
    games[-1]["away_moneyline"] = games[-2]["home_moneyline"] = ""
    data = read(file, games)
    states = features(data)
    fair = (150 / 250) / (150 / 250 + 100 / 230)
    for game, home_odds in (
        (games[-3], fair),
        (games[-1], from_spread(games[-1])),
        (games[-2], from_spread(games[-2])),
    ):
        spread, _, _, market_prob, *_ = states[game["game_id"]]
        assert abs(spread) == abs(float(game["spread_line"])) > 0
        home = spread == float(game["spread_line"])
        assert market_prob == pytest.approx(home_odds if home else 1 - home_odds, abs=1e-6)
    assert "2 of 160 games have no moneylines: their market_prob comes from the spread" in data.notes


def from_spread(game: Game) -> float:
    return float(1 / (1 + np.exp(0.027 - 0.1426 * float(game["spread_line"]))))


def test_absent_spread_odds_are_counted_and_taken_as_minus_110(file: Path) -> None:
    games = schedule()
    games[-1]["home_spread_odds"] = "NA"
    data = read(file, games)
    assert data.validation.decisions is not None
    net_odds = data.validation.decisions.net_odds[:, 0]
    assert data.validation.game_ids is not None
    place = data.validation.game_ids.index(games[-1]["game_id"])
    assert net_odds[place] == pytest.approx(100 / 110)
    others = set(np.delete(net_odds, place).tolist())
    assert others == {100 / 105, 100 / 115}
    assert "1 of 160 games have no spread odds: -110 is assumed for both sides" in data.notes
    bare = [{name: value for name, value in game.items() if "odds" not in name} for game in schedule()]
    assert "160 of 160 games have no spread odds: -110 is assumed for both sides" in read(file, bare).notes


def test_games_not_played_or_without_lines_are_left_out_and_move_nothing(file: Path) -> None:
    games = schedule()
    complete = features(read(file, games))
    games[-1]["result"] = games[-2]["result"] = games[-5]["spread_line"] = ""
    data = read(file, games)
    assert len(data.validation) == 77
    assert "2 games without a result left out: not played yet, or cancelled" in data.notes
    assert "1 games without spread_line or total_line left out" in data.notes
    first = games[80]["game_id"]
    assert features(data)[first] == complete[first]


def test_behaviour_has_all_actions_and_known_propensities(file: Path) -> None:
    data = read(file, schedule())
    assert data.train.propensities is not None
    assert set(data.train.actions.tolist()) == {0, 1, 2, 3}
    assert {round(float(chance), 4) for chance in data.train.propensities} == {0.05, 0.85}


def test_ratings_by_hand() -> None:
    days = ("2001-09-09", "2001-09-09", "2001-09-16", "2002-09-08", "2002-09-15")
    table = Schedule(
        days=np.array([date.fromisoformat(day).toordinal() for day in days]),
        seasons=np.array([2001, 2001, 2001, 2002, 2002]),
        home_teams=("A", "OAK", "A", "A", "LV"),
        away_teams=("B", "A", "B", "B", "C"),
        at_home=np.array([1.0, 1.0, 0.0, 1.0, 1.0]),
        margins=np.array([12.25, 2.25, 0.0, np.nan, 3.0]),
    )
    after_first = 2 * GAIN * (12.25 - HOME_ADVANTAGE)
    after_neutral = after_first - 2 * GAIN * after_first
    expected = [0, 0, after_first, CARRY_OVER * after_neutral, 0]
    assert rating_gaps(table) == pytest.approx(expected)
    oakland = replace(table, margins=np.array([12.25, 12.25, 0.0, np.nan, 3.0]))
    assert rating_gaps(oakland)[4] == pytest.approx(CARRY_OVER * GAIN * (12.25 - HOME_ADVANTAGE))


def test_logistic_regression_finds_what_made_the_data() -> None:
    rng = np.random.default_rng(2)
    x: Double = rng.normal(0, 6, 40_000)
    won = rng.random(40_000) < 1 / (1 + np.exp(-(0.3 + 0.14 * x)))
    assert fit_logistic(x, won) == pytest.approx((0.3, 0.14), abs=0.03)
    separable = fit_logistic(np.array([-1.0, 1.0]), np.array([False, True]))
    assert np.isfinite(separable).all()
    assert fit_logistic(np.zeros(0), np.zeros(0, dtype=np.bool_)) == (0, 0)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("result", "won", "'won' is not a number"),
        ("result", "nan", "'nan' cannot be computed with"),
        ("gameday", "2001-13-01", "'2001-13-01' is no date"),
        ("gameday", "", "the cell is empty"),
        ("gameday", "2035-10-01", "'2035-10-01' is no day of season 20"),
        ("spread_line", "400", "'400' is no spread in points"),
        ("season", "first", "'first' is not a number"),
        ("home_team", "", "the cell is empty"),
        ("home_spread_odds", "1.91", "'1.91' is no American price"),
        ("home_moneyline", "0", "'0' is no American price"),
    ],
)
def test_a_wrong_cell_is_named(file: Path, column: str, value: str, message: str) -> None:
    games = schedule()
    games[-1][column] = value
    with pytest.raises(DataError, match=message) as caught:
        read(file, games)
    assert (caught.value.path, caught.value.column, caught.value.row) == (file, column, 1 + len(games))


def test_a_team_that_plays_itself_is_named(file: Path) -> None:
    games = schedule()
    games[-1]["away_team"] = games[-1]["home_team"]
    with pytest.raises(DataError, match="is the home team too") as caught:
        read(file, games)
    assert (caught.value.column, caught.value.row) == ("away_team", 1 + len(games))


def test_a_game_that_is_there_twice_is_named(file: Path) -> None:
    games = schedule()
    with pytest.raises(DataError, match="is there twice: remove one row") as caught:
        read(file, [*games, games[7]])
    assert (caught.value.column, caught.value.row) == ("game_id", len(games) + 2)


def test_files_that_hold_no_training_season(file: Path) -> None:
    with pytest.raises(DataError, match="no game after the first season"):
        read(file, schedule(1))
    with pytest.raises(DataError, match=r"column 'season': 2 season.*none is left to train on"):
        read(file, schedule(3))
    with pytest.raises(DataError, match=r"column 'spread_line': the file has no such column; known: .*total_line"):
        read(file, [{name: value for name, value in game.items() if name != "spread_line"} for game in schedule()])
