"""A campaign that campaign.json tells of is the one that was started, and what is wrong in it is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, Phase
from cqltui.campaign.recorded import read_recorded
from cqltui.errors import InputError
from cqltui.results.known import read_known
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
        tasks = tuple(replace(task, auto_precision=False) for task in phase.tasks)
        return replace(phase, tasks=tasks, defaults={}, listed=0)  # for people, and for how a file is written

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


LARGE = """
[campaign]
name = "sweep"
[trainer]
lr = 1e-4
epochs = 50
hidden_dims = [8]
[[phase]]
name = "first"
[[phase.task]]
alpha = 0.7
seed = 1
[phase.grid]
hidden_dims = [[8], [16, 8]]
alpha = [0.3, 1]
seed = { from = 5, to = 14 }
[[phase]]
name = "second"
alpha = 0.5
[phase.grid]
epochs = [1000, 2000]
seed = [3, 1, 2]
"""


@pytest.fixture(autouse=True)
def large_is_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no test takes long."""
    monkeypatch.setattr("cqltui.campaign.compact.LARGE", 40)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    (path := tmp_path_factory.mktemp("large") / "sweep.toml").write_text(LARGE, encoding="utf-8")
    return load_campaign(path).with_auto_precision("bf16").identified("data")


def _bare(campaign: Campaign) -> list[dict[str, Any]]:
    return [to_builtins(replace(task, auto_precision=False)) for task in campaign.tasks]


@pytest.mark.parametrize(
    "settings", [[], ["epochs_scale=0.1"], ["phase.first.grid.epochs=[40,60]", "epochs_scale=0.1"]]
)
def test_a_large_grid_is_written_in_little_room_and_comes_back(tmp_path: Path, settings: list[str]) -> None:
    """With scaled epochs its titles do not follow from its settings."""
    (path := tmp_path / "sweep.toml").write_text(LARGE, encoding="utf-8")
    large = load_campaign(path, settings).with_auto_precision("bf16").identified("data")
    written = resolved(large)
    first, second = (phase["tasks"] for phase in written["phases"])
    assert [list(item)[:2] for item in first[1:]] == [["task", "grid"]], "after the task that came by itself"
    assert first[1]["grid"]["seed"] == {"from": 5, "to": 14}
    assert len(second) == 6, "a small one is written as ever"
    assert ("titles" in first[1]) == (len(settings) == 2)
    read = read_recorded(json.loads(json.dumps(written)), large.data, JSON).identified("data")
    assert _bare(read) == _bare(large)


def test_tasks_that_are_no_product_are_written_one_by_one(large: Campaign) -> None:
    first, *others = large.phases
    other = replace(first, tasks=(*first.tasks[:-1], replace(first.tasks[-1], trainer=first.tasks[1].trainer)))
    changed = replace(large, phases=(other, *others))
    assert len(resolved(changed)["phases"][0]["tasks"]) == 41
    shuffled = replace(first, tasks=(first.tasks[0], *reversed(first.tasks[1:])))
    read = read_recorded(resolved(replace(large, phases=(shuffled, *others))), large.data, JSON).identified("data")
    assert [task.id for task in read.tasks][1] == first.tasks[-1].id, "backwards, it is a product too"


def test_a_large_run_of_an_earlier_version_is_no_other(large: Campaign, tmp_path: Path) -> None:
    """It wrote each task by itself."""
    former = resolved(large)
    former["phases"][0]["tasks"] = resolved(large, beside={"phases": [{"tasks": [{}]}]})["phases"][0]["tasks"]
    assert len(former["phases"][0]["tasks"]) == 41
    run_dir = RunDir(tmp_path)
    ids = {task.id for task in large.tasks}
    for campaign in (former, resolved(large)):
        write_json(run_dir.campaign_json, {"campaign": campaign, "data": {"digest": "data"}, "id_length": 16})
        assert not is_other(run_dir, large)
        assert is_other(run_dir, large.identified("other data"))
        assert is_other(run_dir, replace(large, phases=large.phases[::-1]))
        known = read_known(run_dir, set())
        assert known.keys() == ids
        assert {(one.phase, one.epochs) for one in known.values()} == {
            ("first", 50),
            ("second", 1000),
            ("second", 2000),
        }
    assert read_recorded(former, large.data, JSON).identified("data").phases[0].tasks[7].id in ids


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("grid", {}, "grid: expected lists of values, found an empty table"),
        ("grid/seed", [], "grid.seed: expected a list of values, or {from, to}, found an empty list"),
        ("grid/seed", {"from": 9, "to": 1}, "grid.seed: expected a list of values, or {from, to}, found a table"),
        ("grid/seed", {"from": 0, "to": 10**12}, "grid.seed: expected a list of values, or {from, to}, found a table"),
        ("grid/seed", {"from": 0, "to": 999_999}, "grid: makes 4,000,000 tasks; a campaign has at most 1,000,000"),
        ("grid/alpha", [0.3, -1], "grid.alpha: expected values of the setting, found -1"),
        ("grid/ho", [1], "grid.ho: there is no such setting"),
        ("titles", ["one"], "titles: expected a list of 40, found a list of 1"),
        ("titles", ["\x1b"] * 40, "titles[0]: expected one line of text"),
        ("task", 7, "task: expected an object, found 7"),
        ("task/trainer", None, "task.trainer: cannot be read"),
    ],
)
def test_what_is_wrong_with_a_grid_is_named_with_its_place(
    large: Campaign, tmp_path: Path, path: str, value: Any, said: str
) -> None:
    known = resolved(large)
    *way, last = path.split("/")
    place = known["phases"][0]["tasks"][1]
    for part in way:
        place = place[part]
    place[last] = value
    with pytest.raises(InputError) as caught:
        read_recorded(known, large.data, JSON)
    assert caught.value.problems[0].startswith(f"{JSON}: campaign.phases[0].tasks[1].{said}"), caught.value.problems
    write_json(RunDir(tmp_path).campaign_json, {"campaign": known, "data": {"digest": "data"}})
    assert len(read_known(RunDir(tmp_path), set())) == 7, "what can be read"
