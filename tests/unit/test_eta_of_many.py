"""A run of which only some tasks are held: its end is told by how many there are of what, and nothing that is shown or
told changes with the page."""

from collections.abc import Callable, Iterable, Iterator

import pytest
from msgspec.structs import replace

from cqltui.campaign.occasion import Occasion
from cqltui.state.alerts import Told, done_of, look, seen
from cqltui.state.counting import alike_key
from cqltui.state.described import PhaseInfo
from cqltui.state.eta import Estimate, estimate
from cqltui.state.lanes import Sign, lanes
from cqltui.state.model import Alike, Progress, RunState, Status, TaskInfo, TaskState, Wanted
from cqltui.state.notify import NotifyInfo
from cqltui.state.page import Page
from tests.unit.runs import ARCHITECTURES, LAUNCH, SMALL, info, queued, run_of
from tests.unit.test_eta import running, step_s

PHASES = [PhaseInfo("quality"), PhaseInfo("exploration"), PhaseInfo("ensemble")]
OVERHEAD_S = 4.0
Held = Callable[[TaskState], bool]


def paged(state: RunState, held: Held = lambda task: task.info.index % 20 == 0) -> RunState:
    """The same run as a screen knows it that holds, of what waits or is paused, only such tasks."""
    tasks: dict[str, TaskState] = {}
    alike: dict[tuple[object, ...], Alike] = {}
    for task in state.tasks.values():
        status, priority = task.life.status, task.life.priority
        if status in (Status.RUNNING, Status.DONE) or held(task):
            tasks[task.id] = task
            continue
        key = alike_key(task.info, status, priority)
        known = alike.get(key, Alike(replace(task.info, id="", title="", index=0), status, priority, 0))
        alike[key] = replace(known, number=known.number + 1)
    return replace(state, tasks=tasks, alike=alike, page=Page(tuple(tasks)))


def not_held(state: RunState, *some: Alike) -> RunState:
    """The run with so many further tasks."""
    known = {alike_key(each.info, each.status, each.priority): each for each in some}
    assert len(known) == len(some)
    return replace(state, alike=known, page=Page())


def waiting(number: int, phase: str = "ensemble", priority: float = 6.0, status: Status = Status.QUEUED) -> Alike:
    """So many tasks of ten epochs, which train alone; each takes 10 s where `busy_run` tells."""
    return Alike(lone(0, phase), status, priority, number)


def lone(number: int, phase: str = "ensemble", epochs: int = 10) -> TaskInfo:
    """A task that trains alone."""
    return replace(info(number, phase, epochs=epochs), pack="")


def busy_run(workers: int = 1, *tasks: TaskState) -> RunState:
    """w1 has a task of the phase quality with 10 s left, at a second an epoch; claims take no overhead."""
    head = running(lone(0, "quality", 20), 10, 10.0, LAUNCH)
    return run_of([head, *tasks], workers=workers, phases=PHASES)


def seconds(found: Estimate) -> dict[str, float | None]:
    """From the launch to the end of the run and of each phase."""
    ends = {"run": found.finish_ts, **found.phases}
    return {name: None if ts is None else round(ts - LAUNCH, 3) for name, ts in ends.items()}


def done(task: TaskInfo) -> TaskState:
    """The task as it ended at the launch, at the speed of the machine, and with an overhead."""
    trained_s = task.epochs * task.epoch_steps * step_s(task)
    task_state = running(task, task.epochs, trained_s, LAUNCH, f"done{task.index}")
    began_ts = LAUNCH - trained_s - OVERHEAD_S
    life = replace(task_state.life, status=Status.DONE, claimed_ts=began_ts, started_ts=began_ts, finished_ts=LAUNCH)
    return replace(task_state, life=life)


