"""What the user asks of a task or of the whole run."""

import redis
from msgspec import Struct

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.records import TaskError, check_name, check_priority, clean
from cqltui.broker.protocol.scripts import Scripts
from cqltui.state.events import Kind
from cqltui.state.model import Status, TaskCommand, Wanted

_REFUSALS = {
    Status.QUEUED: "is queued",
    Status.RUNNING: "is running",
    Status.DELAYED: "waits for its retry; promote or cancel it first",
    Status.PAUSED: "is paused; resume it first",
    Status.DONE: "is done; resubmit it first",
    Status.DEAD: "is dead; resubmit it first",
    Status.CANCELLED: "is cancelled; resubmit it first",
    Status.WITHDRAWN: "is no longer in the campaign file",
}
_NO_SUCH = "there is no such task; its id is in the task list (cqltui status)"
_GONE_ON = {
    "asked": "somebody has asked something else of it since",
    "changed": "it has been changed since",
    "running": "it has started since",
    "ran": "it was running, and its worker has left it; run it again in place of that",
}
"""Why a command is not taken back; by what `undo` answers."""


class Receipt(Struct, frozen=True):
    """A command that was carried out, as `undo` takes it."""

    task_id: str
    command: TaskCommand
    seq: int
    """The number of its event."""
    before: bytes
    """What the task was, for the script."""


class Commands:
    """The user's part of the queue."""

    def __init__(self, client: redis.Redis, namespace: str = "") -> None:
        self.client = client
        self.keys = Keys(namespace)
        self._scripts = Scripts(client, self.keys)

    def dismiss(self, worker_id: str, why: str) -> bool:
        """Ask a worker's process to leave after its checkpoint; False if it was asked before, or is not registered. A
        version that does not know this goes on. `why`: a line for its log."""
        return bool(self._scripts.run("dismiss", check_name("worker", worker_id), clean(why)))

    def command(self, command: TaskCommand, task_id: str, priority: int | None = None, by: str = "") -> bool:
        """As `ask`; return whether it changed anything."""
        return self.ask(command, task_id, priority, by) is not None

    def ask(self, command: TaskCommand, task_id: str, priority: int | None = None, by: str = "") -> Receipt | None:
        """Do this with a task; return what takes it back, None if it was so already. Raise TaskError if there is no
        such task, or if its state does not allow it.

        `priority`: the new one, which a resubmitted task may have, too. `by`: who asks, told with the event.
        """
        wanted = "" if priority is None else str(check_priority(task_id, priority))
        answer = self._scripts.run("command", command, check_name("task", task_id), wanted, clean(by))
        if isinstance(answer, list):
            seq, before = answer
            return Receipt(task_id, command, codec.whole(seq), before)
        if answer == b"no":
            return None
        if answer == b"unknown":
            raise TaskError(f"task {task_id}: {_NO_SUCH}")
        raise TaskError(_refusal(command, task_id, Status(answer.decode())))

    def undo(self, receipt: Receipt, by: str = "") -> None:
        """Take a command back. Raise TaskError where that is no longer possible."""
        task_id, command = receipt.task_id, receipt.command
        if command is TaskCommand.RESUBMIT:
            raise TaskError(f"task {task_id}: a new run is not taken back, but cancelled: that brings its result back")
        answer = self._scripts.run("undo", check_name("task", task_id), receipt.seq, receipt.before, clean(by)).decode()
        if answer == "unknown":
            raise TaskError(f"task {task_id}: {_NO_SUCH}")
        if answer != "yes":
            raise TaskError(f"task {task_id}: {_GONE_ON.get(answer, f'it is {answer} by now')}")

    def pause(self, task_id: str) -> bool:
        """Pause a queued task, or ask it of a running one."""
        return self.command(TaskCommand.PAUSE, task_id)

    def resume(self, task_id: str) -> bool:
        """Queue a paused task again at its old place, or take back the pause asked of a running one."""
        return self.command(TaskCommand.RESUME, task_id)

    def cancel(self, task_id: str) -> bool:
        """Cancel a queued, delayed or paused task, or ask it of a running one."""
        return self.command(TaskCommand.CANCEL, task_id)

    def resubmit(self, task_id: str, priority: int | None = None) -> bool:
        """Queue a done, dead or cancelled task as a new run, last of its priority; the old result is kept."""
        return self.command(TaskCommand.RESUBMIT, task_id, priority)

    def set_priority(self, task_id: str, priority: int) -> bool:
        """Give a task a new priority; for a running one it counts when it is queued again."""
        return self.command(TaskCommand.PRIORITY, task_id, priority)

    def want(self, wanted: Wanted, by: str = "", instead_of: Wanted | None = None) -> bool:
        """Say what is wanted of the whole run; return False if it was so already. `running` brings back what a pause
        paused. `instead_of`: what must be wanted now; raises TaskError if it is something else."""
        answer = self._scripts.run("meta", Kind.WANTED, "wanted", wanted, clean(by), instead_of or "")
        return self._changed(answer, "the run")

    def ask_workers(self, count: int, by: str = "", instead_of: int | None = None) -> bool:
        """Say how many workers the run is to have, whatever its file says; 0: what the file says. Durable, as `want`
        is: the supervisor follows. Return False if it was so already; `instead_of` as of `want`."""
        expected = "" if instead_of is None else str(instead_of)
        answer = self._scripts.run("meta", Kind.WORKERS, "asked_workers", str(count), clean(by), expected)
        return self._changed(answer, "the number of workers")

    @staticmethod
    def _changed(answer: int, what: str) -> bool:
        if answer < 0:
            raise TaskError(f"{what}: somebody has asked something else since")
        return answer > 0

    def asked_workers(self) -> int:
        """Return how many workers somebody has asked for; 0 if nobody has."""
        return codec.whole(self.client.execute_command("HGET", self.keys.meta, "asked_workers"))

    def wanted(self) -> Wanted:
        """Return what is wanted of the whole run."""
        return codec.wanted(self.client.execute_command("HGET", self.keys.meta, "wanted"))

    def asked_since_loss(self) -> Wanted | None:
        """Return what was asked of the whole run after the server's data was lost, and before the queue was made
        again."""
        epoch, wanted = self.client.execute_command("HMGET", self.keys.meta, "epoch", "wanted")
        return None if wanted is None or epoch is not None else codec.wanted(wanted)


def _refusal(command: TaskCommand, task_id: str, status: Status) -> str:
    if command is TaskCommand.CANCEL and status in {Status.DONE, Status.DEAD}:
        return f"task {task_id} is {status} already; there is nothing to cancel"
    if command is TaskCommand.RESUBMIT and status is Status.DELAYED:
        return f"task {task_id} waits for its retry; cancel it first"
    if command is TaskCommand.RESUBMIT and status in {Status.QUEUED, Status.RUNNING}:
        return f"task {task_id} is {status}; only a task that has ended is resubmitted"
    return f"task {task_id} {_REFUSALS[status]}"
