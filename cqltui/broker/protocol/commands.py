"""What the user asks of a task or of the whole run."""

import redis

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.records import TaskError, check_name, check_priority, clean
from cqltui.broker.protocol.scripts import Scripts
from cqltui.state.events import Kind
from cqltui.state.model import Status, Wanted

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


class Commands:
    """The user's part of the queue."""

    def __init__(self, client: redis.Redis, namespace: str = "") -> None:
        self.client = client
        self.keys = Keys(namespace)
        self._scripts = Scripts(client, self.keys)

    def pause(self, task_id: str) -> bool:
        """Pauses a queued task, or asks it of a running one. Each command returns whether it changed anything, and
        raises TaskError if there is no such task or its state does not allow it."""
        return self._command("pause", task_id)

    def resume(self, task_id: str) -> bool:
        """Queues a paused task again at its old place, or takes back the pause asked of a running one."""
        return self._command("resume", task_id)

    def dismiss(self, worker_id: str, why: str) -> bool:
        """Ask a worker's process to leave after its checkpoint; False if it was asked before, or is not registered. A
        version that does not know this goes on. `why`: a line for its log."""
        return bool(self._scripts.run("dismiss", check_name("worker", worker_id), clean(why)))

    def cancel(self, task_id: str) -> bool:
        """Cancels a queued, delayed or paused task, or asks it of a running one."""
        return self._command("cancel", task_id)

    def resubmit(self, task_id: str, priority: int | None = None) -> bool:
        """Queues a done, dead or cancelled task as a new run, last of its priority; the old result is kept."""
        wanted = "" if priority is None else str(check_priority(task_id, priority))
        return self._command("resubmit", task_id, wanted)

    def set_priority(self, task_id: str, priority: int) -> bool:
        """A new priority; for a running task it counts when it is queued again."""
        return self._command("priority", task_id, str(check_priority(task_id, priority)))

    def _command(self, name: str, task_id: str, priority: str = "") -> bool:
        answer = self._scripts.run("command", name, check_name("task", task_id), priority).decode()
        if answer in {"yes", "no"}:
            return bool(answer == "yes")
        if answer == "unknown":
            raise TaskError(f"task {task_id}: there is no such task; its id is in the task list (cqltui status)")
        raise TaskError(_refusal(name, task_id, Status(answer)))

    def want(self, wanted: Wanted) -> bool:
        """What is wanted of the whole run; False if it was so already. `running` brings back what a pause paused."""
        return bool(self._scripts.run("meta", Kind.WANTED, "wanted", wanted))

    def wanted(self) -> Wanted:
        """What is wanted of the whole run."""
        return codec.wanted(self.client.execute_command("HGET", self.keys.meta, "wanted"))

    def asked_since_loss(self) -> Wanted | None:
        """What was asked of the whole run after the server's data was lost, and before the queue was made again."""
        epoch, wanted = self.client.execute_command("HMGET", self.keys.meta, "epoch", "wanted")
        return None if wanted is None or epoch is not None else codec.wanted(wanted)


def _refusal(command: str, task_id: str, status: Status) -> str:
    if command == "cancel" and status in {Status.DONE, Status.DEAD}:
        return f"task {task_id} is {status} already; there is nothing to cancel"
    if command == "resubmit" and status is Status.DELAYED:
        return f"task {task_id} waits for its retry; cancel it first"
    if command == "resubmit" and status in {Status.QUEUED, Status.RUNNING}:
        return f"task {task_id} is {status}; only a task that has ended is resubmitted"
    return f"task {task_id} {_REFUSALS[status]}"
