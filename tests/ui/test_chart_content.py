"""What a chart is of: which tasks, which of their metrics, and what is told where files are not here."""

import pytest
from msgspec.structs import replace

from cqltui.algorithms import named
from cqltui.results.curves import CurvesRead, CurveSubject
from cqltui.state.curve import band, curve
from cqltui.state.eta import estimate
from cqltui.state.model import RunState, Status, TaskState
from cqltui.ui.chart.content import Choice, Look, Rows, chart_of, choices, looked_at, wish
from cqltui.ui.frame import Chosen, Frame
from tests.ui.night import Night, tasks

ALL = tasks()
DONE, RUNNING, QUEUED = ALL[0].id, ALL[17].id, ALL[40].id
ENSEMBLE = tuple(task.id for task in ALL if task.phase == "ensemble")
LOSS, *_ = choices(named("cql"))


@pytest.fixture(scope="module")
def state() -> RunState:
    return Night(4_200.0).state()


def frame(state: RunState, **chosen: object) -> Frame:
    return Frame(state, estimate(state, state.now), state.now, chosen=Chosen(**chosen))  # type: ignore[arg-type]


def one(task: TaskState) -> Look:
    return Look((task,), 1)


def test_the_headline_comes_first_and_every_metric_once() -> None:
    found = choices(named("cql"))
    assert [each.title for each in found] == [
        "loss", "TD loss", "CQL loss", "Q mean", "gradient norm", "speed, samples/s",
    ]  # fmt: skip
    assert [each.validation.name if each.validation else "" for each in found] == [
        "val_loss", "val_td_loss", "val_cql_loss", "", "", "",
    ]  # fmt: skip


def test_marked_tasks_come_before_a_group_and_a_group_before_the_cursor(state: RunState) -> None:
    ids = tuple(task.id for task in ALL)
    marked = looked_at(frame(state, cursor=DONE, marked=("gone", *ids[:13]), group=ENSEMBLE))
    assert ([task.id for task in marked.tasks], marked.total, marked.together) == (list(ids[:8]), 13, False)
    group = looked_at(frame(state, cursor=DONE, group=ENSEMBLE))
    assert ([task.id for task in group.tasks], group.total, group.together) == (list(ENSEMBLE), 20, True)
    large = looked_at(frame(state, group=ids))
    assert (len(large.tasks), large.total, large.tasks[-1].id) == (32, 49, ids[-1])
    assert [task.id for task in looked_at(frame(state, cursor=DONE, group=(DONE,))).tasks] == [DONE]
    assert looked_at(frame(state)) == Look()
    assert chart_of(Look(), LOSS, Rows.BOTH, None).notes == ("No task is chosen.",)


def test_what_is_read_is_of_the_attempt_that_is_shown(state: RunState) -> None:
    done, running = state.tasks[DONE], state.tasks[RUNNING]
    assert done.progress is not None
    assert running.progress is not None
    paused = replace(running, life=replace(running.life, status=Status.PAUSED, report=running.progress, token=""))
    found = wish(Look((done, running, paused, state.tasks[QUEUED]), 4), (LOSS,), Rows.BOTH, 7)
    assert found.subjects == (
        CurveSubject(DONE, 1, "1-1", published=True),
        CurveSubject(RUNNING, 1, running.progress.token),
        CurveSubject(RUNNING, 1, running.progress.token, epochs=running.progress.epoch),
    )
    assert found.metrics == ("loss",)
    assert (found.together, found.viewer) == (False, 7)
    assert wish(one(done), (LOSS,), Rows.BOTH, 0).metrics == ("loss", "val_loss")
    assert wish(one(done), (LOSS,), Rows.TRAINING, 0).metrics == (
        "loss",
        "val_loss",
    )  # by which the best epoch is known
    assert wish(Look((done, running), 2), (LOSS,), Rows.VALIDATION, 0).metrics == ("val_loss",)
    q_mean = choices(named("cql"))[3]
    assert wish(Look((done, running), 2), (q_mean,), Rows.VALIDATION, 0).metrics == ("q_mean",)


