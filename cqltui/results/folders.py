"""Folders that are whole or as they were, whatever happens while they are written."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.files import make_folder


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Make a folder beside `path` that takes its place, with what was there, once it is complete; an error leaves
    `path` as it was. Raises OSError.

    Between two renames there is no folder of that name; what was there lies beside it then, and comes back if the
    second one fails.
    """
    make_folder(path.parent)
    name = secrets.token_hex(4)
    made, before = (path.with_name(f".{path.name}.{name}.{kind}") for kind in ("tmp", "old"))
    make_folder(made)
    try:
        yield made
        if path.exists():
            path.rename(before)
        try:
            made.rename(path)
        except BaseException:
            if before.exists():
                before.rename(path)
            raise
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    shutil.rmtree(before, ignore_errors=True)
