"""What readers show, computed from the state."""

from typing import Any

import pytest
from msgspec.structs import replace

from cqltui.state import select
from cqltui.state.described import PhaseInfo
from cqltui.state.eta import estimate
from cqltui.state.model import Lifecycle, Notice, Progress, RunState, Status, TaskState, Wanted, WorkerState
from tests.unit.runs import LAUNCH, info, play, queued, run_of

PHASES = (PhaseInfo("ensemble", "Ensemble", 6), PhaseInfo("quality", "Quality", 8))


def with_status(number: int, status: Status, phase: str = "ensemble", **life: Any) -> TaskState:
    """A task in a given state."""
    task = queued(info(number, phase))
    return replace(task, life=replace(task.life, status=status, token="1-1", **life))


def with_loss(task: TaskState, loss: float | None, val_loss: float | None, epoch: int = 10) -> TaskState:
    """The task with a report."""
    report = Progress(
        "1-1", epoch * 13, epoch, 1000, ts=LAUNCH, metrics={} if loss is None else {"loss": loss}, best=val_loss
    )
    return replace(task, live=report)


def test_counts_and_depth() -> None:
    tasks = [with_status(n, status) for n, status in enumerate(Status)]
    tasks += [queued(info(20), 8.0), queued(info(21), 8.0), queued(info(22), 6.9)]
    state = run_of(tasks)
    assert select.counts(state) == {status: 4 if status is Status.QUEUED else 1 for status in Status}
    assert list(select.queue_depth(state).items()) == [(8, 2), (6, 2)]


def test_history_of_the_queue_follows_the_claims() -> None:
    played = play([queued(info(n, epochs=1000 + 50 * n), 6.0 - n) for n in range(20)], 2, lambda task: 1e-3)
    now = LAUNCH + (played.finish_ts - LAUNCH) * 0.6
    state = played.at(now)
    points = 50
    moments = [LAUNCH + (now - LAUNCH) * (n + 1) / points for n in range(points)]
    expected = [sum(span.claimed > moment for span in played.spans.values()) for moment in moments]
    assert list(select.queue_history(state, now, points)) == expected
    assert expected[-1] == sum(select.queue_depth(state).values())
    assert expected[0] == 18


def test_history_knows_a_second_stay() -> None:
    retried = with_status(0, Status.QUEUED, queued_ts=LAUNCH + 60, started_ts=LAUNCH + 20, claimed_ts=LAUNCH + 20)
    cancelled = with_status(1, Status.CANCELLED, finished_ts=LAUNCH + 50)
    assert select.queue_history(run_of([retried, cancelled]), LAUNCH + 100, 10) == (2, 1, 1, 1, 0, 1, 1, 1, 1, 1)


def test_history_at_the_launch_and_of_nothing() -> None:
    state = run_of([queued(info(n)) for n in range(3)])
    assert select.queue_history(state, LAUNCH, 4) == (0, 0, 0, 3)
    assert select.queue_history(state, LAUNCH - 50, 4)[-1] == 3, "a clock that is behind"
    assert select.queue_history(RunState(), 5.0, 3) == (0, 0, 0)
    assert select.queue_history(state, LAUNCH, 0) == ()


def test_phases_in_order_with_their_progress() -> None:
    tasks = [
        with_status(0, Status.DONE),
        with_loss(with_status(1, Status.RUNNING), 0.5, None, 250),
        with_status(2, Status.DEAD),
        with_status(3, Status.CANCELLED),
        with_status(4, Status.WITHDRAWN),
        queued(info(5, "quality")),
        queued(info(6, "unknown")),
    ]
    quality, ensemble = select.phases(run_of(tasks, phases=PHASES))
    assert (quality.info.name, quality.total, quality.epochs_total, quality.best) == ("quality", 1, 1000, None)
    assert (ensemble.total, ensemble.done, ensemble.running, ensemble.failed) == (4, 1, 1, 2)
    assert (ensemble.epochs_done, ensemble.epochs_total) == (1250, 4000)


