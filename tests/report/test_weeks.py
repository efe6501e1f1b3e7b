"""Weeks without a bet, bankrolls and risk, from an evaluation as it is written: every number is the document's, and
what is not there is said."""

import json
import math
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from cqltui.judging.evaluated import CONFIDENT, at
from cqltui.report.figure import Band, Figure, Line, Rule
from cqltui.report.figures.bankroll import SHOWN, finals, trajectories
from cqltui.report.figures.coverage import risk_coverage
from cqltui.report.material import Material
from cqltui.report.series import numbers_at
from cqltui.report.table import Table
from cqltui.report.tables.weeks import adjusted_sharpe, zero_weeks
from cqltui.results.evaluation import document
from tests.evaluation.wholes import dataset, members, without_outcomes
from tests.report.materials import material
from trainer.data.types import Dataset
from trainer.evaluation.evaluation import choose, evaluate
from trainer.evaluation.leak_findings import Audit

MADE: tuple[Callable[[Material], Table | Figure], ...] = (
    zero_weeks,
    adjusted_sharpe,
    trajectories,
    finals,
    risk_coverage,
)
Json = dict[str, Any]


def written(data: Dataset) -> Json:
    """What evaluation.json has."""
    trained = members()
    choices = choose(trained, "ensemble", data.validation)
    found = document(evaluate(data, trained, choices, Audit(()), resamples=200), {"rows": {"test": len(data.test)}})
    loaded: Json = json.loads(json.dumps(found))
    return loaded


@pytest.fixture(scope="module")
def told() -> Json:
    return written(dataset())


RUN = material()


def of(evaluation: Json | None) -> Material:
    return replace(RUN, evaluation=evaluation)


def policy(evaluation: Json, name: str) -> Json:
    found: Json = next(its for its in evaluation["policies"] if its["name"] == name)
    return found


def changed(evaluation: Json, change: Callable[[Json], object]) -> Material:
    """A material of a copy in which something is different."""
    other = deepcopy(evaluation)
    change(other)
    return of(other)


NAMES = (
    "zero_weeks_table",
    "utilization_adjusted_sharpe_table",
    "bankroll_trajectories",
    "bankroll_hist",
    "risk_coverage",
)


@pytest.mark.parametrize(("make", "name"), list(zip(MADE, NAMES, strict=True)))
def test_names_are_the_files_whether_there_is_something_or_not(
    told: Json, make: Callable[[Material], Table | Figure], name: str
) -> None:
    for evaluation in (told, None):
        made = make(of(evaluation))
        assert made.name == name
        assert made.title[0].isupper()
        assert made.caption.endswith(".")


def test_columns_have_names_for_programs_and_read_for_people(told: Json) -> None:
    table = zero_weeks(of(told))
    assert [column.name for column in table.columns] == [
        "strategy", "season", "weeks", "without_bet", "not_confident", "no_edge", "not_known", "by_rule", "no_game",
    ]  # fmt: skip
    assert [column.heading for column in table.columns[:4]] == ["Strategy", "Season", "Weeks", "Without a bet"]
    assert table.column("strategy") == [its["name"] for its in told["policies"]]
    table = adjusted_sharpe(of(told))
    assert [column.name for column in table.columns] == [
        "strategy", "sharpe", "sharpe_lower", "sharpe_upper", "utilization",
        "adjusted_sharpe", "adjusted_sharpe_lower", "adjusted_sharpe_upper", "max_drawdown",
    ]  # fmt: skip
    assert [column.text(0.125) for column in table.columns[1:]] == ["0.12"] * 3 + ["12.5"] + ["0.12"] * 3 + ["12.5"]
    assert [column.heading for column in table.columns] == [
        "Strategy", "Sharpe", "Sharpe from", "Sharpe to", "Utilisation %",
        "Adjusted Sharpe", "Adjusted from", "Adjusted to", "Max DD %",
    ]  # fmt: skip


def line(figure: Figure, panel: int, label: str) -> Line:
    return next(mark for mark in figure.panels[panel].marks if isinstance(mark, Line) and mark.label == label)


def test_weeks_without_a_bet_are_told_by_policy_season_and_reason(told: Json) -> None:
    table = zero_weeks(of(told))
    assert len(table.rows) == len(told["policies"])
    assert set(table.column("season")) == {str(told["weeks"]["seasons"][0])}
    reasons = [column.name for column in table.columns[4:]]
    for row, its in zip(table.rows, told["policies"], strict=True):
        season: Json = its["activity"]["seasons"][0]
        assert row[2:4] == (season["weeks"], season["without_bet"])
        assert row[4:] == tuple(season["reasons"][reason] for reason in reasons)
        assert sum(season["reasons"].values()) == season["without_bet"]
    assert set(reasons) == set(told["policies"][0]["activity"]["seasons"][0]["reasons"]), (
        "a reason that has no column would be lost"
    )
    assert f"{told['provenance']['rows']['test']} test rows" in table.caption


