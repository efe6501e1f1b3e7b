"""What workers elsewhere ask of the supervisor, and the parcels that nobody needs any more."""

import logging
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cqltui.broker.protocol.queue import Queue
from cqltui.machine import cpu_model
from cqltui.results.known import newest_of
from cqltui.results.rundir import RunDir
from cqltui.state.model import ENDED, RunState
from cqltui.store import folder
from cqltui.store.base import Store, StoreError
from cqltui.store.data import DATA_BYTES, FILE, WHAT, data_folder
from cqltui.store.parcel import Key, key_of, pack, run_folder
from cqltui.store.saved import About, pack_saved
from trainer.files import read_regular
from trainer.packing import PACK_LIMIT

log = logging.getLogger(__name__)

SWEEP_S = 30.0
UNUSED_S = 120.0
"""A parcel that no task names may be about to be named, or be on its way to who has asked for it."""
DATA_UNUSED_S = 3600.0
LEVEL = 6
"""Of compressing the data."""


class Errands:
    """Does them, a few at a time."""

    def __init__(
        self, queue: Queue, run_dir: RunDir, store: Store, data_path: Path | None, data_digest: str, *, sends_data: bool
    ) -> None:
        """`sends_data`: the campaign's file may leave this machine."""
        self._queue = queue
        self._run_dir = run_dir
        self._store = store
        self._data_path = data_path
        self._data_digest = data_digest
        self._sends_data = sends_data
        self._sent_data = ""
        self._unused: dict[str, float] = {}
        """Since when no task names a parcel."""
        self._next_sweep = time.monotonic() + SWEEP_S

    def serve(self, state: RunState) -> None:
        """Answer who asks, and sweep now and then. Raises RedisError."""
        for worker_id, question in self._queue.errands().items():
            answer = self._answer(state, worker_id, question)
            nonce = question.get("nonce")
            self._queue.answer_errand(worker_id, {**answer, "nonce": nonce if isinstance(nonce, str) else ""})
        if time.monotonic() >= self._next_sweep:
            self.sweep(state, time.monotonic())
            self._next_sweep = time.monotonic() + SWEEP_S

    def _answer(self, state: RunState, worker_id: str, question: Mapping[str, Any]) -> dict[str, Any]:
        asked = question.get("what")
        try:
            if asked == folder.WHAT:
                return folder.confirm(self._run_dir, worker_id, question)
            if asked == "checkpoints":
                return {"keys": self._checkpoints(state, question.get("tasks"))}
            if asked == WHAT:
                return {"key": self._data(question.get("digest"))}
        except (OSError, StoreError) as error:
            log.warning("worker %s asks for %s in vain: %s", worker_id, asked, error)
        return {}

    def _checkpoints(self, state: RunState, asked: object) -> dict[str, str]:
        """Send the newest checkpoints of tasks whose former worker saw the run directory; their keys."""
        found = {}
        for pair in asked[:PACK_LIMIT] if isinstance(asked, list) else ():
            task_id = pair[0] if isinstance(pair, list) and pair else None
            task = state.tasks.get(task_id) if isinstance(task_id, str) else None
            if task is None or (saved := newest_of(self._run_dir, task.id, task.life.run)) is None:
                continue
            content = pack_saved(saved.path.parent, saved.epoch, About((cpu_model(),)))
            token = saved.path.parent.name
            key = key_of(content, run_folder(task.id, task.life.run), "checkpoint", token, saved.epoch)
            found[task.id] = self._store.put(key, content)
        return found

    def _data(self, digest: object) -> str:
        """Send the campaign's data, if it may be; its key, or nothing."""
        if not self._sends_data or self._data_path is None or digest != self._data_digest:
            return ""
        if (key := Key.read(self._sent_data)) is not None and self._is_there(key):
            return self._sent_data
        content = pack({FILE: zlib.compress(read_regular(self._data_path, DATA_BYTES), LEVEL)}, {})
        key = key_of(content, data_folder(self._data_digest), WHAT, "supervisor")
        self._sent_data = self._store.put(key, content)
        return self._sent_data

    def _is_there(self, key: Key) -> bool:
        return key.place != "s" or key.name in self._queue.stowed_names()

    def sweep(self, state: RunState, now: float) -> None:
        """Remove what no task goes on from: its task has ended, or has a newer checkpoint. Raises RedisError."""
        keys = {name: key for name in self._queue.stowed_names() if (key := Key.read(f"s:{name}")) is not None}
        tasks = {name: key.folder.partition("/")[0] for name, key in keys.items() if key.what != WHAT}
        named = self._queue.checkpoint_keys(sorted(set(tasks.values()) & state.tasks.keys()))
        unused = {name for name, task_id in tasks.items() if named.get(task_id) != f"s:{name}"}
        unused |= keys.keys() - tasks.keys()
        self._unused = {name: self._unused.get(name, now) for name in unused}
        over = [name for name, since in self._unused.items() if now - since > _limit_s(keys[name])]
        over += [name for name, task_id in tasks.items() if task_id in state.tasks and _has_ended(state, task_id)]
        self._queue.unstow(over)


def _limit_s(key: Key) -> float:
    return DATA_UNUSED_S if key.what == WHAT else UNUSED_S


def _has_ended(state: RunState, task_id: str) -> bool:
    return state.tasks[task_id].status in ENDED
