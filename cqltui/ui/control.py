"""What the keys do: commands in order, in the background, and what is pending. The run's state is not touched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cqltui.errors import CqltuiError
from cqltui.state.model import ENDED, RunState, Status, TaskCommand, TaskState, Wanted
from cqltui.ui.background import Background
from cqltui.ui.ports import Requests

PENDING_S = 15.0
"""After this a command's effect is no longer waited for; it may have come to nothing."""
PAUSABLE = frozenset({Status.QUEUED, Status.RUNNING, Status.DELAYED})


@dataclass(frozen=True, slots=True)
class _Pending:
    command: TaskCommand
    version: tuple[int, int]
    until: float
    priority: int | None = None


class Control:
    """Sends commands. `tell(text, severity)` shows a message, `changed()` draws the pending marks."""

    def __init__(
        self,
        requests: Requests,
        background: Background,
        clock: Callable[[], float],
        tell: Callable[[str, str], None],
        changed: Callable[[], None],
    ) -> None:
        self._requests, self._background, self._clock = requests, background, clock
        self._tell, self._changed = tell, changed
        self._pending: dict[str, _Pending] = {}
        self._online = self._ended = self._known = False

    def pending(self) -> dict[str, str]:
        """Task id -> what was asked of it."""
        return {task_id: pending.command for task_id, pending in self._pending.items()}

    def settle(self, state: RunState) -> None:
        """Forget what has happened, and what has not for long; note whether the server answers."""
        now = self._clock()
        self._online, self._ended = state.online, state.finished_ts > 0
        self._known = self._known or state.online
        for task_id, pending in list(self._pending.items()):
            task = state.tasks.get(task_id)
            if task is None or task.life.version > pending.version or now > pending.until:
                del self._pending[task_id]

    def toggle_pause(self, tasks: Sequence[TaskState]) -> None:
        """Pause the tasks; if all of them are paused, resume them."""
        paused = [task for task in tasks if task.status is Status.PAUSED or task.life.want == "pause"]
        pausable = [task for task in tasks if task.status in PAUSABLE and task.life.want != "pause"]
        if not self.can_ask():
            return
        for task in pausable:
            self._send(task, TaskCommand.PAUSE)
        if not pausable:
            for task in paused:
                self._send(task, TaskCommand.RESUME)
            if tasks and not paused:
                self._tell("Nothing to pause: the task has ended. Press r to run it again.", "warning")

    def cancel(self, tasks: Sequence[TaskState]) -> None:
        """Cancel the tasks that have not ended."""
        for task in tasks if self.can_ask() else ():
            if task.status not in ENDED and not self._asked(task, TaskCommand.CANCEL):
                self._send(task, TaskCommand.CANCEL)

    def resubmit(self, tasks: Sequence[TaskState]) -> None:
        """Run the tasks that have ended again."""
        ended = [task for task in tasks if task.status in ENDED and task.status is not Status.WITHDRAWN]
        for task in ended if self.can_ask() else ():
            if not self._asked(task, TaskCommand.RESUBMIT):
                self._send(task, TaskCommand.RESUBMIT)
        if tasks and not ended:
            self._tell("Only a task that is done, dead or cancelled can be run again.", "warning")

    def shift_priority(self, tasks: Sequence[TaskState], by: float) -> None:
        """Raise or lower the priority of the tasks that wait, counted from what was asked for last."""
        waiting = [task for task in tasks if task.status not in ENDED]
        for task in waiting if self.can_ask() else ():
            asked = self._pending.get(task.id)
            known = asked.priority if asked and asked.priority is not None else task.life.priority
            self._send(task, TaskCommand.PRIORITY, int(known + by))
        if tasks and not waiting:
            self._tell("The task has ended; its priority means nothing any more.", "warning")

    def toggle_campaign(self, state: RunState) -> None:
        """Pause the whole run, or let it go on."""
        if state.finished_ts:
            self._tell("The run has ended: the same campaign command goes on with what is left.", "warning")
            return
        self.want(Wanted.PAUSED if state.wanted is Wanted.RUNNING else Wanted.RUNNING)

    def want(self, wanted: Wanted, then: Callable[[], None] | None = None) -> None:
        """Say what is wanted of the whole run; `then` once the server knows."""
        words = {
            Wanted.RUNNING: "The run goes on.",
            Wanted.PAUSED: "Pausing the run: running tasks write a checkpoint first.",
            Wanted.DRAINING: "Draining: running tasks end, no other starts.",
            Wanted.STOPPED: "Stopping: running tasks write a checkpoint first.",
        }

        def done(_: None) -> None:
            self._tell(words[wanted], "information")
            if then is not None:
                then()

        if self.can_ask():
            self._background.call(partial(self._requests.want, wanted), done, self._failed)

    def can_ask(self) -> bool:
        """Return whether the server answers, and say so if it does not. A command that is kept for later would come as
        a surprise."""
        if not self._online and self._ended:
            again = "cqltui resubmit ID queues a task again, the campaign's command goes on with what is left."
            self._tell(f"The run has ended, it can only be looked at: {again}", "warning")
        elif not self._known:
            self._tell("There is no connection to the server yet: nothing was asked. Try again in a moment.", "warning")
        elif not self._online:
            self._tell("The server does not answer: nothing was asked. Try again when it is back.", "error")
        return self._online

    def _asked(self, task: TaskState, command: TaskCommand) -> bool:
        """Return whether the same was asked already and has yet to happen: the server would refuse the second."""
        pending = self._pending.get(task.id)
        return pending is not None and pending.command is command

    def _send(self, task: TaskState, command: TaskCommand, priority: int | None = None) -> None:
        pending = _Pending(command, task.life.version, self._clock() + PENDING_S, priority)
        self._pending[task.id] = pending
        self._changed()

        def failed(error: CqltuiError) -> None:
            if self._pending.get(task.id) is pending:
                del self._pending[task.id]
                self._changed()
            self._failed(error)

        self._background.call(partial(self._requests.task, command, task.id, priority), lambda _: None, failed)

    def _failed(self, error: CqltuiError) -> None:
        self._tell(str(error), "error")