def test_the_adjusted_ratio_is_that_of_the_bankroll_whose_sharpe_and_drawdown_stand_beside_it(told: Json) -> None:
    table = adjusted_sharpe(of(told))
    for row, its in zip(table.rows, told["policies"], strict=True):
        values = dict(zip((column.name for column in table.columns), row, strict=True))
        bank, used = its["whole"]["bankrolls"][-1], its["activity"]["utilisation"]
        assert bank["largest_stake"] == 0.05
        assert values["sharpe"] == bank["sharpe"]["value"]
        assert values["max_drawdown"] == bank["max_drawdown"]["value"]
        assert values["utilization"] == used
        if bank["sharpe"]["lower"] is not None:
            assert values["adjusted_sharpe"] == pytest.approx(bank["sharpe"]["value"] / math.sqrt(used))
            assert values["adjusted_sharpe_lower"] == pytest.approx(bank["sharpe"]["lower"] / math.sqrt(used))
    assert any("5 %" in note for note in table.notes)
    assert "sqrt(utilisation)" in table.caption
    cut = changed(told, lambda its: policy(its, CONFIDENT)["activity"]["adjusted_sharpe"].pop())
    place = adjusted_sharpe(cut).column("strategy").index(CONFIDENT)
    assert adjusted_sharpe(cut).column("adjusted_sharpe")[place] is None, "rather that of another stake than none"


def test_trajectories_begin_with_the_start_and_their_bands_are_those_of_the_histories(told: Json) -> None:
    figure = trajectories(of(told))
    assert [panel.title for panel in figure.panels] == list(SHOWN)
    for place, name in enumerate(SHOWN):
        its = policy(told, name)["trajectory"]
        assert line(figure, place, "bankroll").y == (1.0, *its["path"])
        assert line(figure, place, "bankroll").x == tuple(range(len(its["path"]) + 1))
        wide, narrow = (mark for mark in figure.panels[place].marks if isinstance(mark, Band))
        assert (wide.low, wide.high) == ((1.0, *its["bands"]["q05"]), (1.0, *its["bands"]["q95"]))
        assert (narrow.low, narrow.high) == ((1.0, *its["bands"]["q25"]), (1.0, *its["bands"]["q75"]))
        final = its["final"]
        said = f"{name}: {its['path'][-1]:.2f}, of the histories half {final['q25']:.2f} to {final['q75']:.2f}, "
        assert f"{said}90 % {final['q05']:.2f} to {final['q95']:.2f}" in figure.alt
        assert line(figure, place, "median of histories").y == (1.0, *its["bands"]["q50"])
        assert line(figure, place, "median of histories").style == "dashed"
        spread = max(*its["path"], *wide.high) / min(*its["path"], *wide.low)
        assert figure.panels[place].y.scale == ("log" if spread > 10 else "linear")
        assert figure.panels[place].legend == (place == 0), "one for all of them"
        starts = [mark for mark in figure.panels[place].marks if isinstance(mark, Rule)]
        assert [(mark.at, mark.vertical) for mark in starts] == [(1, False)]
    assert {panel.y.scale for panel in figure.panels} == {"log", "linear"}
    assert "200 histories" in figure.caption
    assert "5 % of it" in figure.caption
    rules = [mark for mark in figure.panels[0].marks if isinstance(mark, Rule) and mark.vertical]
    assert not rules, "there is one season"


def test_the_begin_of_each_further_season_is_marked_once_in_the_legend(told: Json) -> None:
    def seasons(its: Json) -> None:
        its["weeks"]["seasons"] = [2020] * 5 + [2021] * 6 + [2022] * (len(its["weeks"]["seasons"]) - 11)

    figure = trajectories(changed(told, seasons))
    rules = [mark for mark in figure.panels[0].marks if isinstance(mark, Rule) and mark.vertical]
    assert [(rule.at, rule.label) for rule in rules] == [(5.0, "a season begins"), (11.0, "")]
    assert "seasons 2020 to 2022" in figure.caption


def test_the_histogram_has_shares_of_all_histories_and_says_which_were_lost(told: Json) -> None:
    figure = finals(of(told))
    its = policy(told, SHOWN[0])["trajectory"]["final"]
    drawn = line(figure, 0, "histories")
    assert drawn.steps
    assert drawn.x == (its["edges"][0], *its["edges"])
    assert drawn.y == (0, *(count / 200 for count in its["counts"]), 0)
    assert f"{SHOWN[0]} {100 * its['below_start']:.0f} %" in figure.alt
    assert "lost" not in figure.caption
    assert figure.panels[0].x.scale == "log"
    path = policy(told, SHOWN[0])["trajectory"]["path"]
    rules = [mark for mark in figure.panels[0].marks if isinstance(mark, Rule)]
    assert [(mark.at, mark.vertical) for mark in rules] == [(1, True), (path[-1], True)]

    def ruined(it: Json) -> None:
        policy(it, SHOWN[0])["trajectory"]["final"]["lost"] = 3

    assert f"in no bin: {SHOWN[0]} 3." in finals(changed(told, ruined)).caption


