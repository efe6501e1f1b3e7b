"""What a run directory holds of the run's evaluation, for a screen that looks again and again. Without NumPy."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import Struct

from cqltui.judging.evaluated import at, figure_at
from cqltui.judging.told import NAME, Audit, Told, audit, told
from cqltui.results.digest import FORMAT, digest
from cqltui.results.outline import outline
from cqltui.results.rundir import AUDIT_FORMAT, RunDir, read_json
from cqltui.state import decode
from cqltui.state.model import RunState, Status
from cqltui.state.plain import plain

LARGEST = 16 << 20
"""Bytes of a file that is shown: one of 10,000 tasks has half of them."""
AGAIN = "run `cqltui evaluate` again, or remove the file"

T = TypeVar("T")


class EvaluationWish(Struct, frozen=True):
    """A look; another `turn` is another look."""

    turn: int
    state: RunState
    """How the run stands, by which an evaluation is told from one of earlier results; it makes no other look."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EvaluationWish) and self.turn == other.turn

    def __hash__(self) -> int:
        return hash(self.turn)


class Planned(Struct, frozen=True):
    """What the run's own description says of its evaluation."""

    source: str = ""
    """Of its data."""
    test_rows: int | None = None
    automatic: bool = True
    """Whether it is made as soon as all tasks are done."""


class EvaluationRead(Struct, frozen=True):
    """What files say."""

    planned: Planned | None = None
    """None: the run directory is not here, or cannot be read."""

    test: Told | None = None
    """The evaluation on the test rows, of exactly these results."""
    earlier: Told | None = None
    """The same of other results, as before tasks were run again."""
    validation: Told | None = None
    """The newest look at the policies on validation rows, by which networks are chosen; of an interim report, or as
    somebody has asked for it."""
    audit: Audit | None = None
    """That of the start, where there is one."""
    wrong: tuple[str, ...] = ()
    """A sentence for each file that is there and cannot be read."""


class EvaluationFiles:
    """Called in a thread of the screen's; reads what has changed, and gives the same object while nothing has."""

    def __init__(self, run_dir: RunDir) -> None:
        self._test = _File(run_dir.evaluation_json, _evaluation("test"))
        self._validation = _File(run_dir.validation_json, _evaluation("validation"))
        self._audit = _File(run_dir.audit_json, _audit)
        self._run_dir = run_dir
        self._key: tuple[int, int, int] | None = None
        self._digest = ""
        self._found = EvaluationRead()

    def __call__(self, wish: EvaluationWish) -> EvaluationRead:
        """Return what there is now."""
        test, validation, checked = self._test.read(), self._validation.read(), self._audit.read()
        is_current = test is not None and test.results == self._results(wish.state)
        files = (self._test, self._validation, self._audit)
        found = EvaluationRead(
            planned=_plan(outline(self._run_dir)),
            test=test if is_current else None,
            earlier=None if is_current else test,
            validation=validation,
            audit=checked,
            wrong=tuple(file.wrong for file in files if file.wrong),
        )
        if found != self._found:
            self._found = found
        return self._found

    def _results(self, state: RunState) -> str:
        key = (state.epoch, state.seq, len(state.tasks))
        if key != self._key:
            done = ((task.id, task.life.token) for task in state.tasks.values() if task.status is Status.DONE)
            self._key, self._digest = key, digest(done)
        return self._digest


class _File(Generic[T]):
    """One file, read when it is another than the last time."""

    def __init__(self, path: Path, make: Callable[[Mapping[str, Any]], T | None]) -> None:
        self._path, self._make = path, make
        self._stamp: tuple[int, ...] | None = None
        self._found: T | None = None
        self.wrong = ""

    def read(self) -> T | None:
        """Return what it holds; None where there is none, and where `wrong` says why it cannot be read."""
        try:
            there = self._path.stat()
        except OSError:
            self._stamp, self._found, self.wrong = None, None, ""
            return None
        stamp = (there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns)
        if stamp != self._stamp:
            self._stamp, self._found, self.wrong = stamp, None, ""
            name = self._path.name
            if there.st_size > LARGEST:
                self.wrong = f"{name} has {there.st_size >> 20:,} MiB, more than is shown here: see `cqltui report`"
            else:
                document = read_json(self._path)
                self._found = None if document is None else self._make(document)
                if self._found is None:
                    fix = "the next start writes it anew" if name.startswith("audit") else AGAIN
                    self.wrong = f"{name} cannot be read: {fix}"
        return self._found


def _evaluation(part: str) -> Callable[[Mapping[str, Any]], Told | None]:
    def make(document: Mapping[str, Any]) -> Told | None:
        is_ours = (document.get("format"), document.get("part")) == (FORMAT, part) and at(document, "provenance")
        return told(document) if is_ours else None

    return make


def _audit(document: Mapping[str, Any]) -> Audit | None:
    return audit(document) if document.get("format") == AUDIT_FORMAT and at(document, "leak_audit") else None


def _plan(document: Mapping[str, Any]) -> Planned | None:
    if not document:
        return None
    campaign = at(document, "campaign")
    rows = figure_at(document, "data", "test_rows")
    return Planned(
        source=plain(decode.text(at(campaign, "data"), "source"), NAME),
        test_rows=None if rows is None else int(rows),
        automatic=at(campaign, "evaluate").get("automatic") is not False,
    )
