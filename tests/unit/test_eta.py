"""Estimates hold still while tasks finish in waves, and are silent where nothing can be told."""

import time
from collections.abc import Iterable
from itertools import pairwise

import pytest
from msgspec.structs import replace

from cqltui.state.described import PhaseInfo
from cqltui.state.eta import estimate
from cqltui.state.model import Lifecycle, Progress, RunState, Status, TaskInfo, TaskState, Wanted
from cqltui.state.rates import WARM_S, measure
from cqltui.state.select import took_s
from tests.unit.runs import ARCHITECTURES, LAUNCH, Played, info, play, queued, run_of


def step_s(task: TaskInfo) -> float:
    """A machine with 0.5 ms of overhead a step and 90 GFLOP/s."""
    return 0.5e-3 + task.step_flops / 90e9


def running(task: TaskInfo, epoch: int, elapsed_s: float, now: float, worker: str = "w1") -> TaskState:
    """The task as it trains, claimed when it began to."""
    life = replace(queued(task).life, status=Status.RUNNING, token="1-1", worker=worker, attempt=1)
    life = replace(life, started_ts=now - elapsed_s, claimed_ts=now - elapsed_s)
    report = Progress(
        "1-1", epoch * task.epoch_steps, epoch, task.epochs, elapsed_s=elapsed_s, ts=now, metrics={"loss": 0.2}
    )
    return TaskState(task, life, report)


def finishes(played: Played, share_from: float, share_to: float, points: int = 200) -> list[float]:
    """Estimates of the campaign's length in seconds, asked between two shares of its true length."""
    length = played.finish_ts - LAUNCH
    asked = (share_from + (share_to - share_from) * n / (points - 1) for n in range(points))
    moments = [LAUNCH + length * share for share in asked]
    found = [estimate(played.at(now), now).finish_ts for now in moments]
    return [finish - LAUNCH for finish in found if finish is not None]


def test_equal_tasks_that_finish_in_waves_give_a_steady_end() -> None:
    played = play([queued(info(n)) for n in range(20)], 2, step_s, overhead_s=0.5)
    length = played.finish_ts - LAUNCH
    found = finishes(played, 0.01, 0.999)
    assert len(found) == 200
    assert max(abs(value / length - 1) for value in found) < 0.05
    steps = [abs(b - a) / length for a, b in pairwise(found)]
    assert max(steps) < 0.02, "the estimate jumps"


def test_packs_that_shrink_give_a_steady_end() -> None:
    """Members of 200 to 1,600 epochs: the pack gets faster each time that one of them ends."""
    tasks = [queued(info(n, epochs=200 * (1 + n % 8))) for n in range(24)]
    played = play(tasks, 2, step_s, overhead_s=0.5)
    length = played.finish_ts - LAUNCH
    found = finishes(played, 0.01, 0.999)
    assert len(found) == 200
    assert max(abs(value / length - 1) for value in found) < 0.06


def test_mixed_sizes_are_told_before_they_are_measured() -> None:
    tasks = [queued(info(n, "exploration", ARCHITECTURES[n % 8], epochs=500), 7.0) for n in range(24)]
    played = play(tasks, 2, step_s)
    length = played.finish_ts - LAUNCH
    early = finishes(played, 0.02, 0.15)
    assert max(abs(value / length - 1) for value in early) < 0.4, "extrapolated from the smaller networks"
    late = finishes(played, 0.5, 0.999)
    assert len(late) == 200
    assert max(abs(value / length - 1) for value in late) < 0.05


def test_unmeasured_architecture_follows_the_fitted_line() -> None:
    seen = [info(n, hidden_dims=ARCHITECTURES[n]) for n in (0, 1, 4)]
    rates = measure(running(task, 10, 10 * task.epoch_steps * step_s(task), LAUNCH) for task in seen)
    widest = info(9, hidden_dims=ARCHITECTURES[7])
    assert rates.fixed_s == pytest.approx(0.5e-3)
    assert rates.s_per_flop == pytest.approx(1 / 90e9)
    assert rates.step_s(widest) == pytest.approx(step_s(widest))


def test_one_measured_architecture_scales_half_of_its_step() -> None:
    rates = measure([running(info(0), 10, 130 * 0.001, LAUNCH)])
    double = replace(info(1, hidden_dims=(9,)), step_flops=2 * info(0).step_flops)
    assert rates.step_s(info(5)) == pytest.approx(0.001)
    assert rates.step_s(double) == pytest.approx(0.0015)


