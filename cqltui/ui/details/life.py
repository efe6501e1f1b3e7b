"""Where a task is."""

from cqltui.state import hardware, select
from cqltui.state.model import Status, TaskState
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.details.field import LABEL, LEAST, field
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, wrapped
from cqltui.ui.panels.columns import LETTERS

NOTES = 5
"""Of the notices about the task, the newest are shown."""


def status_line(frame: Frame, task: TaskState) -> Line:
    """Return the state, what is asked for, and when it ends or has ended."""
    life, now = task.life, frame.now
    words = [str(life.status)]
    if life.want:
        words.append(f"{life.want} asked for")
    if frame.stalled(task):
        words.append("stalled")
    asked = f", {frame.pending[task.id]} under way …" if task.id in frame.pending else ""
    when = ""
    if life.finished_ts:
        seconds = select.took_s(task)
        after = "" if seconds is None else f" after {fmt.duration(seconds)}"
        when = f" · {fmt.clock(life.finished_ts, now)}{after}"
    elif (finish_ts := frame.finish_ts(task)) is not None:
        when = f" · ends ~{fmt.clock(finish_ts, now)}, in {fmt.duration(finish_ts - now)}"
    return ((f"{LETTERS[life.status]} {', '.join(words)}", str(life.status)), (asked, "warning"), (when, "text"))


def life_lines(frame: Frame, task: TaskState) -> list[Line]:
    """Return when and by whom it is trained."""
    life, now = task.life, frame.now
    lines: list[Line] = []
    if life.paused_by:
        lines.append(field("paused by", plain(life.paused_by, 40)))
    lines.append(field("priority", f"{fmt.priority(life.priority)}, submission {life.order}"))
    deaths = f", {life.deaths} deaths" if life.deaths else ""
    lines.append(field("run", f"{life.run}, attempt {life.attempt}{deaths}"))
    lines.append(field("worker", plain(life.worker, 60) or fmt.NONE))
    if (others := hardware.pack_size(frame.state, task) - 1) > 0:
        lines.append(field("trains with", f"{others} other{'s' if others > 1 else ''}, as one network"))
    lines.append(field("queued", fmt.clock(life.queued_ts, now)))
    started = fmt.clock(life.started_ts, now)
    if life.claimed_ts > life.started_ts > 0:
        started += f", this attempt {fmt.clock(life.claimed_ts, now)}"
    lines.append(field("started", started))
    if life.ready_ts and life.status is Status.DELAYED:
        lines.append(field("tries again", f"{fmt.clock(life.ready_ts, now)}, in {fmt.duration(life.ready_ts - now)}"))
    return lines


def note_lines(frame: Frame, task: TaskState, cells: int) -> list[Line]:
    """Return what the run's notices say of the task."""
    lines: list[Line] = []
    for note in select.notices_about(frame.state, task.id)[-NOTES:]:
        first, *more = wrapped(plain(note.text, 600), max(LEAST, cells - LABEL))
        lines.append(field(fmt.clock(note.ts, frame.now), first, "warning" if note.level != "info" else "text"))
        lines += [field("", part) for part in more]
    return lines
