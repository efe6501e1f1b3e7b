"""Everything about one task."""

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize

from cqltui.algorithms.base import Metric, setting_text
from cqltui.state import hardware, select
from cqltui.state.model import PhaseInfo, Progress, TaskState
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.control import Control
from cqltui.ui.frame import Chosen, Frame
from cqltui.ui.layout import details_layout
from cqltui.ui.line import Line, left, wrapped
from cqltui.ui.panels.criteria import criteria_lines
from cqltui.ui.panels.curves import CurvesPanel
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.panels.view import LineView
from cqltui.ui.screens.tasks import TaskScreen

LABEL = 16
NOTES = 5
"""Of the notices about the task, the newest are shown."""


class DetailsScreen(TaskScreen):
    """A task's fields, its error, its curve, and what its phase is to find out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="details.back", tooltip="Go back to the list")
    ]

    def __init__(self, control: Control, task_id: str, frame: Frame) -> None:
        super().__init__(control)
        self._task_id = task_id
        self.frame = frame

    def compose(self) -> ComposeResult:
        """Fields beside curve and phase; on a small terminal one below the other."""
        yield Header("header")
        with Horizontal(id="detail-body"):
            yield LineView("fields", "Task")
            with Vertical(id="detail-side"):
                yield CurvesPanel("curves", "Curves")
                yield LineView("about", "Phase")
        yield KeyLine()

    def on_mount(self) -> None:
        """Scroll the fields."""
        self.query_one("#fields").focus()

    def on_resize(self, event: Resize) -> None:
        """Beside or below."""
        layout = details_layout(*self.size)
        self.set_class(layout.small, "-small")
        side = self.query_one("#detail-side")
        side.display = not layout.small or layout.curve > 0
        side.styles.height = layout.curve or "1fr"
        self.call_after_refresh(self._again)

    def _again(self) -> None:
        if self.frame is not None:
            self.show(self.frame)

    def targets(self) -> tuple[TaskState, ...]:
        """Return the task."""
        task = self.frame.state.tasks.get(self._task_id) if self.frame else None
        return (task,) if task else ()

    def action_back(self) -> None:
        """To the list."""
        self.dismiss(None)

    def draw(self, frame: Frame) -> None:
        """Draw what differs."""
        task = frame.state.tasks.get(self._task_id)
        if task is None:
            return
        self.query_one(Header).show(frame)
        fields, about = self.query_one("#fields", LineView), self.query_one("#about", LineView)
        title = f"{plain(task.id, 16)} · {plain(task.info.title, 60)}"
        if fields.border_title != Content(title).markup:
            fields.border_title = Content(title)
        small = self.has_class("-small")
        lines = task_lines(frame, task, max(fields.cells, 20))
        phase = next((p for p in frame.state.campaign.phases if p.name == task.info.phase), None)
        if phase is not None:
            target = fields if small else about
            phase_part = phase_lines(phase, max(target.cells, 20))
            if small:
                lines += [(), ((plain(phase.title or phase.name), "title"),), *phase_part]
            else:
                about.set_lines(phase_part)
                if about.border_title != Content(plain(phase.title or phase.name)).markup:
                    about.border_title = Content(plain(phase.title or phase.name))
        fields.set_lines(lines)
        self.query_one(CurvesPanel).follow(replace(frame, chosen=Chosen(task.id)))


def _field(label: str, value: str, role: str = "text") -> Line:
    return ((left(label, LABEL), "dim"), (value, role))


def task_lines(frame: Frame, task: TaskState, cells: int) -> list[Line]:
    """Return all fields of a task."""
    lines: list[Line] = [*_life_lines(frame, task), (), *_metric_lines(task, cells), (), *_setting_lines(task)]
    lines += _note_lines(frame, task, cells)
    if task.info.description:
        lines += [(), *(((text, "text"),) for text in wrapped(plain(task.info.description, 400), cells))]
    if error := select.error_text(task):
        # The reason stands first: it is what one came for. What follows it comes last, as it may be long.
        reason, *more = error.splitlines()
        first: list[Line] = [((part, "text"),) for part in wrapped(plain(reason, 1_000), cells)]
        lines = [(("Error", "dead"),), *first, (), *lines, ()]
        for text in more:
            indent = " " * min(len(text) - len(text.lstrip(" ")), 8)
            lines += [((indent + part, "text"),) for part in wrapped(plain(text.strip(), 1_000), cells - len(indent))]
    return lines


def _note_lines(frame: Frame, task: TaskState, cells: int) -> list[Line]:
    """Return what the run's notices say of the task."""
    lines: list[Line] = []
    for note in select.notices_about(frame.state, task.id)[-NOTES:]:
        first, *more = wrapped(plain(note.text, 600), max(10, cells - LABEL))
        lines.append(_field(fmt.clock(note.ts, frame.now), first, "warning" if note.level != "info" else "text"))
        lines += [_field("", part) for part in more]
    return [(), (("Notes", "title"),), *lines] if lines else []


