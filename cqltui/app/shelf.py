"""The runs of this folder: what they have come to, how large they are, and taking them off the list."""

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path

from rich.console import Console

from cqltui.app import options
from cqltui.errors import InputError
from cqltui.later import load
from cqltui.reporters.steps import silent
from cqltui.results.overview import RunOverview, overview
from cqltui.results.rundir import RunDir
from cqltui.supervisor.idle import expect_idle
from cqltui.supervisor.lock import RunLock, is_supervised, unusable

ARCHIVE = "archive"
"""The folder in runs/ that archived runs lie in, each under its own name."""
MOST_FILES = 2_000_000


class Shelf:
    """Looks at the runs of this folder, and reads again only what has changed since."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, RunOverview]] = {}

    def runs(self) -> list[RunOverview]:
        """Return the runs, the newest first."""
        found = [self._overview(RunDir(path.parent)) for path in options.run_files()]
        self._known = {path: known for path, known in self._known.items() if path in {one.path for one in found}}
        return sorted(found, key=lambda one: (-one.started_ts, one.name))

    def _overview(self, run_dir: RunDir) -> RunOverview:
        supervised = is_supervised(run_dir)
        files = (run_dir.campaign_json, run_dir.journal, run_dir.history, run_dir.evaluation_json)
        stamp = (supervised, *map(_stamp, files))
        known = self._known.get(str(run_dir.path))
        if known is None or known[0] != stamp:
            known = self._known[str(run_dir.path)] = (stamp, overview(run_dir, supervised))
        return known[1]


def _stamp(path: Path) -> tuple[int, float]:
    """Return when a file was changed last, and its bytes: infinitely many of one that cannot be looked at."""
    try:
        found = path.stat()
    except OSError:  # it is not there, or has just been removed
        return 0, float("inf")
    return found.st_mtime_ns, found.st_size


def size_of(path: str) -> int:
    """Return the bytes that a run takes on the disk, by its files' blocks; links are not followed."""
    total, left, folders = 0, MOST_FILES, [path]
    while folders and left > 0:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                left -= 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    total += 512 * entry.stat(follow_symlinks=False).st_blocks
    return total


def archive(path: str) -> str:
    """Move a run that rests into `runs/archive/`, out of the list; return where it is. Raises InputError."""
    source = Path(path)
    with _resting(source):
        shelf = source.parent / ARCHIVE
        target = shelf / source.name
        if os.path.lexists(target):
            raise InputError(f"{target}: there is an archived run of this name already: rename one of them")
        shelf.mkdir(exist_ok=True)
        source.rename(target)
        RunDir(target).path.joinpath("supervisor.json").unlink(missing_ok=True)  # ours, which went along
    return str(target)


def delete(path: str) -> None:
    """Delete a run that rests, for good. Raises InputError.

    It is renamed first: whoever is killed in the middle leaves no run that looks whole.
    """
    source = Path(path)
    with _resting(source):
        doomed = source.with_name(f".{source.name}-{secrets.token_hex(4)}.deleted")
        source.rename(doomed)
        shutil.rmtree(doomed)


@contextmanager
def _resting(path: Path) -> Iterator[None]:
    """Hold the run, so that no supervisor comes, and expect that nobody works on it."""
    if path.is_symlink():
        raise InputError(f"{path}: is a link: remove it yourself, or name the run that it leads to")
    run_dir = RunDir(path)
    lock = RunLock(run_dir)
    try:
        expect_idle(run_dir)
        yield
    except OSError as error:
        raise unusable(run_dir, error) from error
    finally:
        lock.free()


def compared(paths: Sequence[str], cells: int) -> list[str]:
    """Return what `cqltui compare` prints of these runs, in lines of so many cells. Raises InputError."""
    found = load("cqltui.app.comparing").compare_runs([RunDir(Path(path)) for path in paths], silent)
    console = Console(
        file=(written := StringIO()), width=cells, color_system=None, force_terminal=False, legacy_windows=False
    )
    load("cqltui.reporters.report").print_parts(found.tables, found.figures, console)
    return written.getvalue().splitlines()
