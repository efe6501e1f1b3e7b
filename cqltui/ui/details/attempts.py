"""How often a task was begun, by whom, and how each attempt ended."""

from cqltui.state.model import TaskState
from cqltui.state.plain import headline, plain
from cqltui.state.record import Attempt, TaskRecord, with_current
from cqltui.ui import format as fmt
from cqltui.ui.line import Line, wrapped

ROLES = {
    "": "running", "done": "done", "failed": "dead", "died": "dead", "lease lost": "dead", "replaced": "warning",
    "paused": "paused", "cancelled": "cancelled", "withdrawn": "withdrawn",
}  # fmt: skip
SIGNS = {"": "▸", "done": "✓", "failed": "✗", "died": "✗", "lease lost": "✗"}
SHOWN = 12
"""Of more attempts the newest are listed."""


def attempt_lines(task: TaskState, record: TaskRecord, now: float, cells: int) -> list[Line]:
    """Return an attempt a line, the newest first, and below it why it ended."""
    attempts = with_current(record.attempts, task.life)
    several = any(attempt.run != 1 for attempt in attempts)
    lines = [line for attempt in attempts[: -SHOWN - 1 : -1] for line in _attempt(attempt, several, now, cells)]
    if (more := len(attempts) - SHOWN) > 0 or record.cut:
        lines.append(((f"  {f'and {more} more' if more > 0 else 'earlier ones are not looked for'}", "dim"),))
    return lines


def _attempt(attempt: Attempt, several: bool, now: float, cells: int) -> list[Line]:
    number = f"{attempt.number}" if attempt.number else "?"
    name = f"{attempt.run}.{number}" if several else number
    took_s = (attempt.ended_ts or now) - attempt.claimed_ts if attempt.claimed_ts else None
    known = attempt.ended_ts or not attempt.end
    took = f" {fmt.duration(took_s)}" if took_s is not None and took_s >= 0 and known else ""
    role = ROLES.get(attempt.end, "dim")
    words = {"": "trains", "not told": "its end is not known"}.get(attempt.end, attempt.end)
    line: Line = (
        (f"{SIGNS.get(attempt.end, '·')} ", role),
        (f"{name:<4}", "dim"),
        (f"{fmt.clock(attempt.claimed_ts, now)} {plain(attempt.worker, 24)}".rstrip(), "text"),
        (f"  {words}", role),
        (f"{' for' if not attempt.end else ' after'}{took}" if took else "", "text"),
    )
    if not attempt.why:
        return [line]
    return [line, *(((f"      {part}", "dim"),) for part in wrapped(plain(headline(attempt.why), 200), cells - 6))]
