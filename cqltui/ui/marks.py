"""The marks of a list: tasks that the next action is meant for. They follow the task, whatever row it is in."""

from collections.abc import Collection, Iterable


class Marks:
    """Marked tasks, and the range that is being marked while the cursor moves."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.anchor = ""
        """The row where the range begins; empty while none is being marked."""
        self._before: frozenset[str] = frozenset()
        """What was marked when the range began."""

    def toggle(self, ids: Collection[str]) -> None:
        """Mark these; if all of them are marked, unmark them."""
        if self.ids.issuperset(ids):
            self.ids.difference_update(ids)
        else:
            self.ids.update(ids)

    def begin(self, anchor: str) -> None:
        """Begin a range at this row."""
        self.anchor, self._before = anchor, frozenset(self.ids)

    def extend(self, ids: Iterable[str]) -> None:
        """Mark what the range holds now, and what was marked before it."""
        self.ids = {*self._before, *ids}

    def end(self) -> bool:
        """End the range; its marks stay. Returns whether there was one."""
        begun, self.anchor = bool(self.anchor), ""
        return begun

    def keep(self, known: Collection[str]) -> None:
        """Forget the tasks that are gone."""
        self.ids.intersection_update(known)

    def clear(self) -> None:
        """Remove all marks."""
        self.ids.clear()
        self.anchor = ""