def test_only_steps_of_this_attempt_count() -> None:
    task = running(info(0), 900, 10.0, LAUNCH)
    assert task.progress is not None
    resumed = replace(task, live=replace(task.progress, resumed_epoch=800))
    assert measure([resumed]).step_s(info(0)) == pytest.approx(10.0 / (100 * 13))


def test_recent_measurements_prevail() -> None:
    old, new = running(info(0), 500, 65.0, LAUNCH), running(info(1), 500, 130.0, LAUNCH + 6 * 3600)
    found = measure([old, new]).step_s(info(2))
    assert found == pytest.approx(0.02, rel=0.01)


def test_overhead_of_finished_tasks_is_added_to_those_to_come() -> None:
    played = play([queued(info(n)) for n in range(6)], 1, step_s, overhead_s=30.0, noise=0.0)
    now = LAUNCH + (played.finish_ts - LAUNCH) * 0.5
    found = estimate(played.at(now), now).finish_ts
    assert found == pytest.approx(played.finish_ts, abs=1.0)


def test_nothing_measured_gives_no_estimate() -> None:
    found = estimate(run_of([queued(info(0))]), LAUNCH)
    assert found.finish_ts is None
    assert not found.tasks
    assert found.phases == {"ensemble": None}


@pytest.mark.parametrize(("elapsed_s", "known"), [(12.0, False), (WARM_S, True)])
def test_the_first_step_alone_tells_no_speed(elapsed_s: float, known: bool) -> None:
    task = running(info(0), 0, elapsed_s, LAUNCH + elapsed_s)
    assert task.live is not None
    task = replace(task, live=replace(task.live, step=1))
    assert (estimate(run_of([task]), LAUNCH + elapsed_s).finish_ts is not None) is known


def order_run(delayed_ready_s: float) -> RunState:
    """One worker, a task with 10 s left, then: n=1 low priority, n=2 high, n=3 delayed and highest. 10 s each."""
    head = running(info(0, epochs=20), 10, 10.0, LAUNCH)
    tasks = [head, queued(info(1, epochs=10), 5.0), queued(info(2, epochs=10), 7.0), queued(info(3, epochs=10), 9.0)]
    delayed = replace(tasks[3].life, status=Status.DELAYED, ready_ts=LAUNCH + delayed_ready_s)
    return run_of([*tasks[:3], replace(tasks[3], life=delayed)], workers=1)


@pytest.mark.parametrize(
    ("ready_s", "starts"), [(5.0, [30.0, 20.0, 10.0]), (15.0, [30.0, 10.0, 20.0]), (100.0, [20.0, 10.0, 100.0])]
)
def test_claim_order_and_retries(ready_s: float, starts: list[float]) -> None:
    found = estimate(order_run(ready_s), LAUNCH)
    at = {task_id: plan.start_ts - LAUNCH for task_id, plan in found.tasks.items()}
    assert [at[info(n).id] for n in (1, 2, 3)] == pytest.approx(starts)


def statuses(state: RunState, change: dict[int, Lifecycle]) -> RunState:
    """The run with some lifecycles replaced, by the task's number."""
    tasks = dict(state.tasks)
    for number, life in change.items():
        tasks[info(number).id] = replace(tasks[info(number).id], life=life)
    return replace(state, tasks=tasks)


def test_a_paused_task_is_left_out() -> None:
    state = order_run(5.0)
    paused = replace(queued(info(1)).life, status=Status.PAUSED)
    found = estimate(statuses(state, {1: paused}), LAUNCH)
    assert info(1).id not in found.tasks
    assert found.finish_ts == pytest.approx(LAUNCH + 30.0, abs=0.01)
    assert found.paused == 1
    assert found.phases == {info(1).phase: None}, "a phase does not end while one of its tasks is paused"
    assert estimate(state, LAUNCH).phases == {info(1).phase: estimate(state, LAUNCH).finish_ts}
    assert estimate(state, LAUNCH).paused == 0


def test_only_paused_tasks_left_gives_no_estimate() -> None:
    found = estimate(run_of([replace(queued(info(0)), life=Lifecycle(status=Status.PAUSED))]), LAUNCH)
    assert found.finish_ts is None