def large_run(number: int, workers: int, *, packs: bool, equal: bool) -> RunState:
    """The phase quality has a higher priority; the two others share one, so they come as in the file. Some of the first
    tasks are done and some train, one a worker."""

    def each() -> Iterator[TaskState]:
        for n in range(number):
            phase = PHASES[3 * n // number].name
            dims, epochs = (SMALL, 100) if equal else (ARCHITECTURES[n * 7 % 5], 50 + n * 37 % 300)
            task = info(n, phase, dims, epochs)
            task = task if packs else replace(task, pack="")
            if n < 10:
                yield done(task)
            elif n < 10 + workers:
                begun = running(task, 10 + n % 20, (10 + n % 20) * 13 * step_s(task), LAUNCH, f"w{n - 9}")
                yield replace(begun, life=replace(begun.life, priority=7.0))
            else:
                yield queued(task, 7.0 if phase == "quality" else 6.0)

    return run_of(each(), workers=workers, phases=PHASES)


@pytest.mark.parametrize("workers", [2, 8, 30])
@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("packs", [True, False])
def test_ends_are_as_if_all_tasks_were_held(packs: bool, equal: bool, workers: int) -> None:
    """With packs 4 s are shared by up to 64 tasks of a second or so, so a wrong number of claims is a wrong end. Thirty
    workers have but a pack or two each of a phase."""
    whole = large_run(5000, workers, packs=packs, equal=equal)
    some = paged(whole)
    assert len(some.tasks) < 300
    exact, found = estimate(whole, LAUNCH), estimate(some, LAUNCH)
    told = seconds(found)
    off = {name: (told[name] or 0.0) / expected - 1 for name, expected in seconds(exact).items() if expected}
    assert len(off) == 4
    print({name: f"{share:+.2%}" for name, share in off.items()})
    assert max(map(abs, off.values())) < (0.06 if packs and workers > 2 else 0.025)
    assert exact.spread is not None
    assert found.spread is not None
    assert found.spread.sooner == pytest.approx(exact.spread.sooner)
    assert found.spread.later == pytest.approx(exact.spread.later)


@pytest.mark.parametrize("workers", [1, 3, 10])
def test_shares_smaller_than_a_full_pack_take_more_claims(workers: int) -> None:
    """The hundred tasks of the last phase are packs of 34 for three workers, and of 10 for ten: full ones would take
    far longer. Those of the phase before make 64 and 36, since the two have one priority."""
    whole = large_run(300, workers, packs=True, equal=True)
    exact, found = seconds(estimate(whole, LAUNCH)), seconds(estimate(paged(whole), LAUNCH))
    for name, told in found.items():
        assert told == pytest.approx(exact[name], rel=0.15), name


@pytest.mark.parametrize(("pack", "claims"), [("p", 2), ("", 100)])
def test_each_claim_takes_its_overhead(pack: str, claims: int) -> None:
    """64 and 36 tasks, or each alone; the done one took 4 s beside its steps."""
    known = lone(0, "quality", 100)
    state = run_of([done(known)], workers=1, phases=PHASES)
    some = Alike(replace(lone(1), pack=pack), Status.QUEUED, 6.0, 100)
    expected = claims * OVERHEAD_S + 100 * 130 * step_s(known)
    assert estimate(not_held(state, some), LAUNCH).finish_ts == pytest.approx(LAUNCH + expected, abs=1e-3)


def test_what_waits_is_shared_by_the_workers_from_when_each_is_free() -> None:
    """w1 is busy for 10 s, and ten tasks take 100 s. Of two workers one ends up to a task later than the other: half of
    that is likely, and half of it beyond their mean."""
    quality = {"quality": 10.0, "exploration": None}
    assert seconds(estimate(not_held(busy_run(1), waiting(10)), LAUNCH)) == quality | {"run": 110.0, "ensemble": 110.0}
    assert seconds(estimate(not_held(busy_run(2), waiting(10)), LAUNCH)) == quality | {"run": 57.5, "ensemble": 57.5}


def test_a_long_pack_does_not_hold_up_what_others_can_do() -> None:
    long = running(lone(1, "quality", 1000), 10, 10.0, LAUNCH, "w2")
    found = seconds(estimate(not_held(busy_run(3, long), waiting(3)), LAUNCH))
    assert found == {"run": 990.0, "quality": 990.0, "exploration": None, "ensemble": 20.0}, "10 s of w1, 20 s of w3"
    assert seconds(estimate(not_held(busy_run(3, long), waiting(3, "quality")), LAUNCH))["quality"] == 990.0


@pytest.mark.parametrize("number", [1, 7])
def test_a_task_is_not_trained_by_several_workers(number: int) -> None:
    assert seconds(estimate(not_held(busy_run(8), waiting(number)), LAUNCH))["ensemble"] == 10.0


def test_priority_comes_before_the_file_and_the_file_before_nothing() -> None:
    state = not_held(busy_run(1), waiting(2, "ensemble", 6.5), waiting(3, "exploration"), waiting(4, "quality", 6.0))
    assert seconds(estimate(state, LAUNCH)) == {"run": 100.0, "ensemble": 30.0, "quality": 70.0, "exploration": 100.0}
    # One that was given another priority: its phase ends when the last of it does.
    late = not_held(state, *state.alike.values(), waiting(1, "ensemble", 1.0))
    assert seconds(estimate(late, LAUNCH)) == {"run": 110.0, "ensemble": 110.0, "quality": 70.0, "exploration": 100.0}


def test_held_ones_wait_with_the_others_without_what_they_have_trained() -> None:
    """4 of 10 epochs are saved: 6 s, and 20 s for the two that are not held."""
    life = replace(queued(lone(1)).life, report=Progress("1-1", step=52, epoch=4, epochs=10, elapsed_s=4.0, ts=LAUNCH))
    begun = TaskState(lone(1), life)
    found = estimate(not_held(busy_run(1, begun), waiting(2)), LAUNCH)
    assert seconds(found)["run"] == 36.0
    assert list(found.tasks) == [lone(0).id], "plans are told of what runs only"


@pytest.mark.parametrize("held", [True, False])
def test_delayed_tasks_count_with_the_queued_ones(held: bool) -> None:
    delayed = replace(queued(lone(1)), life=replace(queued(lone(1)).life, status=Status.DELAYED, ready_ts=LAUNCH + 5))
    others = [waiting(3)] if held else [waiting(3), waiting(1, status=Status.DELAYED)]
    state = not_held(busy_run(1, *([delayed] if held else [])), *others)
    assert seconds(estimate(state, LAUNCH))["ensemble"] == 50.0


@pytest.mark.parametrize("held", [True, False])
def test_paused_tasks_leave_their_phase_without_an_end(held: bool) -> None:
    paused = replace(queued(lone(1)), life=replace(queued(lone(1)).life, status=Status.PAUSED))
    others = [waiting(2, "ensemble"), waiting(2, "exploration")]
    state = not_held(busy_run(1, paused), *others)
    if not held:
        state = not_held(busy_run(1), *others, waiting(1, status=Status.PAUSED))
    found = estimate(state, LAUNCH)
    assert seconds(found) == {"run": 50.0, "quality": 10.0, "ensemble": None, "exploration": 30.0}
    assert found.paused == 1


def test_only_paused_tasks_left_give_no_end() -> None:
    ended = done(lone(0, "quality"))
    state = run_of([ended], phases=PHASES)
    found = estimate(not_held(state, waiting(70, status=Status.PAUSED)), LAUNCH)
    assert found.finish_ts is None
    assert found.paused == 70
    assert found.spread is None


@pytest.mark.parametrize("unknown", [{"step_flops": 0}, {"epoch_steps": 0}])
def test_what_comes_after_unknown_work_is_unknown_and_what_comes_before_is_not(unknown: dict[str, int]) -> None:
    strange = replace(lone(0, "exploration"), shape="new", **unknown)
    some = [waiting(2, "quality", 7.0), Alike(strange, Status.QUEUED, 6.5, 3), waiting(2)]
    found = seconds(estimate(not_held(busy_run(1), *some), LAUNCH))
    assert found == {"run": None, "quality": 30.0, "exploration": None, "ensemble": None}


def test_nothing_measured_gives_no_end() -> None:
    found = estimate(not_held(run_of([], phases=PHASES), waiting(5)), LAUNCH)
    assert set(seconds(found).values()) == {None}
    # A running task whose end is unknown leaves its worker's as well.
    strange = running(replace(lone(1, "quality"), shape="new", step_flops=0), 0, 0.0, LAUNCH, "w2")
    assert seconds(estimate(not_held(busy_run(2, strange), waiting(5)), LAUNCH))["ensemble"] is None


def test_a_run_that_drains_tells_the_end_of_what_runs() -> None:
    found = estimate(replace(not_held(busy_run(1), waiting(5)), wanted=Wanted.DRAINING), LAUNCH)
    assert seconds(found) == {"run": None, "quality": 10.0, "exploration": None, "ensemble": None}


@pytest.mark.parametrize("wanted", [Wanted.PAUSED, Wanted.STOPPED])
def test_a_run_that_is_paused_tells_nothing(wanted: Wanted) -> None:
    found = estimate(replace(not_held(busy_run(1), waiting(5)), wanted=wanted), LAUNCH)
    assert set(seconds(found).values()) == {None}
    assert not found.tasks


@pytest.mark.parametrize(("wanted", "end_s"), [(4, 28.75), (0, 100.0)])
def test_without_workers_those_that_are_wanted_are_expected(wanted: int, end_s: float) -> None:
    """100 s for four, and the last one ends 3.75 s after their mean; or for one."""
    known = running(lone(0, "quality"), 10, 10.0, LAUNCH)
    known = replace(known, life=replace(known.life, status=Status.DONE, finished_ts=LAUNCH))
    state = run_of([known], workers=wanted, phases=PHASES)
    found = estimate(not_held(replace(state, workers={}), waiting(10)), LAUNCH)
    assert seconds(found)["run"] == end_s


def test_a_phase_that_has_ended_tells_when_as_far_as_that_is_known() -> None:
    ended = waiting(1000, "exploration", status=Status.DONE)
    state = run_of([done(lone(0, "quality"))], phases=PHASES)
    some = [ended, waiting(1000, "quality", status=Status.DEAD)]
    found = estimate(not_held(state, *some), LAUNCH + 50)
    assert seconds(found) == {"run": 0.0, "quality": 0.0, "exploration": None, "ensemble": None}
    finished = replace(not_held(state, *some), finished_ts=LAUNCH + 9)
    assert seconds(estimate(finished, LAUNCH + 50))["run"] == 9.0
    for status in (Status.PAUSED, Status.QUEUED):
        more = replace(not_held(finished, *some, waiting(1, status=status)), wanted=Wanted.STOPPED)
        assert seconds(estimate(more, LAUNCH + 50))["run"] is None, "it was stopped"


def test_a_running_task_that_is_yet_to_be_read_makes_the_end_unknown() -> None:
    found = seconds(estimate(not_held(busy_run(1), waiting(1, status=Status.RUNNING), waiting(1, "quality")), LAUNCH))
    assert found == {"run": None, "quality": 20.0, "exploration": None, "ensemble": None}


def test_a_million_tasks_are_told_at_once() -> None:
    """10 s each; the count of them is all that is looked at."""
    found = seconds(estimate(not_held(busy_run(2), waiting(10**12)), LAUNCH))
    assert found["run"] == pytest.approx(5 * 10**12, rel=1e-6)


def nonsense() -> Iterable[Alike]:
    """What only a broken server could tell."""
    for number, priority in ((5, -1e308), (0, 0.0), (10**18, 1e308)):
        for task in (TaskInfo("", "x"), TaskInfo("", "y", pack="p", epochs=-5, epoch_steps=-3, step_flops=-1)):
            yield Alike(task, Status.QUEUED, priority, number)
    yield Alike(replace(lone(0), step_flops=2**63 - 1, epochs=2**63 - 1, pack="p"), Status.QUEUED, 2.0, 10**18)


def test_nonsense_raises_nothing() -> None:
    for some in nonsense():
        estimate(not_held(busy_run(0), some), LAUNCH)
    estimate(not_held(busy_run(0), *nonsense()), LAUNCH)


def marked(state: RunState) -> list[tuple[float, bool]]:
    """When phases end, after the launch, and whether they have."""
    marks = lanes(state, estimate(state, LAUNCH), LAUNCH).marks
    return [(round(mark.ts - LAUNCH, 3), mark.reached) for mark in marks if mark.sign is Sign.PHASE]


def test_a_phase_of_which_only_ended_tasks_are_held_is_marked_as_going_on() -> None:
    state = run_of([done(lone(0, "quality"))], workers=1, phases=[PhaseInfo("quality")])
    assert marked(not_held(state, waiting(9, "quality", status=Status.CANCELLED))) == [(0.0, True)]
    assert marked(not_held(state, waiting(1, "quality", status=Status.WITHDRAWN))) == [(0.0, True)]
    assert marked(not_held(state, waiting(1, "quality", status=Status.PAUSED))) == []
    ((end_s, reached),) = marked(not_held(state, waiting(9, "quality")))
    assert end_s > 9 * OVERHEAD_S
    assert not reached


def test_the_end_of_a_phase_that_nothing_is_held_of_is_not_marked() -> None:
    assert marked(not_held(busy_run(1), waiting(9, "exploration", status=Status.DONE))) == [(10.0, False)]


def dead(number: int, seq: int) -> TaskState:
    """The task, as it died by that event."""
    task = queued(info(number))
    return replace(task, life=replace(task.life, version=(1, seq), status=Status.DEAD, finished_ts=LAUNCH))


def texts(state: RunState, told: Told) -> tuple[list[str], Told]:
    """What is told, and has been told then."""
    found, told = look(state, None, LAUNCH, told, str)
    return [alert.text for alert in found], told


def test_a_death_that_a_page_shows_later_is_no_news_and_a_new_one_is() -> None:
    begun = not_held(replace(run_of([]), seq=100), waiting(2, status=Status.DEAD))
    told = seen(begun, None, LAUNCH)
    turned = not_held(replace(run_of([dead(1, 100)]), seq=100), waiting(1, status=Status.DEAD))
    assert texts(turned, told)[0] == []
    happened = replace(turned, tasks={task.id: task for task in (dead(1, 100), dead(2, 101))}, seq=120)
    found, told = texts(happened, told)
    assert found == ["deep: task 00000002 (task 2) is dead: no reason known"]
    again = replace(happened, tasks={task.id: task for task in (dead(2, 101), dead(3, 119))})
    assert texts(again, told)[0] == [], "another one of before"
    assert len(texts(replace(again, page=None), told)[0]) == 1, "of all tasks each that is not known is new"


def test_the_end_is_told_once_whatever_page_is_looked_at() -> None:
    def ended(*tasks: TaskState, lost: int = 2) -> RunState:
        state = not_held(run_of(tasks, phases=PHASES), waiting(lost, status=Status.CANCELLED), many)
        return replace(state, finished_ts=LAUNCH)

    many = waiting(99_999, status=Status.DONE)
    first = replace(done(info(0)), live=None)
    found, told = texts(ended(first), Told())
    assert found == ["deep: the run has ended, 100,000 of 100,002 tasks done, 2 cancelled"]
    assert texts(ended(replace(done(info(1)), live=None)), told)[0] == []
    assert len(texts(ended(first, lost=1), told)[0]) == 1, "another end"


def test_a_run_that_goes_on_behind_the_page_is_late() -> None:
    state = not_held(run_of([done(info(0))]), waiting(9))
    notify = NotifyInfo(late_ts=LAUNCH)
    late = replace(state, campaign=replace(state.campaign, notify=notify))
    (alert,), told = look(late, estimate(late, LAUNCH), LAUNCH, Told(), str)
    assert alert.occasion is Occasion.LATE
    assert told.version == (late.epoch, late.seq), "what died before is no news after it either"
    assert done_of(late) == (1, 10)
    assert done_of(not_held(late, waiting(9, status=Status.WITHDRAWN))) == (1, 1)
