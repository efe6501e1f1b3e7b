"""A task that waits as it was submitted, told in few words: of a hundred thousand tasks most do. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cqltui.state import decode
from cqltui.state.events import Event
from cqltui.state.forms import Filled, Form
from cqltui.state.model import Lifecycle, Status, TaskState


class Untouched(Mapping[str, Any]):
    """What is told of such a task. Its own values are decoded at once, while they are in the processor's cache."""

    __slots__ = ("_form", "_own", "info", "life", "order")

    def __init__(self, task_id: str, form: Form, own: list[Any] | None, life: Lifecycle) -> None:
        """Take what is told. `own`: its own values of the form, None if they cannot be read."""
        self._form, self._own, self.life, self.order = form, own, life, life.order
        self.info = None if own is None else decode.filled_info(task_id, form, own)

    def task(self) -> TaskState | None:
        """Return the task for who knows nothing of it yet; None where what it is cannot be read."""
        info, life = self.info, self.life
        return None if info is None or life.version <= (0, 0) else TaskState(info, life, None, life.version)

    def __getitem__(self, key: str) -> Any:
        match key:
            case "info":
                return None if self._own is None else Filled(self._form, tuple(self._own))
            case "life":
                life = self.life
                told = {"priority": life.priority, "order": life.order, "queued_ts": life.queued_ts}
                return {"status": str(life.status), **told}
            case "seq":
                return self.life.version[1]
            case "progress":
                return None
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("info", "life", "seq", "progress"))

    def __len__(self) -> int:
        return 4


_NUMBERS = frozenset({int, float})


def read_rows(rows: Iterable[Any], forms: Mapping[str, Form], epoch: int) -> Iterator[tuple[str, Untouched] | None]:
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
        task_id = str(task_id)
        life = Lifecycle((epoch, seq), Status.QUEUED, float(priority), order, queued_ts=queued_ts)
        yield task_id, Untouched(task_id, form, own, life)


def queued(event: Event) -> Iterator[tuple[str, Untouched]]:
    """Yield the tasks that an event tells, {forms: {name: text}, rows: [...]}, with their ids."""
    data = event.data
    forms = data.get("forms")
    texts = forms.items() if isinstance(forms, dict) else ()
    known = {name: Form(text.encode("utf-8", "replace")) for name, text in texts if isinstance(text, str)}
    yield from filter(None, read_rows(_rows(data), known, event.epoch))


def queued_ids(data: Mapping[str, Any]) -> list[str]:
    """Return their ids alone."""
    return [row[0] for row in _rows(data) if isinstance(row, list) and row and type(row[0]) is str]


def _rows(data: Mapping[str, Any]) -> list[Any]:
    rows = data.get("rows")
    return rows if isinstance(rows, list) else []
