"""Why a task failed: the class of the error, where it was raised, the last lines of the log, and what can be done."""

import re
from collections.abc import Sequence

from msgspec import Struct

from cqltui.state.model import Status, TaskState
from cqltui.state.plain import headline, plain
from cqltui.state.record import LAST_LINES
from cqltui.ui import format as fmt
from cqltui.ui.details.field import LEAST, paragraph
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, Span, clip, joined, width, wrapped

FRAMES, LOGGED = 3, 5
"""Of the frames and of the log the last are shown."""
SEPARATOR: Span = (" · ", "dim")
_CLASS = re.compile(r"[A-Za-z_][\w.]{0,60}")
_FRAME = re.compile(r'\s*File "([^"]+)", line (\d{1,9}), in (.+)')


class Failure(Struct, frozen=True):
    """What an error's text tells. All of it is foreign."""

    kind: str
    """The class of the exception; empty where it was none."""
    reason: str
    frames: tuple[tuple[str, str], ...] = ()
    """(where, the line of code), the last one the deepest."""
    logged: tuple[str, ...] = ()
    """What the worker had logged last, where the error says it."""


def failure_of(error: str) -> Failure:
    """Return what the text of an error tells: its reason first, then a traceback or the last lines of a log."""
    reason = headline(error)
    kind, colon, rest = reason.partition(": ")
    if not colon or not _CLASS.fullmatch(kind):
        kind, rest = "", reason
    frames: list[tuple[str, str]] = []
    lines = error.splitlines()
    for i, line in enumerate(lines):
        if (found := _FRAME.match(line)) is not None:
            code = lines[i + 1].strip() if i + 1 < len(lines) and not _FRAME.match(lines[i + 1]) else ""
            frames.append((f"{'/'.join(found[1].split('/')[-2:])}:{found[2]} in {found[3]}", code))
        elif line.startswith(LAST_LINES):
            return Failure(kind, rest, tuple(frames), tuple(text for text in lines[i + 1 :] if text.strip()))
    return Failure(kind, rest, tuple(frames))


def has_failed(task: TaskState) -> bool:
    """Return whether its last attempt has failed and none has begun since."""
    return bool(task.life.error) and task.status not in {Status.RUNNING, Status.DONE}


def failure_lines(frame: Frame, task: TaskState, logged: Sequence[str], key: str, cells: int) -> list[Line]:
    """Return what is to be seen first of a task that has failed; nothing of another one.

    `logged`: the end of its log. `key`: the one that runs a task again.
    """
    if not has_failed(task):
        return []
    found, dead = failure_of(task.life.error), task.status is Status.DEAD
    title: Line = (("✗ Failed", "dead"),) if dead else (("! The last attempt failed", "warning"),)
    kind: Line = ((plain(found.kind, 60), "strong"),) if found.kind else ()
    lines = _beside(joined([title, kind], SEPARATOR), _again(frame, task, key), cells)
    lines += [((part, "text"),) for part in wrapped(plain(found.reason, 1_000), max(LEAST, cells))]
    for where, code in found.frames[-FRAMES:]:
        lines.append(((f"  {clip(plain(where, 200), cells - 2)}", "text"),))
        if code:
            lines.append(((f"    {clip(plain(code, 200), cells - 4)}", "dim"),))
    if logged := (found.logged or tuple(text for text in logged if text.strip()))[-LOGGED:]:
        lines.append((("Last in the log", "dim"),))
        lines += [((f"  {clip(plain(text, 400), cells - 2)}", "dim"),) for text in logged]
    return lines


def _again(frame: Frame, task: TaskState, key: str) -> Line:
    """Return how it is run again: by a key while somebody listens, else by a command; or when that happens by
    itself."""
    if task.status is Status.DEAD and frame.state.online:
        return ((key, "accent"), (" runs it again", "text"))
    if task.status is Status.DEAD:
        return ((f"run it again with: cqltui resubmit {task.id}", "text"),)
    if task.status is Status.DELAYED and task.life.ready_ts:
        return ((f"is tried again at {fmt.clock(task.life.ready_ts, frame.now)}", "text"),)
    return ()


def _beside(line: Line, more: Line, cells: int) -> list[Line]:
    """Return both in one line, or in two where that is too narrow."""
    whole = joined([line, more], SEPARATOR)
    return [whole] if width(whole) <= cells or not more else [line, more]


def whole_error(task: TaskState, cells: int) -> list[Line]:
    """Return all lines of the error but the reason, which stands first."""
    _, *more = task.life.error.splitlines() or [""]
    return [line for text in more for line in paragraph(text, cells)]
