"""Every Redis name. The scripts (lua/common.lua) build the same names from the same prefix."""

import re

NAMESPACE = re.compile(r"(?!cq\Z)[A-Za-z0-9_-]{0,32}")
"""Not "cq": such keys are among those of a campaign without a namespace, whose users may write and delete cq:*."""
EXPECTED = "at most 32 letters, digits, '_' and '-', and not 'cq', with which other campaigns' keys begin"

USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._?-]{0,63}")
USER_EXPECTED = "1 to 64 letters, digits, '.', '_', '?' or '-', the first a letter or digit"
"""A user's name on a server, as far as quotas go; `asker` tells an owner's so."""
LIMITS = "cqltui-quotas"
"""Hash of the whole server: user -> how many workers he may have, since when, who said so."""
PLACES = "cqltui-places:"
"""+ user: hash of his workers in all campaigns, prefix|worker -> instance. Neither is among a campaign's keys."""


class Keys:
    """The names of one campaign; bare without a namespace, so that the documented redis-cli commands work."""

    def __init__(self, namespace: str = "") -> None:
        """Check the namespace. Raises ValueError if it holds anything but letters, digits, "_" and "-", or is "cq"."""
        if not NAMESPACE.fullmatch(namespace):
            raise ValueError(f"a namespace is {EXPECTED}")
        self._name(f"{namespace}:" if namespace else "")

    def _name(self, prefix: str) -> None:
        self.prefix = prefix
        self.queue = f"{self.prefix}training_queue"
        """Sorted set: id -> priority, higher first."""
        self.active_workers = f"{self.prefix}active_workers"
        """Set of worker ids."""
        cq = f"{self.prefix}cq:"
        self.own = f"{cq}*"
        """The pattern of all names below."""
        self.meta = f"{cq}meta"
        """Hash: epoch, filled, seq, token, order, workers, wanted, wanted_by, asked_workers, asked_workers_by,
        campaign, finished_ts, meta_seq, blocks, supervised_ts, expected_ts, weight; rows, if there were untouched
        tasks; form:<name>, what many tasks have in common."""
        self.tasks = f"{cq}tasks"
        """Sorted set: id -> submission number, every task known."""
        self.untouched = f"{cq}untouched"
        """Hash: id -> what readers are told of a task that waits as it was submitted and has no hash of its own yet."""
        self.untouched_rest = f"{cq}untouched:rest"
        """Hash: id -> what else its hash will have."""
        self.order = f"{cq}order:"
        """+ priority: sorted set id -> submission number, the queue's index."""
        self.pack = f"{cq}pack:"
        """+ priority:pack: the same for tasks that may train together."""
        self.levels = f"{cq}levels"
        """Sorted set: priorities that have or had an index."""
        self.leases = f"{cq}leases"
        """Hash: id -> token|heartbeats|worker."""
        self.delayed = f"{cq}delayed"
        """Sorted set: id -> when it is due."""
        self.paused = f"{cq}paused"
        self.dead = f"{cq}dead"
        """Sets of ids."""
        self.rejected = f"{cq}rejected"
        """Sorted set: what was typed into the queue and is no task -> when."""
        self.results = f"{cq}results"
        """Hash: id/run -> JSON."""
        self.notices = f"{cq}notices"
        """List of notice events, the newest first, bounded."""
        self.events = f"{cq}events"
        """Capped stream of lifecycle events with ids <epoch>-<seq>, and the channel of the same name."""
        self.store = f"{cq}store"
        """Hash: name -> bytes of parcels for those who do not see the run directory."""
        self.stored = f"{cq}stored"
        """Hash: name -> its bytes, and `total` -> those of all."""
        self.errands = f"{cq}errands"
        """Hash: worker -> what it asks of the supervisor, JSON."""
        self.errands_done = f"{cq}errands_done"
        """Hash: worker -> the answer, JSON."""
        self.looked = f"{cq}looked"
        """Sorted set: id of a task that somebody looks at -> until when that is known."""
        self.shares = f"{cq}shares"
        """Hash, of workers that campaigns share: names, present, and by campaign its virtual time."""
        self.turns = f"{cq}turns"
        """Hash: shared worker -> seconds charged, when it spoke, its campaign."""
        self._checkup = f"{cq}checkup:"
        self._files = f"{cq}files:"
        self._task = f"{cq}task:"
        self._worker = f"{cq}worker:"

    @classmethod
    def of_all(cls, start: str = "") -> "Keys":
        """Return the patterns of the names of all campaigns whose namespaces begin so, for the rights of a user."""
        keys = cls.__new__(cls)
        keys._name(f"{start}*")
        return keys

    def task(self, task_id: str) -> str:
        """Hash of one task."""
        return self._task + task_id

    def checkup(self, name: str) -> str:
        """Return what `cqltui doctor` writes and removes: a hash, and keys that begin so."""
        return self._checkup + name

    def files(self, task_id: str, token: str) -> str:
        """Hash of an attempt's files, name -> bytes, from a machine that does not see the run directory."""
        return f"{self._files}{task_id}:{token}"

    def worker(self, worker_id: str) -> str:
        """Hash of one worker: instance, data, ts, nonce, claimed, user."""
        return self._worker + worker_id
