"""The files of a task, with their sizes."""

import re

from cqltui.algorithms.keeping import BEST_MODEL, epoch_of
from cqltui.state.plain import plain
from cqltui.state.record import FileEntry, TaskRecord
from cqltui.state.units import size as bytes_text
from cqltui.ui import format as fmt
from cqltui.ui.line import GAP, Line, clip, left, right, wrapped

NAME, SIZE, WHEN = 30, 9, 9
"""Cells, at most of the name."""
_CHECKPOINT = re.compile(r"checkpoint-(\d{1,12})\.safetensors")
_MEANINGS = {
    "model.safetensors": "the last weights", BEST_MODEL: "the best weights", "metrics.csv": "a row an epoch",
    "q_heldout.safetensors": "Q of validation rows", "result.json": "the result", "task.json": "where the task was",
}  # fmt: skip


def file_lines(record: TaskRecord | None, now: float, cells: int) -> list[Line]:
    """Return the folder's files: the published ones, then attempt by attempt."""
    if record is None:
        return [(("Looking for files.", "dim"),)]
    lines: list[Line] = [((text, "warning"),) for told in record.troubles for text in wrapped(plain(told), cells)]
    if not record.files:
        return lines or [(("No files yet.", "dim"),)]
    folder, total = "", 0
    for entry in record.files:
        total += entry.size
        if entry.folder != folder:
            folder = entry.folder
            lines.append(((clip(plain(folder, 200), cells), "title"),))
        lines.append(_line(entry, now, cells))
    if record.more_files:
        lines.append(((f"and {fmt.count(record.more_files)} more", "dim"),))
    lines.append((("together ", "dim"), (bytes_text(total), "text"), (", in", "dim")))
    return [*lines, *(((part, "dim"),) for part in wrapped(plain(record.folder, 400), cells))]


def meaning(entry: FileEntry) -> str:
    """Return what the file holds, as far as its name tells; empty for any other."""
    if (found := _CHECKPOINT.fullmatch(entry.name)) is not None:
        return f"checkpoint of epoch {int(found[1]):,}"
    if (epoch := epoch_of(entry.name)) is not None:
        return f"weights of epoch {epoch:,}"
    return _MEANINGS.get(entry.name, "")


def _line(entry: FileEntry, now: float, cells: int) -> Line:
    name = min(NAME, max(8, cells - SIZE - GAP))
    line: Line = ((left(plain(entry.name), name), "text"), (right(bytes_text(entry.size), SIZE), "text"))
    room = cells - name - SIZE
    if room >= WHEN + GAP:
        line = (*line, (right(fmt.clock(entry.ts, now), WHEN + GAP), "dim"))
        room -= WHEN + GAP
    return (*line, (" " * GAP + clip(meaning(entry), room - GAP), "dim")) if room > 2 * GAP else line