def test_one_task_shows_what_its_file_says(state: RunState) -> None:
    done = state.tasks[DONE]
    loss, val = curve([1, 2, 3], [3.0, 2.0, 1.0]), curve([2, 3], [1.5, 1.6])
    found = chart_of(one(done), LOSS, Rows.BOTH, CurvesRead({(DONE, "loss"): loss, (DONE, "val_loss"): val}))
    assert [(each.name, each.curve, each.style, each.number) for each in found.series] == [
        ("training", loss, 0, 0), ("validation", val, 1, 0),
    ]  # fmt: skip
    assert found.baseline == 0.0949
    assert found.best == (2, 1.5, "best validation 1.5000 at epoch 2")
    only = chart_of(one(done), LOSS, Rows.TRAINING, CurvesRead({(DONE, "loss"): loss, (DONE, "val_loss"): val}))
    assert [each.name for each in only.series] == ["training"]
    assert only.best == (2, 2.0, "best validation 1.5000 at epoch 2")
    td_loss = choices(named("cql"))[1]
    other = chart_of(one(done), td_loss, Rows.BOTH, CurvesRead({(DONE, "td_loss"): loss}))
    assert (other.baseline, other.best, [each.name for each in other.series]) == (None, None, ["training"])


def test_a_running_task_ends_with_its_latest_report(state: RunState) -> None:
    running = state.tasks[RUNNING]
    assert running.progress is not None
    epoch, loss = running.progress.epoch, running.progress.metrics["loss"]
    val = curve([1, 2], [0.9, 0.8])
    read = CurvesRead({(RUNNING, "loss"): curve([1, 2], [0.7, 0.6]), (RUNNING, "val_loss"): val})
    found = chart_of(one(running), LOSS, Rows.BOTH, read)
    assert list(found.series[0].curve.epochs) == [1, 2, epoch]
    assert found.series[0].curve.values[-1] == loss
    assert found.series[1].curve is val  # nobody says of which epoch its latest value is


def test_without_files_the_reports_tell_the_headline(state: RunState) -> None:
    done = state.tasks[DONE]
    assert done.progress is not None
    for read in (None, CurvesRead()):
        found = chart_of(one(done), LOSS, Rows.BOTH, read)
        assert list(found.series[0].curve.epochs) == [epoch for epoch, _ in done.progress.curve]
        assert [each.name for each in found.series] == ["training"]
    q_mean: Choice = choices(named("cql"))[3]
    assert chart_of(one(done), q_mean, Rows.BOTH, None).notes == ("Reading the metrics.",)
    assert chart_of(one(done), q_mean, Rows.BOTH, CurvesRead()).notes == ("No values of Q mean are known here.",)
    queued = chart_of(one(state.tasks[QUEUED]), LOSS, Rows.BOTH, None)
    assert queued.notes == ("The curve appears after two epochs.",)


def test_tasks_over_each_other_have_numbers_and_names(state: RunState) -> None:
    tasks_ = tuple(state.tasks[task.id] for task in ALL[:8])
    found = chart_of(Look(tasks_, 13), LOSS, Rows.BOTH, None)
    assert [(each.number, each.style) for each in found.series] == [(n + 1, n) for n in range(8)]
    assert found.series[0].name == f"{DONE} Best overall (938fc1bd)"
    assert found.notes == ("and 5 more",)
    assert found.best is None
    assert found.baseline is None  # each has its own
    same = replace(tasks_[1], info=replace(tasks_[1].info, baseline_loss=0.0949))
    assert chart_of(Look((tasks_[0], same), 2), LOSS, Rows.BOTH, None).baseline == 0.0949


def test_a_group_has_the_band_that_was_read_or_that_of_its_reports(state: RunState) -> None:
    members = tuple(state.tasks[task.id] for task in ALL[5:15])
    read = band([curve([1, 2], [1.0, 2.0]), curve([1, 2], [2.0, 3.0])])
    assert read is not None
    look = Look(members, 10, together=True)
    found = chart_of(look, LOSS, Rows.BOTH, CurvesRead(bands={"loss": read}))
    assert found.band is read
    assert found.notes == ("of 2 of 10 tasks",)
    told = chart_of(look, LOSS, Rows.BOTH, CurvesRead())
    assert told.band is not None
    assert told.band.members == 10
    assert told.notes == ("of 10 tasks",)
    alone = chart_of(Look((state.tasks[DONE], state.tasks[QUEUED]), 2, together=True), LOSS, Rows.BOTH, None)
    assert alone.band is None
    assert len(alone.series[0].curve)
