"""A large mapping of which a copy costs next to nothing: what has changed lies over what is shared. Pure.

A reader that is told of one task after the other copies the map of all of them each time, which for a hundred thousand
tasks takes longer than all the rest.
"""

from collections.abc import Collection, ItemsView, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from math import isqrt
from operator import is_
from types import MappingProxyType
from typing import TypeVar

MANY = 2_000
"""Of fewer a copy of the whole is as quick, and everything else quicker."""

V = TypeVar("V")


class Layered(MutableMapping[str, V]):
    """A dict whose `copy` shares what did not change since. Nothing is ever deleted from it.

    It is laid into one dict when it is iterated, and when what has changed takes as long to copy as that now and then.
    """

    __slots__ = ("_layers",)

    def __init__(self, base: dict[str, V]) -> None:
        """Begin with a dict that nobody changes any more."""
        self._layers: tuple[dict[str, V], dict[str, V], int] = base, {}, 0
        """What is shared, what lies over it, and how many keys only the latter has: replaced at once, so that another
        thread reads one or the other."""

    def __getitem__(self, key: str) -> V:
        base, over, _ = self._layers
        return over[key] if key in over else base[key]

    def __contains__(self, key: object) -> bool:
        base, over, _ = self._layers
        return key in over or key in base

    def __len__(self) -> int:
        base, _, added = self._layers
        return len(base) + added

    def __setitem__(self, key: str, value: V) -> None:
        base, over, added = self._layers
        if key not in over and key not in base:
            self._layers = base, over, added + 1
        over[key] = value

    def __delitem__(self, key: str) -> None:
        raise TypeError("nothing is deleted from it")

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def keys(self) -> KeysView[str]:
        """Return the keys, in the order in which they came."""
        return self._whole().keys()

    def values(self) -> ValuesView[V]:
        """Return the values, in that order."""
        return self._whole().values()

    def items(self) -> ItemsView[str, V]:
        """Return both."""
        return self._whole().items()

    def copy(self) -> "Layered[V]":
        """Return another one, which may change by itself."""
        base, over, added = self._layers
        if len(over) > 2 * isqrt(len(base)):
            self._whole()
            base, over, added = self._layers
        made = Layered(base)
        made._layers = base, over.copy(), added
        return made

    def _whole(self) -> dict[str, V]:
        base, over, _ = self._layers
        if over:
            base = base | over
            self._layers = base, {}, 0
        return base


def writable(known: Mapping[str, V]) -> MutableMapping[str, V]:
    """Return a copy that may be written to; cheap for a large one that was made from such a copy. By `dict(known)` a
    proxy of ten thousand tasks takes 2.5 ms, a hundred times as long: it is not taken for the dictionary behind it."""
    made = known.copy() if isinstance(known, MappingProxyType) else dict(known)  # of a `Layered` it is one again
    return Layered(made) if len(made) >= MANY and isinstance(made, dict) else made


def looked_up(known: Mapping[str, V], keys: Collection[str]) -> list[V]:
    """Return the values of those keys that are there. Most of a large mapping are looked up in one dict; all of them in
    its own order are not looked up."""
    if len(keys) > len(known) // 8:
        if len(keys) == len(known) and all(map(is_, keys, known)):
            return list(known.values())
        known = getattr(known.items(), "mapping", known)  # of the layers as one
    found = map(known.get, keys)
    return [value for value in found if value is not None]
