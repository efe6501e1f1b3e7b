"""A model of the server for tests of the reducer: operations in, the events that a script would publish out."""

from typing import Any

from msgspec import Struct, field

from cqltui.state.events import Event, Kind
from cqltui.state.model import Status

KIND_OF = {
    Status.QUEUED: Kind.TASK_QUEUED,
    Status.RUNNING: Kind.TASK_CLAIMED,
    Status.DELAYED: Kind.TASK_DELAYED,
    Status.PAUSED: Kind.TASK_PAUSED,
    Status.DONE: Kind.TASK_DONE,
    Status.DEAD: Kind.TASK_DEAD,
    Status.CANCELLED: Kind.TASK_CANCELLED,
    Status.WITHDRAWN: Kind.TASK_WITHDRAWN,
}


class Server(Struct):
    """Holds what Redis would hold. Every operation takes one second."""

    epoch: int = 1
    seq: int = 0
    ts: float = 1_000_000.0
    counter: int = 0
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    workers: dict[str, dict[str, Any]] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=lambda: {"wanted": "running", "seq": 0})
    events: list[Event] = field(default_factory=list)

    def _publish(self, kind: Kind, data: dict[str, Any], task: str = "", worker: str = "") -> None:
        self.seq += 1
        self.events.append(Event(kind, self.ts, self.epoch, self.seq, task, worker, data=data))

    def _life(self, task: str, **change: Any) -> None:
        entry = self.tasks[task]
        entry["life"] = entry["life"] | change
        entry["seq"] = self.seq + 1
        self._publish(KIND_OF[Status(entry["life"]["status"])], entry["life"] | {"info": entry["info"]}, task)

    def apply(self, operation: str, task: str, worker: str) -> None:
        """Do one operation on a task and a worker; one that makes no sense now does nothing."""
        self.ts += 1
        known = self.tasks.get(task)
        status = known["life"]["status"] if known else ""
        match operation, status:
            case "enqueue", "":
                self.tasks[task] = {
                    "info": {"phase": "quality", "title": f"of {task}", "epochs": 10, "epoch_steps": 13},
                    "life": {"status": "queued", "run": 1, "priority": 8, "queued_ts": self.ts},
                }
                self._life(task)
            case "enqueue", "done" | "dead" | "cancelled":
                assert known is not None
                known.pop("progress", None)
                known.pop("saved", None)
                known["info"] = known["info"] | {"title": f"of {task}, again at {self.ts}"}
                run = known["life"]["run"] + 1
                self._life(
                    task, status="queued", run=run, attempt=0, queued_ts=self.ts, started_ts=0, token="", report=None
                )
            case "claim", "queued":
                assert known is not None
                self.counter += 1
                life = known["life"]
                self._life(
                    task,
                    status="running",
                    worker=worker,
                    token=f"{self.epoch}-{self.counter}",
                    attempt=life.get("attempt", 0) + 1,
                    started_ts=life.get("started_ts") or self.ts,
                    claimed_ts=self.ts,
                )
            case "report", "running":
                self._report(task)
            case "checkpoint", "running":
                assert known is not None
                known["saved"] = known.get("progress")
            case "done", "running":
                assert known is not None
                result = {"token": known["life"]["token"], "epoch": 10, "step": 130, "loss": 0.25, "ts": self.ts}
                self._life(task, status=operation, finished_ts=self.ts, report=result)
            case (("delayed" | "dead" | "paused"), "running"):
                assert known is not None
                self._life(task, status=operation, finished_ts=self.ts, report=known.get("saved"))
            case "requeue", "delayed" | "paused":
                self._life(task, status="queued", queued_ts=self.ts)
            case "start", _:
                self._start(worker)
            case "stop", _ if worker in self.workers:
                self._publish(Kind.WORKER_STOPPED, self.workers.pop(worker), worker=worker)
            case "wanted", _:
                self.meta = {"wanted": "draining" if task == "a" else "running", "seq": self.seq + 1}
                self._publish(Kind.WANTED, self.meta)
            case "notice", _:
                self._publish(Kind.NOTICE, {"level": "info", "text": f"at {self.ts}"})
            case "clock", _:
                self.ts -= 500.0
            case "rebuild", _:
                self._rebuild()

    def _start(self, worker: str) -> None:
        """The worker registers."""
        self.workers[worker] = {"pid": int(self.ts), "ts": self.ts, "since": self.seq + 1, "report": 0}
        self._publish(Kind.WORKER_STARTED, self.workers[worker], worker=worker)

    def _report(self, task: str) -> None:
        entry = self.tasks[task]
        worker, token = entry["life"]["worker"], entry["life"]["token"]
        if worker not in self.workers:
            self._start(worker)
        step = entry.get("progress", {"step": 0})["step"] + 13
        report = {"task": task, "token": token, "step": step, "epoch": step // 13, "loss": 1 / step, "ts": self.ts}
        entry["progress"] = report
        known = self.workers[worker]
        place = {"since": known["since"], "report": known["report"] + 1}
        data = {"pid": 7, "host": "box", "samples_per_s": self.ts, "members": [report]} | place
        self.workers[worker] = data | {"ts": self.ts}
        self.events.append(Event(Kind.PROGRESS, self.ts, self.epoch, worker=worker, data=data))

    def _rebuild(self) -> None:
        self.epoch, self.seq, self.counter = self.epoch + 1, 0, 0
        for task, entry in self.tasks.items():
            again = entry["life"]["status"] in ("running", "queued")
            entry.pop("progress", None)  # the run directory keeps what was saved or accepted
            kept = {"status": "queued", "token": "", "queued_ts": self.ts, "report": entry.get("saved")}
            self._life(task, **(kept if again else {}))
        self.meta = self.meta | {"seq": self.seq + 1}
        self._publish(Kind.CAMPAIGN, self.meta)
        for worker in self.workers:
            self._start(worker)

    def snapshot(self) -> Event:
        """A whole reading of the server, of now."""
        self.ts += 1
        tasks = {task: dict(entry) for task, entry in self.tasks.items()}
        data = {"meta": dict(self.meta), "tasks": tasks, "workers": dict(self.workers)}
        return Event(Kind.SNAPSHOT, self.ts, self.epoch, self.seq, data=data)
