"""Parcels as objects: S3, another cloud's, or a folder that machines share. Loaded where a `[store] url` is given."""

import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import fsspec  # type: ignore[import-untyped]

from cqltui.errors import InputError
from cqltui.store.base import StoreError
from cqltui.store.parcel import Key

log = logging.getLogger(__name__)

SCHEMES = ("s3", "gs", "abfs", "file")
CONNECT_S, READ_S, TRIES = 5, 30, 2
SHARE = 50
"""A parcel comes never sooner after the last than this many times as long as the last took: training waits for it."""
MOST_LISTED = 10_000


class ObjectPlace:
    """A folder of a file system that fsspec knows. Whoever may do what there, its own settings in the environment say:
    no password is in the URL."""

    def __init__(self, url: str, namespace: str) -> None:
        """`namespace`: what sets the campaign's parcels apart from others. Raises InputError."""
        scheme = url.partition("://")[0]
        if scheme not in SCHEMES:
            raise InputError(f"[store] url: expected {', '.join(f'{name}://...' for name in SCHEMES)}")
        options: dict[str, Any] = {"use_listings_cache": False}
        if scheme == "s3":
            retries = {"max_attempts": TRIES}
            options["config_kwargs"] = {"connect_timeout": CONNECT_S, "read_timeout": READ_S, "retries": retries}
        try:
            self._files, path = fsspec.core.url_to_fs(url, **(options if scheme != "file" else {"auto_mkdir": True}))
        except ImportError as error:
            raise InputError(f"[store] url: {error}: pip install 'cqltui[s3]'") from error
        self._root = f"{path.rstrip('/')}/{namespace}"
        self._shown = re.sub(r"[^!-~]", "?", url)[:200]

    def put(self, key: Key, content: bytes, instead_of: Sequence[Key]) -> float:
        """As of `Place`."""
        began = time.monotonic()
        with self._named("written", is_write=True):
            self._files.pipe_file(self._path(key), content)
        self.delete(instead_of)
        return SHARE * (time.monotonic() - began)

    def get(self, key: Key) -> bytes | None:
        """As of `Place`."""
        try:
            with self._named("read"):
                # One byte more: a longer object is another one, and not read to its end.
                found: bytes = self._files.cat_file(self._path(key), start=0, end=key.size + 1)
        except FileNotFoundError:
            return None
        return found

    def delete(self, keys: Sequence[Key]) -> None:
        """As of `Place`."""
        for key in keys:
            try:
                with self._named("removed"):
                    self._files.rm_file(self._path(key))
            except FileNotFoundError:
                continue

    def keys(self, folder: str) -> list[Key]:
        """As of `Place`."""
        try:
            with self._named("listed"):
                found = self._files.ls(f"{self._root}/{folder}", detail=False)[:MOST_LISTED]
        except FileNotFoundError:
            return []
        names = (str(path).rpartition("/")[2] for path in found)
        return [key for name in names if (key := Key.read(f"o:{folder}/{name}")) is not None]

    def _path(self, key: Key) -> str:
        return f"{self._root}/{key.name}"

    @contextmanager
    def _named(self, done: str, *, is_write: bool = False) -> Iterator[None]:
        """Have whatever a cloud's library raises say that the store cannot do it just now, but for what is missing."""
        try:
            yield
        except Exception as error:
            if isinstance(error, FileNotFoundError) and not is_write:
                raise
            said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise StoreError(f"{self._shown}: cannot be {done}: {said}") from error
