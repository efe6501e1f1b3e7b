"""What an attempt at a task has left behind of its training, by when it was there: its metrics by epoch, each of which
says how long it took."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cqltui.algorithms import named
from cqltui.results.rundir import RunDir, metrics_rows, read_json
from cqltui.results.tally import Tally
from cqltui.state import decode
from cqltui.state.replay import Anchor, Attempt
from trainer.files import read_regular
from trainer.progress import EpochMetrics

MOST_BYTES = 8 << 20
"""Of an attempt's metrics, which are kept while it is replayed; of longer ones the samples alone are told."""


class AttemptTrace:
    """Reads the metrics when they are first wanted, and goes through them as time does."""

    def __init__(self, run_dir: RunDir, attempt: Attempt) -> None:
        self._run_dir, self._attempt = run_dir, attempt
        self._rows: Iterator[EpochMetrics] | None = None
        self._next: EpochMetrics | None = None
        self._epochs, self._seconds = array("q"), array("d")
        """Of each row: its epoch, and the seconds of training up to its end."""
        self._end: Anchor | None = None
        """Of an attempt that has a result."""
        work = attempt.work
        self._tally = Tally(named(work.algorithm), work.epochs, work.epoch_steps, work.batch_size)

    def report(self, ts: float, before: Anchor, after: Anchor | None) -> Mapping[str, Any]:
        """Return what its worker would have reported at a moment between these two."""
        if self._rows is None:
            self._open()
        if not self._epochs:
            return self._sampled(before)
        epoch = self._epoch_at(ts, before, after)
        while self._next is not None and self._next.epoch <= epoch:
            self._tally.add(self._next)
            self._advance()
        began_s, now_s = self._second(self._attempt.resumed_epoch), self._second(self._tally.epoch)
        return self._tally.report() | {"elapsed_s": round(max(0.0, now_s - began_s), 3)}

    def _sampled(self, before: Anchor) -> Mapping[str, Any]:
        """Return what is known without its metrics: how far it was."""
        work = self._attempt.work
        told = {"epoch": before.epoch, "epochs": work.epochs, "step": before.epoch * work.epoch_steps}
        loss = {} if before.loss is None else {named(work.algorithm).headline: before.loss}
        return told | {"metrics": loss}

    def _open(self) -> None:
        self._rows, attempt = iter(()), self._attempt
        content = b""
        try:
            result = read_json(self._run_dir.result_json(attempt.task)) or {}
            folder = self._run_dir.attempt(attempt.task, attempt.run, attempt.token)
            is_published = decode.text(result, "token") == attempt.token
            if is_published:
                self._end = Anchor(decode.stamp(result, "finished_ts"), decode.whole(result, "epochs"))
            # What `cqltui clean` has removed is published, if it was accepted.
            for path in (folder / "metrics.csv", *((self._run_dir.metrics_csv(attempt.task),) * is_published)):
                content = content or _content(path)
        except ValueError:  # an id or a token that would lead out of the folder
            return
        samples, seconds = attempt.work.epoch_steps * attempt.work.batch_size, 0.0
        for row in metrics_rows(content):
            if self._epochs and row.epoch <= self._epochs[-1]:
                break
            seconds += samples / row.samples_per_s if row.samples_per_s > 0 else 0.0
            self._epochs.append(row.epoch)
            self._seconds.append(seconds)
        self._rows = metrics_rows(content)
        self._advance()

    def _advance(self) -> None:
        assert self._rows is not None, "opened before"
        row = next(self._rows, None)
        self._next = (
            row if row is not None and row.epoch <= self._epochs[-1] and row.epoch > self._tally.epoch else None
        )

    def _second(self, epoch: int) -> float:
        """Return the seconds of training up to the end of an epoch."""
        place = bisect_right(self._epochs, epoch)
        return self._seconds[place - 1] if place else 0.0

    def _epoch_at(self, ts: float, before: Anchor, after: Anchor | None) -> int:
        """Return the epochs that were done at a moment. Epochs last as long as they say; between two samples as long,
        in proportion, as there is time. Of a claim it is not known how long it took to begin: what follows tells."""
        end = self._end
        if end is not None and end.ts > before.ts and (after is None or end.ts <= after.ts):
            after = end
        first_s = self._second(before.epoch)
        if after is None:
            second = first_s + (ts - before.ts)
        elif ts >= after.ts:
            return after.epoch
        else:
            last_s, length_s = self._second(after.epoch), after.ts - before.ts
            is_late = not before.sampled or after is end
            if is_late and last_s - first_s <= length_s:
                second = max(first_s, last_s - (after.ts - ts))
            else:
                second = first_s + (last_s - first_s) * (ts - before.ts) / length_s
        place = bisect_right(self._seconds, second)
        found = self._epochs[place - 1] if place else 0
        return max(found, before.epoch)


def _content(path: Path) -> bytes:
    try:
        return read_regular(path, MOST_BYTES)
    except OSError:
        return b""
