"""Stand-ins for what the screen needs. They record what they are asked."""

from collections.abc import Sequence
from functools import partial
from threading import Condition
from threading import Event as Flag

from cqltui.errors import ServerError
from cqltui.state.events import Event
from cqltui.state.model import TaskCommand, Wanted
from cqltui.ui.ports import TakeBack


class FakeSource:
    """Gives the events it is given, and waits like a real one."""

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self._events = list(events)
        self._news = Condition()
        self.closed = False

    def give(self, *events: Event) -> None:
        """Events for the next poll."""
        with self._news:
            self._events += events
            self._news.notify()

    @property
    def waiting(self) -> bool:
        """Whether something has not been polled yet."""
        with self._news:
            return bool(self._events)

    def poll(self, timeout_s: float) -> list[Event]:
        """What was given since."""
        with self._news:
            if not self._events:
                # Shorter than asked, so that a test need not wait for the last poll to end.
                self._news.wait(min(timeout_s, 0.02))
            events, self._events = self._events, []
            return events

    def close(self) -> None:
        """Remember it."""
        self.closed = True


class FakeRequests:
    """Records each call as a tuple. `refuse` makes every call fail; a cleared `open` flag makes them hang."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.refuse = ""
        self.open = Flag()
        self.open.set()

    def _record(self, *call: object) -> None:
        self.calls.append(call)
        self.open.wait(90)
        if self.refuse:
            raise ServerError(self.refuse)

    def task(self, command: TaskCommand, task_id: str, priority: int | None = None) -> TakeBack | None:
        """Record."""
        self._record(command, task_id, *(() if priority is None else (priority,)))
        return partial(self._record, "undo", command, task_id)

    def want(self, wanted: Wanted, instead_of: Wanted | None = None) -> None:
        """Record."""
        self._record("want", wanted, *(() if instead_of is None else (instead_of,)))

    def workers(self, count: int, instead_of: int | None = None) -> None:
        """Record."""
        self._record("workers", count, *(() if instead_of is None else (instead_of,)))

    def look_at(self, task_ids: Sequence[str]) -> None:
        """Record."""
        self._record("look_at", *task_ids)


class FakeLogs:
    """The same lines for each worker, with the name of who was asked for."""

    def __init__(self, lines: Sequence[str] | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self._lines = lines

    def say(self, lines: Sequence[str]) -> None:
        """What the next who asks is told."""
        self._lines = lines

    def tail(self, worker_id: str, lines: int, task_id: str = "") -> list[str]:
        """The lines."""
        self.asked.append((worker_id, task_id))
        if self._lines is not None:
            return list(self._lines)[-lines:]
        return [
            f"21:00:{i:02} {task_id} Epoch {10 * i}/2000 | Loss: {0.4 / (i + 1) ** 0.4:.4f} | TD: 0.0382 | CQL: 0.0567"
            for i in range(1, 40)
        ]
