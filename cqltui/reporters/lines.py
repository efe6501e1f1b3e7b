"""`--no-ui`: a line per lifecycle event, and how far each phase is: as lines, or as bars on a terminal.

All of it is messages, so it goes to standard error and leaves standard output to data.
"""

from collections import Counter
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cqltui.reporters.wording import best_text, clock, describe, finish_time, more_tasks, phase_line
from cqltui.state.eta import Estimate, estimate
from cqltui.state.events import Event
from cqltui.state.model import RunState, Status
from cqltui.state.plain import plain
from cqltui.state.select import PhaseProgress, live_workers, phases, run_status, samples_per_s, without_paused

INTERVAL_S = 5.0
"""Between progress lines."""
REDRAW_S = 0.25
"""Between pictures of the bars."""
TASK_LINES = 30
"""Lines of tasks that have come to the same, from one progress line to the next; beyond it they are counted."""


class LineReporter:
    """Tells a person at a terminal, or a log, what happens. Has no clock and no thread: it writes when it is called."""

    def __init__(self, err: TextIO, interval_s: float = INTERVAL_S, *, verbose: bool = False) -> None:
        """`verbose`: a line for each task, however many there are."""
        console = Console(file=err, highlight=False, markup=False, emoji=False, soft_wrap=False)
        self._bars = _Bars(console) if console.is_terminal and not console.is_dumb_terminal else None
        self._err = err
        self._interval_s = interval_s
        self._next_ts = 0.0
        self._told: dict[str, PhaseProgress] = {}
        self._verbose = verbose
        self._tasks: Counter[Status] = Counter()
        """Of tasks, what was to be said since `_since_ts`."""
        self._since_ts = self._event_ts = 0.0

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """Write the lines that the event is worth; `before` and `after` are the states around it."""
        self._event_ts = event.ts
        for said in describe(before, event, after):
            if said.status is not None and not self._verbose:
                self._tasks[said.status] += 1
                if self._tasks[said.status] > TASK_LINES:
                    continue
            self._line(f"{clock(event.ts)} {said.text}")

    def say(self, line: str, now: float) -> None:
        """Write a line that no event tells of."""
        self._line(f"{clock(now)} {line}")

    def tick(self, state: RunState, now: float) -> None:
        """Show how far the phases are, if it is time to; call it a few times a second."""
        self._count(self._event_ts, now)
        if not state.tasks or 0 < self._next_ts - now < self._interval_s + 1:  # more: the clock was set back
            return
        if self._bars is not None:
            self._next_ts = now + REDRAW_S
            self._bars.draw(state, estimate(state, now), now)
            return
        self._next_ts = now + self._interval_s
        expected = estimate(state, now)
        for phase in phases(state):
            begun = phase.done + phase.failed + phase.epochs_done > 0
            if phase.running or (begun and self._told.get(phase.info.name) != phase):
                self._told[phase.info.name] = phase
                self._line(
                    f"{clock(now)} {phase_line(phase, expected.told(expected.phases.get(phase.info.name)), now)}"
                )

    def close(self) -> None:
        """Leave the last picture of the bars standing, and the terminal as it was. May be called twice."""
        self._count(self._event_ts, None)
        if self._bars is not None:
            self._bars.close()

    def _count(self, ts: float, now: float | None) -> None:
        """Tell how many tasks had no line of their own, every few seconds and at the end (`now` None)."""
        if now is not None and 0 <= now - self._since_ts < self._interval_s:
            return
        left_out = {status: told - TASK_LINES for status, told in self._tasks.items() if told > TASK_LINES}
        if left_out:
            self._line(f"{clock(ts)} {more_tasks(left_out)}")
        self._tasks.clear()
        self._since_ts = self._since_ts if now is None else now

    def _line(self, line: str) -> None:
        if self._bars is not None:
            self._bars.print(line)
        else:
            print(line, file=self._err, flush=True)


class _Bars:
    """A bar per phase at the foot of a terminal, with lines scrolling above."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    def print(self, line: str) -> None:
        """Print a line above the bars."""
        self._console.print(Text(line), soft_wrap=True)

    def draw(self, state: RunState, expected: Estimate, now: float) -> None:
        """Draw the bars as of `now`."""
        if not self._live.is_started:
            self._live.start()
        self._live.update(bars(state, expected, now), refresh=True)

    def close(self) -> None:
        """Stop drawing."""
        self._live.stop()


def bars(state: RunState, expected: Estimate, now: float) -> Group:
    """Return a bar per phase with its tasks, epochs, best loss and end, and a line for the whole run."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=30)
    table.add_column(min_width=10, ratio=1)
    for _ in range(4):
        table.add_column(no_wrap=True, overflow="ellipsis")
    for phase in phases(state):
        failed = f" ({phase.failed} failed)" if phase.failed else ""
        finish_ts = expected.told(expected.phases.get(phase.info.name))
        ended = phase.done + phase.failed >= phase.total
        table.add_row(
            Text(plain(phase.info.name, 30)),
            ProgressBar(total=max(1, phase.epochs_total), completed=phase.epochs_done),
            Text(f"{phase.done}/{phase.total}{failed}"),
            Text(f"{phase.epochs_done:,}/{phase.epochs_total:,}"),
            Text("ended" if ended else f"{phase.paused} paused" if phase.paused else finish_time(finish_ts, now)),
            Text(best_text(phase.best) if phase.best else ""),
        )
    many = len(live_workers(state, now))
    whole = (
        f"{run_status(state)}, {many:,} worker{'s' * (many != 1)}, {samples_per_s(state, now):,.0f} samples/s, "
        f"ends {finish_time(expected.finish_ts, now, expected.between)}{without_paused(expected)}"
    )
    return Group(table, Text(whole))
