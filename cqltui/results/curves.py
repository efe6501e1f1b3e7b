"""metrics.csv as it grows, for a screen that draws it: a few metrics, what has come since the last look, bounded."""

import math
import os
from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from cqltui.results.rundir import MEASURED, RunDir, read_json
from cqltui.state import decode
from cqltui.state.curve import Band, Curve, band, thinned
from trainer.files import open_regular

POINTS = 4_096
"""Of one metric of one task that are kept; of more, the lowest and the highest of each of a quarter as many parts."""
READ_BYTES = 8 << 20
"""That one reading reads of all files together; the rest comes with the next."""


class CurveSubject(Struct, frozen=True):
    """Whose curve, as of which attempt."""

    task_id: str
    run: int
    token: str
    published: bool = False
    """Whether it is done, so that what is published is of this attempt."""
    epochs: int = 0
    """Later ones are not of it: what it had trained but not saved. 0: there are none to leave out."""


class CurveWish(Struct, frozen=True):
    """What is to be drawn."""

    subjects: tuple[CurveSubject, ...] = ()
    metrics: tuple[str, ...] = ()
    together: bool = False
    """Whether the median and the quartiles are wanted too."""
    viewer: int = 0
    """Who wants it: what one has been told another has not."""


class CurvesRead(Struct, frozen=True):
    """What files say."""

    curves: Mapping[tuple[str, str], Curve] = field(default_factory=dict)
    """By task and metric; a task whose file is not here has none."""
    bands: Mapping[str, Band] = field(default_factory=dict)
    """By metric."""
    unfinished: bool = False
    """Whether there is more to read."""


def _all_of_them(_: CurveSubject) -> int | None:
    return None


class CurveFiles:
    """The metrics of a run directory. For one thread."""

    def __init__(
        self, run_dir: Path, reached: Callable[[CurveSubject], int | None] = _all_of_them, *, past: bool = False
    ) -> None:
        """`reached` tells how many epochs there are as of now, None for as many as the file has. `past`: the run is
        replayed, so that what it will have published is there already."""
        self._run_dir, self._reached, self._past = RunDir(run_dir), reached, past
        self._tails: dict[tuple[CurveSubject, tuple[str, ...]], _Tail] = {}

    def read(self, wish: CurveWish) -> CurvesRead:
        """Return what there is now. What was read for the last wish is not read again; the rest is forgotten."""
        kept = {(it, wish.metrics): self._tail(it, wish.metrics) for it in wish.subjects}
        self._tails = kept
        left, found = READ_BYTES, {}
        for (subject, _), tail in kept.items():
            left -= tail.read(left)
            reached = self._reached(subject)
            if reached == 0:
                continue
            most = min(filter(None, (subject.epochs, reached)), default=0)
            for name, line in tail.curves().items():
                found[subject.task_id, name] = line.until(most) if most else line
        bands = {}
        if wish.together:
            for name in wish.metrics:
                members = [found[it.task_id, name] for it in wish.subjects if (it.task_id, name) in found]
                if (common := band(members)) is not None:
                    bands[name] = common
        return CurvesRead(found, bands, any(tail.unfinished for tail in kept.values()))

    def _tail(self, subject: CurveSubject, metrics: tuple[str, ...]) -> "_Tail":
        known = self._tails.get((subject, metrics))
        return known or _Tail(self._paths(subject), metrics)

    def _paths(self, subject: CurveSubject) -> tuple[Path, ...]:
        """Return where its metrics may be: its attempt's own file, which `cqltui clean` removes behind a result."""
        try:
            attempt = self._run_dir.attempt(subject.task_id, subject.run, subject.token) / "metrics.csv"
            published = self._run_dir.metrics_csv(subject.task_id)
        except ValueError:  # an id or a token, which the server tells, that would lead out of the folder
            return ()
        is_published = subject.published or (self._past and self._is_accepted(subject))
        return (attempt, published) if is_published else (attempt,)

    def _is_accepted(self, subject: CurveSubject) -> bool:
        """Return whether it is this attempt's metrics that are published."""
        result = read_json(self._run_dir.result_json(subject.task_id)) or {}
        return decode.text(result, "token") == subject.token


