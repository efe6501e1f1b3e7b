"""The server's epoch: counts the lives of its data, so that a token from before a loss is never valid again."""

from pathlib import Path

import redis

from cqltui.broker.keys import Keys
from cqltui.broker.scripts import Scripts
from cqltui.errors import ServerError
from trainer.files import write_bytes


def open_epoch(client: redis.Redis, path: Path, namespace: str = "", at_least: int = 0) -> tuple[int, bool]:
    """The epoch now, and whether a new one was begun because the data was lost or is older than the run directory.

    `path` holds the copy in the run directory; `at_least` is an epoch that is known to have been, should that be lost.
    A new epoch is written there first: should the process end in between, the next one begins a still newer one. Tasks
    that ran in the older data are queued again. For one caller at a time (the supervisor).
    Raises ServerError if the file cannot be read or written.
    """
    keys = Keys(namespace)
    on_disk = max(_read(path), at_least)
    raw = client.execute_command("HGET", keys.meta, "epoch")
    have = int(raw) if raw is not None and raw.isdigit() else 0
    if have and have >= on_disk:
        if have > on_disk:
            _write(path, have)
        return have, False
    new = max(have, on_disk) + 1
    _write(path, new)
    now = int(Scripts(client, keys).run("epoch", on_disk, new))
    return now, on_disk > 0


def _read(path: Path) -> int:
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise ServerError(f"{path}: cannot be read: {error.strerror}") from error
    if not text.isdigit() or len(text) > 15:
        raise ServerError(f"{path}: expected a whole number, found {text[:40]!r}; write one there, larger than ever")
    return int(text)


def _write(path: Path, epoch: int) -> None:
    """Durably: a token of this epoch may be out before the next sync."""
    try:
        write_bytes(path, f"{epoch}\n".encode("ascii"))
    except OSError as error:
        raise ServerError(f"{path}: cannot be written: {error.strerror}") from error
