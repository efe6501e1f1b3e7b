"""Files of workers on machines that do not see the run directory: they travel through the server."""

from collections.abc import Iterable, Mapping

import redis

from cqltui.broker.protocol.keys import Keys

FILES_KEPT_S = 7 * 24 * 3600
"""An attempt's files wait for a supervisor for so long."""


class Handover:
    """The part of the queue that carries them."""

    client: redis.Redis
    keys: Keys

    def put_files(self, task_id: str, token: str, files: Mapping[str, bytes]) -> bool:
        """Hands over what an attempt wrote on a machine that does not see the run directory. Before `complete`."""
        key = self.keys.files(task_id, token)
        pipeline = self.client.pipeline(transaction=True)
        pipeline.execute_command("HSET", key, *(part for item in files.items() for part in item))
        pipeline.execute_command("EXPIRE", key, FILES_KEPT_S)
        pipeline.execute()
        return True

    def files(self, task_id: str, token: str, names: Iterable[str]) -> dict[str, bytes]:
        """Return what `put_files` handed over under these names, and nothing else that lies there; empty if nothing, or
        if it was dropped."""
        key = self.keys.files(task_id, token)
        asked = {name: self.client.execute_command("HGET", key, name) for name in names}
        return {name: content for name, content in asked.items() if content is not None}

    def file_sizes(self, task_id: str, token: str, names: Iterable[str]) -> dict[str, int]:
        """Return how many bytes `files` would bring, by name: whoever handed them over may have filled the server."""
        key = self.keys.files(task_id, token)
        asked = {name: self.client.execute_command("HSTRLEN", key, name) for name in names}
        return {name: size for name, size in asked.items() if size}

    def drop_files(self, task_id: str, token: str) -> None:
        """Mark the result as handed over: the files are in the run directory now."""
        self.client.execute_command("DEL", self.keys.files(task_id, token))
