"""The queue protocol, typed. Each method is one script, hence one step: it has happened wholly or not at all.

Nothing here tries again: errors of the connection (redis.ConnectionError, redis.TimeoutError) reach the caller, who
does. Every call may be repeated safely: a claim by its nonce, a report by its token.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import redis
from msgspec import to_builtins

from cqltui.broker.protocol import codec, wire
from cqltui.broker.protocol.audit import Audits
from cqltui.broker.protocol.bounded import parts
from cqltui.broker.protocol.claims import ERROR_LIMIT, Claims
from cqltui.broker.protocol.commands import Commands
from cqltui.broker.protocol.handover import Handover
from cqltui.broker.protocol.records import (
    Lease,
    RefusedError,
    Result,
    ServerFullError,
    Submission,
    TaskError,
    check_name,
    check_priority,
    clean,
)
from cqltui.broker.protocol.snapshot import read_snapshot
from cqltui.broker.protocol.stowing import Stowing
from cqltui.broker.protocol.trouble import sensible, told
from cqltui.state import placed
from cqltui.state.events import Event, Kind
from cqltui.state.model import ENDED, Lifecycle, Status
from cqltui.state.placed import BlockInfo
from cqltui.state.report import report_of

BATCH = 500
"""Tasks sent in one call: ten milliseconds of the server's time."""
EVENT_BYTES = 512 << 10
"""Of what one event tells of new tasks; a batch of usual ones takes a tenth of it."""
ROUND = 10
"""Batches that make no more events than half of what the stream keeps."""
ALIGN = 1000
"""Entries of training_queue that one step of `reconcile` looks at."""


