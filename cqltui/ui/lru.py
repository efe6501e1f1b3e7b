"""The entries that were used last."""

from collections import OrderedDict
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Lru(OrderedDict[Key, Value]):
    """A dictionary that holds so many entries and lets go of those that were used longest ago.

    Textual's `LRUCache` keeps the first value of a key, and its size once it was full, however it is grown.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self.most:
            self.popitem(last=False)

    def used(self, key: Key) -> Value | None:
        """Return an entry, which is the newest from now on; None if it is not there."""
        if (found := self.get(key)) is not None:
            self.move_to_end(key)
        return found

    def grow(self, most: int) -> None:
        """Hold at least so many from now on."""
        self.most = max(self.most, most)