class _Tail:
    """One file, read as far as it is whole."""

    def __init__(self, paths: Sequence[Path], metrics: Sequence[str]) -> None:
        self._paths, self._metrics = paths, metrics
        self._identity: tuple[int, int] | None = None
        self._begin()
        self.unfinished = False

    def _begin(self) -> None:
        self._offset = 0
        self._columns: list[tuple[int, _Growing]] = []
        self._width = self._epoch_column = self._last = 0
        self._growing = {name: _Growing() for name in self._metrics}
        self._damaged = False

    def curves(self) -> dict[str, Curve]:
        """Return the curve of each metric that has a value."""
        return {name: line for name, growing in self._growing.items() if len(line := growing.curve())}

    def read(self, most: int) -> int:
        """Take what has come since, at most so many bytes; return how many. A file that is not there is empty."""
        for path in self._paths:
            try:
                with open_regular(path) as file:
                    found = os.fstat(file.fileno())
                    if (found.st_dev, found.st_ino) != self._identity or found.st_size < self._offset:
                        self._identity = (found.st_dev, found.st_ino)
                        self._begin()
                    return self._read(file.fileno(), found.st_size, most)
            except OSError:
                continue
        return 0

    def _read(self, descriptor: int, size: int, most: int) -> int:
        self.unfinished = False
        if self._damaged or size <= self._offset:
            return 0
        wanted = min(size - self._offset, most)
        content = os.pread(descriptor, wanted, self._offset)
        whole = content.rfind(b"\n") + 1  # a writer that is killed leaves a torn last line
        self._damaged = not whole and wanted == READ_BYTES
        self._offset += whole
        self.unfinished = not self._damaged and self._offset + len(content) - whole < size
        try:
            self._take(content[:whole].decode(errors="replace"))
        except ValueError:
            self._damaged = True  # what comes before it is still true
        return len(content)

    def _take(self, text: str) -> None:
        """Take whole lines. ValueError at the first that is damaged."""
        lines = text.split("\n")[:-1]
        if lines and not self._width:
            self._take_header(lines.pop(0).split(","))
        for line in lines:
            cells = line.split(",")
            epoch = int(cells[self._epoch_column])
            if len(cells) != self._width or not self._last < epoch <= decode.LARGEST:
                raise ValueError("a row of metrics.csv is damaged")
            self._last = epoch
            for place, growing in self._columns:
                if cell := cells[place]:
                    growing.add(epoch, float(cell))

    def _take_header(self, header: list[str]) -> None:
        if len(set(header)) < len(header) or not set(header) >= MEASURED:
            raise ValueError("metrics.csv has other columns")
        self._width, self._epoch_column = len(header), header.index("epoch")
        self._columns = [(header.index(name), its) for name, its in self._growing.items() if name in header]


class _Growing:
    """The points of one metric so far, thinned whenever there are too many."""

    def __init__(self) -> None:
        self._epochs, self._values, self._unknown = array("q"), array("d"), 0
        self._curve = Curve()

    def add(self, epoch: int, value: float) -> None:
        """Take the next point."""
        self._epochs.append(epoch)
        self._values.append(value)
        self._unknown += not math.isfinite(value)
        if len(self._epochs) > POINTS:
            kept = thinned(self._epochs, self._values, POINTS // 4)
            self._epochs = array("q", [self._epochs[i] for i in kept])
            self._values = array("d", [self._values[i] for i in kept])

    def curve(self) -> Curve:
        """Return what there is, a copy: whoever draws it does so in another thread."""
        last = self._curve.epochs[-1] if len(self._curve) else 0
        if len(self._epochs) and self._epochs[-1] != last:
            self._curve = Curve(self._epochs[:], self._values[:], self._unknown)
        return self._curve
