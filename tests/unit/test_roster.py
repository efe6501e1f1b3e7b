"""Who is started, who is waited for and who is given up, by what an engine tells."""

import pytest

from cqltui.placement.protocol import End, Handle, State, Why
from cqltui.placement.roster import FIRST_S, REFILL_S, UNKNOWN_S, Roster

ONE, TWO = Handle("b-1", "11"), Handle("b-2", "12")
GONE = End(Why.PREEMPTED)


def gone(handle: Handle) -> End:
    """Say why any of them ended."""
    return GONE


@pytest.fixture
def roster() -> Roster:
    """Two slots; the engine has told that nobody is there, at 0."""
    made = Roster(["b-1", "b-2"])
    made.told({}, gone, 0.0, 0.0)
    return made


@pytest.fixture
def full(roster: Roster) -> Roster:
    """Both were started at 1 and run."""
    assert roster.due(2, 1.0) == ["b-1", "b-2"]
    for handle in (ONE, TWO):
        roster.started(handle, 1.0)
    assert roster.told({ONE: State.RUNNING, TWO: State.RUNNING}, gone, 2.0, 2.0) == []
    return roster


def test_nobody_is_started_before_the_engine_has_told_who_is_there() -> None:
    roster = Roster(["b-1"])
    assert roster.due(1, 0.0) == []
    roster.told({ONE: State.PENDING}, gone, 0.0, 0.0)
    assert roster.due(1, 0.0) == [], "a former supervisor's job, found by its name"
    assert roster.alive == 1


def test_no_more_are_started_than_are_wanted(roster: Roster) -> None:
    assert roster.due(1, 0.0) == ["b-1"]
    assert roster.due(1, 0.0) == [], "it is being started"
    assert roster.due(2, 0.0) == ["b-2"]


def test_one_that_has_ended_is_replaced_after_a_pause(full: Roster) -> None:
    assert full.told({ONE: State.ENDED, TWO: State.RUNNING}, gone, 100.0, 100.0) == [("b-1", GONE)]
    assert full.due(2, 100.0 + FIRST_S - 0.1) == []
    assert full.due(2, 100.0 + FIRST_S + 0.1) == ["b-1"]


def test_those_that_end_at_once_are_started_ever_later() -> None:
    roster = Roster(["b-1"])
    roster.told({}, gone, 0.0, 0.0)
    now, pauses = 0.0, list[int]()
    for job in range(5):
        pauses.append(next(second for second in range(1_000) if roster.due(1, now + second)))
        now += pauses[-1]
        handle = Handle("b-1", str(job))
        roster.started(handle, now)
        roster.told({handle: State.RUNNING}, gone, now + 1, now + 1)
        now += 2
        roster.told({handle: State.ENDED}, gone, now, now)
    assert pauses[0] == 0
    assert pauses[2:] == [10, 20, 40], "the first is as late as starts are rate-limited"


def test_an_engine_that_is_silent_is_waited_out(full: Roster) -> None:
    for now in (30.0, 60.0, 30.0 + UNKNOWN_S - 1):
        assert full.silent(now) == []
        assert full.due(2, now) == []
    assert full.told({ONE: State.RUNNING, TWO: State.RUNNING}, gone, 700.0, 700.0) == []
    assert full.silent(700.0 + UNKNOWN_S - 1) == [], "the time begins anew"


def test_silence_ends_after_a_while_and_starts_nobody(full: Roster) -> None:
    full.silent(30.0)
    ended = full.silent(30.0 + UNKNOWN_S)
    assert ended == [("b-1", End(Why.UNKNOWN)), ("b-2", End(Why.UNKNOWN))]
    assert full.due(2, 10_000.0) == [], "the engine is asked first"
    full.told({ONE: State.RUNNING}, gone, 10_000.0, 10_000.0)
    assert full.due(2, 10_000.0) == ["b-2"], "the other was there all the time"


def test_one_whose_state_nobody_knows_is_given_up_and_stopped(full: Roster) -> None:
    states = {ONE: State.UNKNOWN, TWO: State.RUNNING}
    assert full.told(states, gone, 30.0, 30.0) == []
    assert full.told(states, gone, 29.0 + UNKNOWN_S, 29.0 + UNKNOWN_S) == []
    assert full.told(states, gone, 30.0 + UNKNOWN_S, 30.0 + UNKNOWN_S) == [("b-1", End(Why.UNKNOWN))]
    assert full.surplus == [ONE]
    full.told(states, gone, 40.0 + UNKNOWN_S, 40.0 + UNKNOWN_S)
    assert "b-1" not in full, "it is not taken in again"


def test_one_that_is_named_no_more_has_ended_but_not_by_one_answer(full: Roster) -> None:
    assert full.told({TWO: State.RUNNING}, gone, 30.0, 30.0) == []
    assert full.told({TWO: State.RUNNING}, gone, 60.0, 60.0) == [("b-1", End(Why.UNKNOWN))]


def test_an_answer_to_a_question_from_before_its_start_says_nothing_of_it(roster: Roster) -> None:
    roster.due(1, 1.0)
    roster.started(ONE, 1.0)
    for now in (2.0, 3.0, 4.0):
        assert roster.told({}, gone, 0.5, now) == []
    assert roster.alive == 1


def test_a_start_that_may_have_been_taken_is_looked_for(roster: Roster) -> None:
    roster.due(1, 1.0)
    roster.not_started("b-1", 1.0, refused=False)
    assert roster.due(1, 1_000.0) == []
    roster.told({ONE: State.PENDING}, gone, 1_000.0, 1_000.0)
    assert roster.handles() == {ONE: State.PENDING}


def test_one_that_was_refused_is_tried_again_later(roster: Roster) -> None:
    roster.due(1, 1.0)
    roster.not_started("b-1", 1.0, refused=True)
    assert roster.due(1, 2.0) == ["b-2"], "another may be taken"
    assert roster.due(2, 1.0 + FIRST_S + 0.1) == [], "nor is it at once: two were ordered just now"
    assert roster.due(2, 1.0 + REFILL_S + 0.1) == ["b-1"]


def test_of_two_jobs_of_one_slot_one_is_stopped(full: Roster) -> None:
    full.told({ONE: State.RUNNING, TWO: State.RUNNING, Handle("b-1", "99"): State.RUNNING}, gone, 9.0, 9.0)
    assert full.surplus == [Handle("b-1", "99")]


def test_a_worker_that_has_signed_off_is_gone_whatever_the_engine_says(full: Roster) -> None:
    assert not full.signed_off("b-1", 50.0), "it had not told that it was there"
    full.signed_on("b-1")
    assert full.signed_off("b-1", 50.0)
    assert full.told({ONE: State.RUNNING, TWO: State.RUNNING}, gone, 51.0, 51.0) == []
    assert full.alive == 1
    assert full.surplus == []


def test_starts_are_rate_limited() -> None:
    roster = Roster([f"b-{number}" for number in range(3)])
    roster.told({}, gone, 0.0, 0.0)
    started, now = 0, 0.0
    while now < 1_000.0:
        for slot in roster.due(3, now):
            started += 1
            handle = Handle(slot, f"{slot}@{now}")
            roster.started(handle, now)
            roster.told({handle: State.RUNNING}, gone, now + 1, now + 1)
            roster.told({handle: State.ENDED}, gone, now + 70, now + 70)  # a good life, so that pauses are short
        now += 1.0
    assert started <= 3 + 1_000.0 / REFILL_S
    assert started > 30