def test_a_task_about_to_pause_frees_its_worker() -> None:
    state = order_run(100.0)
    head = replace(state.tasks[info(0).id].life, want="pause")
    found = estimate(statuses(state, {0: head}), LAUNCH)
    assert info(0).id not in found.tasks
    assert found.tasks[info(2).id].start_ts == LAUNCH


@pytest.mark.parametrize("wanted", [Wanted.PAUSED, Wanted.STOPPED])
def test_a_paused_campaign_has_no_estimate(wanted: Wanted) -> None:
    found = estimate(replace(order_run(5.0), wanted=wanted), LAUNCH)
    assert found.finish_ts is None
    assert not found.tasks


def test_a_draining_campaign_estimates_what_runs() -> None:
    found = estimate(replace(order_run(5.0), wanted=Wanted.DRAINING), LAUNCH)
    assert found.finish_ts is None
    assert list(found.tasks) == [info(0).id]


def test_what_has_ended_tells_when() -> None:
    played = play([queued(info(n)) for n in range(4)], 2, step_s)
    state = played.at(played.finish_ts + 100)
    found = estimate(state, played.finish_ts + 100)
    assert found.finish_ts == played.finish_ts
    assert found.phases == {"ensemble": played.finish_ts}


def test_a_worker_that_stopped_reporting_does_not_put_the_end_into_the_past() -> None:
    now = LAUNCH + 1e6
    found = estimate(run_of([running(info(0), 500, 10.0, LAUNCH)], now), now)
    assert found.finish_ts == now


def test_a_pack_gets_faster_when_a_member_has_ended() -> None:
    """Two tasks at 0.5 s an epoch each: 10 s until the first ends, 20 epochs alone for the other, then the queued."""
    pack = [running(info(0, epochs=20), 10, 10.0, LAUNCH), running(info(1, epochs=40), 10, 10.0, LAUNCH)]
    state = run_of([*pack, queued(info(2, epochs=10))], workers=1)
    assert ends(state) == pytest.approx([10.0, 20.0, 25.0])
    paused = replace(pack[0].life, want="pause")
    assert ends(statuses(state, {0: paused})) == pytest.approx([15.0, 20.0]), "the other has the worker to itself"


def test_a_member_that_left_its_pack_still_counts_for_its_speed() -> None:
    """Both trained 10 epochs in 10 s; then one was paused, and the other made 10 more in 5 s."""
    left = running(info(0), 10, 10.0, LAUNCH)
    left = replace(left, life=replace(left.life, status=Status.PAUSED))
    other = running(info(1), 20, 15.0, LAUNCH)
    other = replace(other, life=replace(other.life, claimed_ts=left.life.claimed_ts))
    assert measure([left, other]).step_s(info(2)) == pytest.approx(0.5 / 13)


@pytest.mark.parametrize(
    ("tasks", "workers", "packs"), [(20, 2, [10, 10]), (3, 2, [2, 1]), (6, 3, [2, 2, 2]), (1, 4, [1]), (5, 1, [5])]
)
def test_packs_are_fair_shares(tasks: int, workers: int, packs: list[int]) -> None:
    """Of idle workers; each member of a pack of n takes n times as long as alone, 0.5 s an epoch."""
    known = replace(running(info(99, epochs=10), 10, 5.0, LAUNCH), info=info(99, epochs=10))
    ended = replace(known, life=replace(known.life, status=Status.DONE, finished_ts=LAUNCH))
    found = estimate(run_of([ended, *(queued(info(n, epochs=10)) for n in range(tasks))], workers=workers), LAUNCH)
    expected = [5.0 * pack for pack in packs for _ in range(pack)]
    assert [found.tasks[info(n).id].finish_ts - LAUNCH for n in range(tasks)] == pytest.approx(expected)


def test_a_share_counts_what_others_still_have_to_do() -> None:
    """w1 has as much left as waits: w2 takes all of it. Other phases and networks are no mates."""
    pack = [running(info(n, epochs=20), 10, 10.0, LAUNCH) for n in range(3)]
    waiting = [queued(info(n, epochs=10)) for n in range(3, 6)]
    strangers = [queued(info(6, "quality", epochs=10), 5.0), queued(info(7, "quality", ARCHITECTURES[2], 10), 5.0)]
    found = estimate(run_of([*pack, *waiting, *strangers]), LAUNCH).tasks
    starts = [round(found[info(n).id].start_ts - LAUNCH, 2) for n in range(3, 8)]
    assert starts[:3] == [0, 0, 0]
    assert len(set(starts[3:])) == 1, "one each for the two workers, which are free at the same time"


