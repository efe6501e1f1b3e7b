"""What a folded row shows of its tasks, and which ways to fold there are. No screen is needed for that."""

from collections import Counter
from collections.abc import Hashable
from math import nan, sqrt
from random import Random

import pytest
from msgspec.structs import replace

from cqltui.state.described import CampaignInfo, PhaseInfo
from cqltui.state.eta import Estimate, TaskEstimate
from cqltui.state.model import Lifecycle, Progress, RunState, Status, TaskInfo, TaskState
from cqltui.state.spread import WIDEST
from cqltui.state.spread import Spread as TimeSpread
from cqltui.state.varying import Varying
from cqltui.ui.figures import Spread, Sums, same_setting, spread_of
from cqltui.ui.folding import PHASE, SEEDS, folds, next_fold
from cqltui.ui.frame import Frame
from cqltui.ui.marks import Marks
from cqltui.ui.panels.columns import COLUMNS

NOW = 1_760_734_800.0
"""Friday 17 October 2025, 21:00 UTC."""


def task(task_id: str, status: Status, epoch: int, loss: float | None, seed: int, **life: object) -> TaskState:
    metrics = {} if loss is None else {"loss": loss, "val_loss": 2 * loss}
    report = Progress("1-1", epoch * 13, epoch, 200, metrics=metrics, best=loss, best_epoch=epoch) if epoch else None
    live, kept = (report, None) if status is Status.RUNNING else (None, report)
    info = TaskInfo(task_id, "p", settings={"alpha": 0.3, "seed": seed}, epochs=200)
    return TaskState(info, Lifecycle(status=status, token="1-1", report=kept, **life), live)  # type: ignore[arg-type]


TASKS = (
    task(
        "a", Status.DONE, 150, 0.1, 42, priority=3.0, attempt=2, worker="w2", started_ts=NOW - 90, finished_ts=NOW - 60
    ),
    task("b", Status.RUNNING, 50, 0.4, 45, priority=7.0, attempt=1, worker="w1", started_ts=NOW - 20),
    task("c", Status.QUEUED, 0, None, 43, priority=5.0),
    task("d", Status.DEAD, 100, nan, 44, attempt=3, worker="w2", started_ts=NOW - 50, finished_ts=NOW - 40),
)
ESTIMATES = {"b": TaskEstimate(NOW, NOW + 600), "c": TaskEstimate(NOW, NOW + 7_200)}
FRAME = Frame(RunState(tasks={each.id: each for each in TASKS}, online=True), Estimate(None, ESTIMATES, {}), NOW)
BY_NAME = {column.name: column for column in COLUMNS}


def test_mean_and_spread_are_of_what_is_a_number() -> None:
    found = spread_of([0.1, None, 0.4, nan])
    assert found is not None
    assert (found.number, found.mean) == (2, 0.25)
    assert found.deviation == pytest.approx(0.3 / sqrt(2))
    assert spread_of([0.1, 0.1, 0.1]) == Spread(3, 0.1, 0.0)
    assert spread_of([0.1]) == Spread(1, 0.1, None)
    assert spread_of([None, nan]) is None


def test_the_figures_of_a_folded_row() -> None:
    found = Sums().figures(TASKS, FRAME)
    assert found.first.id == "b", "what runs stands for the others"
    assert found.states == ((Status.RUNNING, 1), (Status.QUEUED, 1), (Status.DONE, 1), (Status.DEAD, 1))
    assert (found.epochs_done, found.epochs_total) == (200 + 50 + 100, 800), "of a done one all of its epochs count"
    assert (found.finish_ts, found.ended, found.duration_s) == (NOW + 7_200, False, 30 + 20 + 10)
    assert (found.priorities, found.attempts, found.workers) == ((0.0, 7.0), 3, ("w1", "w2"))
    assert Sums().figures(TASKS[2:], FRAME).first.id == "c"
    assert Sums().figures((TASKS[0], TASKS[3]), FRAME).ended
    unknown = Frame(FRAME.state, Estimate(None, {}, {}), NOW)
    assert Sums().figures(TASKS, unknown).finish_ts is None, "that of one is not known"
    early = Estimate(None, ESTIMATES, {}, ts=NOW - 100, spread=TimeSpread(sooner=WIDEST, later=WIDEST, least_s=0.0))
    vague = Frame(FRAME.state, early, NOW)
    assert Sums().figures(TASKS, vague).finish_ts is None, "what is expected means nothing yet"
    assert Sums().figures((TASKS[0], TASKS[3]), vague).finish_ts == NOW - 40, "what has ended has"


