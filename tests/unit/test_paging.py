"""What a reducer that holds some of very many tasks makes of what it is told."""

from typing import Any

import pytest

from cqltui.state.counting import counted, tally
from cqltui.state.events import Event, Kind
from cqltui.state.forms import Form
from cqltui.state.model import RunState, Status
from cqltui.state.page import Page
from cqltui.state.reduce import reduce, reduce_all

INFO = {"phase": "p", "epochs": 10}


def told(kind: Kind, seq: int, task: str = "", **data: Any) -> Event:
    return Event(kind, float(seq), 1, seq, task, data=data)


def life(status: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "priority": 5, "order": 1, **more}


BEGUN = told(
    Kind.SUMMARY,
    3,
    page=Page(("a",)),
    groups=[{"info": INFO, "status": "queued", "priority": 5, "count": 8}],
    tasks={"a": {"info": INFO, "life": life("queued"), "seq": 2, "progress": None}},
    changed={"b": {"info": INFO, "life": life("done"), "seq": 4, "progress": None}},
    workers={},
    meta={"seq": 1, "wanted": "paused"},
)


def begun() -> RunState:
    found = reduce(RunState(), BEGUN)
    assert counts(found) == {"queued": 8, "done": 1}
    assert (set(found.tasks), found.wanted, found.seq) == ({"a", "b"}, "paused", 3)
    return found


def counts(found: RunState) -> dict[str, int]:
    assert found.counted == counted(found.tasks, found.alike.values())
    return {str(status): number for status, number in tally(found).states.items()}


def test_what_changes_a_task_that_is_not_held_says_what_it_was() -> None:
    later = told(Kind.TASK_CLAIMED, 5, "c", **life("running"), info=INFO, was="queued 5 7")
    found = reduce(begun(), later)
    assert counts(found) == {"queued": 7, "done": 1, "running": 1}
    assert tally(found).queued == {5: 7}
    assert reduce(found, later) == found, "once"


@pytest.mark.parametrize(
    "data",
    [
        {"info": INFO, **life("running")},
        {"info": INFO, **life("running"), "was": 7},
        {"info": INFO, **life("running"), "was": "lost 5 7"},
        {"info": None, **life("running"), "was": "queued 5 7"},
        {"info": INFO, "was": "queued 5 7"},
    ],
)
def test_what_cannot_be_counted_is_left_out(data: dict[str, Any]) -> None:
    found = reduce(begun(), told(Kind.TASK_CLAIMED, 5, "c", **data))
    assert (counts(found), "c" in found.tasks, found.seq) == ({"queued": 8, "done": 1}, False, 5)


@pytest.mark.parametrize("was", ["queued", "queued x", "queued  5"])
def test_a_priority_that_is_none_is_counted_as_none(was: str) -> None:
    found = reduce(begun(), told(Kind.TASK_CLAIMED, 5, "c", **life("running"), info=INFO, was=was))
    assert tally(found).states == {Status.QUEUED: 7, Status.DONE: 1, Status.RUNNING: 1}


def test_a_report_of_a_task_that_is_not_held_is_of_its_worker_alone() -> None:
    members = [{"task": "c", "token": "1-1", "step": 3, "epoch": 1}]
    found = reduce(begun(), Event(Kind.PROGRESS, 9.0, 1, worker="w1", data={"members": members, "pid": 1}))
    assert (set(found.tasks), set(found.workers)) == ({"a", "b"}, {"w1"})


def test_new_tasks_are_counted_and_not_held() -> None:
    form = Form.of({**INFO, "title": ""}, [("title",)]).text.decode()
    rows = [["new", 5, 9, 1.0, 4, "f", ["x"]], ["b", 2, 9, 1.0, 4, "f", ["x"]], ["/", 5, 9, 1.0, 4, "f", ["x"]], 7]
    found = reduce(begun(), told(Kind.TASKS_QUEUED, 5, forms={"f": form}, rows=rows))
    assert set(found.tasks) == {"a", "b"}
    assert found.tasks["b"].status is Status.DONE
    assert (counts(found), tally(found).queued) == ({"queued": 9, "done": 1}, {5: 8, 4: 1})


def test_another_page_lets_the_one_before_go() -> None:
    other = {"info": INFO, "life": life("queued"), "seq": 2, "progress": None}
    turned = Event(Kind.PAGE, 4.0, 1, data={"page": Page(("c",), 1), "tasks": {"c": other}, "gone": ("a", "lost")})
    found = reduce(begun(), turned)
    assert (set(found.tasks), found.page, counts(found)) == ({"b", "c"}, Page(("c",), 1), counts(begun()))
    assert reduce(RunState(), turned) == RunState(now=4.0), "who holds all has no page"
    assert reduce(begun(), Event(Kind.PAGE, 3.0, 1, data={"page": 7})) == begun()


def test_a_reading_of_all_holds_all() -> None:
    tasks = {"a": {"info": INFO, "life": life("queued"), "seq": 6, "progress": None}}
    found = reduce_all(begun(), [told(Kind.SNAPSHOT, 6, tasks=tasks, workers={}, meta=None)])
    assert (found.page, dict(found.alike), counts(found)) == (None, {}, {"queued": 1})


def test_nothing_of_an_earlier_reading_is_left() -> None:
    found = reduce_all(begun(), [told(Kind.TASK_PAUSED, 5, "a", **life("paused"), was="queued 5 1"), BEGUN])
    assert counts(found) == {"queued": 8, "done": 1}
