"""Estimates, speeds and selections of tiny runs, worked out by hand."""

import pytest
from msgspec.structs import replace

from cqltui.state import hardware, rates, select
from cqltui.state.described import PhaseInfo
from cqltui.state.eta import Estimate, TaskEstimate, estimate, pack_seconds
from cqltui.state.live import stall_limit_s
from cqltui.state.model import Lifecycle, Progress, RunState, Status, TaskInfo, TaskState, WorkerState
from cqltui.state.plain import headline, plain
from cqltui.state.select import Milestone
from tests.unit.runs import LAUNCH, run_of

TEN = TaskInfo(
    "t0", "p", "a task", shape="8:50", pack="p:8:50", epochs=100, batch_size=50, epoch_steps=10, step_flops=1_000
)


def trained(
    number: int, status: Status, epoch: int, elapsed_s: float, ts: float = LAUNCH, worker: str = "w1", **life: float
) -> TaskState:
    """A task of 1,000 steps that made 10 an epoch; claimed when it began to train."""
    token = f"1-{number}"
    lived = Lifecycle((1, number + 1), status, 6, number, worker=worker, token=token, claimed_ts=ts - elapsed_s)
    report = Progress(
        token, 10 * epoch, epoch, 100, elapsed_s=elapsed_s, ts=ts, metrics={"loss": 0.5, "samples_per_s": 500.0}
    )
    info = replace(TEN, id=f"t{number}", index=number)
    return TaskState(info, replace(lived, started_ts=ts - elapsed_s, **life), report)


def queued(number: int, **life: float) -> TaskState:
    info = replace(TEN, id=f"t{number}", index=number)
    return TaskState(info, replace(Lifecycle((1, 1), Status.QUEUED, 6, number, queued_ts=LAUNCH), **life))


def test_a_running_task_trusts_its_own_speed_the_more_the_farther_it_is() -> None:
    done = trained(1, Status.DONE, 100, 100.0, worker="w2", finished_ts=LAUNCH)  # 1,000 steps of 0.1 s
    slow = trained(2, Status.RUNNING, 20, 40.0)  # 200 steps of 0.2 s
    state = run_of([done, slow])
    shared = (100 + 40) / (1_000 + 200)
    assert rates.measure([done, slow]).step_s(TEN) == pytest.approx(shared)
    own = (40 + 200 * shared) / (200 + 200)  # a fifth of its steps weighs as much as what all have shown
    found = estimate(state, LAUNCH + 3)
    assert found.tasks["t2"].finish_ts == pytest.approx(LAUNCH + 800 * own)
    assert found.tasks["t2"].start_ts == LAUNCH - 40
    assert found.finish_ts == found.phases["p"] == found.tasks["t2"].finish_ts


def test_an_old_measurement_counts_half_for_each_ten_minutes() -> None:
    old = trained(1, Status.DONE, 100, 300.0, LAUNCH - 600, "w2", finished_ts=LAUNCH - 600)
    new = trained(2, Status.DONE, 100, 100.0, LAUNCH, finished_ts=LAUNCH)
    assert rates.measure([old, new]).step_s(TEN) == pytest.approx((0.5 * 300 + 100) / (500 + 1_000))


def test_a_report_of_an_earlier_attempt_measures_nothing() -> None:
    task = trained(1, Status.RUNNING, 50, 100.0)
    assert rates.measure([task]).measured == {"8:50": 0.2}
    again = replace(task, life=replace(task.life, token="1-99"))
    found = rates.measure([again])
    assert (found.measured, found.packs, found.overhead_s) == ({}, {}, 0.0)


