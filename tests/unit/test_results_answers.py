"""The answers in the results: lines of the summary, answers.json, and what a screen reads of them later."""

import json
from pathlib import Path

import pytest

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.results.left import from_disk
from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir, write_json
from cqltui.results.tables import write_results
from cqltui.state.described import AnswerInfo
from cqltui.state.model import Status
from cqltui.supervisor.manifest import resolved
from tests.unit.small_run import FILE, finish, finish_all

QUESTIONS = """priority = 8
questions = [
    "Why?",
    { text = "How fast?", answer = "convergence", epochs = [1, 3], reference = 1 },
    { text = "Which?", answer = "architectures", compare = ["reference", "depth"] },
    { text = "Does it bet well?", answer = "confident" },
]"""


@pytest.fixture
def asking(tmp_path: Path) -> Campaign:
    path = tmp_path / "asking.toml"
    path.write_text(FILE.replace("priority = 8", QUESTIONS), encoding="utf-8")
    return load_campaign(path).identified("data")


def test_each_question_that_figures_answer_stands_below_its_phase(run_dir: RunDir, asking: Campaign) -> None:
    write_results(run_dir, asking, finish_all(run_dir, asking))
    text = run_dir.summary_txt.read_text(encoding="utf-8")
    first, second = text.split("Phase 2")
    assert "Why?" not in text
    assert (
        "  [answer] How fast?\n"
        "           loss (training rows) and val_loss (validation rows) at the epochs 1 / 3; improvement from epoch 1 "
        "to the last; time\n"
        "           Best, overall: loss 0.3000 / 0.1000, +66.7%; val_loss 0.5100 / 0.5100, +0.0%; 4 / 12 s\n"
    ) in first
    assert (
        "  [ open ] Does it bet well?\n"
        "           not yet evaluated: `cqltui evaluate` does, and the campaign once every task is done\n"
    ) in first
    assert "[answer]" not in second
    assert f"  {run_dir.answers_json} (the answers for programs)\n" in second
    told = json.loads(run_dir.answers_json.read_bytes())
    assert (told["format"], told["campaign"]) == ("cqltui.answers/1", "small")
    fast, which, bets = told["answers"]
    assert (fast["phase"], fast["question"], fast["answer"]) == ("quality", "How fast?", "convergence")
    assert fast["parameters"] == {"metric": "loss", "validation": "val_loss", "epochs": [1, 3], "reference": 1}
    assert [point["value"] for point in fast["figures"]["tasks"][0]["points"]] == pytest.approx([0.3, 0.1])
    # 6 x 64 + 64, 64 x 32 + 32 and 32 x 4 + 4, and a gain and a shift of each of the 96 units
    params = 6 * 64 + 64 + 64 * 32 + 32 + 32 * 4 + 4 + 2 * 96
    assert [each["params"] for each in which["figures"]["architectures"]] == [params]
    assert which["parameters"]["seeds_from"] == "", "what the file does not say is told too"
    assert bets["figures"] is None
    assert bets["lines"] == ["not yet evaluated: `cqltui evaluate` does, and the campaign once every task is done"]


def test_answers_so_far_are_told_and_replaced(run_dir: RunDir, asking: Campaign) -> None:
    first = next(asking.tasks)
    finish(run_dir, first, 0.1)
    write_results(run_dir, asking, {first.id: TaskStanding(Status.DONE, 1)})
    assert "           by 1 of 2 tasks\n" in run_dir.summary_txt.read_text(encoding="utf-8")
    rest = {task.id: TaskStanding(Status.DEAD, 3, "no") for task in [*asking.tasks][1:]}
    write_results(run_dir, asking, rest)
    fast = json.loads(run_dir.answers_json.read_bytes())["answers"][0]
    assert (fast["figures"], fast["lines"]) == (None, ["not yet answered: no task is done"])


def test_answers_that_are_asked_for_no_longer_are_set_aside(
    run_dir: RunDir, asking: Campaign, campaign: Campaign
) -> None:
    standings = finish_all(run_dir, asking)
    write_results(run_dir, asking, standings)
    write_results(run_dir, campaign, standings)
    assert not run_dir.answers_json.exists()
    assert (run_dir.earlier / "answers-1.json").is_file()
    assert "answers.json" not in run_dir.summary_txt.read_text(encoding="utf-8")


def test_a_screen_reads_questions_and_answers_from_the_directory(run_dir: RunDir, asking: Campaign) -> None:
    """The questions of campaign.json are texts, or tables; who reads an earlier version's finds texts alone."""
    write_results(run_dir, asking, finish_all(run_dir, asking))
    write_json(run_dir.campaign_json, {"campaign": resolved(asking)})
    task = next(asking.tasks)
    info = {"phase": "quality", "title": "a", "epochs": 3}
    write_json(run_dir.task_json(task.id), {"info": info, "life": {"version": [1, 1], "status": "done"}})
    quality, ensemble = from_disk(run_dir).campaign.phases
    assert quality.questions == ("Why?", "How fast?", "Which?", "Does it bet well?")
    assert [answer.question for answer in quality.answers] == ["How fast?", "Which?", "Does it bet well?"]
    assert quality.answers[0].lines[1].startswith("Best, overall: loss 0.3000 / 0.1000")
    assert ensemble.answers == ()
    write_json(run_dir.answers_json, {"answers": [7, {"phase": "quality", "question": "x", "lines": 7}]})
    assert from_disk(run_dir).campaign.phases[0].answers == (AnswerInfo("x"),)
