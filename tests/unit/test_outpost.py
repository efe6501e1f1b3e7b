"""A block elsewhere, kept up by an engine that takes its time: here one that the test plays."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from cqltui.placement.protocol import End, Handle, PlacementError, State, Why
from cqltui.placement.roster import Ended
from cqltui.state.model import WorkerState
from cqltui.state.placed import block_line
from cqltui.supervisor.outpost import Outpost

LIMIT_S = 10.0
GONE = End(Why.NODE_LOST)


class Engine:
    """Does what it is asked for, or fails as it is told to."""

    def __init__(self) -> None:
        self.states: dict[Handle, State] = {}
        self.trouble: PlacementError | None = None
        self.stopped: list[tuple[str, float]] = []
        self.questions = 0
        self.reasons: dict[Handle, str] = {}
        self.is_free = threading.Event()
        self.is_free.set()

    def _ask(self) -> None:
        self.is_free.wait(LIMIT_S)
        if self.trouble is not None:
            raise self.trouble

    def start(self, slots: Sequence[str]) -> list[Handle]:
        """Each has the next number."""
        self._ask()
        made = [Handle(slot, str(len(self.states) + number)) for number, slot in enumerate(slots)]
        self.states |= dict.fromkeys(made, State.PENDING)
        return made

    def list(self) -> dict[Handle, State]:
        """As the test has set them."""
        self.questions += 1
        self._ask()
        return dict(self.states)

    def why(self, handle: Handle) -> End:
        """All for one reason."""
        return GONE

    def reason(self, handle: Handle) -> str:
        """As the test has set it."""
        return self.reasons.get(handle, "")

    def stop(self, handle: Handle, grace_s: float) -> None:
        """Remember it."""
        self._ask()
        self.stopped.append((handle.slot, grace_s))


@pytest.fixture
def engine() -> Engine:
    """One without workers."""
    return Engine()


class Tending:
    """An outpost of two slots, tended as a supervisor does, but faster."""

    def __init__(self, engine: Engine, query_s: float = 0.01) -> None:
        self.outpost = Outpost("b", ["b-1", "b-2"], engine, query_s)
        self.ended: list[Ended] = []
        self.news: list[tuple[str, str]] = []
        self.workers: dict[str, WorkerState] = {}

    def until(self, is_so: Callable[[], object], wanted: int = 2) -> None:
        """Tend it until something is so."""
        deadline = time.monotonic() + LIMIT_S
        while not is_so():
            assert time.monotonic() < deadline
            self.ended += self.outpost.tend(wanted, self.workers)
            self.news += self.outpost.news()
            time.sleep(0.002)


def test_what_is_missing_is_ordered_and_told(engine: Engine) -> None:
    tending = Tending(engine)
    tending.until(lambda: len(engine.states) == 2)
    tending.until(lambda: len(tending.news) == 2)
    assert [text for _, text in tending.news] == [
        "worker b-1 was ordered from b (job 0)",
        "worker b-2 was ordered from b (job 1)",
    ]
    engine.states[Handle("b-1", "0")] = State.ENDED
    tending.until(lambda: tending.ended)
    assert tending.ended == [("b-1", GONE)]
    assert "b-1" not in tending.outpost
    assert tending.outpost.owns("b-1")


def test_nothing_waits_for_the_engine(engine: Engine) -> None:
    engine.is_free.clear()
    outpost = Outpost("b", ["b-1"], engine)
    began = time.monotonic()
    for _ in range(50):
        outpost.tend(1, {})
    assert time.monotonic() - began < LIMIT_S / 2
    assert engine.questions <= 1
    engine.is_free.set()


def test_it_is_asked_no_more_often_than_it_may_be(engine: Engine) -> None:
    tending = Tending(engine, query_s=3600.0)
    tending.until(lambda: "b-2" in tending.outpost)
    for _ in range(50):
        tending.outpost.tend(2, {})
    assert engine.questions == 1


def test_a_blip_is_told_once_and_starts_nobody(engine: Engine) -> None:
    tending = Tending(engine)
    tending.until(lambda: tending.outpost.alive == 2 and len(engine.states) == 2)
    tending.until(lambda: len(tending.news) == 2)
    engine.trouble = PlacementError("unable to contact the controller")
    asked = engine.questions
    tending.until(lambda: engine.questions > asked + 5)
    (level, text), *others = tending.news[2:]
    assert (level, others) == ("warning", [])
    assert "it is waited for: unable to contact the controller" in text
    assert len(engine.states) == 2
    assert tending.ended == []
    assert tending.outpost.refusals() == []


def test_a_refusal_is_a_reason_to_give_the_run_up(engine: Engine) -> None:
    tending = Tending(engine)
    tending.until(lambda: engine.questions)
    engine.trouble = PlacementError("invalid partition", refused=True)
    tending.until(lambda: tending.news and tending.outpost.alive == 0)
    assert "block b: no worker could be ordered: invalid partition" in tending.outpost.refusals()
    assert tending.outpost.refusals() == []


def test_who_signs_off_is_gone_at_once_but_not_who_had_the_id_before(engine: Engine) -> None:
    tending = Tending(engine, query_s=3600.0)
    tending.workers = {"b-1": WorkerState("b-1", version=(1, 5, 90))}
    tending.until(lambda: len(tending.news) == 2)

    def tell(worker_id: str, seq: int, *, stopped: bool) -> None:
        tending.workers |= {worker_id: WorkerState(worker_id, version=(1, seq, 0), stopped=stopped)}
        tending.outpost.tend(0, tending.workers)

    tell("b-1", 6, stopped=True)
    assert "b-1" in tending.outpost, "that was the one before, of whom we hear late"
    tell("b-1", 7, stopped=False)
    tell("b-1", 8, stopped=True)
    assert "b-1" not in tending.outpost
    tell("b-2", 9, stopped=True)
    assert "b-2" not in tending.outpost, "nobody was there before: it has come and gone"
    assert tending.ended == []


def test_all_are_asked_to_leave_once_and_those_that_wait_are_gone(engine: Engine) -> None:
    tending = Tending(engine)
    tending.until(lambda: len(engine.states) == 2 and tending.outpost.alive == 2)
    engine.states[Handle("b-1", "0")] = State.RUNNING
    asked = engine.questions
    tending.until(lambda: engine.questions > asked + 2)
    for _ in range(3):
        tending.outpost.terminate()
    tending.until(lambda: tending.outpost.alive == 1, wanted=0)
    assert engine.stopped == [("b-1", 60.0), ("b-2", 60.0)]
    assert "b-1" in tending.outpost, "it saves its work"
    tending.outpost.kill_all()
    tending.until(lambda: tending.outpost.alive == 0, wanted=0)
    assert tending.ended == [("b-1", End(Why.CANCELLED))]


def test_a_silent_workers_end_is_waited_for_until_the_engine_has_answered(engine: Engine) -> None:
    tending = Tending(engine)
    tending.until(lambda: len(engine.states) == 2 and tending.outpost.alive == 2)
    assert not tending.outpost.may_tell("somebody")
    engine.is_free.clear()
    tending.until(lambda: engine.questions and not tending.outpost.tend(2, {}))
    assert tending.outpost.may_tell("b-1")
    engine.is_free.set()
    tending.until(lambda: not tending.outpost.may_tell("b-1"))
    assert tending.outpost.alive == 2, "it runs, as far as the engine knows"


def test_why_workers_wait_is_told_once_and_kept(engine: Engine) -> None:
    tending = Tending(engine)
    one, two = Handle("b-1", "0"), Handle("b-2", "1")
    tending.until(lambda: len(tending.news) == 2)
    engine.reasons = {one: "Priority", two: "Priority"}
    tending.until(lambda: len(tending.news) == 3)
    assert tending.news[2] == ("info", "block b: 2 workers wait for a machine: Priority")
    engine.reasons = {one: "Resources\n", two: "Priority"}
    tending.until(lambda: len(tending.news) == 4)
    assert tending.news[3] == ("info", "block b: a worker waits for a machine: Resources")
    info = tending.outpost.info()
    assert (info.name, info.count, info.trouble) == ("b", 2, "")
    assert {(job.slot, job.job, job.state, job.reason) for job in info.jobs} == {
        ("b-1", "0", "pending", "Resources"),
        ("b-2", "1", "pending", "Priority"),
    }
    assert block_line(info) == "block b (), 2 wanted: 2 waiting for a machine (1 Resources, 1 Priority)"
    engine.states = dict.fromkeys(engine.states, State.RUNNING)
    tending.until(lambda: not any(job.reason for job in tending.outpost.info().jobs))
    assert len(tending.news) == 4, "it went back and forth, and nobody waits any more"
    engine.states[one] = State.PENDING
    tending.until(lambda: len(tending.news) == 5)
    assert "a worker waits for a machine: Resources" in tending.news[4][1], "somebody waits anew"
