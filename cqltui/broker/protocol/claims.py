"""What workers say to the queue: that they are there, what they claim, how it goes and how it ended."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import redis

from cqltui.broker.protocol import codec, wire
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.quotas import Quota, quota, user_of
from cqltui.broker.protocol.records import (
    Claim,
    QuotaError,
    Registration,
    Report,
    check_name,
    clean,
)
from cqltui.broker.protocol.scripts import Scripts
from cqltui.state.model import Status
from cqltui.state.report import report_of

ERROR_LIMIT = 10_000
"""Characters of an error that are kept with the task."""
CLAIM = 9
"""Values of a claimed task in the script's answer."""
LOOKED_S = 30.0
"""So long a screen's word counts that it shows a task: it says so again before."""
MOST_LOOKED = 500
"""Tasks that fit on a screen."""


class Claims:
    """The workers' part of the queue."""

    client: redis.Redis
    keys: Keys
    _scripts: Scripts

    def register_worker(
        self,
        worker_id: str,
        data: Mapping[str, Any],
        instance: str = "",
        user: str | None = None,
        *,
        is_known: bool = False,
    ) -> Registration:
        """Register a process under this id; an older one of the same id is fenced from now on. `data` as decode.worker
        reads it.

        Leases of the older process are valid no longer; `leases` shows them as fenced until `died` ends them.
        `instance`: of a process that registers again; its leases stay valid, and no-op if it is known. `user`: whose
        worker a quota takes it for, by default this connection's. `is_known`: it was registered before, so no quota
        refuses it. Raises QuotaError.
        """
        worker = Registration(check_name("worker", worker_id), instance or secrets.token_hex(8))
        whose = user_of(self.client) if user is None else user
        args = (worker.id, worker.instance, codec.encode_object(data), whose, int(is_known))
        answer = self._scripts.run("register", *args)
        if isinstance(answer, list):
            raise QuotaError(quota(answer).refusal)
        return worker

    def quota(self) -> Quota:
        """Return how many workers whoever runs the campaign has and may have on the whole server."""
        return quota(self._scripts.run("places", user_of(self.client)))

    def unregister_worker(self, worker: Registration | str) -> bool:
        """Unregister a process that leaves; return False if it was not registered (any more). By bare id: whichever
        process has it, which the caller knows to be dead."""
        worker_id, instance = (worker.id, worker.instance) if isinstance(worker, Registration) else (worker, "")
        return bool(self._scripts.run("unregister", check_name("worker", worker_id), instance))

    def claim(
        self,
        worker: Registration,
        nonce: str = "",
        limit: int = 1,
        min_priority: int | None = None,
        memory_bytes: int | None = None,
    ) -> list[Claim]:
        """Up to `limit` tasks to train together: the first of the highest priority and mates of its pack and priority.

        Mates are taken, in order, up to the worker's fair share of the work in FLOPs: what is queued at this priority
        and what other workers have left, over the workers wanted; and as far as they fit into `memory_bytes`.
        Nothing while the campaign is paused, draining or stopped, the worker is asked to leave, or the highest priority
        is below `min_priority`.
        The same nonce (new for each intended claim) gets the same tasks again.
        Raises FencedError and UnregisteredError.
        """
        lowest = "" if min_priority is None else min_priority
        memory = "" if memory_bytes is None else memory_bytes
        args = (worker.id, worker.instance, nonce, max(1, limit), lowest, memory)
        flat = self._scripts.run("claim", *args, "")
        if flat == 0:  # somebody typed into training_queue
            self._scripts.run("realign")
            flat = self._scripts.run("claim", *args, "any") or []  # what differs far behind is for `reconcile`
        return [wire.claim(flat[i : i + CLAIM]) for i in range(0, len(flat), CLAIM)]

    def heartbeat(self, worker: Registration, leases: Mapping[str, str], data: Mapping[str, Any]) -> Report:
        """Extend the leases (id -> token), tell how the worker does, and bring what is asked of each task."""
        return self._report(worker, [(task_id, token, b"") for task_id, token in leases.items()], data)

    def progress(self, worker: Registration, members: Sequence[Mapping[str, Any]], data: Mapping[str, Any]) -> Report:
        """Send a heartbeat that tells and stores how each task does. A member: task, token, what decode.progress
        reads."""
        rows = []
        for member in members:
            report = codec.encode_object({key: value for key, value in member.items() if key != "ts"})
            rows.append((str(member["task"]), str(member["token"]), report))
        return self._report(worker, rows, data)

    def _report(self, worker: Registration, rows: Sequence[tuple[str, str, bytes]], data: Mapping[str, Any]) -> Report:
        own = {key: value for key, value in data.items() if key not in {"tasks", "members"}}
        flat = [value for row in rows for value in row]
        answer = self._scripts.run("report", worker.id, worker.instance, codec.encode_object(own), *flat)
        return wire.answered([row[0] for row in rows], answer)

    def look_at(self, task_ids: Iterable[str], seconds: float = LOOKED_S) -> None:
        """Say that somebody looks at these tasks, for so long: where there are more than `MANY_WORKERS`, reports bring
        the curves of such tasks alone."""
        self._scripts.run("look", seconds, *islice(task_ids, MOST_LOOKED))

    def checkpoint(
        self, task_id: str, token: str, epoch: int, report: Mapping[str, Any] | None = None, key: str = ""
    ) -> bool:
        """Tell that a checkpoint after `epoch` epochs is on disk; return False if the lease is lost. A later one than
        before clears the deaths. `report`: as of that epoch, what is shown of the task when it no longer runs.
        `key`: by which it is found in a store; empty where the run directory has it."""
        return bool(self._scripts.run("checkpoint", task_id, token, epoch, wire.report(report), key))

    def complete(self, task_id: str, token: str, result: Mapping[str, Any]) -> bool:
        """Tell that the task is done. Recorded once; return True again for the token that did it, False (fenced) for
        any other."""
        report = wire.report(report_of(result))
        return bool(self._scripts.run("complete", task_id, token, codec.encode_object(result), report))

    def fail(self, task_id: str, token: str, error: str, retry_s: float | None) -> bool:
        """Tell that the training failed: again after `retry_s` seconds, dead for None. Return False if the lease is
        lost."""
        retry = "" if retry_s is None else max(0.0, retry_s)
        return bool(self._scripts.run("fail", task_id, token, clean(error)[:ERROR_LIMIT], retry))

    def release(
        self,
        task_id: str,
        token: str,
        to: Status = Status.QUEUED,
        paused_by: str = "campaign",
        report: Mapping[str, Any] | None = None,
    ) -> bool:
        """Give the task back, its checkpoint written; its place in the queue is kept. Return False if fenced.

        `to` is queued, paused or cancelled, yet what is asked of the task by now goes first: a pause that was taken
        back meanwhile leads to queued, a cancel that came meanwhile to cancelled, or to done where it
        was done before this run. `report`: as of its newest checkpoint.
        """
        if to not in {Status.QUEUED, Status.PAUSED, Status.CANCELLED}:
            raise ValueError(f"a task is not released to {to}")
        return bool(self._scripts.run("release", task_id, token, to, paused_by, wire.report(report)))
