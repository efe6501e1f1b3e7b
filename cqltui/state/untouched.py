"""A task that waits as it was submitted, told in few words: of a hundred thousand tasks most do. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cqltui.state import decode
from cqltui.state.forms import Filled, Form
from cqltui.state.model import Lifecycle, Status, TaskState


class Untouched(Mapping[str, Any]):
    """What a whole reading tells of such a task."""

    __slots__ = ("_form", "_own", "order", "priority", "queued_ts", "seq")

    def __init__(
        self, form: Form, own: list[Any] | None, seq: int, order: int, priority: float, queued_ts: float
    ) -> None:
        """Take what is told. `own`: its own values of the form, None if they cannot be read."""
        self._form, self._own = form, own
        self.seq, self.order, self.priority, self.queued_ts = seq, order, priority, queued_ts

    def task(self, task_id: str, version: tuple[int, int]) -> TaskState | None:
        """Return the task for who knows nothing of it yet; None where what it is cannot be read. `version`: the (epoch,
        seq) of what told it."""
        info = None if self._own is None else decode.filled_info(task_id, self._form, self._own)
        if info is None or version <= (0, 0):
            return None
        life = Lifecycle(version, Status.QUEUED, self.priority, self.order, queued_ts=self.queued_ts)
        return TaskState(info, life, None, version)

    def __getitem__(self, key: str) -> Any:
        match key:
            case "info":
                return None if self._own is None else Filled(self._form, tuple(self._own))
            case "life":
                told = {"priority": self.priority, "order": self.order, "queued_ts": self.queued_ts}
                return {"status": str(Status.QUEUED), **told}
            case "seq":
                return self.seq
            case "progress":
                return None
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("info", "life", "seq", "progress"))

    def __len__(self) -> int:
        return 4


_NUMBERS = frozenset({int, float})


def read_rows(rows: Iterable[Any], forms: Mapping[str, Form]) -> Iterator[tuple[str, Untouched] | None]:
    """Yield each task that is told in a row [id, seq, order, queued_ts, priority, name of its form, its own values],
    with its id; None for what is no row. Of one whose own values are damaged all else is told."""
    for row in rows:
        try:
            task_id, seq, order, queued_ts, priority, name, own = row
            form = forms[name]
        except (TypeError, ValueError, KeyError):
            yield None
            continue
        numbers = type(seq) is type(order) is int and type(priority) in _NUMBERS and type(queued_ts) in _NUMBERS
        if not numbers or not abs(priority) <= decode.LARGEST:  # NaN too
            yield None
            continue
        if type(own) is not list or len(own) != len(form.paths):
            own = None
        if not decode.is_stamp(queued_ts):
            queued_ts = 0.0
        yield str(task_id), Untouched(form, own, seq, order, float(priority), queued_ts)


def queued(data: Mapping[str, Any]) -> Iterator[tuple[str, Untouched]]:
    """Yield the tasks that an event tells, {forms: {name: text}, rows: [...]}, with their ids."""
    forms = data.get("forms")
    texts = forms.items() if isinstance(forms, dict) else ()
    known = {name: Form(text.encode("utf-8", "replace")) for name, text in texts if isinstance(text, str)}
    yield from filter(None, read_rows(_rows(data), known))


def queued_ids(data: Mapping[str, Any]) -> list[str]:
    """Return their ids alone."""
    return [row[0] for row in _rows(data) if isinstance(row, list) and row and type(row[0]) is str]


def _rows(data: Mapping[str, Any]) -> list[Any]:
    rows = data.get("rows")
    return rows if isinstance(rows, list) else []