def test_what_pieces_come_to_is_kept_only_while_their_tasks_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.ui.figures.PIECE", 4)
    chance = Random(5)

    def some(number: int) -> TaskState:
        status = chance.choice((*3 * (Status.QUEUED,), Status.RUNNING, Status.DONE, Status.DEAD, Status.PAUSED))
        ended = NOW - chance.random() if status in (Status.DONE, Status.DEAD) else 0.0
        began = NOW - 9 if chance.random() < 0.7 else 0.0
        figures = {"attempt": chance.randrange(3), "started_ts": began, "finished_ts": ended}
        return task(f"{number}", status, chance.choice((0, 0, 20, 50)), chance.random(), chance.randrange(9), **figures)

    kept = Sums()
    tasks = [some(number) for number in range(23)]
    for turn in range(200):
        for number in chance.sample(range(len(tasks)), chance.randrange(3)):
            tasks[number] = some(number)
        now, expected = NOW + turn, {one.id: TaskEstimate(NOW, NOW + 900 * chance.random()) for one in tasks}
        seen = tasks[: chance.choice((23, 23, 23, 9))]
        for plan in (expected, dict.fromkeys(expected, TaskEstimate(NOW, NOW + 1)), {}):
            frame = Frame(FRAME.state, Estimate(None, plan, {}, ts=now), now)
            found, fresh = kept.figures(tuple(seen), frame), Sums().figures(seen, frame)
            assert found == fresh
            with monkeypatch.context() as patched:
                patched.setattr("cqltui.ui.figures.PIECE", len(tasks))
                whole = Sums().figures(seen, frame)
            assert found == replace(whole, duration_s=found.duration_s), "however it is parted"
            assert found.duration_s == (None if whole.duration_s is None else pytest.approx(whole.duration_s))


@pytest.mark.parametrize(
    ("name", "cells", "text"),
    [
        ("state", 12, "1R 1Q 1D 1X"),
        ("state", 8, "1R1Q1D1X"),
        ("id", 8, "4 tasks"),
        ("phase", 11, "p"),
        ("priority", 4, "0..7"),
        ("attempt", 3, "3"),
        ("worker", 8, "2"),
        ("epoch", 9, "44%"),
        ("loss", 15, "0.2500 ±0.2121"),
        ("loss", 13, "0.2500"),
        ("val", 15, "0.5000 ±0.4243"),
        ("best", 15, "0.2500 ±0.2121"),
        ("duration", 7, "1m 00s"),
        ("curve", 8, "━━━╸────"),
        ("eta", 10, "~23:00"),
    ],
)
def test_what_the_columns_show_of_it(name: str, cells: int, text: str) -> None:
    assert BY_NAME[name].group(FRAME, Sums().figures(TASKS, FRAME), cells)[0] == text


@pytest.mark.parametrize(
    ("deviation", "text"), [(0.02, "±0.0200"), (5.3e-4, "±0.0005"), (2e-5, "±2.0e-05"), (0.0, "±0.0000")]
)
def test_a_spread_has_the_decimals_of_its_mean_while_they_tell_something(deviation: float, text: str) -> None:
    group = replace(Sums().figures(TASKS, FRAME), loss=Spread(3, 0.0734, deviation))
    assert BY_NAME["loss"].group(FRAME, group, 15)[0] == f"0.0734 {text}"


def test_a_folded_row_sorts_by_what_it_shows() -> None:
    found = Sums().figures(TASKS, FRAME)
    keys = {name: BY_NAME[name].sort_of(FRAME, found) for name in ("loss", "epoch", "priority", "eta", "state")}
    assert keys == {"loss": (0.25,), "epoch": (87.5,), "priority": (7.0,), "eta": (NOW + 7_200,), "state": (0,)}


def test_a_setting_of_several_tasks() -> None:
    assert same_setting(TASKS, "alpha", 4) == "0.3"
    assert same_setting(TASKS, "seed", 6) == "42..45"
    assert same_setting(TASKS, "seed", 5) == "4×"
    assert same_setting(TASKS, "gamma", 5) == ""


def test_ways_to_fold_come_one_after_the_other_as_far_as_they_fold_anything() -> None:
    state = RunState(CampaignInfo(phases=(PhaseInfo("p", "The phase"),)), tasks=FRAME.state.tasks)
    varying = Varying()
    varying.update(state.tasks)
    assert [fold.name for fold in folds(state, varying)] == [SEEDS, PHASE, "seed"]
    assert [fold.heading(TASKS[0]) for fold in folds(state, varying)] == ["alpha 0.3", "The phase", "seed 42"]
    assert next_fold(state, varying, "") == SEEDS
    assert next_fold(state, varying, SEEDS) == "", "there is one phase, and each seed is of one task"
    assert next_fold(state, varying, "gone") == ""
    assert next_fold(RunState(), Varying(), "") == ""


def test_the_next_way_to_fold_is_told_by_few_of_thousands_of_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, configuration = Counter[str](), Varying.configuration

    def counted(varying: Varying, task: TaskState) -> Hashable:
        looked[task.id] += 1
        return configuration(varying, task)

    monkeypatch.setattr(Varying, "configuration", counted)
    infos = [TaskInfo(f"t{n}", "p", settings={"seed": n, "alpha": 0.1}) for n in range(5_000)]
    state, varying = RunState(tasks={info.id: TaskState(info) for info in infos}), Varying()
    varying.update(state.tasks)
    assert next_fold(state, varying, "") == SEEDS
    assert looked.total() == 2


def test_marks_of_a_range_come_and_go_with_it() -> None:
    marks = Marks()
    marks.toggle(["a", "b"])
    marks.toggle(["b", "c"])
    assert marks.ids == {"a", "b", "c"}, "all of them, where not all were marked"
    marks.toggle(["b", "c"])
    marks.begin("x")
    marks.extend(["x", "y"])
    marks.extend(["x"])
    assert marks.ids == {"a", "x"}
    assert [marks.end(), marks.end()] == [True, False]
    marks.keep(["a"])
    assert marks.ids == {"a"}
