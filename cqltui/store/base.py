"""Where parcels are kept."""

import logging
from collections.abc import Sequence
from typing import Protocol

from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import ServerFullError
from cqltui.errors import CqltuiError
from cqltui.store.parcel import Key, checked

log = logging.getLogger(__name__)

SERVER_BYTES = 8 << 20
"""Of a parcel that goes through the server: it lies in its memory, and is written to its append-only file."""
SERVER_BYTES_S = 512 << 10
"""What all workers together are to write to the server's append-only file in a second, about."""


class StoreError(CqltuiError):
    """The store cannot do what is asked just now. The message says why, and the fix where there is one."""


class TooLargeError(StoreError):
    """There is no place for a parcel of that size."""


class Place(Protocol):
    """One place for parcels. All of it may block; what goes wrong is a StoreError, or the server's own errors."""

    def put(self, key: Key, content: bytes, instead_of: Sequence[Key]) -> float:
        """Keep a parcel, and then those that it takes the place of no longer; return how many seconds the next one is
        to wait."""

    def get(self, key: Key) -> bytes | None:
        """Return the parcel, or None; never more than the key's size."""

    def delete(self, keys: Sequence[Key]) -> None:
        """Remove parcels, as far as they are there."""

    def keys(self, folder: str) -> list[Key]:
        """Return what lies in a folder."""


class ServerPlace:
    """Through the campaign's own server."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def put(self, key: Key, content: bytes, instead_of: Sequence[Key]) -> float:
        """As of `Place`. Raises RedisError, TooLargeError if the server has no room."""
        try:
            count = self._queue.stow(key.name, content, [other.name for other in instead_of])
        except ServerFullError as error:
            raise TooLargeError(str(error)) from error
        if not count:
            raise TooLargeError("the server keeps no more parcels: give the campaign a [store] url")
        return len(content) * count / SERVER_BYTES_S

    def get(self, key: Key) -> bytes | None:
        """As of `Place`. Raises RedisError."""
        return self._queue.stowed(key.name, min(key.size, SERVER_BYTES))

    def delete(self, keys: Sequence[Key]) -> None:
        """As of `Place`. Raises RedisError."""
        self._queue.unstow([key.name for key in keys])

    def keys(self, folder: str) -> list[Key]:
        """Return nothing: what the server holds it names in its claims."""
        del folder
        return []


class Store:
    """Small parcels go through the server, larger ones to the objects, where the user has named a place for them."""

    def __init__(self, queue: Queue, objects: Place | None = None) -> None:
        self._places: dict[str, Place] = {"s": ServerPlace(queue)} | ({} if objects is None else {"o": objects})
        self.pause_s = 0.0
        """How long the next parcel like the last is to wait, so that nothing swells."""

    @property
    def has_objects(self) -> bool:
        """Whether there is a place for parcels of any size."""
        return "o" in self._places

    def put(self, key: Key, content: bytes, instead_of: Sequence[Key] = ()) -> str:
        """Keep a parcel; return the text by which `get` finds it. `instead_of`: those that are wanted no longer.

        Raises TooLargeError if there is no place for it, StoreError, RedisError.
        """
        error: StoreError = TooLargeError(
            f"{len(content):,} bytes, and the server takes at most {SERVER_BYTES:,}: give the campaign a [store] url"
        )
        for name, place in self._places.items():
            if name == "s" and len(content) > SERVER_BYTES:
                continue
            placed = Key(key.folder, key.what, key.epoch, key.token, key.size, key.sha256, name)
            try:
                self.pause_s = place.put(placed, content, [other for other in instead_of if other.place == name])
            except TooLargeError as full:
                error = full
                continue
            self.delete([other for other in instead_of if other.place != name])
            return str(placed)
        raise error

    def get(self, key: Key) -> bytes:
        """Return a parcel, checked to be what the key says. Raises ParcelError, StoreError, RedisError."""
        place = self._places.get(key.place)
        if place is None:
            raise StoreError("it is in a store that this process was not told of: start the worker with --store URL")
        return checked(place.get(key), key)

    def newest(self, folder: str) -> Key | None:
        """Return the checkpoint of the latest epoch that lies in a folder, whatever the queue says; None if there is
        none, or the store cannot tell. Raises StoreError."""
        found = [key for place in self._places.values() for key in place.keys(folder) if key.what == "checkpoint"]
        return max(found, key=lambda key: key.epoch, default=None)

    def clear(self, folder: str) -> None:
        """Remove all objects in a folder, as far as that can be done now. Raises RedisError."""
        try:
            found = [key for place in self._places.values() for key in place.keys(folder)]
        except StoreError as error:
            log.warning("%s", error)
        else:
            self.delete(found)

    def delete(self, keys: Sequence[Key]) -> None:
        """Remove parcels; what cannot be removed now is left to `sweep`. Raises RedisError."""
        for name, place in self._places.items():
            try:
                place.delete([key for key in keys if key.place == name])
            except StoreError as error:
                log.warning("%s", error)
