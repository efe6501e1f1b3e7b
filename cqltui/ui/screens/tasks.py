"""What screens share on which tasks can be acted on: the keys, and the questions before what cannot be undone."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.screen import Screen

from cqltui.state.model import ENDED, TaskState
from cqltui.state.plain import plain
from cqltui.ui.control import Control
from cqltui.ui.frame import Frame
from cqltui.ui.messages import StateChanged
from cqltui.ui.screens.dialog import confirm

NAMED = 6
"""Tasks that a question names; of more, it tells the number."""


class TaskScreen(Screen[None]):
    """A screen with a selection of tasks. It draws frames and sends commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause"),
        Binding("P", "pause_all", "All"),
        Binding("r", "resubmit", "Rerun"),
        Binding("x", "cancel", "Cancel"),
        Binding("plus", "priority(1)", "Prio", key_display="+/-"),
        Binding("minus", "priority(-1)", "Priority down", show=False),
    ]

    def __init__(self, control: Control) -> None:
        super().__init__()
        self.control = control
        self.frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        self.frame = frame
        # A screen that is being made or taken down has not all of its widgets.
        with suppress(NoMatches):
            self.draw(frame)

    def draw(self, frame: Frame) -> None:
        """Draw what differs; for the screens to say how."""
        raise NotImplementedError

    def on_screen_resume(self) -> None:
        """It was hidden, and not drawn."""
        self.app.post_message(StateChanged())

    def targets(self) -> tuple[TaskState, ...]:
        """The tasks that a key acts on."""
        raise NotImplementedError

    def acted(self) -> None:
        """An action on several was sent or refused."""

    def action_pause(self) -> None:
        """Pause or resume."""
        self._ask("Pause or resume", self.targets(), self.control.toggle_pause)

    def action_resubmit(self) -> None:
        """Run again."""
        self._ask("Run again", self.targets(), self.control.resubmit)

    def action_cancel(self) -> None:
        """Cancel, after a question."""
        tasks = [task for task in self.targets() if task.status not in ENDED]
        if not tasks:
            self.notify("There is no task to cancel here: it has ended.", severity="warning", markup=False)
            return
        self._ask("Cancel", tasks, self.control.cancel, always=True)

    def action_priority(self, by: int) -> None:
        """Raise or lower the priority. Easily undone, so it asks nothing."""
        self.control.shift_priority(self.targets(), by)

    def action_pause_all(self) -> None:
        """Pause the run, or let it go on."""
        if self.frame is not None:
            self.control.toggle_campaign(self.frame.state)

    def _ask(
        self, verb: str, tasks: Sequence[TaskState], act: Callable[[Sequence[TaskState]], None], always: bool = False
    ) -> None:
        """Act at once on one task; ask once before several, or where it cannot be undone."""
        if len(tasks) < 2 and not always:
            act(tasks)
            return

        def answered(answer: str | None) -> None:
            if answer:
                act(tasks)
                self.acted()

        what = f"{len(tasks)} tasks" if len(tasks) > 1 else "this task"
        names = [f"{plain(task.id, 12)}  {plain(task.info.title, 44)}" for task in tasks[:NAMED]]
        if len(tasks) > NAMED:
            names.append(f"and {len(tasks) - NAMED} more")
        self.app.push_screen(confirm(verb, what, names), answered)