def test_risk_is_drawn_beside_chance_and_the_best_with_the_areas_of_the_document(told: Json) -> None:
    figure = risk_coverage(of(told))
    its = told["ensemble"]["uncertainty"]
    assert line(figure, 0, "by the ensemble's uncertainty").y == tuple(its["curve"]["risk"])
    assert line(figure, 0, "by the losses themselves").y == tuple(its["curve"]["oracle"])
    assert set(line(figure, 0, "random, expected").y) == {its["random_aurc"]}
    band = next(mark for mark in figure.panels[0].marks if isinstance(mark, Band))
    assert band.low[-1] == band.high[-1] == its["random_aurc"], "all of them are kept in any order"
    assert band.low[0] == 0, "there is no risk below 0"
    middle = len(band.x) // 2
    assert band.high[middle] == pytest.approx(its["random_aurc"] + 2 * its["curve"]["random_sd"][middle])
    for name in ("aurc", "random_aurc", "oracle_aurc"):
        assert f"{its[name]:.3f}" in figure.caption
    cut = next(mark for mark in figure.panels[0].marks if isinstance(mark, Rule))
    assert cut.at == told["ensemble"]["coverage"]
    assert f"{its['bets']:,} decided bets" in figure.caption


def without_new_keys(its: Json) -> None:
    """What earlier versions have written."""
    del its["weeks"], its["ensemble"]["uncertainty"]["curve"]
    for each in its["policies"]:
        del each["trajectory"], each["activity"]


@pytest.mark.parametrize("make", MADE)
def test_an_evaluation_of_an_earlier_version_is_to_be_made_again(
    told: Json, make: Callable[[Material], Table | Figure]
) -> None:
    assert make(of(told)).reason == ""
    assert "run `cqltui evaluate` again" in make(changed(told, without_new_keys)).reason


@pytest.mark.parametrize("make", MADE)
def test_without_an_evaluation_or_outcomes_the_reason_is_theirs(make: Callable[[Material], Table | Figure]) -> None:
    assert "`cqltui evaluate`" in make(of(None)).reason
    assert "no test rows" in make(replace(RUN, provenance=replace(RUN.provenance, rows={}))).reason
    assert "not known" in make(of(logged())).reason


def logged() -> Json:
    """An evaluation by the log alone."""
    return {
        "part": "test",
        "off_policy": {"is_answer": True},
        "policies": [],
        "weeks": None,
        "ensemble": {"members": 3},
    }


def test_an_evaluation_without_outcomes_has_none_of_it_but_the_match_with_the_log() -> None:
    found = written(without_outcomes(dataset()))
    assert (found["policies"], found["weeks"]) == ([], None)
    assert [its["task"] for its in found["log_match"]] == ["m0", "m1", "m2", "ensemble"]
    assert {its["policy_reward"] for its in found["log_match"]} == {None}


def test_a_run_without_an_ensemble_or_with_few_bets_says_so(told: Json) -> None:
    assert "no ensemble" in risk_coverage(changed(told, lambda its: its.update(ensemble=None))).reason
    assert "Too few" in risk_coverage(changed(told, lambda its: its["ensemble"].update(uncertainty=None))).reason


DAMAGE: tuple[Any, ...] = (None, 7, ["x", None], {"q05": 3}, [1e308, -1])


@pytest.mark.parametrize("bad", DAMAGE)
def test_damaged_lists_leave_nothing_drawn_that_was_not_written(told: Json, bad: object) -> None:
    few = told | {"policies": [policy(told, name) for name in SHOWN[:2]]}
    for path in PATHS:
        damaged = changed(few, partial(set_at, path=path, value=bad))
        assert all(make(damaged).name for make in MADE)
        titles = [panel.title for panel in trajectories(damaged).panels]
        assert titles == list(SHOWN[1:2] if path[:2] in BANDS else SHOWN[:2])
        assert len(finals(damaged).panels) == (2 if path[0] == "activity" else 1)
    for key in ("coverage", "risk", "random_sd", "oracle"):
        cut = deepcopy(told["ensemble"])
        cut["uncertainty"]["curve"][key] = bad
        assert risk_coverage(of(told | {"ensemble": cut})).reason


PATHS: tuple[tuple[str, ...], ...] = (
    ("trajectory",), ("trajectory", "path"), ("trajectory", "bands"), ("trajectory", "bands", "q75"),
    ("trajectory", "final"), ("trajectory", "final", "edges"), ("trajectory", "final", "histories"),
    ("activity",), ("activity", "seasons"), ("activity", "adjusted_sharpe"), ("activity", "utilisation"),
)  # fmt: skip
BANDS = (("trajectory",), ("trajectory", "path"), ("trajectory", "bands"))


def set_at(evaluation: Json, *, path: tuple[str, ...], value: object) -> None:
    """Put a value into the first policy."""
    place = evaluation["policies"][0]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value


def test_numbers_are_taken_and_what_is_none_is_a_gap() -> None:
    found = numbers_at({"a": {"b": [1, None, "2", 0.5, True, math.inf]}}, "a", "b")
    assert found[0] == 1
    assert found[3] == 0.5
    assert [math.isnan(value) for value in found] == [False, True, True, False, True, True]
    assert at({"a": 1}, "a") == {}
    assert numbers_at({"a": 1}, "a") == ()
