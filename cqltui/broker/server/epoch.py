"""The server's epoch: counts the lives of its data, so that a token from before a loss is never valid again."""

from collections.abc import Callable
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

import redis

from cqltui.broker.feed.stream import is_readable
from cqltui.broker.protocol.codec import whole
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.scripts import Scripts
from cqltui.errors import ServerError
from trainer.files import make_folder, read_regular, write_bytes

Version = tuple[int, int]
"""(epoch, seq) of a lifecycle event."""
_CHUNK = 500
_FILE_BYTES = 1_000


def open_epoch(
    client: redis.Redis,
    path: Path,
    namespace: str = "",
    known: Version = (0, 0),
    keep: Callable[[], object] = lambda: None,
    *,
    discard: bool = False,
) -> tuple[int, bool]:
    """Return the epoch now, and whether a new one was begun: the data was lost, damaged, or older than the run
    directory.

    `path` holds the epoch's copy in the run directory, `known` is the newest event that the directory has heard of.
    Older data tells of tasks what is no longer true, and where an event is damaged other values may be: `keep` is
    called to put a copy of it aside, and it is removed, so that the queue is made again from the run directory.
    `discard`: the data is another run's, whatever its version.
    The new epoch is written to `path` first: should the process end in between, the next one begins a still newer one.
    For one caller at a time (the supervisor).
    Raises ServerError if the file cannot be read or written.
    """
    keys = Keys(namespace)
    on_disk = max(_read(path), known[0])
    have, seq = map(whole, client.execute_command("HMGET", keys.meta, "epoch", "seq"))
    current = have and (have, seq) >= max((on_disk, 0), known) and is_readable(client, keys, max(known, (have, 0)))
    if current and not discard:
        if have > on_disk:
            _write(path, have)
        return have, False
    _write(path, new := max(have, on_disk) + 1)
    if have:
        keep()
    if on_disk or discard:
        forget(client, keys)
    with closing(Scripts(client, keys)) as scripts:
        scripts.run("epoch", new)
    return new, on_disk > 0


def forget(client: redis.Redis, keys: Keys) -> None:
    """Remove all that the server holds of this campaign. The meta data goes last, so that an end in between shows."""
    found = client.scan_iter(match=keys.own, count=_CHUNK)
    names = chain((keys.queue, keys.active_workers), (name for name in found if name != keys.meta.encode()))
    while chunk := list(islice(names, _CHUNK)):
        client.execute_command("UNLINK", *chunk)
    client.execute_command("UNLINK", keys.meta)


def _read(path: Path) -> int:
    try:
        text = read_regular(path, _FILE_BYTES).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise ServerError(f"{path}: cannot be read: {error.strerror}") from error
    if not text.isdigit() or len(text) > 15:
        raise ServerError(
            f"{path}: expected a whole number, found {text[:40]!r}; write one there that is larger than all before"
        )
    return int(text)


def _write(path: Path, epoch: int) -> None:
    """Durably: a token of this epoch may be out before the next sync."""
    try:
        make_folder(path.parent.parent)
        path.parent.mkdir(0o700, exist_ok=True)  # with a server of the user's own nobody else makes it
        write_bytes(path, f"{epoch}\n".encode("ascii"), private=True)
    except OSError as error:
        raise ServerError(f"{path}: cannot be written: {error.strerror}") from error