class Queue(Commands, Claims, Handover, Stowing, Audits):
    """One campaign's queue on one server. Not for use by several threads at once beyond what redis.Redis allows."""

    def __init__(self, client: redis.Redis, namespace: str = "") -> None:
        super().__init__(client, namespace)
        self._cursor = b"0"  # where `reconcile` goes on
        self._holders: dict[tuple[str, str], bytes | None] = {}
        """The process that has claimed, by task and token of the leases that there were: it stays the same."""

    # -- what the campaign file says -----------------------------------------------------------------------------

    def enqueue(self, task: Submission) -> None:
        """Add one task; see `enqueue_many`."""
        self.enqueue_many([task])

    def enqueue_many(
        self, tasks: Iterable[Submission], between: Callable[[], object] | None = None, *, rows: bool = False
    ) -> int:
        """Add tasks in order, and return how many were sent. `between`: called after every `ROUND` batches. `rows`:
        there are very many, so that new ones are told together, and none has a hash before something happens to it.

        A task that is there with the same digest stays as it is, but for its info and spec, a priority that the file
        has changed, and a withdrawn one, which comes back to its former state. Raises TaskError naming those whose
        digest differs (the others are added), ServerFullError if the server has no room, InputError for a wrong id.
        """
        conflicts: list[str] = []
        sent = 0
        source = iter(tasks)
        while batch := list(islice(source, BATCH)):
            try:
                left = self._submit(batch) if rows else batch
                conflicts += self._enqueue(left) if left else []
            except ServerFullError as error:
                raise ServerFullError(f"{error}; {sent} tasks were submitted, from {batch[0].id} on none") from error
            sent += len(batch)
            if between is not None and sent % (ROUND * BATCH) == 0:
                between()
        if conflicts:
            raise TaskError(
                *(f"task {task_id}: the server holds another definition under this id" for task_id in conflicts)
            )
        return sent

    def _enqueue(self, batch: Sequence[Submission]) -> list[str]:
        """Add tasks; return the ids of those that the server has with another digest."""
        forms = wire.forms(batch)
        args = [value for task in batch for value in wire.enqueued(task)]
        return [raw.decode() for raw in self._scripts.run("enqueue", len(forms), *forms, *args)]

    def _submit(self, batch: Sequence[Submission]) -> Sequence[Submission]:
        """Add new tasks as rows; return those for which that will not do."""
        rows = [row for row in map(wire.row, batch) if row is not None]
        if len(rows) < len(batch) or sum(len(row[3]) for row in rows) > EVENT_BYTES:
            return batch  # in the order of the file, and no longer event than readers have room for
        forms = wire.forms(batch)
        args = [value for row in rows for value in row]
        others = set(self._scripts.run("submit", wire.told_forms(batch), len(forms), *forms, *args))
        return [task for task in batch if task.id.encode() in others]

    def restore(
        self, task: Submission, life: Lifecycle, result: Result | None = None, before: Lifecycle | None = None
    ) -> bool:
        """Register a task as the run directory knows it, after the server's data was lost. Of one that is known only a
        lost result is put back.

        A running or delayed task is queued, with its run and priority. `before`: of an earlier run that was done, which
        a cancel brings back. Returns whether it was registered.
        """
        if life.status is Status.WITHDRAWN or (life.status is Status.DONE) != (result is not None):
            raise ValueError(f"a {life.status} task is not restored {'with' if result else 'without'} a result")
        status = Status.QUEUED if life.status in {Status.RUNNING, Status.DELAYED} else life.status
        priority = check_priority(task.id, int(life.priority))
        record = codec.encode_object(wire.result_object(result)) if result else b""
        last = result or (life if status in ENDED else Lifecycle())
        token, worker = last.token, last.worker
        where = (status, priority, life.run, life.attempt, life.finished_ts)
        texts = (clean(life.error)[:ERROR_LIMIT], life.paused_by, token, worker)
        saved = None if life.report is None else to_builtins(life.report)
        report = wire.report(saved if result is None else report_of(result.data))
        kept = b"" if before is None else wire.kept(before)
        rest = (life.started_ts, life.claimed_ts, report, kept, *wire.forms([task]))
        return bool(self._scripts.run("restore", *wire.submission(task), *where, *texts, record, *rest))

    def withdraw(self, task_ids: Iterable[str]) -> int:
        """Take tasks out that the campaign file no longer has; return how many were not withdrawn already."""
        source = iter(task_ids)
        count = 0
        while batch := list(islice(source, BATCH)):
            count += int(self._scripts.run("withdraw", *batch))
        return count

    def ids(self) -> list[str]:
        """Return every task known, withdrawn ones too, by submission number."""
        return [raw.decode() for raw in self.client.execute_command("ZRANGE", self.keys.tasks, 0, -1)]

    # -- the reaper ----------------------------------------------------------------------------------------------

    def leases(self) -> list[Lease]:
        """Return every lease with its count of heartbeats, for the reaper."""
        raw: dict[bytes, bytes] = self.client.execute_command("HGETALL", self.keys.leases)
        found = {
            task_id.decode(errors="replace"): lease
            for task_id, stored in raw.items()
            if (lease := wire.lease(stored)) is not None
        }
        holders = {(task_id, token): b"" for task_id, (token, _, _) in found.items()}
        unknown = [key for key in holders if key not in self._holders]
        workers = {worker for _, _, worker in found.values()}
        pipeline = self.client.pipeline(transaction=False)
        for task_id, _ in unknown:
            pipeline.execute_command("HMGET", self.keys.task(task_id), "token", "instance")
        for worker in workers:
            pipeline.execute_command("HGET", self.keys.worker(worker), "instance")
        answers = pipeline.execute()
        instances = dict(zip(workers, answers[len(unknown) :], strict=True))
        told = dict(zip(unknown, answers, strict=False))
        holder = {key: told[key][1] if key in told else self._holders[key] for key in holders}
        # What the hash said of another claim of the task is asked again.
        self._holders = {key: of for key, of in holder.items() if key not in told or told[key][0] == key[1].encode()}
        return [
            Lease(task_id, token, beat, worker, fenced=instances[worker] not in (None, holder[task_id, token]))
            for task_id, (token, beat, worker) in found.items()
        ]

    def died(self, task_id: str, token: str, reason: str, max_deaths: int, retry_s: float | None = None) -> bool:
        """Tell that the worker died with the task, or its lease ran out; return False if another has the task by now.

        Dead after `max_deaths` deaths alone without a new checkpoint in between; else queued again, after `retry_s`
        seconds if given, and claimed alone until its next checkpoint.
        """
        text = clean(reason)[:ERROR_LIMIT]
        return bool(self._scripts.run("died", task_id, token, text, max_deaths, retry_s or 0))

    def promote(self, task_id: str | None = None) -> int:
        """Queues the delayed tasks that are due, or the named one at once; returns how many."""
        if task_id is not None:
            return int(self._scripts.run("promote", check_name("task", task_id)))
        count = 0
        for _ in parts("the delayed tasks"):
            if not (more := int(self._scripts.run("promote", ""))):
                break
            count += more
        return count

    def reconcile(self) -> int:
        """Brings what was typed into training_queue in line; returns how many entries were out of line.

        For the supervisor, twice a second. Looks at a part of a long queue each time, at all of it when counts differ.
        """
        fixed, self._cursor, differs, *levels = self._scripts.run("reconcile", self._cursor, ALIGN)
        if differs:
            fixed += sum(self._whole("level", level) for level in levels) + self._whole("reconcile")
        return int(fixed)

    def _whole(self, script: str, *args: bytes) -> int:
        """Run a script that aligns a part at a time, by a cursor; return how many entries were out of line."""
        cursor, fixed = b"0", 0
        for _ in parts("the queue"):
            more, cursor, *_ = self._scripts.run(script, *args, cursor, ALIGN)
            fixed += int(more)
            if cursor == b"0":
                break
        return fixed

    # -- what the supervisor tells -------------------------------------------------------------------------------

    def set_campaign(self, info: Mapping[str, Any]) -> bool:
        """Set the run's description, as decode.campaign reads it; return False if it was the same."""
        return bool(self._scripts.run("meta", Kind.CAMPAIGN, "campaign", codec.encode_object(info), "", ""))

    def set_filled(self) -> None:
        """Mark the queue as filled: it holds what the run directory knows."""
        self._scripts.run("filled")

    def set_workers(self, count: int) -> None:
        """How many workers are wanted; claims share the work out over them, or over more if more have registered."""
        self.client.execute_command("HSET", self.keys.meta, "workers", count)

    def set_program(self, version: str) -> None:
        """Which version of cqltui the supervisor is of: workers of another get no task, but those that it has started
        on its own machine (`started_by` of what they register)."""
        self.client.execute_command("HSET", self.keys.meta, "program", version)

    def set_blocks(self, blocks: Sequence[BlockInfo]) -> None:
        """How the blocks of workers elsewhere stand, as `blocks` reads it; no event, since it changes often."""
        value = codec.encode_object({"blocks": [to_builtins(block) for block in blocks]})
        self.client.execute_command("HSET", self.keys.meta, "blocks", value)

    def present(self, expected_ts: float | None, weight: int = 1) -> None:
        """Tell that the run's supervisor is there, for those who list the server's campaigns. `expected_ts`: when the
        run is going to end, None while that is not known."""
        self._scripts.run("present", "" if expected_ts is None else f"{expected_ts:.0f}", weight)

    def finish(self, ts: float) -> bool:
        """Tell that the results are written (ts > 0), or the run goes on (0); return False if it was so already."""
        return bool(self._scripts.run("meta", Kind.FINISHED, "finished_ts", f"{ts:.6f}", "", ""))

    def notice(self, level: str, text: str) -> None:
        """Send a line for the user: level "info", "warning" or "error"."""
        self._scripts.run("notice", level, clean(text)[:ERROR_LIMIT])

    # -- reading -------------------------------------------------------------------------------------------------

    def version(self) -> tuple[int, int]:
        """Return (epoch, seq) of the newest event; epoch 0 if none was opened: then the data was lost."""
        epoch, seq = self.client.execute_command("HMGET", self.keys.meta, "epoch", "seq")
        return codec.whole(epoch), codec.whole(seq)

    def is_filled(self) -> bool:
        """Return whether all that the run directory knows was put into the queue in this epoch."""
        epoch, filled = self.client.execute_command("HMGET", self.keys.meta, "epoch", "filled")
        return epoch is not None and epoch == filled

    def is_finished(self) -> bool:
        """Return whether the run's supervisor has written the results and left."""
        raw = self.client.execute_command("HGET", self.keys.meta, "finished_ts")
        return raw is not None and float(raw) > 0

    def campaign(self) -> Mapping[str, Any]:
        """Return what `set_campaign` told last; empty if nothing."""
        raw = self.client.execute_command("HGET", self.keys.meta, "campaign")
        if not isinstance(raw, bytes | None):
            raise RefusedError(told(TypeError()))
        return codec.decode_object(raw) or {}

    def blocks(self) -> tuple[BlockInfo, ...]:
        """Return what `set_blocks` told last."""
        raw = self.client.execute_command("HGET", self.keys.meta, "blocks")
        return placed.blocks((codec.decode_object(raw) or {}).get("blocks")) if isinstance(raw, bytes) else ()

    def depth(self) -> int:
        """Return how many tasks are in training_queue."""
        return int(self.client.execute_command("ZCARD", self.keys.queue))

    def result(self, task_id: str, run: int) -> Result | None:
        """Return what the run gave, None if it has not ended well."""
        raw = self.client.execute_command("HGET", self.keys.results, f"{task_id}/{run}")
        return wire.result(raw, f"{task_id}/{run}")

    def results(self) -> Iterator[Result]:
        """Yield every result recorded, of all runs, in no order."""
        for place, raw in self.client.hscan_iter(self.keys.results, count=BATCH):
            if (result := wire.result(raw, place.decode("utf-8", "replace"))) is not None:
                yield result

    def now(self) -> float:
        """Return the server's clock, in seconds since 1970."""
        seconds, micros = self.client.execute_command("TIME")
        return float(seconds) + float(micros) / 1e6

    def snapshot(self) -> Event:
        """Return all tasks, workers and the run's state as an Event(SNAPSHOT)."""
        with sensible():
            return read_snapshot(self.client, self.keys, self._scripts, self.now())
