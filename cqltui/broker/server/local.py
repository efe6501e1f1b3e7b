"""Connections to the embedded server: to where its connection file says that it is now, to nobody else's server, and by
the names that its commands have at this start."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis
from redis.connection import HiredisRespSerializer

from cqltui.broker.server import keeper


class Place:
    """Where a server is and how it is entered. Its password is in no text about it."""

    def __init__(self, where: Mapping[str, Any], folder: Path | None = None) -> None:
        """`where`: what a connection file says. `folder`: of the server, whose file is read again at each connection,
        since a later server may have another socket."""
        self._where, self._folder = where, folder

    def now(self) -> Mapping[str, Any]:
        """Return what the connection file says; what it said last while there is none."""
        if self._folder is not None:
            self._where = keeper.read_connection(self._folder) or self._where
        return self._where

    def trusts(self, made: socket.socket) -> bool:
        """Return whether the process at the other end may be told the password (`keeper.is_trusted`)."""
        return keeper.is_trusted(made, self._folder)

    def __repr__(self) -> str:
        return str(self._where["socket"])


class _Packer(HiredisRespSerializer):
    """Writes commands as they go over the wire, each by the name that the server has for it."""

    def __init__(self) -> None:
        self.names: Mapping[str, str] = {}

    def pack(self, *args: Any) -> list[bytes]:
        """Several words may be in the first, as in "CONFIG GET"."""
        first = args[0] if isinstance(args[0], str) else bytes(args[0]).decode("utf-8", "surrogateescape")
        name, space, rest = first.partition(" ")
        if (known := self.names.get(name.upper())) is not None:
            args = (f"{known}{space}{rest}", *args[1:])
        packed: list[bytes] = super().pack(*args)
        return packed


class LocalConnection(redis.UnixDomainSocketConnection):
    """To the embedded server."""

    def __init__(self, place: Place, **settings: Any) -> None:
        self._place, self._packer = place, _Packer()
        super().__init__(command_packer=self._packer, **settings)  # type: ignore[no-untyped-call]  # the library's

    def _connect(self) -> socket.socket:
        """Connect, with nothing sent yet. Raises OSError and redis.ConnectionError."""
        where = self._place.now()
        self.path, self.username, self.password = where["socket"], where.get("username"), where["password"]
        self._packer.names = keeper.names(where)
        made: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        if not self._place.trusts(made):
            uid = keeper.peer(made)
            made.close()
            raise redis.ConnectionError(
                f"{self.path}: a process of another user (uid {uid}) listens there, and is not told the password"
            )
        return made

    def on_connect_check_health(self, check_health: bool = True) -> None:
        """Log in. A guest who is refused waits: a server that was started anew has yet to hear of it. Raises
        redis.RedisError."""
        try:
            super().on_connect_check_health(check_health)
        except redis.AuthenticationError as error:
            if self.username is None:
                raise
            raise redis.ConnectionError(f"{self.path}: the run does not let this block in, now or any more") from error
