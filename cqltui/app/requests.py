"""What is asked on the screen, as calls of the queue."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ParamSpec, TypeVar

from redis.exceptions import RedisError, TimeoutError

from cqltui.app.asker import asker
from cqltui.broker.protocol.commands import Receipt
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.trouble import told
from cqltui.errors import ServerError
from cqltui.state.model import TaskCommand, Wanted
from cqltui.state.placed import BlockInfo
from cqltui.ui.ports import TakeBack

P = ParamSpec("P")
T = TypeVar("T")
GIVE_WORK = (TaskCommand.RESUME, TaskCommand.RESUBMIT)
TAKE_WORK = (TaskCommand.PAUSE, TaskCommand.CANCEL)
"""Taken back, they give it again."""


def read_blocks(queue: Callable[[], Queue]) -> tuple[BlockInfo, ...]:
    """Return how the blocks of workers elsewhere stand. Raises CqltuiError."""
    return _ask(queue().blocks)


class QueueRequests:
    """`ui.ports.Requests`. What gives a run work again makes sure that it is supervised."""

    def __init__(self, queue: Callable[[], Queue], supervised: Callable[[], None]) -> None:
        self._queue = queue
        self._supervised = supervised
        self._by = asker("screen")

    def task(self, command: TaskCommand, task_id: str, priority: int | None = None) -> TakeBack | None:
        """Ask for something to be done with a task."""
        receipt = _ask(self._queue().ask, command, task_id, priority, self._by)
        if command in GIVE_WORK:
            self._supervised()
        return None if receipt is None else partial(self._undo, receipt)

    def want(self, wanted: Wanted, instead_of: Wanted | None = None) -> None:
        """Say what the whole run is to do."""
        _ask(self._queue().want, wanted, self._by, instead_of)

    def workers(self, count: int, instead_of: int | None = None) -> None:
        """Ask for so many workers."""
        _ask(self._queue().ask_workers, count, self._by, instead_of)

    def look_at(self, task_ids: Sequence[str]) -> None:
        """Say which tasks are seen."""
        _ask(self._queue().look_at, task_ids)

    def _undo(self, receipt: Receipt) -> None:
        _ask(self._queue().undo, receipt, self._by)
        if receipt.command in TAKE_WORK:
            self._supervised()


def _ask(command: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return command(*args, **kwargs)
    except TimeoutError:
        raise ServerError("the server did not answer in time: it may still carry out what was asked") from None
    except RedisError as error:
        raise ServerError(told(error)) from None
