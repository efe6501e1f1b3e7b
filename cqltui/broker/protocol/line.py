"""A connection that is held between calls: redis-py takes longer to borrow and return one than a script runs."""

import os
import time
from threading import Lock
from typing import Any

import redis
from redis.connection import AbstractConnection
from redis.exceptions import ConnectionError, ResponseError

BUSY_S = 200e-6
"""So long an answer is looked for before the process goes to sleep for it. Most are there by then, and a core that has
nothing to do takes as long to wake up as the server for a script."""


class Line:
    """Calls commands over one connection of the client's pool.

    While one thread uses it, another's call goes the client's ordinary way. Errors are those of redis.Redis.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._connection: AbstractConnection | None = None
        self._lock = Lock()

    def call(self, *command: str | bytes | int | float) -> Any:
        """Return the answer, as the server gives it. Sent once."""
        if not self._lock.acquire(blocking=False):
            return self._client.execute_command(*command)
        try:
            return self._exchange(self._ready(), command)
        finally:
            self._lock.release()

    def close(self) -> None:
        """Give the connection back to the pool."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                self._client.connection_pool.release(connection)  # type: ignore[arg-type]  # it came from there

    def _ready(self) -> AbstractConnection:
        """Return the connection, connected and with nothing left to read."""
        connection = self._connection
        if connection is None or connection.pid != os.getpid():  # a forked process may not use its parent's
            self._connection = connection = self._client.connection_pool.get_connection()
            return connection
        connection.connect()  # unless it is
        try:
            stale = connection.can_read()  # true, or an error, also when the server has closed it
        except (ConnectionError, OSError):
            stale = True
        if stale:
            connection.disconnect()
            connection.connect()
        return connection

    @staticmethod
    def _exchange(connection: AbstractConnection, command: tuple[str | bytes | int | float, ...]) -> Any:
        whole = False
        try:
            connection.send_command(*command)
            end = time.perf_counter() + BUSY_S
            while not connection.can_read() and time.perf_counter() < end:
                pass
            answer = connection.read_response()
            whole = True
        except ResponseError:
            whole = True
            raise
        finally:
            if not whole:  # an answer that is still on its way belongs to no later call
                connection.disconnect()
        return answer
