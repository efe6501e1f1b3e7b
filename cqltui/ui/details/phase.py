"""What a task's phase is to find out, and how its criteria stand."""

from cqltui.state.described import PhaseInfo
from cqltui.state.model import RunState, TaskState
from cqltui.state.plain import plain
from cqltui.state.record import TaskRecord
from cqltui.ui.line import Line, wrapped
from cqltui.ui.panels.criteria import SIGNS, criteria_lines


def phase_of(state: RunState, task: TaskState) -> PhaseInfo | None:
    """Return the task's phase, if the campaign has it."""
    return next((phase for phase in state.campaign.phases if phase.name == task.info.phase), None)


def phase_lines(phase: PhaseInfo, cells: int) -> list[Line]:
    """Return a phase's goal, questions with their answers, and expectation."""
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
    return lines


def verdict_lines(state: RunState, task: TaskState, record: TaskRecord | None, cells: int) -> list[Line]:
    """Return the criteria that the task takes part in: its phase's, and those of others that look at its phase."""
    phase = phase_of(state, task)
    lines = criteria_lines(phase, cells) if phase is not None else []
    for name, text in record.watchers if record else ():
        other = next((phase for phase in state.campaign.phases if phase.name == name), None)
        passed = next((v.passed for v in other.verdicts if v.text == text), None) if other is not None else None
        sign, role = SIGNS[passed]
        first, *more = wrapped(f"{plain(text)} ({plain(name, 40)})", cells - 2)
        lines += [((f"{sign} ", role), (first, "text")), *(((f"  {part}", "text"),) for part in more)]
    return lines