def test_what_a_claim_takes_beside_its_steps() -> None:
    done = trained(1, Status.DONE, 100, 100.0, finished_ts=LAUNCH + 7)
    assert rates.measure([done]).overhead_s == pytest.approx(7)
    asleep = trained(2, Status.DONE, 100, 100.0, finished_ts=LAUNCH + 601)
    assert rates.measure([done, asleep]).overhead_s == pytest.approx(7), "the machine slept, or the clock was set"
    begun = trained(3, Status.RUNNING, 1, 1.0)
    begun = replace(begun, life=replace(begun.life, claimed_ts=LAUNCH - 4))
    assert rates.measure([begun]).overhead_s == pytest.approx(3)
    assert rates.measure([begun, done]).overhead_s == pytest.approx(7)
    partly = trained(4, Status.DONE, 99, 50.0, finished_ts=LAUNCH + 100)
    assert rates.measure([partly]).overhead_s == 0, "a report that misses the end tells nothing"


def test_queued_tasks_go_to_whoever_is_free_first() -> None:
    done = trained(9, Status.DONE, 100, 100.0, finished_ts=LAUNCH + 2)  # 0.1 s a step, 2 s a claim
    state = run_of([done, *(queued(n) for n in range(3))], workers=2)
    found = estimate(state, LAUNCH)
    # Shares of two and one; two together take twice as long.
    assert {name: plan.finish_ts - LAUNCH for name, plan in found.tasks.items()} == pytest.approx(
        {"t0": 202, "t1": 202, "t2": 102}
    )
    assert found.finish_ts == pytest.approx(LAUNCH + 202)


def test_a_pack_speeds_up_as_its_members_end() -> None:
    assert pack_seconds([10, 30, 20], 0.5) == [15, 30, 25]  # 10 x 3, then 10 x 2, then 10 x 1 steps of 0.5 s
    assert pack_seconds([], 0.5) == []


def test_one_size_of_step_tells_of_another() -> None:
    measured = rates.measure([trained(1, Status.DONE, 100, 100.0, finished_ts=LAUNCH)])
    larger = replace(TEN, shape="16:50", step_flops=3_000)
    assert measured.step_s(larger) == pytest.approx(0.05 + 3 * 0.05)  # half of a step grows with its FLOPs
    assert measured.step_s(replace(larger, step_flops=0)) is None
    other = replace(trained(2, Status.DONE, 100, 200.0, finished_ts=LAUNCH), info=replace(larger, id="t2"))
    both = rates.measure([trained(1, Status.DONE, 100, 100.0, finished_ts=LAUNCH), other])
    assert (both.fixed_s, both.s_per_flop) == pytest.approx((0.05, 5e-5))
    assert both.step_s(replace(TEN, shape="12:50", step_flops=2_000)) == pytest.approx(0.15)


def test_speed_of_a_task_with_one_step_an_epoch() -> None:
    info = replace(TEN, epoch_steps=1)
    task = trained(1, Status.RUNNING, 5, 1.0)
    found = hardware.speed(run_of([replace(task, info=info)]), LAUNCH)
    assert (found.epochs_per_s, found.flops_per_s) == (10.0, 10_000.0)  # 500 samples a second in batches of 50
    late = hardware.speed(run_of([task]), LAUNCH + 10)
    assert late.epochs_per_s == pytest.approx(1.0)
    assert hardware.speed(run_of([task]), LAUNCH + 10.1).epochs_per_s == 0


def test_the_size_of_a_pack() -> None:
    one, two = trained(1, Status.RUNNING, 5, 1.0), trained(2, Status.RUNNING, 5, 1.0)
    other, ended = trained(3, Status.RUNNING, 5, 1.0, worker="w2"), trained(4, Status.DONE, 5, 1.0)
    state = run_of([one, two, other, ended])
    assert [hardware.pack_size(state, task) for task in (one, other, ended)] == [2, 1, 0]


def test_the_limit_of_a_stalled_task() -> None:
    task = trained(1, Status.RUNNING, 5, 1.0)
    assert stall_limit_s(task, 120) == 120
    assert stall_limit_s(replace(task, live=None), 120) == 600
    assert task.progress is not None
    assert stall_limit_s(replace(task, live=replace(task.progress, resumed_epoch=5)), 120) == 600
    assert not select.stalled(task, LAUNCH + 120, 120)
    assert select.stalled(task, LAUNCH + 120.5, 120)


