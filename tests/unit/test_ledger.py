"""Bets and results in a ledger: what is the same, what became of them, what they are beside an evaluation."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from cqltui.errors import InputError
from cqltui.judging.evaluated import CONFIDENT
from cqltui.ledger.bets import reversed_spreads
from cqltui.ledger.export import document, export_csv, write_export
from cqltui.ledger.model import Bet, Entry, Result, Side, american, bet_id, timestamp
from cqltui.ledger.standing import Expected, expectation, standing, taken_bets
from cqltui.reporters.ledger import ledger_lines
from cqltui.results.digest import FORMAT
from cqltui.results.rundir import RunDir

TAKEN = "2022-09-07T12:00:00Z"
BET = Bet("b", "2022_01_BUF_LA", "away", 2.0, 10 / 11, 0.5, TAKEN, 2022, 1)
RESULT = Result("2022_01_BUF_LA", 2022, 1, "2022-09-08", "2022-09-09T00:20:00Z", 10, 31, -1.0, 0.95, 0.87)


def season(count: int, margin: int) -> list[Entry]:
    """A bet a week on the home team, which gives three points and wins by `margin`."""
    return [
        Entry(
            replace(BET, bet_id=f"b{week:02}", game_id=f"g{week:02}", side="home", spread=3.0, stake=1.0, week=week),
            replace(
                RESULT,
                game_id=f"g{week:02}",
                week=week,
                gameday=(date(2022, 9, 1) + timedelta(weeks=week)).isoformat(),
                home_score=20 + margin,
                away_score=20,
                close_spread=3.0,
            ),
        )
        for week in range(1, count + 1)
    ]


def test_a_bet_is_the_same_where_only_rounding_and_an_untold_time_differ() -> None:
    rounded = replace(BET, net_odds=0.909, taken_at="2022-09-08T00:00:00Z", season=None)
    assert BET.differences(rounded, with_time=False) == []
    assert BET.differences(rounded, with_time=True) == [f"taken_at 2022-09-08T00:00:00Z was {TAKEN}"]
    other = replace(BET, net_odds=100 / 111, stake=1.0, spread=2.5, side="home")
    told = "side home was away; spread 2.5 was 2; net_odds 0.9009 was 0.90909; stake 1 was 0.5"
    assert "; ".join(BET.differences(other, with_time=False)) == told


def test_a_result_is_the_same_where_nothing_differs() -> None:
    assert RESULT.differences(replace(RESULT, close_home_odds=0.95 + 1e-9)) == []
    assert RESULT.differences(replace(RESULT, home_score=13, kick_off=None)) == [
        "kick_off unknown was 2022-09-09T00:20:00Z",
        "home_score 13 was 10",
    ]


@pytest.mark.parametrize(
    ("side", "spread", "outcome", "profit"),
    [
        ("away", 20.5, "won", 0.5 * 10 / 11),
        ("away", 21.0, "push", 0.0),
        ("away", 21.5, "lost", -0.5),
        ("home", -21.5, "won", 0.5 * 10 / 11),
        ("home", -20.5, "lost", -0.5),
    ],
)
def test_the_side_taken_wins_where_it_beats_the_points_it_gives(
    side: Side, spread: float, outcome: str, profit: float
) -> None:
    entry = Entry(replace(BET, side=side, spread=spread), RESULT)
    assert entry.outcome == outcome
    assert entry.profit == pytest.approx(profit)
    assert (Entry(BET, None).outcome, Entry(BET, None).profit) == ("open", None)


def test_a_price_is_one_before_the_close_until_kick_off_or_the_day_before_it() -> None:
    def before(taken_at: str, result: Result | None) -> bool:
        return Entry(replace(BET, taken_at=taken_at), result).before_close

    assert before("2022-09-09T00:19:59Z", RESULT)
    assert not before("2022-09-09T00:20:00Z", RESULT)
    untold = replace(RESULT, kick_off=None)
    assert before("2022-09-07T23:59:59Z", untold)
    assert not before("2022-09-08T00:00:00Z", untold)
    assert not before(TAKEN, None)


def test_ids_times_and_prices_as_they_are_written() -> None:
    assert bet_id("g", "home", None) == "g home"
    assert bet_id("g", "home", TAKEN) == f"g home {TAKEN}"
    assert timestamp(datetime.fromisoformat("2022-09-07T14:00+02:00")) == TAKEN
    assert timestamp(datetime(2022, 9, 7, 12, tzinfo=UTC)) == TAKEN
    assert [american(odds) for odds in (10 / 11, 1.2, 1.0)] == [-110, 120, 100]


def test_the_evaluation_sees_the_lines_from_the_side_taken() -> None:
    home = Entry(replace(BET, side="home", spread=-2.0), RESULT)
    both = taken_bets([Entry(BET, RESULT), home, Entry(replace(BET, week=9), None)])
    assert both.margin.tolist() == [21, -21]
    assert both.close.tolist() == [1, -1]
    assert both.close_odds.tolist() == [[0.87, 0.95], [0.95, 0.87]]
    assert both.stake.tolist() == [0.5, 0.5]
    unknown = taken_bets([Entry(BET, replace(RESULT, close_spread=None, close_home_odds=None))])
    assert np.isnan([unknown.close[0], unknown.close_odds[0, 1]]).all()


def test_a_week_counts_once_none_of_its_bets_is_open_or_a_later_one_has_a_result() -> None:
    entries = season(2, 7)
    assert taken_bets(entries).counted.tolist() == [True, True]
    first, second = (replace(BET, bet_id="open", week=week) for week in (1, 2))
    assert taken_bets([*entries, Entry(second, None)]).counted.tolist() == [True, False]
    assert taken_bets([*entries, Entry(first, None)]).counted.tolist() == [True, True]


def test_a_line_that_looks_like_the_other_sides_is_named() -> None:
    close = replace(RESULT, close_spread=-6.5)  # the away team gives 6.5
    assert reversed_spreads([Entry(replace(BET, spread=-6.5), close)])
    assert not reversed_spreads([Entry(replace(BET, spread=6.0), close), Entry(BET, None)])
    assert not reversed_spreads([Entry(replace(BET, spread=11.5), close)])
    assert not reversed_spreads([Entry(replace(BET, spread=-1.5), replace(RESULT, close_spread=-1.5))])


@pytest.fixture
def evaluated(tmp_path: Path) -> Callable[..., RunDir]:
    """A run directory whose evaluation says what is asked of it."""

    def make(**changed: object) -> RunDir:
        policy: dict[str, Any] = {
            "name": CONFIDENT,
            "verdict": {"verdict": "edge\x1b[2J"},
            "whole": {
                "weeks": 44,
                "record": {"wins": 60, "losses": 50, "pushes": 2},
                "win_rate": {"value": 0.545, "lower": 0.45, "upper": 0.63},
                "roi": {"value": 0.04, "lower": -0.1, "upper": 0.2},
                "bankrolls": [
                    {"largest_stake": 0.01, "max_drawdown": {"value": 0.02, "lower": 0.01, "upper": 0.03}},
                    {"largest_stake": 0.05, "max_drawdown": {"value": 0.3, "lower": 0.2, "upper": 0.99}},
                    "nonsense",
                ],
            },
        }
        policy["whole"] |= changed
        told = {
            "format": FORMAT,
            "part": "test",
            "provenance": {"results": "r"},
            "leak_audit": {"grade": "CLEAN"},
            "policies": [7, policy],
        }
        run_dir = RunDir(tmp_path / "run")
        run_dir.evaluation.mkdir(parents=True, exist_ok=True)
        run_dir.evaluation_json.write_text(json.dumps(told), encoding="utf-8")
        return run_dir

    return make


def test_what_the_evaluation_expected_is_read_with_its_intervals(evaluated: Callable[..., RunDir]) -> None:
    its = expectation(evaluated(), CONFIDENT)
    assert (its.bets, its.weeks, its.verdict, its.grade) == (112, 44, "edge", "CLEAN")
    assert its.roi == {"value": 0.04, "lower": -0.1, "upper": 0.2}
    assert its.win_rate["value"] == 0.545
    assert its.drawdowns[0.05]["upper"] == 0.99


def test_an_evaluation_that_cannot_be_expected_of_is_refused(evaluated: Callable[..., RunDir], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no policy 'Kelly': name one with --policy \(.*confident\)"):
        expectation(evaluated(), "Kelly")
    for roi in ({"value": None}, {"value": 1e300}, {"value": -1}, "much"):
        with pytest.raises(InputError, match="has no ROI on the test rows"):
            expectation(evaluated(roi=roi), CONFIDENT)
    with pytest.raises(InputError, match=r"there is no evaluation: `cqltui evaluate \S*/none` makes one"):
        expectation(RunDir(tmp_path / "none"), CONFIDENT)
    run_dir = evaluated()
    run_dir.evaluation_json.write_text(run_dir.evaluation_json.read_text().replace('"test"', '"validation"'))
    with pytest.raises(InputError, match="holds no evaluation that can be read"):
        expectation(run_dir, CONFIDENT)


def test_a_season_of_losses_is_told_beside_what_was_expected(evaluated: Callable[..., RunDir]) -> None:
    expected = expectation(evaluated(), CONFIDENT)
    its = standing([*season(22, -7), Entry(replace(BET, week=23), None)], expected)
    lines = list(ledger_lines(its))
    assert lines[0].startswith("ALARM since season 2022, week ")
    said = "\n".join(lines)
    for line in (
        "bets      23: 22 settled, 1 open",
        "112 test bets in 44 weeks, verdict 'edge', leak audit clean",
        "W-L-P     0-22-0 in 22 weeks with bets",
        "win rate  0.0 % (0.0 to 14.9); break-even",
        "ROI       -100.0 %",
        "; expected +4.0 % (-10.0 to +20.0)",
        "profit    -22.00 units of the largest stake",
        "drawdown  19.8 % at a largest stake of 1 %; expected 2.0 % (1.0 to 3.0) over 44 weeks, DEEPER than that",
        "against 'they return +4.0 %, as expected'; 22 bets in 22 weeks",
    ):
        assert line in said
    assert said.count("DEEPER") == 1, "at 5 % it is within what was expected, at 3 % nothing was"
    told = document(its)
    assert (told["alarm"], told["settled"], told["open"]) == (True, 22, 1)
    assert [(alarm["least"], alarm["alarm"], alarm["season"]) for alarm in told["alarms"]] == [
        (0.0, True, 2022),
        (0.04, True, 2022),
    ]
    assert told["figures"]["record"] == {"wins": 0, "losses": 22, "pushes": 0}
    assert json.loads(json.dumps(told)) == told


def test_nothing_settled_and_nothing_measurable_are_said() -> None:
    nothing = standing([Entry(BET, None)], None)
    assert list(ledger_lines(nothing))[-1].startswith("nothing is settled yet")
    assert (document(nothing)["figures"], document(nothing)["alarms"]) == (None, [])
    late = replace(BET, taken_at="2022-10-01T00:00:00Z")
    lines = list(ledger_lines(standing([Entry(late, RESULT)], None)))
    assert "CLV       not measurable: no price was taken before a close that is known" in lines
    assert document(standing([Entry(late, RESULT)], None))["closing_line_value"] is None
    assert not any("expected" in line for line in lines)
    some = "\n".join(ledger_lines(standing([Entry(BET, RESULT), Entry(late, RESULT)], None)))
    assert "in 1 bet; 0 % beat the close without its vig; 0 % had better terms than it posted; 1 not measurable" in some


def test_the_export_has_every_column_and_no_formula(tmp_path: Path) -> None:
    entries = [
        Entry(replace(BET, bet_id="=cmd()"), RESULT),
        Entry(replace(BET, bet_id="x", side="home", spread=-2.0), RESULT),
        Entry(replace(BET, bet_id="y"), None),
    ]
    rows = list(csv.DictReader(export_csv(entries).splitlines()))
    assert ",".join(rows[0]) == (
        "bet_id,season,week,game_id,gameday,side,spread,price,net_odds,stake,taken_at,home_score,away_score,outcome,"
        "profit,close_spread,close_net_odds,clv_bps"
    )
    assert [row["bet_id"] for row in rows] == ["'=cmd()", "x", "y"]
    assert [row["outcome"] for row in rows] == ["won", "lost", "open"]
    assert (rows[0]["price"], rows[0]["close_spread"], rows[1]["close_spread"]) == ("-110", "1.0", "-1.0")
    assert (rows[0]["close_net_odds"], rows[1]["close_net_odds"]) == ("0.87", "0.95")
    assert float(rows[0]["clv_bps"]) < -400 < float(rows[1]["clv_bps"]), "one gave a point too many, one a point less"
    assert (rows[2]["clv_bps"], rows[2]["gameday"], rows[2]["profit"]) == ("", "", "")
    target = tmp_path / "out.csv"
    write_export(target, entries)
    write_export(target, entries[:1])
    assert target.read_text(encoding="utf-8") == export_csv(entries[:1])
    for path, said in ((tmp_path / "other.csv", "is there already"), (tmp_path / "link.csv", "is a link")):
        if "link" in path.name:
            path.symlink_to(target)
        else:
            path.write_text("mine\n", encoding="utf-8")
        with pytest.raises(InputError, match=said):
            write_export(path, entries)
        assert path.read_text(encoding="utf-8") in ("mine\n", export_csv(entries[:1]))


def test_what_was_expected_is_a_part_of_the_json() -> None:
    figures = {"value": 0.02, "lower": None, "upper": None}
    expected = Expected("run", CONFIDENT, "edge", "CLEAN", 9, 3, figures, figures, {0.05: figures})
    told = document(standing([Entry(BET, RESULT)], expected))
    assert told["expected"]["roi"]["value"] == 0.02
    assert [alarm["least"] for alarm in told["alarms"]] == [0.0, 0.02]
