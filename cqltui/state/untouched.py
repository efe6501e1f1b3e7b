"""A task that waits as it was submitted, told in few words: of a hundred thousand tasks most do. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from cqltui.state import decode
from cqltui.state.forms import Filled
from cqltui.state.model import Lifecycle, Status, TaskState


class Untouched(Mapping[str, Any]):
    """What a whole reading tells of such a task."""

    __slots__ = ("_filled", "order", "priority", "queued_ts", "seq")

    def __init__(self, filled: Filled | None, seq: int, order: int, priority: float, queued_ts: float) -> None:
        """Take what is told. `filled`: what is fixed about it, None if that cannot be read."""
        self._filled, self.seq, self.order, self.priority, self.queued_ts = filled, seq, order, priority, queued_ts

    def task(self, task_id: str, epoch: int) -> TaskState | None:
        """Return the task for who knows nothing of it yet; None where what it is cannot be read."""
        info = decode.task_info(task_id, self._filled)
        if info is None:
            return None
        version = epoch, self.seq
        life = Lifecycle(version, Status.QUEUED, self.priority, self.order, queued_ts=self.queued_ts)
        return TaskState(info, life, None, version)

    def __getitem__(self, key: str) -> Any:
        match key:
            case "info":
                return self._filled
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
