"""The evaluation's page: every figure where it belongs, and no word more certain than the figures."""

import pytest
from msgspec.structs import replace

from cqltui.judging.told import Audit, Finding, Interval, Policy, Told
from cqltui.results.judged import EvaluationRead, Planned
from cqltui.state.described import CampaignInfo, PhaseInfo, Verdict
from cqltui.state.model import Lifecycle, RunState, Status, TaskInfo, TaskState
from cqltui.ui.evaluationlines import all_criteria, criteria_count, evaluation_lines, verdict_lines
from cqltui.ui.intervals import Axis, axis, bar, scale_line
from cqltui.ui.line import Line, width
from cqltui.ui.policytable import policy_lines
from tests.ui.evaluated import EVALUATED_TS, INTERIM, READ, TOLD
from tests.ui.night import Night

DONE = Night(1e6).state()
RUNNING = Night(4_200.0).state()


def texts(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def page(found: EvaluationRead, state: RunState, cells: int, words: bool = False) -> list[str]:
    return texts(evaluation_lines(found, state, cells, EVALUATED_TS + 60, words=words))


def run_of(*statuses: Status, finished_ts: float = 0.0) -> RunState:
    tasks = {f"t{n}": TaskState(TaskInfo(f"t{n}", "p"), Lifecycle(status=status)) for n, status in enumerate(statuses)}
    return RunState(tasks=tasks, finished_ts=finished_ts)


def drawn(line: Line) -> str:
    return "".join(text for text, _ in line)


def test_an_interval_lies_where_its_figures_are() -> None:
    along = Axis(0.0, 0.2, 21)  # 0.02 a cell, 0 in the tenth
    assert drawn(bar(Interval(0.04, -0.06, 0.1), along, 0.0, "accent")) == "       ├──┼─●──┤     "
    assert drawn(bar(Interval(-0.1, -0.16, -0.02), along, 0.0, "accent")) == "  ├──●───┤│          "
    assert drawn(bar(Interval(0.3, -0.3, 0.5), along, 0.0, "accent")) == "◂─────────┼─────────▸"
    assert drawn(bar(Interval(0.16, 0.1, 0.4), along, 0.0, "accent")) == "          │    ├──●─▸"
    assert drawn(bar(Interval(-0.1, -0.16, -0.004), along, 0.0, "accent")) == "  ├──●───┤│          "
    assert drawn(bar(Interval(0.0), along, 0.0, "accent")) == "          ●          "
    assert drawn(bar(Interval(), along, 0.0, "accent")) == "          │          "
    assert drawn(bar(Interval(0.9, 0.8, 0.95), along, None, "accent")).strip() == "▸"


def test_an_axis_has_room_for_all_and_its_middle_in_the_middle() -> None:
    along = axis([Interval(0.01, -0.12, 0.03), Interval(), Interval(None, None, float("inf"))], 0.0, 20)
    assert along == Axis(0.0, 0.15, 19)
    assert (along.cell(-0.15), along.cell(0.0), along.cell(0.15)) == (0, 9, 18)
    assert scale_line(along, signed=True) == "-15 %    0    +15 %"
    assert scale_line(Axis(0.5, 0.1, 19), signed=False) == "40 %    50 %   60 %"
    assert scale_line(Axis(0.0, 0.15, 9), signed=True) == "    0    "


def test_the_page_says_the_verdict_first_and_no_more_than_the_figures() -> None:
    lines = page(READ, DONE, 158)
    assert lines[0] == "≈ Not distinguishable from break-even"
    assert lines[1].startswith('"CQL ensemble, confident": It wins 51.5 % of 99 decided bets')
    assert lines[2].startswith("570 test rows of a simulated market · 8 policies compared · 49 tasks done · evaluated")
    assert lines[4] == "Leak audit  ✓ clean   1 untested · 34 clean"
    row = next(line for line in lines if line.startswith("≈ CQL ensemble, confident"))
    for figure in (" 99 ", "-1.5 %", "-23.6 to +19.2", "51.5 %", "51.2 %", "0.994", "not distinguishable"):
        assert figure in row
    assert "loses" in next(line for line in lines if "always home" in line)
    ensemble = " ".join(lines[lines.index(next(line for line in lines if line.startswith("Ensemble"))) :][:3])
    assert "20 networks" in ensemble
    assert "556 bets, of which the confident policy leaves out 457" in ensemble
    assert "return +3.0 % against the others (95 %: -18.8 to +24.7): not distinguishable" in ensemble
    assert "edge" not in " ".join(lines)
    assert max(map(len, lines)) <= 158


def test_networks_stand_before_what_they_are_compared_with() -> None:
    rows = texts(policy_lines(TOLD, 100))
    assert [row[2:14].strip() for row in rows[1:5]] == ["CQL ensemble", "CQL ensemble", "CQL single", "random"]


@pytest.mark.parametrize("cells", range(50, 170, 7))
def test_columns_fit(cells: int) -> None:
    for words in (False, True):
        lines = policy_lines(TOLD, cells, words=words)
        assert max(map(width, lines)) <= cells
        assert all(("●" in drawn(line)) is not words for line in lines[1:4])


def test_in_words_the_ends_of_intervals_are_told() -> None:
    row = next(line for line in page(READ, DONE, 90, words=True) if line.startswith("≈ CQL single"))
    assert "-16.3 to +7.4" in row


def test_a_narrow_panel_has_the_verdict_and_the_criteria() -> None:
    lines = page(READ, DONE, 30)
    assert lines[:2] == ["≈ Not distinguishable from", "  break-even"]
    assert not any("always home" in line or "Leak audit" in line for line in lines)
    assert any(line.startswith("✗ No overfitting") for line in lines)
    assert max(map(len, lines)) <= 30


def test_a_leak_forbids_every_figure_before_anything_else() -> None:
    leak = Audit("LEAK", False, (("LEAK", 1),), (Finding("LEAK", "epa_gap", "knows the outcome"),))
    edge = replace(TOLD.policies[0], name="CQL single", verdict="edge")
    lines = page(EvaluationRead(test=replace(TOLD, audit=leak, policies=(edge,))), DONE, 100)
    assert lines[:2] == ["✗ No figure of this run can be believed", "epa_gap: knows the outcome"]


@pytest.mark.parametrize(
    ("found", "state", "said"),
    [
        (EvaluationRead(), RUNNING, "17 of 49 tasks are done: evaluated when all are."),
        (EvaluationRead(planned=Planned(test_rows=0)), RUNNING, "no test rows"),
        (EvaluationRead(planned=Planned(automatic=False)), RUNNING, "leaves the evaluation to `cqltui evaluate`"),
        (EvaluationRead(), run_of(Status.DONE), "the evaluation is being made"),
        (EvaluationRead(), run_of(Status.DONE, finished_ts=1.0), "`cqltui evaluate` makes one"),
        (EvaluationRead(), run_of(Status.DONE, Status.DEAD, finished_ts=1.0), "no other is going to be"),
        (EvaluationRead(), run_of(Status.WITHDRAWN), "There are no tasks yet."),
        (EvaluationRead(earlier=TOLD), RUNNING, "of other results than these, 49 tasks done then"),
        (EvaluationRead(wrong=("evaluation.json cannot be read",)), RUNNING, "! evaluation.json cannot be read"),
    ],
)
def test_without_an_evaluation_the_page_says_why(found: EvaluationRead, state: RunState, said: str) -> None:
    lines = texts(verdict_lines(found, state, 200, EVALUATED_TS))
    assert lines[0] == "· No verdict yet"
    assert any(said in line for line in lines)


def test_figures_of_validation_rows_are_no_verdict_and_say_that_they_flatter() -> None:
    lines = page(INTERIM, RUNNING, 120)
    assert lines[0] == "· No verdict yet"
    flatters = next(n for n, line in enumerate(lines) if "these figures flatter" in line)
    assert "17 tasks done at" in lines[flatters]
    assert flatters < next(n for n, line in enumerate(lines) if "always home" in line)


def test_estimates_by_the_log_say_so() -> None:
    told = replace(TOLD, estimated=True, policies=(Policy("CQL single", "refused", "too few", 3.5, Interval()),))
    lines = page(EvaluationRead(test=told), DONE, 140)
    assert lines[0] == "· Refused"
    assert lines[1] == 'By the log alone, outcomes not being known: "CQL single": too few'
    assert not any("p adj" in line for line in lines)


def test_a_verdict_of_nobody_is_none() -> None:
    empty: Told = replace(TOLD, policies=(), ensemble=None)
    assert page(EvaluationRead(test=empty), DONE, 100)[0] == "· No verdict"


def test_criteria_stand_beside_each_other_where_there_is_room() -> None:
    phases = DONE.campaign.phases
    wide, narrow = texts(all_criteria(phases, 158)), texts(all_criteria(phases, 80))
    assert wide[0].split("  ")[0] == narrow[0] == "Quality - Extended Training"
    assert "Exploration" in wide[0]
    assert "Robustness" in wide[0]
    assert len(wide) < len(narrow)
    assert max(map(len, wide)) <= 158
    assert criteria_count(phases) == "7 met · 2 failed"
    state = RunState(CampaignInfo(phases=(PhaseInfo("p", verdicts=(Verdict("it"),)),)))
    assert criteria_count(state.campaign.phases) == "1 open"
