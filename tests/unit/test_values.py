"""Frozen values are dataclasses in all that can be seen of them, but for when their methods are made."""

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from cqltui import values


@values.dataclass(frozen=True, slots=True)
class Ours:
    """Made when it is needed."""

    name: str
    size: int = 1
    known: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)
    hidden: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(self.size)


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    """What is meant."""

    name: str
    size: int = 1
    known: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)
    hidden: str = dataclasses.field(default="", repr=False)


@values.dataclass(frozen=True, slots=True, eq=False)
class Single:
    """Equal to itself alone."""

    name: str


@values.dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Its fields have names in a call."""

    name: str = "a"
    size: int


@values.dataclass(frozen=True, slots=True)
class Own:
    """Has an equality of its own."""

    name: str

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7


def test_a_value_is_seen_as_the_standard_one_is() -> None:
    ours, standard = Ours("a", 2, {"b": 3}, "c"), Standard("a", 2, {"b": 3}, "c")
    assert repr(ours) == repr(standard).replace("Standard", "Ours")
    assert dataclasses.asdict(ours) == dataclasses.asdict(standard)
    assert hash(ours) == hash(standard)
    assert [field.name for field in dataclasses.fields(ours)] == [field.name for field in dataclasses.fields(standard)]
    assert Ours.__slots__ == Standard.__slots__
    assert Ours.__match_args__ == Standard.__match_args__
    assert not hasattr(ours, "__dict__")


def test_equality_hash_and_defaults() -> None:
    standard: object = Standard("a")
    assert Ours("a") == Ours("a", known={"b": 1})
    assert Ours("a") != Ours("a", 2)
    assert Ours("a") != standard
    assert len({Ours("a"), Ours("a", known={"b": 1}), Ours("b")}) == 2
    assert Ours("a").known is not Ours("a").known
    assert Single("a") != Single("a")
    assert hash(Own("a")) == 7
    assert Own("a") == Own("b")


def test_a_copy_is_checked_as_a_new_one_is() -> None:
    assert dataclasses.replace(Ours("a"), size=3) == Ours("a", 3)
    with pytest.raises(ValueError, match="-1"):
        dataclasses.replace(Ours("a"), size=-1)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_and_pickles(copied: Any) -> None:
    found = copied(Ours("a", 2, {"b": 3}, "c"))
    assert dataclasses.astuple(found) == ("a", 2, {"b": 3}, "c")


def test_a_value_cannot_be_changed() -> None:
    value = Ours("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="'size'"):
        value.size = 2  # type: ignore[misc]  # on purpose
    with pytest.raises(dataclasses.FrozenInstanceError, match="'size'"):
        del value.size
    with pytest.raises(AttributeError):
        value.other = 2  # type: ignore[attr-defined]  # on purpose


def test_wrong_calls_are_told_as_of_any_function() -> None:
    with pytest.raises(TypeError, match=r"Ours.__init__\(\) missing 1 required positional argument: 'name'"):
        Ours()  # type: ignore[call-arg]  # on purpose
    with pytest.raises(TypeError, match="positional"):
        Named(1)  # type: ignore[arg-type, call-arg]  # on purpose
    assert Named(size=2) == Named(name="a", size=2)


def test_methods_are_made_with_the_first_call() -> None:
    @values.dataclass(frozen=True, slots=True)
    class Late:
        """Not yet."""

        name: str

    deferred = Late.__init__
    first = Late("a")
    assert Late.__init__ is not deferred
    deferred(first, "b")  # whoever holds the first one has the same
    assert first.name == "b"


def test_one_that_can_change_is_the_standard_one() -> None:
    @values.dataclass(slots=True)
    class Changing:
        """Not frozen."""

        name: str

    value = Changing("a")
    value.name = "b"
    assert value == Changing("b")