def test_best_is_by_held_out_loss() -> None:
    tasks = [
        with_loss(with_status(0, Status.DONE), 0.01, None),
        with_loss(with_status(1, Status.RUNNING), 0.2, 0.6),
        with_loss(with_status(2, Status.DONE), 0.1, 0.7),
        with_loss(with_status(3, Status.DEAD), 0.0, 0.1),
    ]
    phase = select.phases(run_of(tasks, phases=PHASES[:1]))[0]
    assert phase.best is not None
    assert phase.best.id == info(1).id
    phase = select.phases(run_of([tasks[0], tasks[3]], phases=PHASES[:1]))[0]
    assert phase.best is not None
    assert phase.best.id == info(0).id, "no validation loss anywhere: the training loss"


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PAUSED, Status.DELAYED])
def test_the_best_of_a_phase_stays_when_its_task_stops(status: Status) -> None:
    saved = Progress("1-1", 130, 10, 1000, ts=LAUNCH, metrics={"loss": 0.2}, best=0.6)
    stopped = with_status(1, status, report=saved)
    phase = select.phases(run_of([with_loss(with_status(0, Status.DONE), 0.1, 0.7), stopped], phases=PHASES[:1]))[0]
    assert phase.best is not None
    assert phase.best.id == stopped.id


def test_speed_and_life_of_workers() -> None:
    workers = {
        "w2": WorkerState("w2", ts=LAUNCH - 5, samples_per_s=100.0),
        "w1": WorkerState("w1", ts=LAUNCH - 20, samples_per_s=1000.0),
        "w3": WorkerState("w3", ts=LAUNCH, samples_per_s=10.0, stopped=True),
        "w4": WorkerState("w4", ts=LAUNCH - 60, samples_per_s=10.0),
    }
    state = RunState(workers=workers)
    assert select.samples_per_s(state, LAUNCH) == 100.0
    assert [worker.id for worker in select.live_workers(state, LAUNCH)] == ["w1", "w2"]


def test_tasks_are_ordered_by_phase_then_file() -> None:
    tasks = [queued(info(n, "ensemble" if n > 1 else "quality")) for n in (3, 1, 2, 0)] + [queued(info(9, "unknown"))]
    assert [task.info.index for task in select.ordered(run_of(tasks, phases=PHASES))] == [0, 1, 2, 3, 9]


def test_milestones_are_in_order_of_time() -> None:
    tasks = [queued(info(n, "quality"), 8.0) for n in range(2)] + [queued(info(n)) for n in range(2, 6)]
    played = play(tasks, 2, lambda task: 1e-3, noise=0.2)
    now = LAUNCH + (played.finish_ts - LAUNCH) * 0.5
    state = replace(played.at(now), campaign=replace(played.at(now).campaign, phases=PHASES))
    marks = select.milestones(state, estimate(state, now), now)
    times = [mark.ts for mark in marks if mark.ts is not None]
    assert len(times) == len(marks) == 1 + 6 + 2 + 1
    assert times == sorted(times)
    assert [mark.kind for mark in marks if mark.reached][:4] == ["launch", "task", "task", "phase"]
    assert [marks[0].kind, marks[-2].kind, marks[-1].kind] == ["launch", "phase", "finish"]
    assert all((mark.ts or 0) <= now for mark in marks if mark.reached)
    assert all((mark.ts or 0) > now for mark in marks if not mark.reached)


def test_milestones_without_a_time_come_last() -> None:
    state = run_of([queued(info(0)), with_status(1, Status.DONE, finished_ts=LAUNCH + 5)], phases=PHASES)
    marks = select.milestones(state, estimate(state, LAUNCH + 9), LAUNCH + 9)
    assert [(mark.kind, mark.ts) for mark in marks] == [
        ("launch", LAUNCH), ("task", LAUNCH + 5), ("task", None), ("phase", None), ("finish", None)
    ]  # fmt: skip


def test_a_paused_task_stays_on_the_timeline_where_it_is_seen() -> None:
    tasks = [queued(info(n, "quality"), 8.0) for n in range(2)] + [queued(info(n)) for n in range(2, 6)]
    played = play(tasks, 2, lambda task: 1e-3, noise=0.2)
    now = LAUNCH + (played.finish_ts - LAUNCH) * 0.5
    state = replace(played.at(now), campaign=replace(played.at(now).campaign, phases=PHASES))
    last = state.tasks[info(5).id]
    paused = replace(last, life=replace(last.life, status=Status.PAUSED))
    state = replace(state, tasks={**state.tasks, last.id: paused})
    marks = select.milestones(state, estimate(state, now), now)
    place = next(place for place, mark in enumerate(marks) if not mark.reached)
    assert (marks[place].task, marks[place].ts, marks[place].text) == (last.id, None, "task 5 paused"), "next to now"
    (phase,) = [mark for mark in marks if mark.kind == "phase" and not mark.reached]
    assert (phase.ts, phase.text) == (None, "Ensemble completes, 1 paused")
    (finish,) = [mark for mark in marks if mark.kind == "finish"]
    assert finish.text == "finish without 1 paused"
    assert finish.ts is not None


