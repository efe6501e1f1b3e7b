"""Parcels that the server keeps for those who do not see the run directory, and what a worker asks of the supervisor
about it."""

from collections.abc import Mapping, Sequence
from typing import Any

import redis

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.scripts import Scripts
from cqltui.state.decode import NAME

STORE_BYTES = 256 << 20
"""Of all parcels together: they are in the server's memory."""
ERRANDS_AT_ONCE = 64
ERRAND_BYTES = 32_000
"""Of a question or an answer."""
ANSWERS_KEPT_S = 600


class Stowing:
    """The part of the queue that carries them."""

    client: redis.Redis
    keys: Keys
    _scripts: Scripts

    def stow(self, name: str, content: bytes, instead_of: Sequence[str] = (), most: int = STORE_BYTES) -> int:
        """Keep a parcel under this name, once those that it takes the place of are removed; return how many there are,
        0 if all of them together would have more than `most` bytes. Raises ServerFullError."""
        return int(self._scripts.run("stow", most, name, content, *instead_of))

    def unstow(self, names: Sequence[str]) -> None:
        """Remove parcels."""
        if names:
            self._scripts.run("stow", 0, names[0], b"", *names[1:])

    def stowed(self, name: str, most: int) -> bytes | None:
        """Return a parcel; None if there is none, or one of more than `most` bytes, which is not even read."""
        size = int(self.client.execute_command("HSTRLEN", self.keys.store, name))
        found: bytes | None = self.client.execute_command("HGET", self.keys.store, name) if 0 < size <= most else None
        return found

    def stowed_names(self) -> set[str]:
        """Return the names of all parcels."""
        raw: dict[bytes, bytes] = self.client.execute_command("HGETALL", self.keys.stored)
        return {name.decode(errors="replace") for name in raw} - {"total"}

    def checkpoint_keys(self, task_ids: Sequence[str]) -> dict[str, str]:
        """Return by which key the newest checkpoint of each task is found in a store; empty for none."""
        pipeline = self.client.pipeline(transaction=False)
        for task_id in task_ids:
            pipeline.execute_command("HGET", self.keys.task(task_id), "checkpoint_key")
        found = zip(task_ids, pipeline.execute() if task_ids else (), strict=True)
        return {task_id: (raw or b"").decode(errors="replace") for task_id, raw in found}

    # -- errands: a worker asks, the supervisor answers ------------------------------------------------------------

    def ask_errand(self, worker_id: str, question: Mapping[str, Any]) -> None:
        """Ask the supervisor for something, in place of what this worker has asked before."""
        self.client.execute_command("HSET", self.keys.errands, worker_id, codec.encode_object(question))

    def errand_answer(self, worker_id: str) -> dict[str, Any]:
        """Return the supervisor's latest answer to this worker; empty if there is none."""
        raw = self.client.execute_command("HGET", self.keys.errands_done, worker_id)
        return (codec.decode_object(raw) or {}) if isinstance(raw, bytes) and len(raw) <= ERRAND_BYTES else {}

    def errands(self) -> dict[str, dict[str, Any]]:
        """Return some of what workers ask, by worker. What cannot be read is removed."""
        _, raw = self.client.execute_command("HSCAN", self.keys.errands, 0, "COUNT", ERRANDS_AT_ONCE)
        found: dict[str, dict[str, Any]] = {}
        for who, text in list(raw.items())[:ERRANDS_AT_ONCE]:
            name = who.decode(errors="replace")
            question = codec.decode_object(text) if len(text) <= ERRAND_BYTES and NAME.fullmatch(name) else None
            if question is None:
                self.client.execute_command("HDEL", self.keys.errands, who)
            else:
                found[name] = question
        return found

    def answer_errand(self, worker_id: str, answer: Mapping[str, Any]) -> None:
        """Answer a worker, whose question is done with."""
        pipeline = self.client.pipeline(transaction=True)
        pipeline.execute_command("HDEL", self.keys.errands, worker_id)
        pipeline.execute_command("HSET", self.keys.errands_done, worker_id, codec.encode_object(answer))
        pipeline.execute_command("EXPIRE", self.keys.errands_done, ANSWERS_KEPT_S)
        pipeline.execute()
