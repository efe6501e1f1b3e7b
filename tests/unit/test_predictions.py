"""Predictions as rows and lines, and what is believed of the evaluation that they rest on."""

import csv
import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console

from cqltui.errors import InputError
from cqltui.reporters.predictions import count_line, head_lines, prediction_table
from cqltui.results.chosen import Chosen, Member, chosen_by, grade, is_trusted, told_of
from cqltui.results.predictions import (
    HEADER,
    About,
    Predictions,
    prediction_rows,
    predictions_csv,
    to_document,
    write_predictions,
)
from tests.unit.foreign import nonsense
from trainer.data.upcoming import Upcoming
from trainer.evaluation.advice import advise

UPCOMING = Upcoming(
    rows=np.array([7, 8, 9]),
    game_ids=("2025_01_KC_LAC", "=cmd()", "\x1b[31mred"),
    seasons=(2025, 2025, None),
    weeks=(1, 1, None),
    days=(date(2025, 9, 5), date(2025, 9, 7), None),
    home_teams=("LAC", "LV", "LV"),
    away_teams=("KC", "NE", ""),
    sides=("KC", "", "LV"),
    spread=np.array([3.0, np.nan, -2.5]),
    odds=np.array([-105.0, np.nan, 120.0]),
    states=np.array([[1.0], [np.nan], [2.0]], np.float32),
    reasons=("", "no spread_line: cannot be computed", ""),
    notes=(),
)
Q = np.array([[[0.0, 0.1, 0.2, 0.4], [0.0, 0.1, 0.0, 0.0]], [[0.0, 0.1, 0.2, 0.6], [0.0, 0.2, 0.0, 0.0]]])
ROWS = prediction_rows(UPCOMING, advise(Q, 0.2))
ABOUT = About(
    policy="CQL ensemble, confident",
    told=None,
    caveat="not evaluated",
    leak_audit="clean",
    trusted=True,
    networks=2,
    source="phase ensemble (best weights)",
    chosen_by="as chosen on validation rows",
    threshold=0.2,
    share=0.2,
)


def test_rows_by_hand() -> None:
    bet, lost, doubtful = ROWS
    assert bet == {
        "row": 7, "season": 2025, "week": 1, "game_id": "2025_01_KC_LAC", "gameday": "2025-09-05", "away_team": "KC",
        "home_team": "LAC", "action": "large",
        "side": "KC", "spread": 3.0, "handicap": -3.0, "price": -105.0, "stake": 1.0, "q_action": "large",
        "q_stake": 1.0, "q_mean": 0.5, "q_std": pytest.approx(0.1 * 2**0.5), "advantage": pytest.approx(0.5),
        "uncertainty": pytest.approx(0.1 * 2**0.5), "confident": True, "reason": "",
    }  # fmt: skip
    assert (lost["action"], lost["stake"], lost["reason"]) == ("no-bet", 0.0, "no spread_line: cannot be computed")
    unknown = ("spread", "handicap", "price", "q_action", "q_stake", "q_mean", "q_std", "advantage", "confident")
    assert {lost[name] for name in unknown} == {None}
    assert (doubtful["action"], doubtful["q_action"], doubtful["stake"], doubtful["q_stake"]) == (
        "no-bet", "small", 0.0, 0.2,
    )  # fmt: skip
    assert (doubtful["confident"], doubtful["handicap"], doubtful["season"]) == (False, 2.5, None)


def test_the_csv_has_no_formula_and_nothing_where_nothing_is_known() -> None:
    first, second, third = csv.DictReader(predictions_csv(ROWS).splitlines())
    assert (first["confident"], first["price"], first["spread"], first["stake"]) == ("yes", "-105", "3", "1")
    assert (second["game_id"], second["confident"], second["q_mean"]) == ("'=cmd()", "", "")
    assert (third["game_id"], third["confident"], third["spread"], third["season"]) == ("red", "no", "-2.5", "")
    assert float(first["q_std"]) == ROWS[0]["q_std"]


