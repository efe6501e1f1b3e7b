"""Some of very many tasks, and how many there are of what: for a screen, which holds no million of them."""

from collections.abc import Mapping, Sequence

import redis

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.protocol.snapshot import Told, read_tasks, read_workers
from cqltui.broker.protocol.summary import Groups, event, read_groups
from cqltui.state import decode
from cqltui.state.events import Event, Kind
from cqltui.state.forms import Form
from cqltui.state.page import SIZE, Page

MANY = 100_000
"""Of more tasks a screen holds some only."""
BEFORE = SIZE // 10
"""Tasks before the first that runs, on the first page."""
MOST_DEAD = 1_000
"""Dead tasks that are read at first: they can be run again all at once."""


class Pages:
    """Reads tasks of one server, for one reader."""

    def __init__(self, client: redis.Redis, keys: Keys, scripts: Scripts) -> None:
        self._client, self._keys, self._scripts = client, keys, scripts
        self._forms: dict[str, Form] = {}

    @property
    def total(self) -> int:
        """How many tasks there are."""
        return int(self._client.execute_command("ZCARD", self._keys.tasks))

    def first_reading(self, now: float, first: int | None) -> tuple[Event, Groups] | None:
        """Return how many tasks there are of what, and the page behind so many that were submitted before; None:
        around the first task that runs. Besides what runs and, up to `MOST_DEAD`, what is dead. Also how they were
        counted. None where tasks have so little in common that all of them are as quick to read."""
        groups = read_groups(self._scripts, since_begun=True)
        if groups is None:
            return None
        epoch, seq = decode.whole(groups.meta, "epoch"), decode.whole(groups.meta, "seq")
        running = [_text(name) for name in self._client.execute_command("HGETALL", self._keys.leases)]
        if first is None:
            first = max(0, self._first_of(running) - BEFORE)
        first, ids = self.page(first)
        changed = self.tasks(groups.changed, epoch)
        wanted = dict.fromkeys([*ids, *running, *self._dead()])
        others = self.tasks([one for one in wanted if one not in changed], epoch)
        data = {
            "groups": groups.told,
            "changed": changed,
            "tasks": as_of(others, seq),
            "page": Page(tuple(ids), first),
            "workers": read_workers(self._client, self._keys),
        }
        return event(Kind.SUMMARY, groups, now, data), groups

    def _dead(self) -> list[str]:
        try:
            return list(map(_text, self._client.execute_command("SRANDMEMBER", self._keys.dead, MOST_DEAD)))
        except redis.exceptions.NoPermissionError:  # a user with the rights of an earlier version
            return []

    def _first_of(self, ids: Sequence[str]) -> int:
        """Return how many tasks were submitted before the first of these."""
        if not ids:
            return 0
        pipeline = self._client.pipeline(transaction=False)
        for task_id in ids:
            pipeline.execute_command("HMGET", self._keys.task(task_id), "order")
        known = [codec.whole(order) for (order,) in pipeline.execute() if order is not None]
        if not known:
            return 0
        return int(self._client.execute_command("ZCOUNT", self._keys.tasks, "-inf", f"({min(known)}"))

    def page(self, first: int) -> tuple[int, list[str]]:
        """Return the ids behind so many tasks, or the last ones; and behind how many that is."""
        first = max(0, min(first, self.total - SIZE))
        ids = self._client.execute_command("ZRANGE", self._keys.tasks, first, first + SIZE - 1)
        return first, list(map(_text, ids))

    def behind(self, order: float, count: int) -> list[str]:
        """Return the ids of so many tasks with a submission number greater than this one."""
        told = self._client.execute_command(
            *("ZRANGEBYSCORE", self._keys.tasks, f"({order!r}", "+inf", "LIMIT", 0, count)
        )
        return list(map(_text, told))

    def order_of(self, task_id: str) -> float | None:
        """Return the task's submission number."""
        score = self._client.execute_command("ZSCORE", self._keys.tasks, task_id)
        return None if score is None else float(score)

    def tasks(self, ids: Sequence[str], epoch: int) -> dict[str, Told]:
        """Return these tasks, without those that are lost."""
        return read_tasks(self._client, self._keys, self._scripts, ids, self._forms, epoch)


def as_of(told: Mapping[str, Told], seq: int) -> dict[str, Told]:
    """Return the tasks that have not changed after that event."""
    return {task_id: raw for task_id, raw in told.items() if decode.whole(raw, "seq") <= seq}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
