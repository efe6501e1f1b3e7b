"""What is written down of tasks, and when: of very many only those that somebody has touched."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import pytest
from msgspec.structs import replace

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.errors import InputError
from cqltui.results import left
from cqltui.results.left import at_a_glance, from_disk
from cqltui.results.outline import outline
from cqltui.results.rundir import RunDir, read_json, write_json
from cqltui.state.counting import tally
from cqltui.state.model import Lifecycle, RunState, Status, TaskState
from cqltui.supervisor import manifest
from cqltui.supervisor.accepted import Planned
from cqltui.supervisor.filing import Filing
from cqltui.supervisor.records import Records
from cqltui.supervisor.submissions import planned

FILE = """
[campaign]
name = "many"
[trainer]
epochs = 40
lr = 1e-4
alpha = 0.3
hidden_dims = [8]
[[phase]]
name = "sweep"
priority = 6
[phase.grid]
seed = {{ from = 1, to = {tasks} }}
"""
MOST = 19
"""Tasks; really three thousand."""
DATA = DataSummary("0" * 64, 1675, 400)


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Campaign, dict[str, Planned]]:
    """A campaign of more tasks than are all written down, and what each of them is."""
    monkeypatch.setattr(left, "MOST", MOST)
    path = tmp_path / "many.toml"
    path.write_text(FILE.format(tasks=MOST + 1), encoding="utf-8")
    campaign = load_campaign(path).identified(DATA.digest)
    return campaign, planned(campaign, DATA)


@pytest.fixture
def run_dir(tmp_path: Path, many: tuple[Campaign, dict[str, Planned]]) -> RunDir:
    """Its run directory, begun."""
    made = RunDir(tmp_path / "run")
    manifest.write(made, many[0], DATA, ["cqltui"], 5.0, own_server=False)
    return made


@pytest.fixture
def state(many: tuple[Campaign, dict[str, Planned]]) -> RunState:
    """All tasks as they were submitted, but for three."""
    tasks = {
        task_id: TaskState(known.info, Lifecycle((1, number), priority=6, order=number), None, (1, number))
        for number, (task_id, known) in enumerate(many[1].items(), 1)
    }
    for place, life in enumerate(
        (
            Lifecycle((2, 1), Status.RUNNING, attempt=1, token="1-1", worker="w1"),
            Lifecycle((2, 2), Status.DEAD, attempt=3, error="it died"),
            Lifecycle((2, 3), Status.QUEUED, by="anna@host"),
        )
    ):
        task_id = list(tasks)[place]
        tasks[task_id] = replace(tasks[task_id], life=life)
    return RunState(tasks=MappingProxyType(tasks), online=True)


@pytest.fixture
def records(run_dir: RunDir, many: tuple[Campaign, dict[str, Planned]]) -> Iterator[Records]:
    made = Records(run_dir, many[1])
    yield made
    made.close()


def filing(records: Records, guarded: Callable[[Callable[[], object]], bool] | None = None) -> Filing:
    """One without results to publish."""

    def do(action: Callable[[], object]) -> bool:
        action()
        return True

    return Filing(records, None, lambda task_id: None, guarded or do, lambda: False)  # type: ignore[arg-type]


def written(run_dir: RunDir) -> set[str]:
    return {path.parent.name for path in run_dir.tasks.glob("*/task.json")}


def test_of_very_many_tasks_the_touched_are_written_and_the_directory_tells_of_all(
    run_dir: RunDir, records: Records, state: RunState
) -> None:
    running, dead, asked, *others = state.tasks
    keep = filing(records)
    keep.take_all(state)
    assert written(run_dir) == {dead, asked}, "a claim can wait a moment"
    assert keep.is_behind
    keep.catch_up(state.tasks)
    assert written(run_dir) == {running, dead, asked}
    assert not keep.is_behind
    told = from_disk(run_dir)
    assert told.tasks.keys() == state.tasks.keys()
    assert tally(told).states == {Status.QUEUED: MOST - 1, Status.RUNNING: 1, Status.DEAD: 1}
    assert all(told.tasks[task_id].info == state.tasks[task_id].info for task_id in (running, others[0], others[-1]))
    assert told.tasks[dead].life.error == "it died"
    assert told.tasks[others[7]].life.priority == 6
    assert not told.finished_ts


def test_a_few_of_very_many_are_not_shown_at_a_glance_as_if_they_were_all(
    run_dir: RunDir, records: Records, state: RunState
) -> None:
    filing(records).take_all(state)
    assert not at_a_glance(run_dir, outline(run_dir), within_s=60.0).tasks


def test_a_task_that_was_touched_is_written_again_when_it_waits_as_if_it_were_new(
    run_dir: RunDir, records: Records, state: RunState
) -> None:
    task = list(state.tasks.values())[9]
    records.remember(replace(task, life=Lifecycle((2, 1), Status.PAUSED, paused_by="campaign")))
    keep = filing(records)
    keep.take_all(RunState(tasks={task.id: task}))
    keep.catch_up({task.id: task})
    assert (read_json(run_dir.task_json(task.id)) or {})["life"]["status"] == "queued"


def test_of_few_tasks_all_are_written(
    run_dir: RunDir, state: RunState, many: tuple[Campaign, dict[str, Planned]]
) -> None:
    few = dict(list(many[1].items())[3:7])
    records = Records(run_dir, few)
    keep = filing(records)
    tasks = {task_id: state.tasks[task_id] for task_id in few}
    keep.take_all(RunState(tasks=tasks))
    keep.catch_up(tasks)
    records.close()
    assert written(run_dir) == set(few)


def test_without_a_supervisor_campaign_json_tells_how_many_there_are(run_dir: RunDir, state: RunState) -> None:
    records = Records(run_dir)
    tasks = list(state.tasks.values())
    assert [records.goes_without(task) for task in tasks[:5]] == [False, False, False, True, True]
    records.close()


def test_what_cannot_be_written_is_tried_again_and_a_silent_server_is_asked_once(
    run_dir: RunDir, records: Records, state: RunState
) -> None:
    asked = 0

    def fails(action: Callable[[], object]) -> bool:
        nonlocal asked
        asked += 1
        return False

    keep = filing(records, fails)
    tasks = dict(list(state.tasks.items())[:3])
    keep.take_all(RunState(tasks=tasks))
    asked = 0
    assert not keep.catch_up(tasks)
    assert asked == 1
    assert keep.is_behind
    keep.catch_up({})
    assert not keep.is_behind, "what is no task any more is not waited for"


@pytest.mark.parametrize("damage", [{"data": None}, {"campaign": {"phases": 3}}])
def test_a_damaged_campaign_json_adds_no_tasks(
    run_dir: RunDir, records: Records, state: RunState, damage: dict[str, object]
) -> None:
    filing(records).take_all(state)
    write_json(run_dir.campaign_json, (read_json(run_dir.campaign_json) or {}) | damage)
    assert len(from_disk(run_dir).tasks) == 2


def test_a_run_of_which_nothing_has_happened_yet_has_no_tasks(run_dir: RunDir) -> None:
    with pytest.raises(InputError, match="nothing has run here yet"):
        from_disk(run_dir)