def test_json_has_null_where_nothing_is_known() -> None:
    told = json.loads(json.dumps(to_document(Predictions(ABOUT, tuple(ROWS), ("a note",))), allow_nan=False))
    assert told["format"] == "cqltui.predictions/1"
    assert told["about"]["told"] is None
    assert told["games"][1]["q_mean"] is None
    assert ",".join(told["games"][0]) == HEADER


def test_predictions_replace_nothing_but_predictions(tmp_path: Path) -> None:
    path = tmp_path / "bets.csv"
    write_predictions(path, ROWS, force=False)
    with pytest.raises(InputError, match="exists already: choose another file, or replace it with --force"):
        write_predictions(path, ROWS[:1], force=False)
    assert path.read_text(encoding="utf-8") == predictions_csv(ROWS), "somebody may have edited it"
    write_predictions(path, ROWS[:1], force=True)
    assert path.read_text(encoding="utf-8") == predictions_csv(ROWS[:1])
    other = tmp_path / "games.csv"
    other.write_text("game_id,season\n", encoding="utf-8")
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    for place, said in (
        (other, "is there already and holds no predictions"),
        (link, "is a link"),
        (tmp_path, "Is a directory"),
        (Path("/dev/null"), "expected a regular file"),
        (tmp_path / "bet" / "now.csv", "there is no folder"),
    ):
        with pytest.raises(InputError, match=said):
            write_predictions(place, ROWS, force=True)
    assert other.read_text(encoding="utf-8") == "game_id,season\n"
    assert link.is_symlink()
    assert not (tmp_path / "bet").exists()


def test_the_table_shows_the_line_as_bookmakers_write_it() -> None:
    console = Console(width=200)
    with console.capture() as shown:
        console.print(prediction_table(ROWS))
    heading, first, second, third = shown.get().splitlines()
    assert heading.split()[:5] == ["week", "game", "day", "action", "side"]
    assert "large   KC -3     -105      1  +0.5000  0.1414" in first
    assert "no spread_line: cannot be computed" in second
    assert "\x1b[31m" not in third
    assert "LV +2.5" in third
    assert count_line(ROWS) == "3 games without a result: 1 to bet on, 1 that cannot be computed"


def evaluation(**changed: Any) -> dict[str, Any]:
    """What evaluation.json says of two members, a single network and two policies."""
    record = {"wins": 30, "losses": 26, "pushes": 1}
    verdict = {"verdict": "edge", "sentence": "It returns\x1b[2J +9 %."}
    return {
        "choices": {
            "single": {"task": "a1", "which": "best"},
            "ensemble": [{"task": "a1", "which": "e20"}, {"task": "b2", "which": "e20"}],
            "cut": {"threshold": 0.25, "share": 0.2},
        }
        | changed,
        "policies": [7, {"name": "always home"}, {"name": "P", "verdict": verdict, "whole": {"record": record}}],
    }


def test_the_choices_of_an_evaluation() -> None:
    def chosen(**changed: Any) -> Chosen:
        return chosen_by(evaluation(**changed), Path("evaluation.json"), {"a1", "b2"})

    pair = (Member("a1", "e20"), Member("b2", "e20"))
    assert chosen() == Chosen(pair, 0.25, 0.2)
    assert chosen(cut=None) == Chosen(pair)
    without = chosen(cut={"threshold": None, "share": 0.2})
    assert without.share == 0.2
    assert np.isnan(without.threshold or 0)
    assert chosen(ensemble=[]) == Chosen((Member("a1", "best"),))