@pytest.mark.parametrize(
    ("statuses", "wanted", "word"),
    [
        ([Status.RUNNING, Status.QUEUED], Wanted.RUNNING, "running"),
        ([Status.QUEUED], Wanted.RUNNING, "waiting"),
        ([Status.DELAYED, Status.DONE], Wanted.RUNNING, "waiting"),
        ([], Wanted.RUNNING, "waiting"),
        ([Status.PAUSED, Status.DONE], Wanted.RUNNING, "paused"),
        ([Status.DONE, Status.DEAD], Wanted.RUNNING, "finishing"),
        ([Status.DONE], Wanted.STOPPED, "finishing"),
        ([Status.RUNNING], Wanted.PAUSED, "pausing"),
        ([Status.PAUSED, Status.QUEUED], Wanted.PAUSED, "paused"),
        ([Status.RUNNING], Wanted.DRAINING, "draining"),
        ([Status.QUEUED], Wanted.DRAINING, "drained"),
        ([Status.RUNNING], Wanted.STOPPED, "stopping"),
        ([Status.QUEUED], Wanted.STOPPED, "stopped"),
    ],
)
def test_status_in_a_word(statuses: list[Status], wanted: Wanted, word: str) -> None:
    state = replace(run_of([with_status(n, status) for n, status in enumerate(statuses)]), wanted=wanted)
    assert select.run_status(state) == word
    assert select.run_status(replace(state, online=False)) == "offline"
    ended = "finished" if word == "finishing" else word
    assert select.run_status(replace(state, finished_ts=LAUNCH, online=False)) == ended


def test_stalled_is_a_step_that_does_not_come() -> None:
    task = with_loss(with_status(0, Status.RUNNING), 0.1, None)
    assert not select.stalled(task, LAUNCH + 100, 120)
    assert select.stalled(task, LAUNCH + 121, 120)
    first = with_status(0, Status.RUNNING, claimed_ts=LAUNCH)
    assert not select.stalled(first, LAUNCH + 599, 120), "the first step may take five times as long"
    assert select.stalled(first, LAUNCH + 601, 120)
    assert task.progress is not None
    life = replace(task.life, claimed_ts=LAUNCH + 500)
    resumed = replace(task, life=life, live=replace(task.progress, resumed_epoch=10))
    assert not select.stalled(resumed, LAUNCH + 999, 120), "so may the first step after a resumption"
    assert not select.stalled(replace(task, life=Lifecycle(status=Status.PAUSED, token="1-1")), LAUNCH + 999, 120)
    assert not select.stalled(replace(task, life=replace(life, token="1-2")), LAUNCH + 999, 120)


def test_notices_about_a_task_are_those_that_name_it() -> None:
    named = ["task 1a2b: checkpoint passed over", "task 1a2b hangs"]
    texts = [*named, "task 1a2bc hangs", "task 1a2b-c hangs", "1a2b", "w1 died"]
    notices = tuple(Notice(LAUNCH + n, "warning", text, (1, n)) for n, text in enumerate(texts))
    found = select.notices_about(replace(run_of([]), notices=notices), "1a2b")
    assert [notice.text for notice in found] == named
    assert select.notices_about(RunState(notices=notices), ".*") == ()


def test_the_error_of_a_dead_task_says_how_to_run_it_again() -> None:
    dead = with_status(1, Status.DEAD, error="its worker died\nlast lines")
    assert select.error_text(dead) == f"its worker died\nlast lines\n\nrun it again with: cqltui resubmit {dead.id}"
    assert select.error_text(with_status(1, Status.DELAYED, error="boom")) == "boom"
    assert select.error_text(with_status(1, Status.QUEUED)) == ""
