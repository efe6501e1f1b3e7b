"""Where the screen's arrangement is kept: one small file of the user's, shared by all runs."""

import json
from contextlib import suppress
from pathlib import Path

from msgspec import to_builtins

from cqltui.machine import state_dir
from cqltui.ui.remembered import Remembered, remembered
from trainer.files import read_regular, write_bytes

LARGEST = 64 * 1024
"""Bytes that are read; what is written is smaller."""


def load() -> Remembered:
    """Return what was kept last; the defaults where nothing was, or something that cannot be read."""
    path = _path()
    if path is None:
        return Remembered()
    try:
        return remembered(json.loads(read_regular(path, LARGEST)))
    except (OSError, ValueError, RecursionError):
        return Remembered()


def keep(what: Remembered) -> None:
    """Write it, whole, for the user alone. Of two screens the last one wins. Where nothing can be written nothing is:
    the screen is as good without."""
    path = _path()
    if path is not None:
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_bytes(path, json.dumps(to_builtins(what), indent=1).encode(), durable=False, private=True)


def _path() -> Path | None:
    folder = state_dir()
    return folder / "screen.json" if folder else None
