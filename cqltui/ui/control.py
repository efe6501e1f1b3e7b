"""What the keys do: commands in order, in the background, and what is pending. The run's state is not touched."""

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct

from cqltui.errors import CqltuiError
from cqltui.state.model import ENDED, RunState, Status, TaskCommand, TaskState, Wanted
from cqltui.ui.background import Background
from cqltui.ui.history import Act, History, taken_back
from cqltui.ui.ports import Requests, TakeBack

PENDING_S = 15.0
"""After this a command's effect is no longer waited for; it may have come to nothing."""
UNDO = "undo"
READ_ONLY = "This screen is read-only: it changes nothing of the run."
NEW_RUN = "A new run is not taken back by u: x cancels it, and brings back the result that there was."
VERBS = {
    Wanted.RUNNING: "resume of the run",
    Wanted.PAUSED: "pause of the run",
    Wanted.DRAINING: "drain of the run",
    Wanted.STOPPED: "stop of the run",
}
PAUSABLE = frozenset({Status.QUEUED, Status.RUNNING, Status.DELAYED})


class _Pending(Struct, frozen=True):
    command: str
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
        *,
        read_only: bool = False,
    ) -> None:
        self._requests, self._background, self._clock = requests, background, clock
        self._tell, self._changed = tell, changed
        self._pending: dict[str, _Pending] = {}
        self._online = self._ended = self._known = False
        self._state = RunState()
        self._history = History()
        self.read_only = read_only

    def pending(self) -> dict[str, str]:
        """Task id -> what was asked of it."""
        return {task_id: pending.command for task_id, pending in self._pending.items()}

    def settle(self, state: RunState) -> None:
        """Forget what has happened, and what has not for long; note whether the server answers."""
        now = self._clock()
        self._state = state
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
        self._send_all("pause", pausable, TaskCommand.PAUSE)
        if not pausable:
            self._send_all("resume", paused, TaskCommand.RESUME)
            if tasks and not paused:
                self._tell("Nothing to pause: the task has ended. Press r to run it again.", "warning")

    def cancel(self, tasks: Sequence[TaskState]) -> None:
        """Cancel the tasks that have not ended."""
        if self.can_ask():
            self._send_all("cancel", [task for task in tasks if task.status not in ENDED], TaskCommand.CANCEL)

    def resubmit(self, tasks: Sequence[TaskState]) -> None:
        """Run the tasks that have ended again."""
        ended = [task for task in tasks if task.status in ENDED and task.status is not Status.WITHDRAWN]
        if not self.can_ask():
            return
        self._send_all("new run", ended, TaskCommand.RESUBMIT, refusal=NEW_RUN)
        if tasks and not ended:
            self._tell("Only a task that is done, dead or cancelled can be run again.", "warning")

    def shift_priority(self, tasks: Sequence[TaskState], by: float) -> None:
        """Raise or lower the priority of the tasks that wait, counted from what was asked for last."""
        waiting = [task for task in tasks if task.status not in ENDED]
        act = Act("priority")
        for task in waiting if self.can_ask() else ():
            asked = self._pending.get(task.id)
            known = asked.priority if asked and asked.priority is not None else task.life.priority
            self._send(act, task, TaskCommand.PRIORITY, int(known + by))
        self._note(act)
        if tasks and not waiting:
            self._tell("The task has ended; its priority means nothing any more.", "warning")

    def toggle_campaign(self, state: RunState) -> None:
        """Pause the whole run, or let it go on."""
        if self.can_ask_run():
            self.want(Wanted.PAUSED if state.wanted is Wanted.RUNNING else Wanted.RUNNING)

    def workers(self, count: int) -> None:
        """Have so many workers."""
        state = self._state
        former = state.asked_workers or state.campaign.workers
        said = f"{count} worker{'s' * (count != 1)} asked for, in place of {former}."
        back = partial(self._requests.workers, former, count)
        if self.can_ask():
            self._ask_run("number of workers", partial(self._requests.workers, count), back, lambda: self._inform(said))

    def want(self, wanted: Wanted, then: Callable[[], None] | None = None) -> None:
        """Say what is wanted of the whole run; `then` once the server knows."""
        words = {
            Wanted.RUNNING: "The run goes on.",
            Wanted.PAUSED: "Pausing the run: running tasks write a checkpoint first.",
            Wanted.DRAINING: "Draining: running tasks end, no other starts.",
            Wanted.STOPPED: "Stopping: running tasks write a checkpoint first.",
        }

        def done() -> None:
            self._inform(words[wanted])
            if then is not None:
                then()

        if self.can_ask():
            back = partial(self._requests.want, self._state.wanted, wanted)
            self._ask_run(VERBS[wanted], partial(self._requests.want, wanted), back, done)

    def undo(self) -> None:
        """Take back what this screen has asked last."""
        if not self.can_ask():
            return
        if (act := self._history.pop()) is None:
            self._tell("There is nothing to take back: nothing was asked on this screen, or all of it was.", "warning")
            return
        if act.refusal:
            self._tell(act.refusal, "warning")
            return

        def answered(found: tuple[list[str], list[str]]) -> None:
            for task_id in set(act.backs) - set(found[0]):
                self._pending.pop(task_id, None)
            self._tell(*taken_back(act, *found))
            self._changed()

        until = self._clock() + PENDING_S
        for task_id in list(act.backs):
            if (task := self._state.tasks.get(task_id)) is not None:
                self._pending[task_id] = _Pending(UNDO, task.life.version, until)
        self._changed()
        self._background.call(act.take_back, answered, self._failed)

    @property
    def rests(self) -> bool:
        """Whether the run has ended and has no server: it can only be looked at, and its file be changed."""
        return self._ended and not self._online

    def can_change(self) -> bool:
        """Return whether this screen may change anything, and say so if it may not."""
        if self.read_only:
            self._tell(READ_ONLY, "warning")
        return not self.read_only

    def can_ask_run(self) -> bool:
        """Return whether something can be asked of the whole run, and say so if it cannot."""
        if not self.can_change():
            return False
        if self._state.finished_ts:
            self._tell("The run has ended: the same campaign command goes on with what is left.", "warning")
            return False
        return self.can_ask()

    def can_ask(self) -> bool:
        """Return whether the server answers, and say so if it does not. A command that is kept for later would come as
        a surprise."""
        if not self.can_change():
            return False
        if self.rests:
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

    def _send_all(self, verb: str, tasks: Sequence[TaskState], command: TaskCommand, refusal: str = "") -> None:
        act = Act(verb, refusal)
        for task in tasks:
            if not self._asked(task, command):
                self._send(act, task, command)
        self._note(act)

    def _note(self, act: Act) -> None:
        if act.open:
            self._history.add(act)

    def _send(self, act: Act, task: TaskState, command: TaskCommand, priority: int | None = None) -> None:
        pending = _Pending(command, task.life.version, self._clock() + PENDING_S, priority)
        self._pending[task.id] = pending
        act.open += 1
        self._changed()

        def send() -> None:
            if (back := self._requests.task(command, task.id, priority)) is not None:
                act.backs[task.id] = back

        def failed(error: CqltuiError) -> None:
            self._history.answered(act)
            if self._pending.get(task.id) is pending:
                del self._pending[task.id]
                self._changed()
            self._failed(error)

        self._background.call(send, lambda _: self._history.answered(act), failed)

    def _ask_run(self, verb: str, ask: Callable[[], None], back: TakeBack, done: Callable[[], None]) -> None:
        """Ask something of the whole run."""
        act = self._history.add(Act(verb, open=1))

        def send() -> None:
            ask()
            act.backs[""] = back

        def answered(_: None) -> None:
            self._history.answered(act)
            done()

        def failed(error: CqltuiError) -> None:
            self._history.answered(act)
            self._failed(error)

        self._background.call(send, answered, failed)

    def _inform(self, text: str) -> None:
        self._tell(text, "information")

    def _failed(self, error: CqltuiError) -> None:
        self._tell(str(error), "error")
