"""What the run directory tells of one task: attempts by the journal and by its folders, files, and what its phase
sets. Bounded, and whatever lies there is foreign."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cqltui.algorithms import named
from cqltui.algorithms.base import told
from cqltui.broker.protocol import codec
from cqltui.campaign.criteria import CHECKS
from cqltui.results.outline import read_outline
from cqltui.results.rundir import SAFE_NAME, RunDir
from cqltui.state import decode
from cqltui.state.events import parse_token
from cqltui.state.record import Attempt, Attempts, FileEntry, TaskRecord, TaskSubject, with_folders
from trainer.files import open_regular

JOURNAL_BYTES = 32 << 20
"""Of a journal are read, from its end: the events of some ten thousand tasks."""
PIECE_BYTES = 1 << 20
MOST_FILES, MOST_ENTRIES = 200, 2_000
"""Files that are told, and names that are looked at."""


_RUN = re.compile(r"run-([0-9]{1,9})")


class TaskRecords:
    """Reads one task's record after the other; of a task that is read again, what is new in the journal only."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = RunDir(run_dir)
        self._journal = _Journal(self._run_dir.journal)
        self._campaign = _Campaign(self._run_dir)

    def read(self, subject: TaskSubject) -> TaskRecord:
        """Return what there is. What cannot be read is among the troubles."""
        try:
            folder = self._run_dir.task(subject.task_id)
            self._run_dir.path.stat()
        except ValueError:  # an id, which the server tells, that would lead out of the folder
            return TaskRecord(troubles=("The task's id names no folder.",))
        except OSError as error:
            elsewhere = isinstance(error, FileNotFoundError)
            told_why = "is not on this machine" if elsewhere else f"cannot be read: {error.strerror}"
            return TaskRecord(troubles=(f"The folder of the run {told_why}.",))
        troubles: list[str] = []
        attempts = self._journal.attempts(subject.task_id, troubles)
        self._campaign.look(troubles)
        files, more, folders = _files(folder, troubles)
        algorithm, defaults = named(subject.algorithm), self._campaign.defaults.get(subject.phase)
        return TaskRecord(
            attempts=with_folders(attempts, folders),
            cut=self._journal.cut,
            folder=str(folder),
            files=tuple(files),
            more_files=more,
            defaults=None if defaults is None else {n: told(v) for n, v in algorithm.accepted(defaults).items()},
            watchers=self._campaign.watchers.get(subject.phase, ()),
            troubles=tuple(troubles),
        )


def _trouble(path: Path, error: OSError) -> str:
    return f"{path.name} cannot be read: {error.strerror or error}"


class _Journal:
    """The events of one task."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._attempts = Attempts("")
        self._file: tuple[int, int] = (0, 0)
        self._at = 0
        self.cut = False

    def attempts(self, task_id: str, troubles: list[str]) -> tuple[Attempt, ...]:
        """Return the task's attempts as the journal tells them."""
        try:
            with open_regular(self._path) as file:
                found = os.fstat(file.fileno())
                if task_id != self._attempts.task_id or (found.st_dev, found.st_ino) != self._file:
                    self._at = -1
                if not 0 <= self._at <= found.st_size:
                    self._attempts, self._file = Attempts(task_id), (found.st_dev, found.st_ino)
                    self._at = max(0, found.st_size - JOURNAL_BYTES)
                    self.cut = self._at > 0
                file.seek(self._at)
                needle = task_id.encode()
                while self._at < found.st_size and (piece := file.read(PIECE_BYTES)):
                    end = piece.rfind(b"\n") + 1
                    if not end:  # a line that is still written, or longer than any of ours: passed over
                        if len(piece) < PIECE_BYTES:
                            break
                        self._at += len(piece)
                        continue
                    self._at += end
                    file.seek(self._at)
                    if needle in piece:
                        for line in piece[:end].splitlines():
                            if needle in line and (event := codec.decode_event(line)) is not None:
                                self._attempts.add(event)
        except FileNotFoundError:
            self._attempts = Attempts("")
        except OSError as error:
            troubles.append(_trouble(self._path, error))
        return self._attempts.told() if self._attempts.task_id == task_id else ()


class _Campaign:
    """What campaign.json says of the phases; read when it has changed."""

    def __init__(self, run_dir: RunDir) -> None:
        self._run_dir = run_dir
        self._said: Mapping[str, Any] | None = None
        self.defaults: dict[str, Mapping[str, Any]] = {}
        """By phase; empty in a run of an earlier version, which did not write them."""
        self.watchers: dict[str, tuple[tuple[str, str], ...]] = {}

    def look(self, troubles: list[str]) -> None:
        """Read it, if it is not known as it is."""
        try:
            said = read_outline(self._run_dir)
        except FileNotFoundError:
            return
        except OSError as error:
            troubles.append(_trouble(self._run_dir.campaign_json, error))
            return
        except ValueError:
            said = {}
        if said is self._said:
            return
        self._said = said
        campaign = said.get("campaign")
        campaign = campaign if isinstance(campaign, Mapping) else {}
        self.defaults = dict(decode.items(campaign.get("defaults")))
        self.watchers = {}
        for phase in decode.few(campaign.get("phases")):
            for watched, text in _watched(phase):
                name = decode.text(phase, "name")
                if watched != name:
                    self.watchers[watched] = (*self.watchers.get(watched, ()), (name, text))


def _watched(phase: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (phase, text) for each phase that a criterion of this one names in a parameter."""
    for criterion in decode.few(phase.get("criteria")):
        check, params = CHECKS.get(decode.text(criterion, "check")), criterion.get("params")
        if check is None or not isinstance(params, list):
            continue
        for pair in params:
            known = isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and pair[0] in check.params
            if known and check.params[pair[0]].names_phase and isinstance(pair[1], str):
                yield pair[1], decode.text(criterion, "text")


def _files(folder: Path, troubles: list[str]) -> tuple[list[FileEntry], int, list[tuple[int, str]]]:
    """Return the files, how many more there are, and (run, token) of each attempt's folder."""
    looked = [0]
    published, folders = _entries(folder, "", looked, troubles)
    files, attempts = published, []
    runs = {name: int(found[1]) for name in folders if (found := _RUN.fullmatch(name)) is not None}
    for run in sorted(runs, key=lambda name: -runs[name]):
        own, below = _entries(folder / run, run, looked, troubles)
        files = files + own
        for name in sorted(below, key=parse_token, reverse=True):
            if not SAFE_NAME.fullmatch(name):
                continue
            if parse_token(name) != (0, 0):
                attempts.append((runs[run], name))
            files = files + _entries(folder / run / name, f"{run}/{name}", looked, troubles)[0]
    if looked[0] >= MOST_ENTRIES:
        troubles.append(f"The folder holds more than {MOST_ENTRIES:,} files; the others were not looked at.")
    return files[:MOST_FILES], len(files) - len(files[:MOST_FILES]), attempts


def _entries(folder: Path, within: str, looked: list[int], troubles: list[str]) -> tuple[list[FileEntry], list[str]]:
    """Return the folder's files, by name, and the names of the folders in it. No link is followed."""
    files: list[FileEntry] = []
    folders: list[str] = []
    try:
        if folder.is_symlink():
            return [], []
        with os.scandir(folder) as entries:
            for entry in entries:
                if looked[0] >= MOST_ENTRIES:
                    break
                looked[0] += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:  # replaced by a newer one meanwhile
                        continue
                    files.append(FileEntry(entry.name, found.st_size, found.st_mtime, within))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        troubles.append(_trouble(folder, error))
    return sorted(files, key=lambda entry: entry.name), folders
