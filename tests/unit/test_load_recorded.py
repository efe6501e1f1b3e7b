"""A campaign that campaign.json tells of is the one that was started, and what is wrong in it is named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, Phase
from cqltui.campaign.recorded import read_recorded
from cqltui.errors import InputError
from cqltui.results.rundir import RunDir, write_json
from cqltui.supervisor.manifest import is_other, resolved
from tests.unit.small_run import FILE

DEEP = Path(__file__).parents[2] / "campaigns" / "deep.toml"
JSON = Path("runs/deep/campaign.json")


@pytest.fixture(scope="module")
def deep() -> Campaign:
    return load_campaign(DEEP, ["epochs_scale=0.05"]).with_auto_precision("bf16").identified("data")


@pytest.mark.parametrize("early_stop", [False, True])
def test_what_was_started_comes_back(deep: Campaign, early_stop: bool, tmp_path: Path) -> None:
    if early_stop:  # and a file with little in it
        path = tmp_path / "small.toml"
        path.write_text(FILE, encoding="utf-8")
        deep = load_campaign(path, ["trainer.early_stop={patience=2}", "trainer.keep=['last',2]"]).identified("data")
    read = read_recorded(resolved(deep), deep.data, JSON).identified("data")

    def results(phase: Phase) -> Phase:
        return replace(phase, tasks=tuple(replace(task, auto_precision=False) for task in phase.tasks))

    assert (read.name, read.title, read.description) == (deep.name, deep.title, deep.description)
    assert [*map(results, read.phases)] == [*map(results, deep.phases)]


def test_questions_that_nothing_answers_are_written_as_before(tmp_path: Path) -> None:
    """A run of an earlier version is no other campaign's: its results are not set aside."""
    path = tmp_path / "small.toml"
    path.write_text(FILE.replace("priority = 6", 'priority = 6\nquestions = ["Why?"]'), encoding="utf-8")
    campaign = load_campaign(path)
    written = resolved(campaign)
    assert written["phases"][1]["questions"] == ["Why?"]
    write_json(RunDir(tmp_path).campaign_json, {"campaign": written})
    assert not is_other(RunDir(tmp_path), campaign)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("name", "../x", "campaign.name: expected a name of letters"),
        ("title", "a\nb", "campaign.title: expected one line of text"),
        ("phases", 7, "campaign.phases: expected a list, found 7"),
        ("phases/0", "x", 'campaign.phases[0]: expected an object, found "x"'),
        ("phases/0/name", None, "campaign.phases[0].name: expected a name"),
        ("phases/0/tasks", [], "campaign.phases[0].tasks: there is no task"),
        ("phases/0/tasks/1/trainer", None, "campaign.phases[0].tasks[1].trainer: cannot be read"),
        ("phases/0/tasks/1/trainer/alpha", "x", "campaign.phases[0].tasks[1].trainer: cannot be read (alpha: expected"),
        ("phases/0/tasks/1/baseline_loss", "x", "campaign.phases[0].tasks[1].baseline_loss: expected a finite number"),
        ("phases/0/tasks/1/title", "\x1b[2J", "campaign.phases[0].tasks[1].title: expected one line of text"),
        ("phases/0/questions", "x", "campaign.phases[0].questions: expected a list"),
        ("phases/0/questions/0/answer", "x", "campaign.phases[0].questions[0].answer: unknown answer; known: conv"),
        ("phases/0/questions/0/epochs", [0], "campaign.phases[0].questions[0].epochs[0]: expected an integer"),
        ("phases/0/criteria/1/params", [7], "campaign.phases[0].criteria[1].params: expected (name, value) pairs"),
        ("phases/0/criteria/1/check", "x", "campaign.phases[0].criteria[1].check: unknown check"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(deep: Campaign, path: str, value: Any, said: str) -> None:
    known = json.loads(json.dumps(resolved(deep)))
    *way, last = (int(part) if part.isdecimal() else part for part in path.split("/"))
    place = known
    for part in way:
        place = place[part]
    place[last] = value
    with pytest.raises(InputError) as caught:
        read_recorded(known, deep.data, JSON)
    assert any(problem.startswith(f"{JSON}: {said}") for problem in caught.value.problems), caught.value.problems
