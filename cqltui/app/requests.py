"""What is asked on the screen, as calls of the queue."""

from collections.abc import Callable
from typing import ParamSpec

from redis.exceptions import RedisError, TimeoutError

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.trouble import told
from cqltui.errors import ServerError
from cqltui.state.model import TaskCommand, Wanted

P = ParamSpec("P")
GIVE_WORK = (TaskCommand.RESUME, TaskCommand.RESUBMIT)


class QueueRequests:
    """`ui.ports.Requests`. What gives a run work again makes sure that it is supervised."""

    def __init__(self, queue: Callable[[], Queue], supervised: Callable[[], None]) -> None:
        self._queue = queue
        self._supervised = supervised

    def task(self, command: TaskCommand, task_id: str, priority: int | None = None) -> None:
        """Ask for something to be done with a task."""
        self._ask(self._queue().command, command, task_id, priority)
        if command in GIVE_WORK:
            self._supervised()

    def want(self, wanted: Wanted) -> None:
        """Say what the whole run is to do."""
        self._ask(self._queue().want, wanted)

    @staticmethod
    def _ask(command: Callable[P, bool], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except TimeoutError:
            raise ServerError("the server did not answer in time: it may still carry out what was asked") from None
        except RedisError as error:
            raise ServerError(told(error)) from None
