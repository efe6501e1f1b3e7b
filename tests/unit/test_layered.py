"""The map of many tasks, of which a copy shares what did not change: it has to be what a dict is."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqltui.state.counting import counted
from cqltui.state.events import Event, Kind
from cqltui.state.layered import MANY, Layered, looked_up, writable
from cqltui.state.model import Lifecycle, RunState, TaskInfo, TaskState
from cqltui.state.reduce import reduce


@given(st.lists(st.tuples(st.sampled_from(["set", "copy", "look"]), st.integers(0, 40), st.integers())))
def test_it_is_a_dict_however_it_came_about(steps: list[tuple[str, int, int]]) -> None:
    plain = {str(n): n for n in range(20)}
    layered = Layered(dict(plain))
    left: list[tuple[Layered[int], dict[str, int]]] = []
    for step, key, value in steps:
        if step == "set":
            layered[str(key)] = plain[str(key)] = value
        elif step == "copy":
            left.append((layered, dict(plain)))
            layered = layered.copy()
        else:
            assert [*layered.items()] == [*plain.items()], "in the order in which they came"
    for known, expected in [*left, (layered, plain)]:
        assert len(known) == len(expected)
        assert all(known[key] == expected[key] and key in known for key in expected)
        assert "none" not in known
        assert ([*known], [*known.keys()], [*known.values()]) == ([*expected], [*expected], [*expected.values()])


def test_what_lies_over_it_stays_small() -> None:
    known = Layered({str(n): 0 for n in range(10_000)})
    for n in range(1_000):
        known = known.copy()
        known[str(n)] = 1
    assert len(known._layers[1]) <= 2 * 100 + 1, "else each copy takes as long as that of all"
    assert sum(known.values()) == 1_000


def test_only_many_are_layered_and_a_copy_of_those_shares_them() -> None:
    few = writable(MappingProxyType({"a": 1}))
    assert isinstance(few, dict)
    many = writable(MappingProxyType({str(n): n for n in range(MANY)}))
    assert isinstance(many, Layered)
    many["0"] = 7
    again = writable(MappingProxyType(many))
    again["1"] = 8
    assert isinstance(again, Layered)
    assert again._layers[0] is many._layers[0]
    assert (many["1"], again["0"], again["1"]) == (1, 7, 8)


@pytest.mark.parametrize("wanted", [["k3", "gone", "new", "k0"], [f"k{n}" for n in reversed(range(MANY))]])
def test_few_and_many_values_are_looked_up_in_the_order_of_the_keys(wanted: list[str]) -> None:
    known = Layered({f"k{n}": n for n in range(MANY)})
    known["k3"], known["new"] = -3, -1
    expected = [value for key in wanted if (value := known.get(key)) is not None]
    assert looked_up(MappingProxyType(known), wanted) == expected
    assert looked_up(MappingProxyType(known), list(known)) == list(known.values())
    assert -3 in expected


def test_nothing_is_deleted() -> None:
    with pytest.raises(TypeError):
        del Layered({"a": 1})["a"]


def test_many_tasks_are_counted_as_they_change_and_forgotten_by_a_snapshot() -> None:
    tasks = {f"t{n}": TaskState(TaskInfo(f"t{n}", "p"), Lifecycle((1, n + 1))) for n in range(MANY + 500)}
    begun = RunState(tasks=MappingProxyType(tasks), epoch=1, seq=MANY + 500, online=True)
    claim = {"status": "running", "run": 1, "attempt": 1, "token": "1-1", "worker": "w1"}
    claimed = reduce(begun, Event(Kind.TASK_CLAIMED, 9.0, 1, begun.seq + 1, "t7", data=claim))
    done = reduce(claimed, Event(Kind.TASK_DONE, 9.0, 1, begun.seq + 2, "t7", data=claim | {"status": "done"}))
    read = {task_id: {"seq": begun.seq + 3} for task_id in list(tasks)[:MANY]}
    kept = reduce(done, Event(Kind.SNAPSHOT, 9.0, 1, begun.seq + 3, data={"tasks": read}))
    assert [state.tasks["t7"].status for state in (begun, claimed, done)] == ["queued", "running", "done"]
    assert [state.counted.running for state in (claimed, done)] == [("t7",), ()]
    assert (len(done.tasks), len(kept.tasks)) == (MANY + 500, MANY)
    for state in (claimed, done, kept):
        assert state.counted.of is state.tasks, "else all are counted at each draw"
        again = counted(state.tasks)
        assert (state.counted.states, dict(state.counted.infos)) == (again.states, dict(again.infos))
