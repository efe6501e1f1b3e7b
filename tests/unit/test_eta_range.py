"""The range in which a run probably ends, and the plan behind it: who trains what, when."""

from math import exp, hypot, log

import pytest
from msgspec.structs import replace

from cqltui.commands.status import as_json
from cqltui.reporters.wording import clock, finish_time
from cqltui.state.described import PhaseInfo
from cqltui.state.eta import UNNAMED, Estimate, estimate
from cqltui.state.model import Status, TaskState
from cqltui.state.spread import Spread
from tests.unit.runs import ARCHITECTURES, LAUNCH, info, play, queued, run_of
from tests.unit.test_eta import running, step_s


def spread_of(found: Estimate) -> Spread:
    """The estimate's, which it has."""
    assert found.spread is not None
    return found.spread


def done(task: TaskState, finished_ts: float) -> TaskState:
    """The task as it was done then, by its report's last word."""
    return replace(task, life=replace(task.life, status=Status.DONE, finished_ts=finished_ts))


def test_a_pack_that_goes_on_widens_by_its_own_drift_and_a_young_run() -> None:
    """10 s trained of 20, at an even pace: sqrt((0.22 * 0.6)² + (3 / 6)²) sooner, 0.4 of it later, 0.15 s."""
    found = estimate(run_of([running(info(0, epochs=20), 10, 10.0, LAUNCH)]), LAUNCH)
    sooner = hypot(0.132, 0.5)
    spread = spread_of(found)
    assert (spread.sooner, spread.later, spread.least_s) == pytest.approx((sooner, 0.4 * sooner, 0.15))
    assert found.between is not None
    assert found.between[0] - LAUNCH == pytest.approx(10 * exp(-sooner) - 0.15)
    assert found.between[1] - LAUNCH == pytest.approx(10 * exp(0.4 * sooner) + 0.15)


def test_a_run_that_got_faster_may_end_much_sooner() -> None:
    """50 epochs of 1 s, then 100 of 0.5 s, and 100 are left. At the run's half 200 epochs were left, 200 s; now it is
    66 s, by the mean speed, of which the newer half counts a little more. 50 s have passed: its pace is 2.68."""
    first = done(running(info(0, epochs=50), 50, 50.0, LAUNCH - 50.0), LAUNCH - 50.0)
    second = running(info(1, epochs=200), 100, 50.0, LAUNCH)
    found = spread_of(estimate(run_of([first, second], workers=1), LAUNCH))
    older = 2 ** -(50 / 600)
    left_s = 100 * (50 * older + 50) / (50 * older + 100)
    base = hypot(0.132, 3 / 51)
    assert found.sooner == pytest.approx(base + log((200 - left_s) / 50))
    assert found.later == pytest.approx(0.4 * base)
    slower = running(info(1, epochs=200), 25, 50.0, LAUNCH)
    after = spread_of(estimate(run_of([first, slower], workers=1), LAUNCH))
    assert after.sooner == pytest.approx(base)
    assert after.later > 0.4 * base + 0.05


def test_shapes_that_nobody_has_trained_widen_by_their_share() -> None:
    ended = done(running(info(0, epochs=1000), 1000, 1000.0, LAUNCH), LAUNCH)
    known, unknown = info(1, epochs=100), replace(info(2, epochs=100), shape="new")  # of the same cost
    base = hypot(0.22, 0.5 / 2, 3 / 501)
    assert spread_of(estimate(run_of([ended, queued(known), queued(unknown)]), LAUNCH)).sooner == pytest.approx(base)
    assert spread_of(estimate(run_of([ended, queued(known)]), LAUNCH)).sooner == pytest.approx(hypot(0.22, 3 / 501))


def test_what_waits_may_go_as_fast_as_the_best_of_its_shape() -> None:
    """10 epochs took 20 s once and 10 s once: 1.5 s each are expected, and 1 s is possible."""
    slow = done(running(info(0, epochs=10), 10, 20.0, LAUNCH), LAUNCH)
    fast = done(running(info(1, epochs=10), 10, 10.0, LAUNCH - 10.0, "w2"), LAUNCH - 10.0)
    fast = replace(fast, life=replace(fast.life, claimed_ts=LAUNCH - 20.0))
    found = spread_of(estimate(run_of([slow, fast, queued(info(2, epochs=10))]), LAUNCH))
    assert found.sooner == pytest.approx(hypot(0.22, 3 / 16) + log(1.5), abs=0.01)


def test_nothing_is_said_before_it_means_something() -> None:
    found = estimate(run_of([running(info(0, epochs=100), 1, 0.5, LAUNCH)]), LAUNCH)
    assert found.finish_ts is not None
    assert found.between is None, "after half a second of training"
    assert found.finish_ts is not None
    assert found.told(found.finish_ts) is None
    assert found.told(found.ts) == found.ts, "what has passed is known"
    assert estimate(run_of([queued(info(0))]), LAUNCH).spread is None
    ended = done(running(info(0, epochs=20), 20, 10.0, LAUNCH), LAUNCH)
    assert estimate(run_of([ended]), LAUNCH + 5).between is None, "of what has passed"