def ends(state: RunState) -> list[float]:
    """Seconds from the launch to the estimated end of each task that has one."""
    return [found.finish_ts - LAUNCH for _, found in sorted(estimate(state, LAUNCH).tasks.items())]


def test_phases_are_estimated_apart() -> None:
    tasks = [running(info(0, "quality", epochs=20), 10, 10.0, LAUNCH), queued(info(1, "ensemble", epochs=10))]
    found = estimate(run_of(tasks, workers=1, phases=[PhaseInfo("quality"), PhaseInfo("ensemble")]), LAUNCH)
    assert found.phases == {
        "quality": pytest.approx(LAUNCH + 10.0, abs=0.01),
        "ensemble": pytest.approx(LAUNCH + 20.0, abs=0.01),
    }


HOUR_S = 3600.0


@pytest.mark.parametrize("jump_s", [-2 * HOUR_S, -HOUR_S, -60.0, 0.0, 60.0, HOUR_S, 2 * HOUR_S])
def test_a_clock_that_jumps_makes_no_estimate_absurd(jump_s: float) -> None:
    """w1 trained from before the jump to now, w2's task was done before it; each epoch takes 0.5 s."""
    jumped = running(info(0, epochs=20), 10, 5.0, LAUNCH + jump_s)
    jumped = replace(jumped, life=replace(jumped.life, started_ts=LAUNCH - 6.0, claimed_ts=LAUNCH - 6.0))
    silent = running(info(1, epochs=20), 10, 5.0, LAUNCH, "w2")  # has not spoken since
    waiting = [queued(info(n, epochs=10), 6.0) for n in range(2, 8)]
    found = estimate(run_of([jumped, silent, *waiting]), LAUNCH + jump_s)
    assert found.finish_ts is not None
    assert 0.0 <= found.finish_ts - (LAUNCH + jump_s) < 120.0
    for plan in found.tasks.values():
        assert plan.finish_ts >= LAUNCH + jump_s
    ended = replace(jumped, life=replace(jumped.life, status=Status.DONE, finished_ts=LAUNCH + jump_s))
    assert took_s(ended) == 5.0


def test_how_long_a_task_took_is_told_or_not_at_all() -> None:
    done = running(info(0), 1000, 40.0, LAUNCH)
    life = replace(done.life, status=Status.DONE, finished_ts=LAUNCH + 1.0)
    assert took_s(replace(done, life=life)) == 40.0
    again = replace(life, claimed_ts=LAUNCH - 10.0)  # interrupted, and waited
    assert took_s(replace(done, life=again)) == 41.0
    assert took_s(replace(done, life=replace(again, finished_ts=LAUNCH - HOUR_S))) is None, "the clock was set back"
    assert took_s(replace(done, life=replace(life, status=Status.DEAD))) == 41.0
    assert took_s(done) is None


def nonsense() -> Iterable[TaskState]:
    """Tasks as only a broken file or a broken worker could make them."""
    yield queued(TaskInfo("00", "x"))
    yield running(TaskInfo("01", "x", epochs=-5, epoch_steps=-3, step_flops=-1), 4, 1.0, LAUNCH)
    yield running(TaskInfo("02", "x", epochs=5, epoch_steps=0), 4, 1e-300, LAUNCH)
    yield running(replace(info(3), shape=""), 10**12, 1e300, LAUNCH)


def test_nonsense_raises_nothing() -> None:
    estimate(run_of(nonsense(), workers=0), LAUNCH)
    for task in nonsense():
        estimate(run_of([task, queued(info(9))], workers=0), LAUNCH)


def test_two_thousand_tasks_are_quick() -> None:
    tasks = [queued(info(n, "exploration", ARCHITECTURES[n % 8]), float(n % 3)) for n in range(2000)]
    played = play(tasks, 4, step_s)
    now = LAUNCH + (played.finish_ts - LAUNCH) / 3
    state = played.at(now)
    took = []
    for _ in range(7):
        began = time.thread_time()
        estimate(state, now)
        took.append(time.thread_time() - began)
    print(f"estimate of 2,000 tasks: {1000 * min(took):.1f} ms")
    assert min(took) < 0.1, "about 20 ms of a processor"
