"""The map of many tasks, of which a copy shares what did not change: it has to be what a dict is."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqltui.state.layered import MANY, Layered, writable


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


def test_nothing_is_deleted() -> None:
    with pytest.raises(TypeError):
        del Layered({"a": 1})["a"]