def test_who_is_heard() -> None:
    workers = {
        "w1": WorkerState("w1", ts=LAUNCH - 30, samples_per_s=1.0),
        "w2": WorkerState("w2", ts=LAUNCH - 30.5, samples_per_s=2.0),
        "w3": WorkerState("w3", ts=LAUNCH - 10, samples_per_s=4.0),
        "w4": WorkerState("w4", ts=LAUNCH - 10.5, samples_per_s=8.0),
        "w5": WorkerState("w5", ts=LAUNCH, samples_per_s=16.0, stopped=True),
    }
    state = RunState(workers=workers)
    assert [worker.id for worker in select.live_workers(state, LAUNCH)] == ["w1", "w3", "w4"]
    assert select.samples_per_s(state, LAUNCH) == 4.0


def test_the_history_of_a_run_whose_start_is_not_known() -> None:
    tasks = [queued(0, queued_ts=LAUNCH), queued(1, queued_ts=LAUNCH + 50), queued(2, queued_ts=0.0)]
    state = replace(run_of(tasks[:2]), campaign=replace(run_of([]).campaign, started_ts=0.0))
    assert select.queue_history(state, LAUNCH + 100, 4) == (1, 2, 2, 2)


def test_milestones_worked_out_by_hand() -> None:
    tasks = [
        trained(0, Status.DONE, 100, 100.0, finished_ts=LAUNCH + 100),
        queued(1),
        replace(queued(2), life=Lifecycle(status=Status.WITHDRAWN)),
    ]
    phases = (PhaseInfo("p", "Phase"), PhaseInfo("q", "Empty"))
    state = run_of(tasks, phases=phases)
    expected = Estimate(LAUNCH + 300, {"t1": TaskEstimate(LAUNCH + 100, LAUNCH + 300)}, {"p": LAUNCH + 300})
    assert select.milestones(state, expected, LAUNCH + 200) == (
        Milestone(LAUNCH, "launch", "launched", True),
        Milestone(LAUNCH + 100, "task", "a task done", True, "t0"),
        Milestone(LAUNCH + 300, "task", "a task", False, "t1"),
        Milestone(LAUNCH + 300, "phase", "Phase completes", False),
        Milestone(LAUNCH + 300, "finish", "finish", False),
    )
    ended = run_of([tasks[0]], phases=phases)
    over = Estimate(LAUNCH + 100, {}, {"p": LAUNCH + 100})
    assert [(mark.text, mark.reached) for mark in select.milestones(ended, over, LAUNCH + 200)] == [
        ("launched", True),
        ("a task done", True),
        ("Phase complete", True),
        ("finished", True),
    ]


def test_how_long_a_task_took() -> None:
    done = trained(1, Status.DONE, 100, 100.0, finished_ts=LAUNCH + 20)
    assert select.took_s(done) == 100.0, "what it trained"
    second = replace(done, life=replace(done.life, started_ts=LAUNCH - 500))
    assert select.took_s(second) == 520.0, "from the first claim, over all attempts"
    assert select.took_s(replace(done, life=replace(done.life, status=Status.DEAD))) == 120.0
    assert select.took_s(replace(done, life=replace(done.life, finished_ts=0.0))) is None
    assert select.took_s(replace(second, life=replace(second.life, finished_ts=LAUNCH - 501))) is None
    assert select.took_s(replace(second, life=replace(second.life, finished_ts=LAUNCH - 500))) == 0.0
    assert done.progress is not None
    assert select.took_s(replace(done, live=replace(done.progress, elapsed_s=0.0))) == 120.0, "it has not told"


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abcd", 4, "abcd"),
        ("abcde", 4, "abc…"),
        ("ab", 1, "…"),
        ("ab", 0, ""),
        ("a\nb\tc", 9, "a b c"),
        ("\ud800", 9, "\ufffd"),
    ],
)
def test_foreign_text_in_one_line(text: str, limit: int, shown: str) -> None:
    assert plain(text, limit) == shown


def test_the_reason_is_the_first_line_with_something_in_it() -> None:
    assert headline("\n  \nValueError: x\nmore") == "ValueError: x"
    assert headline(" \n") == ""
