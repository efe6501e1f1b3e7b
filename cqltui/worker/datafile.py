"""Which file a worker trains on: its own side says so and not the server, and what is in it stays on this machine."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from cqltui.results.rundir import STAYS, RunDir, read_json
from trainer import data
from trainer.config import DataConfig
from trainer.data.types import DataError, Dataset

log = logging.getLogger(__name__)

OTHER_DATA = "the data is not what the task was submitted with. Run the campaign again."
UNUSABLE = "the data cannot be used; the worker's log says why"
NO_ROOT = (
    "it is not known where this machine has the file: start the worker with --data-root DIR, a folder that has it, or "
    "have it sent by [store] send_data = true in the campaign file"
)
MOST_LOOKED_AT, MOST_READ = 10_000, 50
"""Of the files in a folder of data, when one is looked for by what is in it."""


class DataSource(Struct, frozen=True):
    """Where a worker's own side says that the data is."""

    run_dir: RunDir | None = None
    """The run's own directory, whose campaign.json names the file; None on another machine."""
    root: Path | None = None
    """A folder (`--data-root`) in which the file is, whatever its folder and its name are elsewhere."""
    bring: Callable[[str], Path | None] | None = None
    """Has a file of this name sent; None where that cannot be."""

    def load(self, said: DataConfig, digest: str) -> Dataset:
        """Return the task's data, checked to be what the campaign was planned with. `said`: the config as the server
        tells it.

        A path of the server's is followed nowhere: where nobody here names a file, none is opened. Raises DataError,
        whose text may leave the machine: it holds the file's name, column and row, and the log, which does not leave,
        what is there.
        """
        if said.path is None:
            return _checked(data.load(said), digest, f"the {said.source} source: ")
        try:
            return self._named(said, said.path, digest)
        except _OutsideError:
            raise
        except DataError:
            if (found := self._other(said, said.path, digest)) is None:
                raise
            return found

    def _other(self, said: DataConfig, path: Path, digest: str) -> Dataset | None:
        """Return the data from a file of another name, or from one that is sent; None if there is none."""
        if self.root is not None:
            for other in islice(_alike(self.root, path.suffix), MOST_READ):
                with suppress(Exception):  # it is another table, or none
                    return _checked(data.load(replace(said, path=other)), digest, "")
        sent = self.bring(path.name) if self.bring is not None else None
        if sent is None:
            return None
        try:
            return _checked(data.load(replace(said, path=sent)), digest, "")
        except Exception:
            log.exception("%s what was sent is of no use", STAYS)
            sent.unlink(missing_ok=True)
            return None

    def _named(self, said: DataConfig, told: Path, digest: str) -> Dataset:
        """Return what is in the file of the name that is told. Raises DataError."""
        name = Path(told.name)
        try:
            path = self._path(told)
            name = Path(path.name)
            if not path.is_file() or not path.stat().st_size:  # those of /proc, of which some are waited for, have none
                raise DataError("there is no such file, or it is empty", path=path)
            return _checked(data.load(replace(said, path=path)), digest, f"{path.name}: ")
        except MemoryError:
            raise
        except Exception as error:
            if isinstance(error, _ToldError):
                raise
            log.error("%s", " ".join(f"{STAYS} {type(error).__name__}: {error}".splitlines()))
            column, row = (error.column, error.row) if isinstance(error, DataError) else (None, None)
            raise DataError(UNUSABLE, path=name, column=column, row=row) from None

    def _path(self, said: Path) -> Path:
        if self.root is not None:
            return _below(self.root, said)
        if self.run_dir is None:
            raise _ToldError(NO_ROOT, path=Path(said.name))
        known = read_json(self.run_dir.campaign_json) or {}
        # Earlier versions have no "data_path"; relative ones of theirs start at the supervisor's folder, which is ours.
        own = known["data_path"] if "data_path" in known else _former(known)
        if not isinstance(own, str):
            raise _ToldError("the server names a file, but the run's campaign.json names none", path=Path(said.name))
        return Path(own)


class _ToldError(DataError):
    """Its message may leave the machine as it is."""


class _OutsideError(_ToldError):
    """A path that is not looked for by other means either."""


def _alike(root: Path, suffix: str) -> Iterator[Path]:
    """Yield the files of a folder that may hold the same table, without following links."""
    for path in islice(root.rglob(f"*{suffix}"), MOST_LOOKED_AT):
        if path.suffix == suffix and not path.is_symlink() and path.resolve().is_relative_to(root.resolve()):
            with suppress(OSError):
                if path.is_file() and path.stat().st_size:
                    yield path


def _checked(dataset: Dataset, digest: str, place: str) -> Dataset:
    if dataset.digest() != digest:
        raise _ToldError(f"{place}{OTHER_DATA}")
    return dataset


def _former(known: dict[str, object]) -> object:
    campaign = known.get("campaign")
    config = campaign.get("data") if isinstance(campaign, dict) else None
    return config.get("path") if isinstance(config, dict) else None


def _below(root: Path, said: Path) -> Path:
    """Return the file in the folder: an absolute path, of another machine, by its name alone."""
    wanted = Path(said.name) if said.is_absolute() else said
    path = (root / wanted).resolve()
    if ".." in wanted.parts or not path.is_relative_to(root.resolve()):
        raise _OutsideError("the path leads out of --data-root: put the file itself there", path=Path(said.name))
    return path
