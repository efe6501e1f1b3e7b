"""How checkpoints get from a worker to the next one, where they do not see the same run directory.

A worker whose run directory is elsewhere sends each checkpoint before it tells of it, seldom enough that nothing
swells; whoever claims a task whose checkpoint is not here fetches it. What comes is checked as a file of an earlier
attempt is, once it lies in the attempt's own folder.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from redis.exceptions import RedisError

from cqltui.broker.protocol.codec import encode_object
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim
from cqltui.errors import ServerError
from cqltui.results.rundir import RunDir, within
from cqltui.store.base import SERVER_BYTES, Store, StoreError, TooLargeError
from cqltui.store.data import WHAT, data_folder, kept_at, unpack_data
from cqltui.store.errand import ask
from cqltui.store.parcel import Key, ParcelError, key_of, pack, run_folder
from cqltui.store.saved import About, pack_saved, unpack_saved
from cqltui.worker.attempt import Attempt
from trainer.files import write_bytes

log = logging.getLogger(__name__)

TRIES, PAUSE_S = 3, 1.0
"""Of fetching a checkpoint: training it again takes longer."""
UNANSWERED_S = 60.0
"""So long after a question without an answer no other is asked: nobody supervises the run."""
Tell = Callable[[str], None]


class _Sent(Struct):
    """What an attempt has sent."""

    key: Key | None = None
    text: str = ""
    stale: list[Key] = field(default_factory=list)
    """What is wanted no longer once the next checkpoint is told of."""
    next: float = 0.0
    is_too_large: bool = False


class Travel:
    """Of one worker process. For the training thread."""

    def __init__(self, queue: Queue, store: Store, worker_id: str, *, sends: bool) -> None:
        """Begin with nothing sent. `sends`: the run directory is elsewhere."""
        self._queue = queue
        self._store = store
        self._worker_id = worker_id
        self._sends = sends
        self._sent: dict[str, _Sent] = {}
        """By token."""
        self._unanswered = -UNANSWERED_S
        self._is_told = False
        """Whether the user knows that checkpoints stay here."""

    # -- out -------------------------------------------------------------------------------------------------------

    def send(self, attempt: Attempt, members: int, tell: Tell, *, leaving: bool = False) -> str | None:
        """Send the attempt's newest checkpoint; return by which key it is found: empty where it stays here, None where
        the next is sent later. `members` of the pack send one each. `leaving`: now, whatever its size.

        Raises RedisError: try again. What the store alone cannot do is told.
        """
        if not self._sends:
            return ""
        sent, epoch = self._sent.setdefault(attempt.claim.token, _Sent()), attempt.saved_epoch
        if sent.key is not None and sent.key.epoch == epoch:
            return sent.text
        if sent.is_too_large:
            return ""
        if not leaving and time.monotonic() < sent.next:
            return None
        began = time.monotonic()
        try:
            content = pack_saved(attempt.folder, epoch, About(attempt.cpus))
        except OSError as error:  # of this machine's disk: the server is none the worse
            sent.next = began + UNANSWERED_S
            log.warning("%s its checkpoint of epoch %d cannot be read: %s", attempt.id, epoch, error)
            return None
        folder = run_folder(attempt.id, attempt.claim.run)
        key = key_of(content, folder, "checkpoint", attempt.claim.token, epoch)
        stale = [other for other in sent.stale[:-1] if other.epoch < epoch]  # the last is what the server names
        try:
            sent.text = self._store.put(key, content, stale)
        except TooLargeError as error:
            sent.is_too_large = not self._store.has_objects
            sent.next = time.monotonic() + UNANSWERED_S
            if not self._is_told:
                tell(f"task {attempt.id}: its checkpoints stay on the machine of worker {self._worker_id}: {error}")
            self._is_told = True
            return "" if sent.is_too_large else None
        except StoreError as error:
            sent.next = time.monotonic() + UNANSWERED_S
            tell(f"task {attempt.id}: its checkpoint of epoch {epoch} could not be sent, it trains on: {error}")
            return None
        sent.stale = [other for other in sent.stale if other not in stale]
        sent.key = Key.read(sent.text)
        pause_s = max(attempt.checkpoint_s, self._store.pause_s * (members if key.size > SERVER_BYTES else 1))
        sent.next = began + pause_s
        log.info("%s sent its checkpoint of epoch %d (%d bytes)", attempt.id, epoch, key.size)
        return sent.text

    def note(self, attempt: Attempt, members: int, tell: Tell, *, leaving: bool = False) -> bool:
        """Tell the server of the newest checkpoint, once it is where others find it; as of `send`."""
        key = self.send(attempt, members, tell, leaving=leaving)
        if key is None:
            return True
        epoch, token = attempt.saved_epoch, attempt.claim.token
        is_ours = self._queue.checkpoint(attempt.id, token, epoch, attempt.saved_report, key)
        attempt.noted_epoch = epoch
        sent = self._sent.get(token)
        if is_ours and sent is not None and sent.key is not None and sent.key not in sent.stale:
            sent.stale.append(sent.key)  # the next takes its place
        return True

    def hand_over(self, claim: Claim, files: Mapping[str, bytes], result: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send the files of a result to where the supervisor finds them; return the result to tell of. Raises
        RedisError."""
        if self._store.has_objects and sum(map(len, files.values())) > SERVER_BYTES:
            content = pack(files, {})
            key = key_of(content, run_folder(claim.id, claim.run), "result", claim.token)
            try:
                told = {**result, "parcel": self._store.put(key, content)}
            except StoreError as error:
                log.warning("%s: its result goes through the server: %s", claim.id, error)
            else:
                self._queue.put_files(claim.id, claim.token, {"result.json": encode_object(told)})
                return told
        self._queue.put_files(claim.id, claim.token, files)
        return result

    # -- in --------------------------------------------------------------------------------------------------------

    def data(self, run_dir: RunDir, digest: str, name: str) -> Path | None:
        """Return the campaign's data as it was sent here, which is to be checked; None if it is not to be had."""
        try:
            path = kept_at(within(run_dir, run_dir.path / "data"), digest, name)
            if path.is_file():
                return path
            if not self._queue.campaign().get("sends_data"):
                return None
            answer = ask(self._queue, self._worker_id, {"what": WHAT, "digest": digest}) or {}
            key = Key.read(answer.get("key"))
            if key is None or key.what != WHAT or key.folder != data_folder(digest):
                return None
            write_bytes(path, unpack_data(self._store.get(key)))
        except (RedisError, ServerError, StoreError, ParcelError, OSError, ValueError) as error:
            log.warning("the campaign's data cannot be had: %s", error)
            return None
        return path

    def bring(self, attempts: Iterable[Attempt], tell: Tell) -> None:
        """Put the checkpoints that these tasks are to go on from, and that are not here, into the attempts' folders.

        One that cannot be had is told of; the task goes on from what is here.
        """
        attempts = list(attempts)
        self._sent = {a.claim.token: self._sent[a.claim.token] for a in attempts if a.claim.token in self._sent}
        wanted = {each.id: each for each in attempts if each.claim.checkpoint_epoch > each.local_epoch()}
        if not wanted:
            return
        keys = {task_id: key for task_id, each in wanted.items() if (key := _named(each.claim)) is not None}
        try:
            lacking = [each for each in wanted.values() if each.id not in keys]
            keys |= self._listed(lacking)
            keys |= self._asked([each for each in lacking if each.id not in keys])
        except (RedisError, ServerError, StoreError, OSError) as error:
            log.warning("it is not known where checkpoints are: %s", error)
        for task_id, attempt in wanted.items():
            epoch = attempt.claim.checkpoint_epoch
            trouble = self._fetched(attempt, keys[task_id]) if task_id in keys else "it is on another machine"
            if trouble:
                tell(f"task {task_id}: its checkpoint of epoch {epoch} cannot be had here: {trouble}")

    def _fetched(self, attempt: Attempt, key: Key) -> str:
        """Fetch a checkpoint; why it could not be, or empty."""
        trouble = ""
        for left in reversed(range(TRIES)):
            try:
                content = self._store.get(key)
                attempt.cpus = (*unpack_saved(content, key.epoch, attempt.folder).cpus, *attempt.cpus)
            except ParcelError as error:
                return str(error)
            except (RedisError, ServerError, StoreError, OSError) as error:
                trouble = str(error)
                time.sleep(PAUSE_S if left else 0)
            else:
                if self._sends:
                    self._sent.setdefault(attempt.claim.token, _Sent()).stale.append(key)
                log.info("%s fetched its checkpoint of epoch %d", attempt.id, key.epoch)
                return ""
        return trouble

    def _listed(self, attempts: Sequence[Attempt]) -> dict[str, Key]:
        """Return what the store holds of tasks whose claims name nothing: the server may have lost it."""
        if not self._store.has_objects:
            return {}
        found = {each.id: self._store.newest(run_folder(each.id, each.claim.run)) for each in attempts}
        return {task_id: key for task_id, key in found.items() if key is not None}

    def _asked(self, attempts: Sequence[Attempt]) -> dict[str, Key]:
        """Return what the supervisor sends of the run directory, which this worker does not see."""
        if not self._sends or not attempts or time.monotonic() < self._unanswered + UNANSWERED_S:
            return {}
        tasks = [[each.id, each.claim.run] for each in attempts]
        answer = ask(self._queue, self._worker_id, {"what": "checkpoints", "tasks": tasks})
        if answer is None:
            self._unanswered = time.monotonic()
        said = (answer or {}).get("keys")
        keys = {each.id: Key.read(said.get(each.id)) for each in attempts} if isinstance(said, dict) else {}
        runs = {each.id: each.claim.run for each in attempts}
        return {
            task_id: key
            for task_id, key in keys.items()
            if key is not None and key.is_of("checkpoint", task_id, runs[task_id])
        }


def _named(claim: Claim) -> Key | None:
    """Return where the claim says that its checkpoint is."""
    key = Key.read(claim.checkpoint_key)
    is_its = key is not None and key.is_of("checkpoint", claim.id, claim.run) and key.epoch == claim.checkpoint_epoch
    return key if is_its else None
