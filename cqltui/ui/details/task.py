"""All fields of a task, in the order in which they are wanted."""

from collections.abc import Sequence

from cqltui.state.model import TaskState
from cqltui.state.plain import plain
from cqltui.state.record import TaskRecord
from cqltui.ui.details.attempts import attempt_lines
from cqltui.ui.details.failure import failure_lines, whole_error
from cqltui.ui.details.field import section
from cqltui.ui.details.life import life_lines, note_lines, status_line
from cqltui.ui.details.metrics import metric_lines
from cqltui.ui.details.settings import setting_lines, settings_title
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, wrapped


def task_lines(
    frame: Frame,
    task: TaskState,
    record: TaskRecord | None,
    cells: int,
    *,
    logged: Sequence[str] = (),
    again: str = "r",
) -> list[Line]:
    """Return the failure, if there was one, then metrics, settings, attempts, and the rest.

    `record`: None while it is read. `logged`: the end of the task's log. `again`: the key that runs it again.
    """
    lines = failure_lines(frame, task, logged, again, cells)
    if lines:
        lines.append(())
    lines += [status_line(frame, task), *metric_lines(task, cells)]
    defaults = record.defaults if record else None
    lines += section(settings_title(defaults), setting_lines(task, defaults, cells))
    lines += section("Attempts", attempt_lines(task, record or TaskRecord(), frame.now, cells))
    lines += section("Run and worker", life_lines(frame, task))
    lines += section("Notes", note_lines(frame, task, cells))
    if task.info.description:
        lines += section("Description", [((t, "text"),) for t in wrapped(plain(task.info.description, 400), cells)])
    return lines + section("The whole error", whole_error(task, cells))
