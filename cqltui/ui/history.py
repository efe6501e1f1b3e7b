"""What this screen has asked of the run, so that it can be taken back: the newest first, and not for ever."""

from collections import deque
from collections.abc import Sequence

from msgspec import Struct, field

from cqltui.errors import CqltuiError
from cqltui.state.plain import plain
from cqltui.ui.ports import TakeBack

KEPT, COMMANDS = 50, 20_000
"""Acts that can be taken back, and commands of them all, but for the newest act: each takes some hundred bytes."""
TOLD = 3
"""Reasons that are given why some could not be."""


class Act(Struct, eq=False):
    """What one key has asked, of one task or of many, or of the whole run (under the id "")."""

    verb: str
    refusal: str = ""
    """Why it is never taken back; empty if it can be."""
    open: int = 0
    """Commands that have yet to be answered."""
    size: int = 1
    """Commands in all."""
    backs: dict[str, TakeBack] = field(default_factory=dict)
    """Task id -> what takes it back. Filled by the thread that sends, which calls them too."""

    def take_back(self) -> tuple[list[str], list[str]]:
        """Return the tasks of which it was taken back, and why of others it was not. May block."""
        done, refused = [], []
        for task_id, back in reversed(self.backs.items()):
            try:
                back()
            except CqltuiError as error:
                refused.append(str(error))
            else:
                done.append(task_id)
        return done, refused


class History:
    """Acts, the newest last."""

    def __init__(self) -> None:
        self._acts: deque[Act] = deque(maxlen=KEPT)

    def add(self, act: Act) -> Act:
        """Remember it."""
        act.size = act.open
        self._acts.append(act)
        while len(self._acts) > 1 and sum(known.size for known in self._acts) > COMMANDS:
            self._acts.popleft()
        return act

    def answered(self, act: Act) -> None:
        """One of its commands was answered. An act of which nothing was done is forgotten."""
        act.open -= 1
        if not act.open and not act.backs and not act.refusal and act in self._acts:
            self._acts.remove(act)

    def pop(self) -> Act | None:
        """Return the newest, which is then no longer there."""
        return self._acts.pop() if self._acts else None


def taken_back(act: Act, done: Sequence[str], refused: Sequence[str]) -> tuple[str, str]:
    """Return what is to be said, and how severe it is."""
    parts = []
    if done:
        whose = f" of {len(done)} of {len(act.backs)} tasks" if refused else of_tasks(done)
        parts.append(f"Taken back: {act.verb}{whose}.")
    if refused:
        more = f"; and {len(refused) - TOLD} more" if len(refused) > TOLD else ""
        parts.append(f"Not taken back: {'; '.join(refused[:TOLD])}{more}.")
    if not parts:
        return f"Nothing had come of it, so nothing was taken back: {act.verb}.", "warning"
    return " ".join(parts), "warning" if refused else "information"


def of_tasks(ids: Sequence[str]) -> str:
    """Return whose it was: of one task, or of how many; nothing for the whole run."""
    if list(ids) == [""]:
        return ""
    return f" of {plain(ids[0], 16)}" if len(ids) == 1 else f" of {len(ids)} tasks"
