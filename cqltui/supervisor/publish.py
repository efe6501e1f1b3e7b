"""Takes the result of a task that is done into the run directory, or has it trained again."""

from msgspec.structs import replace

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Result
from cqltui.state.model import TaskInfo, TaskState
from cqltui.store.base import Store
from cqltui.store.parcel import Key, ParcelError, unpack
from cqltui.supervisor.accepted import RefusedResultError, planned_files
from cqltui.supervisor.records import Records


class Publisher:
    """Between the queue, which says what was accepted, and the run directory."""

    def __init__(self, queue: Queue, records: Records, store: Store | None = None) -> None:
        self._queue = queue
        self._records = records
        self._store = store or Store(queue)

    def publish(self, task: TaskState) -> None:
        """Put the files of its result in place; without them, or with others than it says, it is trained again.

        Raises RedisError, CqltuiError and OSError, and may be called again.
        """
        try:
            trouble = "" if self._published(task) else "its files are lost"
        except RefusedResultError as error:
            trouble = f"its result is refused ({error})"
            self._queue.drop_files(task.id, task.life.token)
        if trouble and self._queue.resubmit(task.id):
            self._queue.notice("warning", f"task {task.id} was done, but {trouble}: it is trained again")

    def _published(self, task: TaskState) -> bool:
        life = task.life
        # Whose result it is, the accepted completion says, and not what came with it.
        accepted = Result(task.id, life.run, life.attempt, life.token, life.worker, life.finished_ts)
        result = self._queue.result(task.id, life.run)
        if result is None or result.token != life.token:  # the server's copy is damaged or lost
            self._take_files(accepted, task.info)
            return self._records.result(task.id, life) is not None
        result = replace(accepted, ts=result.ts, data=result.data)
        return self._records.publish(result) or self._receive(result, task.info)

    def _receive(self, result: Result, info: TaskInfo) -> bool:
        """Take over what a worker on another machine has handed over; False if there is nothing."""
        self._take_files(result, info)
        published = self._records.publish(result)
        if published:
            self._queue.drop_files(result.id, result.token)
            if (key := self._parcel(result)) is not None:
                self._store.clear(key.folder)
        return published

    def _parcel(self, result: Result) -> Key | None:
        """Return where a result lies that was too large for the server; None if it is not elsewhere."""
        key = Key.read(result.data.get("parcel"))
        is_its = key is not None and key.is_of("result", result.id, result.run) and key.token == result.token
        return key if is_its else None

    def _take_files(self, result: Result, info: TaskInfo) -> None:
        """Put what was handed over into the attempt's folder, unless it is more than a result can be: that is not even
        read."""
        names = planned_files(info)
        if (key := self._parcel(result)) is not None:
            try:
                files, _ = unpack(self._store.get(key), names.__contains__)
            except ParcelError as error:
                raise RefusedResultError(f"what its worker has sent: {error}") from error
            self._records.receive(result, files)
            return
        self._records.check_sizes(result.id, self._queue.file_sizes(result.id, result.token, names))
        self._records.receive(result, self._queue.files(result.id, result.token, names))