def _life_lines(frame: Frame, task: TaskState) -> list[Line]:
    life, now = task.life, frame.now
    status = f"{life.status}, {life.want} asked for" if life.want else str(life.status)
    if frame.stalled(task):
        status += ", stalled"
    lines = [_field("state", status, str(life.status))]
    if task.id in frame.pending:
        lines.append(_field("asked", frame.pending[task.id], "warning"))
    if life.paused_by:
        lines.append(_field("paused by", plain(life.paused_by, 40)))
    lines.append(_field("priority", f"{fmt.priority(life.priority)}, submission {life.order}"))
    deaths = f", {life.deaths} deaths" if life.deaths else ""
    lines.append(_field("run", f"{life.run}, attempt {life.attempt}{deaths}"))
    lines.append(_field("worker", plain(life.worker, 60) or fmt.NONE))
    if (others := hardware.pack_size(frame.state, task) - 1) > 0:
        lines.append(_field("trains with", f"{others} other{'s' if others > 1 else ''}, as one network"))
    lines.append(_field("queued", fmt.clock(life.queued_ts, now)))
    started = fmt.clock(life.started_ts, now)
    if life.claimed_ts > life.started_ts > 0:
        started += f", this attempt {fmt.clock(life.claimed_ts, now)}"
    lines.append(_field("started", started))
    if life.ready_ts:
        lines.append(_field("tries again", f"{fmt.clock(life.ready_ts, now)}, in {fmt.duration(life.ready_ts - now)}"))
    if life.finished_ts:
        seconds = select.took_s(task)
        took = "" if seconds is None else f" after {fmt.duration(seconds)}"
        lines.append(_field("ended", f"{fmt.clock(life.finished_ts, now)}{took}"))
    elif (finish_ts := frame.finish_ts(task)) is not None:
        lines.append(_field("ETA", f"~{fmt.clock(finish_ts, now)}, in {fmt.duration(finish_ts - now)}"))
    return lines


def _metric_lines(task: TaskState, cells: int) -> list[Line]:
    info, progress = task.info, task.progress
    lines = [_field("epoch", f"{fmt.count(task.epochs_done)} of {fmt.count(info.epochs)}")]
    if progress is None:
        return lines
    if task.stopped_early:
        first, *more = wrapped(plain(task.stopped_early, 400), max(10, cells - LABEL))
        lines += [_field("stopped early", first), *(_field("", part) for part in more)]
    for metric in task.algorithm.metrics:
        lines += _metric_field(task, metric)
    lines.append(_field("trained", f"{fmt.duration(_trained_s(progress))}, {fmt.count(progress.step)} steps"))
    if progress.resumed_epoch:
        lines.append(_field("resumed", f"from epoch {fmt.count(progress.resumed_epoch)}"))
    return lines


def _trained_s(progress: Progress) -> float:
    return progress.elapsed_s if progress.trained_s is None else progress.trained_s


def _gain(loss: float | None, baseline: float) -> str:
    if loss is None or baseline <= 0:
        return ""
    gain = 1 - loss / baseline
    return f", {abs(gain):.1%} {'better' if gain >= 0 else 'worse'}"


def _metric_field(task: TaskState, metric: Metric) -> list[Line]:
    """Return the metric's line, and below the headline metric what it is compared with."""
    value, baseline = task.metric(metric.name), task.info.baseline_loss
    if metric.kind == "speed":
        return [_field(metric.label, f"{fmt.count(value or 0)} samples/s")]
    if metric.name == task.algorithm.validation:
        return [_field(metric.label, f"{fmt.number(value)}, best {fmt.number(task.best)}")]
    if metric.kind == "validation" and value is None:
        return []
    if metric.name != task.algorithm.headline:
        return [_field(metric.label, fmt.number(value))]
    lines = [_field(metric.label, fmt.number(value), "strong")]
    if baseline is not None:
        lines.append(_field("baseline", f"{fmt.number(baseline)}{_gain(value, baseline)}"))
    return lines


def _setting_lines(task: TaskState) -> list[Line]:
    info = task.info
    return [
        *(_field(setting.label, setting_text(value)) for setting, value in task.algorithm.shown(info.settings)),
        _field("parameters", fmt.count(info.params)),
        _field("steps per epoch", fmt.count(info.epoch_steps)),
        _field("FLOPs per step", fmt.scaled(info.step_flops)),
    ]


def phase_lines(phase: PhaseInfo, cells: int) -> list[Line]:
    """Return a phase's goal, questions with their answers, expectation and criteria."""
    lines: list[Line] = []
    answers = {answer.question: answer.lines for answer in phase.answers}
    for title, texts in (("Goal", (phase.goal,)), ("Questions", phase.questions), ("Expected", (phase.expected,))):
        if any(texts):
            lines.append(((title, "title"),))
            for text in texts:
                first, *more = wrapped(plain(text, 600), cells - 2)
                lines += [(("· " if title == "Questions" else "  ", "dim"), (first, "text"))]
                lines += [((f"  {part}", "text"),) for part in more]
                told = answers.get(text, ()) if title == "Questions" else ()
                lines += [((f"    {part}", "dim"),) for line in told for part in wrapped(plain(line, 2_000), cells - 4)]
    if phase.verdicts:
        lines += [(("Criteria", "title"),), *criteria_lines(phase, cells)]
    return lines
