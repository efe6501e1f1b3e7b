"""What of a run directory nothing needs any more, and its removal. Nothing outside of it, no link followed."""

import os
import re
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from cqltui.results.known import CARRIED
from cqltui.results.record import TaskResult
from cqltui.results.room import Taken
from cqltui.results.rundir import RESULT_FILES, RunDir, read_json, within
from cqltui.state import decode
from cqltui.state.model import FAILED, Lifecycle, Status
from trainer.files import checkpoints

ATTEMPTS = "attempts of finished tasks"
FAILED_CHECKPOINTS = "checkpoints of dead and cancelled tasks"
SET_ASIDE = "server data that was set aside"
FORMER = "former results of tasks that were submitted again"
LAST_CHECKPOINTS = "last checkpoints, from which more epochs go on"
KINDS = (ATTEMPTS, FAILED_CHECKPOINTS, SET_ASIDE, FORMER, LAST_CHECKPOINTS)
_RUN = re.compile(r"run-(\d{1,9})")
_DAMAGED = re.compile(r"damaged-\d{8}-\d{6}-\w+")
"""As `launch.set_aside` calls it."""


class Waste(Struct, frozen=True):
    """Files and folders of one kind that may go."""

    kind: str
    paths: tuple[Path, ...]
    freed_bytes: int
    """A file with another name elsewhere takes its room on."""


def find_waste(run_dir: RunDir, *, everything: bool = False) -> list[Waste]:
    """Return what may go, by kind. `everything`: with last checkpoints and former results, which are of use to some.

    Raises OSError for folders that cannot be read.
    """
    found: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    for folder in _folders(run_dir.tasks):
        if decode.NAME.fullmatch(folder.name):
            _of_task(run_dir, folder, found)
    found[SET_ASIDE] = [folder for folder in _folders(run_dir.server) if _DAMAGED.fullmatch(folder.name)]
    if not everything:
        found[FORMER], found[LAST_CHECKPOINTS] = [], []
    taken = Taken()
    return [Waste(kind, tuple(paths), sum(map(taken.of, paths))) for kind, paths in found.items() if paths]


def remove(run_dir: RunDir, waste: Sequence[Waste]) -> None:
    """Remove it. Raises OSError, what was removed until then being gone."""
    for path in (path for one in waste for path in one.paths):
        within(run_dir, path)
        if _is_folder(path):
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        _remove_empty(path.parent)


def _of_task(run_dir: RunDir, folder: Path, found: dict[str, list[Path]]) -> None:
    said = read_json(run_dir.task_json(folder.name)) or {}
    life = decode.lifecycle(said["life"], (0, 0)) if isinstance(said.get("life"), dict) else None
    if life is None:
        return
    published = _published(run_dir, folder)
    for run in _folders(folder):
        if (name := _RUN.fullmatch(run.name)) is None:
            continue
        number = int(name[1])
        for attempt in _folders(run):
            if published is not None and _has_served(number, life, published):
                was_accepted = number < published.run and (attempt / "result.json").is_file()
                kind = FORMER if was_accepted else ATTEMPTS
                # That there was something to go on from is remembered: it tells tasks that left from those continued.
                found[kind] += _entries(attempt) if attempt.name.startswith(CARRIED) else [attempt]
            elif life.status in FAILED and number <= life.run:
                found[FAILED_CHECKPOINTS] += _checkpoints(attempt)
    if published is not None:
        found[LAST_CHECKPOINTS] += _checkpoints(folder)


def _published(run_dir: RunDir, folder: Path) -> TaskResult | None:
    """Return the task's result, if all of its files are in place."""
    whole = all(_is_file(folder / name) for name in RESULT_FILES)
    return TaskResult.from_json(read_json(run_dir.result_json(folder.name)) or {}) if whole else None


def _has_served(run: int, life: Lifecycle, published: TaskResult) -> bool:
    """Return whether all attempts of a run are behind the result that is published: no later one is, and none is under
    way."""
    if run == published.run == life.run:
        return life.status in (Status.DONE, Status.WITHDRAWN) and life.token == published.token
    return run < published.run <= life.run


def _checkpoints(folder: Path) -> list[Path]:
    return [path for _, path in checkpoints(folder) if _is_file(path)]


def _entries(folder: Path) -> list[Path]:
    return [Path(entry) for entry in _scan(folder)]


def _folders(folder: Path) -> list[Path]:
    """Return the folders in a folder, in order; links lead elsewhere, and are none."""
    return sorted(Path(entry) for entry in _scan(folder) if entry.is_dir(follow_symlinks=False))


def _scan(folder: Path) -> list["os.DirEntry[str]"]:
    if not _is_folder(folder):
        return []
    with os.scandir(folder) as entries:
        return list(entries)


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(_mode(path))


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(_mode(path))


def _mode(path: Path) -> int:
    """Of the entry itself; 0 if there is none."""
    try:
        return path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _remove_empty(folder: Path) -> None:
    """Remove a run's folder that holds nothing any more."""
    if _RUN.fullmatch(folder.name):
        with suppress(OSError):
            folder.rmdir()