def test_overheads_widen_both_ends_and_now_bounds_the_first() -> None:
    spread = Spread(0.5, 0.2, least_s=5.0)
    assert spread.around(100.0, 0.0) == pytest.approx((100 * exp(-0.5) - 5, 100 * exp(0.2) + 5))
    assert spread.around(2.0, 0.0) == pytest.approx((0.0, 2 * exp(0.2) + 5))
    assert Spread(1.5, 0.6).around(100.0, 0.0) is None
    assert spread.around(-1.0, 0.0) is None


def test_an_even_run_ends_within_the_range_and_that_gets_narrow() -> None:
    played = play([queued(info(n)) for n in range(20)], 2, step_s, overhead_s=0.5)
    widths = []
    for share in (0.2, 0.5, 0.8):
        now = LAUNCH + share * (played.finish_ts - LAUNCH)
        found = estimate(played.at(now), now)
        assert found.between is not None
        assert found.between[0] <= played.finish_ts <= found.between[1]
        widths.append((found.between[1] - found.between[0]) / (played.finish_ts - now))
    assert widths[-1] < 0.5


def test_a_clock_that_was_set_back_divides_by_nothing() -> None:
    task = running(info(0, epochs=20), 10, 5.0, LAUNCH)
    at_once = replace(task, life=replace(task.life, claimed_ts=LAUNCH))
    for jump_s in (-3600.0, 0.0, 3600.0):
        assert estimate(run_of([at_once, queued(info(1))]), LAUNCH + jump_s).spread is not None


def test_the_range_is_told_where_the_end_is() -> None:
    state = run_of([running(info(0, epochs=20), 10, 10.0, LAUNCH)], phases=[PhaseInfo("ensemble")])
    found = estimate(state, LAUNCH)
    told = as_json(state, LAUNCH, "running")
    assert told["finish_between"] == found.between is not None
    assert told["phases"][0]["finish_between"] == found.between
    said = finish_time(LAUNCH + 100, LAUNCH, (LAUNCH + 90, LAUNCH + 120))
    assert said == f"{clock(LAUNCH + 100)} (in 0:01:40, between {clock(LAUNCH + 90)} and {clock(LAUNCH + 120)})"


def test_the_plan_says_who_trains_what() -> None:
    """w1 has 10 s left; w2, which is free, takes the next, and w1 the one after. Who is not there yet has a number."""
    head = running(info(0, epochs=20), 10, 10.0, LAUNCH)
    alone = [queued(replace(info(n, epochs=30), pack="")) for n in (1, 2)]
    plan = estimate(run_of([head, *alone]), LAUNCH).tasks
    planned = [plan[info(number).id] for number in range(3)]
    assert [each.worker for each in planned] == ["w1", "w2", "w1"]
    assert [each.start_ts - LAUNCH for each in planned] == pytest.approx([-10.0, 0.0, 10.0])
    assert [each.finish_ts - LAUNCH for each in planned] == pytest.approx([10.0, 30.0, 40.0])
    absent = replace(run_of([head, *alone]), workers={})
    assert [estimate(absent, LAUNCH).tasks[info(n).id].worker for n in range(3)] == ["w1", f"{UNNAMED}1", "w1"]


def test_tasks_of_one_claim_are_on_one_worker() -> None:
    known = done(running(info(99, epochs=10), 10, 5.0, LAUNCH), LAUNCH)
    plan = estimate(run_of([known, *(queued(info(n, epochs=10)) for n in range(20))]), LAUNCH).tasks
    assert [plan[info(n).id].worker for n in range(20)] == ["w1"] * 10 + ["w2"] * 10
    assert len({plan[info(n).id].start_ts for n in range(20)}) == 1


def test_a_wide_architecture_does_not_hide_that_the_rest_is_known() -> None:
    """Of what is left 1/3 s is known and the rest is not: the share counts seconds, not steps."""
    ended = done(running(info(0, epochs=1000), 1000, 1000.0, LAUNCH), LAUNCH)
    wide = info(1, hidden_dims=ARCHITECTURES[1], epochs=100)
    assert wide.step_flops > 3 * info(0).step_flops
    found = spread_of(estimate(run_of([ended, queued(info(2, epochs=100)), queued(wide)]), LAUNCH))
    ratio = 0.5 + 0.5 * wide.step_flops / info(0).step_flops
    assert found.sooner == pytest.approx(hypot(0.22, 0.5 * ratio / (1 + ratio), 3 / 501))
