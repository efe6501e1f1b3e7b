"""The campaign file of a run, for the screen: what it takes to read one is loaded when it is asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cqltui.app.opening import Tell
from cqltui.later import load
from cqltui.results.rundir import RunDir
from cqltui.ui.ports import FileChanges

if TYPE_CHECKING:
    from cqltui.broker.protocol.queue import Queue


class LaterFile:
    """A `cqltui.app.editing.RunFile`, made at its first use."""

    def __init__(self, run_dir: RunDir, redis_url: str | None, queue: "Callable[[], Queue]") -> None:
        self._given = (run_dir, redis_url, queue)
        self._file: Any = None

    @property
    def supervised(self) -> Callable[[], None] | None:
        """What starts a supervisor with the file as it was applied last; None if it was not."""
        found: Callable[[], None] | None = self._file.supervised if self._file is not None else None
        return found

    def path(self) -> Path:
        """Return where the file is. Raises CqltuiError."""
        return Path(self._made().path())

    def edit(self, path: Path) -> None:
        """Open it in the user's editor. Raises CqltuiError."""
        self._made().edit(path)

    def changes(self) -> FileChanges:
        """Read the file, and compare it with the run. Raises CqltuiError."""
        found: FileChanges = self._made().changes()
        return found

    def apply(self, changes: FileChanges, tell: Tell) -> None:
        """Have the run go on with the file. Raises CqltuiError."""
        self._made().apply(changes, tell)

    def _made(self) -> Any:
        if self._file is None:
            self._file = load("cqltui.app.editing").RunFile(*self._given)
        return self._file
