"""What is read into a ledger from files and options, and what is refused, with its place."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cqltui.errors import InputError
from cqltui.ledger.bets import bet_of_options, bets_of_file
from cqltui.ledger.games import results_of_file
from cqltui.ledger.model import Bet, Result

NOW = datetime(2022, 9, 10, 12, tzinfo=UTC)
GAME = "2022_01_KC_ARI"


def bets_in(folder: Path, text: str) -> tuple[list[tuple[Bet, bool]], int]:
    path = folder / "bets.csv"
    path.write_text(text, encoding="utf-8")
    return bets_of_file(path, NOW)


def results_in(folder: Path, text: str, *wanted: str) -> tuple[list[Result], int]:
    path = folder / "games.csv"
    path.write_text(text, encoding="utf-8")
    return results_of_file(path, set(wanted or (GAME,)))


def test_bets_as_predict_writes_them(tmp_path: Path) -> None:
    bets, without = bets_in(
        tmp_path,
        "row,season,week,game_id,gameday,action,side,spread,handicap,price,stake,reason\n"
        f"2,2022,1,{GAME},2022-09-11,large,KC,6,-6,-110,1,\n"
        "3,2022,1,2022_01_BUF_LA,2022-09-08,no-bet,BUF,2,-2,-112,0,no bet has the largest Q\n"
        "4,,,x,2022-09-08,small,home,-2.5,2.5,120,0.2,\n",
    )
    assert without == 1
    first = Bet(f"{GAME} away", GAME, "away", 6.0, 100 / 110, 1.0, "2022-09-10T12:00:00Z", 2022, 1)
    assert bets[0] == (first, False)
    assert bets[1] == (Bet("x home", "x", "home", -2.5, 1.2, 0.2, "2022-09-10T12:00:00Z"), False)


def test_bets_with_ids_times_teams_and_net_odds(tmp_path: Path) -> None:
    ((bet, timed),), _ = bets_in(
        tmp_path,
        "game_id,side,spread,net_odds,price,stake,taken_at,bet_id,home_team,away_team,season,week\n"
        "x,Lions,3,0.909,-110,0.6,2022-09-09T14:00+02:00,mine,Bears,Lions,2022,2\n",
    )
    assert timed
    assert bet == Bet("mine", "x", "away", 3.0, 100 / 110, 0.6, "2022-09-09T12:00:00Z", 2022, 2)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"price": "1.91"}, "column 'price', row 2: '1.91' is no American price"),
        ({"price": ""}, "column 'price', row 2: '' is no price"),
        ({"price": "", "net_odds": "1.91"}, "column 'net_odds', row 2: '1.91' look like a decimal price"),
        ({"net_odds": "1.91"}, "column 'net_odds', row 2: '1.91' contradicts the price"),
        ({"net_odds": "-0.9"}, "column 'net_odds', row 2: '-0.9' are no net odds"),
        ({"stake": "50"}, "column 'stake', row 2: '50' is no share of the largest stake"),
        ({"stake": "-1"}, "column 'stake', row 2: '-1' is no share"),
        ({"side": "BUF"}, "column 'side', row 2: 'BUF' is no side of the game: use home or away, or a team: ARI or KC"),
        ({"side": "offered", "game_id": "7"}, "'offered' is no side of the game: use home or away"),
        ({"spread": ""}, "column 'spread', row 2: '' is no line"),
        ({"spread": "200"}, "column 'spread', row 2: '200' is no line"),
        ({"handicap": "6"}, "column 'handicap', row 2: '6' contradicts the spread"),
        ({"game_id": ""}, "column 'game_id', row 2: the cell is empty"),
        ({"game_id": "x" * 121}, "column 'game_id', row 2: an id is printable text"),
        (
            {"game_id": "x" * 118, "side": "home"},
            "column 'game_id', row 2: with side and time it is too long for an id",
        ),
        ({"bet_id": "a\x1b[2Jb"}, "column 'bet_id', row 2: an id is printable text"),
        ({"taken_at": "2022-09-09 12:00"}, "column 'taken_at', row 2: '2022-09-09 12:00' is no time with a zone"),
        ({"taken_at": "yesterday"}, "'yesterday' is no time with a zone"),
        ({"taken_at": "2022-09-11T00:00Z"}, "no bet was taken then; it is now 2022-09-10T12:00:00Z"),
        ({"season": "22", "week": "1"}, "column 'season', row 2: '22' is not from 1900 to 2200"),
        ({"week": "x", "season": "2022"}, "column 'week', row 2: 'x' is not a number"),
    ],
)
def test_a_bet_that_is_none_is_refused_with_its_place(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    row = {"game_id": GAME, "side": "KC", "spread": "6", "price": "-110", "stake": "1"} | changed
    with pytest.raises(InputError) as refused:
        bets_in(tmp_path, f"{','.join(row)}\n{','.join(row.values())}\n")
    assert said in str(refused.value)
    assert f"{tmp_path}/bets.csv" in str(refused.value)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("game_id,side,stake,price", "there is no spread (points that the side gives) and no handicap"),
        ("game_id,side,stake,spread", "there is no price (American: -110) and no net_odds"),
        ("game,side,stake,spread,price", "column 'game_id': the file has no such column"),
    ],
)
def test_a_file_that_lacks_a_column_is_refused(tmp_path: Path, header: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        bets_in(tmp_path, f"{header}\n{','.join('1' * len(header.split(',')))}\n")
    assert said in str(refused.value)


def test_one_bet_by_options_and_complaints_that_name_them(tmp_path: Path) -> None:
    told: dict[str, str | None] = {"game_id": GAME, "side": "KC", "handicap": "-6", "price": "-110", "stake": "1"}
    bet, timed = bet_of_options({**told, "taken_at": None, "bet_id": None, "spread": None}, NOW)
    assert (bet.bet_id, bet.side, bet.spread, bet.season, timed) == (f"{GAME} away", "away", 6.0, 2022, False)
    for changed, said in (
        ({"price": "1.5"}, "--price: '1.5' is no American price"),
        ({"game_id": None}, "--game: is missing"),
        ({"taken_at": "noon"}, "--at: 'noon' is no time"),
        ({"price": None, "net_odds": "2"}, "--net-odds: '2' look like a decimal price"),
        ({"stake": "0"}, "--stake: is 0"),
        ({"stake": "x"}, "--stake: 'x' is not a number"),
    ):
        with pytest.raises(InputError) as refused:
            bet_of_options({**told, **changed}, NOW)
        assert str(refused.value).startswith(said)
    with pytest.raises(InputError, match=r"none\.csv: there is no such file"):
        bets_of_file(tmp_path / "none.csv", NOW)


HEADER = (
    "game_id,season,week,gameday,gametime,away_team,away_score,home_team,home_score,result,spread_line,"
    "home_spread_odds,away_spread_odds\n"
)


def test_the_results_of_the_games_that_were_bet_on(tmp_path: Path) -> None:
    results, unplayed = results_in(
        tmp_path,
        HEADER
        + f"{GAME},2022,1,2022-09-11,16:25,KC,44,ARI,21,-23,-6,-108,-112\n"
        "2022_01_BUF_LA,2022,1,20220908,,BUF,31,LA,10,,,,\n"
        "later,2022,2,2022-09-18,,A,,B,,,3,,\n"
        "other,x,x,x,x,A,1,B,1,9,x,x,x\n".replace("x,x,x\n", ",,\n"),
        GAME,
        "2022_01_BUF_LA",
        "later",
        "nowhere",
    )
    assert unplayed == 1
    # 16:25 in New York is 20:25 in summer; in winter it would be an hour later.
    assert results[0] == Result(GAME, 2022, 1, "2022-09-11", "2022-09-11T20:25:00Z", 21, 44, -6.0, 100 / 108, 100 / 112)
    assert results[1] == Result("2022_01_BUF_LA", 2022, 1, "2022-09-08", None, 10, 31, None, None, None)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"{GAME},2022,1,2022-09-11,,KC,44,ARI,,,-6,,", "column 'home_score', row 2: '' is no score"),
        (f"{GAME},2022,1,2022-09-11,,KC,44,ARI,2.5,,-6,,", "column 'home_score', row 2: '2.5' is no score"),
        (f"{GAME},2022,1,2022-09-11,,KC,-4,ARI,2,,-6,,", "column 'away_score', row 2: '-4' is no score"),
        (f"{GAME},2022,1,2022-09-11,,KC,44,ARI,21,23,-6,,", "column 'result', row 2: '23' contradicts the scores"),
        (f"{GAME},2022,1,2022-09-11,soon,KC,44,ARI,21,,-6,,", "column 'gametime', row 2: 'soon' is no time"),
        (f"{GAME},2022,1,2022-09-31,,KC,44,ARI,21,,-6,,", "column 'gameday', row 2: '2022-09-31' is no date"),
        (f"{GAME},2022,1,2022-09-11,,KC,44,ARI,21,,-6,1.91,1.91", "column 'home_spread_odds', row 2: '1.91' is no Am"),
        (f"{GAME},2022,1,2022-09-11,,KC,44,ARI,21,,-600,,", "column 'spread_line', row 2: '-600' is no line"),
        (f"{GAME},,1,2022-09-11,,KC,44,ARI,21,,-6,,", "column 'season', row 2: '' is not a whole number"),
        (f"{GAME},2022,1,2022-09-11,,KC,4,ARI,2,,1,,\n{GAME},2022,1,2022-09-11,,KC,4,ARI,2,,1,,", "is there twice"),
    ],
)
def test_a_result_that_is_none_is_refused_with_its_place(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        results_in(tmp_path, f"{HEADER}{row}\n")
    assert said in str(refused.value)


def test_a_file_whose_spreads_have_the_other_sign_is_refused(tmp_path: Path) -> None:
    rows = [f"g{n},2022,1,2022-09-11,1,2,-3,-200,170" for n in range(25)]
    header = "game_id,season,week,gameday,home_score,away_score,spread_line,home_moneyline,away_moneyline\n"
    with pytest.raises(InputError, match="change its sign"):
        results_in(tmp_path, header + "\n".join(rows))