def _of(task: object = "a1", which: object = "last") -> dict[str, object]:
    return {"task": task, "which": which}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ensemble": "many"}, r"choices\.ensemble: expected a list"),
        ({"ensemble": [_of()] * 10_001}, r"choices\.ensemble: expected a list"),
        ({"ensemble": [_of()]}, r"choices\.ensemble: expected two networks or more, each once"),
        ({"ensemble": [_of(), _of()]}, r"choices\.ensemble: expected two networks or more, each once"),
        ({"ensemble": [_of(), _of("../../x")]}, r"choices\.ensemble\[1\]\.task: expected a task of the run .*'\.\./"),
        ({"ensemble": [_of(), _of(["b2"])]}, r"choices\.ensemble\[1\]\.task"),
        ({"ensemble": [_of(), _of("b2", "e../../x")]}, r"choices\.ensemble\[1\]\.which: expected \"last\""),
        ({"ensemble": [_of(), _of("b2", 7)]}, r"choices\.ensemble\[1\]\.which"),
        ({"ensemble": [], "single": None}, r"choices\.single\.task"),
        ({"cut": 7}, r"choices\.cut: expected a threshold"),
        ({"cut": {"threshold": -1, "share": 0.2}}, r"choices\.cut"),
        ({"cut": {"threshold": 1, "share": 0}}, r"choices\.cut"),
        ({"cut": {"threshold": "1", "share": 0.2}}, r"choices\.cut"),
        ({"cut": {"share": 0.2}}, r"choices\.cut"),
        ({"cut": {"threshold": 10**400, "share": 0.2}}, r"choices\.cut"),
    ],
)
def test_choices_that_cannot_be_are_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=rf"^evaluation\.json: {said}"):
        chosen_by(evaluation(**changed), Path("evaluation.json"), {"a1", "b2"})


def test_the_verdict_comes_first_and_is_loud_where_it_forbids_betting() -> None:
    told = told_of(evaluation(), "P")
    assert told is not None
    assert (told.bets, told.record, told.sentence) == (57, "30-26-1", "It returns +9 %.")
    assert told_of(evaluation(), "Q") is None
    assert list(head_lines(replace(ABOUT, told=told, caveat=""))) == [
        "verdict on P: edge; it rests on 57 test bets (30-26-1)",
        "  It returns +9 %.",
        "leak audit: clean",
        "2 networks, phase ensemble (best weights), as chosen on validation rows",
        "confident: an uncertainty of at most 0.2, which kept the most confident 20% of the validation bets",
    ]
    leak = replace(ABOUT, told=replace(told, verdict="leak"), trusted=False)
    assert next(head_lines(leak)) == "DO NOT BET ON THIS: the verdict is leak"
    audit = list(head_lines(replace(ABOUT, leak_audit="wrong", trusted=False)))
    assert audit[:2] == [
        "DO NOT BET ON THIS: the leak audit says wrong",
        "no verdict on CQL ensemble, confident: not evaluated",
    ]


def test_a_record_that_cannot_be_is_none() -> None:
    found = evaluation()
    found["policies"][2]["whole"]["record"] = {"wins": -3, "losses": 1e200, "pushes": "many"}
    told = told_of(found, "P")
    assert told is not None
    assert (told.bets, told.record) == (0, "0-0-0")


PLACES = (
    ("choices",), ("choices", "ensemble"), ("choices", "ensemble", 1), ("choices", "ensemble", 1, "task"),
    ("choices", "ensemble", 1, "which"), ("choices", "cut"), ("choices", "cut", "threshold"),
    ("choices", "cut", "share"), ("policies",), ("policies", 2), ("policies", 2, "verdict"),
    ("policies", 2, "verdict", "sentence"), ("policies", 2, "whole", "record"),
    ("policies", 2, "whole", "record", "wins"), ("leak_audit",), ("leak_audit", "grade"),
)  # fmt: skip


@given(place=st.sampled_from(PLACES), value=nonsense)
@settings(max_examples=40, deadline=None)
def test_whatever_an_evaluation_holds_is_an_error_of_ours_or_harmless(place: tuple[Any, ...], value: Any) -> None:
    found: Any = evaluation() | {"leak_audit": {"grade": "CLEAN", "trusted": True}}
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with suppress(InputError):
        chosen = chosen_by(found, Path("evaluation.json"), {"a1", "b2"})
        assert {member.task for member in chosen.members} <= {"a1", "b2"}
    about = replace(ABOUT, told=told_of(found, "P"), leak_audit=grade(found), trusted=is_trusted(found))
    assert all(line.isprintable() and len(line) < 1000 for line in head_lines(about))
