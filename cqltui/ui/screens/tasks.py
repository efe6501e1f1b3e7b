"""What screens share on which tasks can be acted on: the keys, and the questions before what cannot be undone."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from cqltui.state.model import ENDED, Status, TaskState
from cqltui.state.plain import plain
from cqltui.ui.base import BaseApp
from cqltui.ui.control import Control
from cqltui.ui.frame import Frame
from cqltui.ui.messages import StateChanged
from cqltui.ui.panels.announcer import Announcer
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.screens.dialog import confirm
from cqltui.ui.screens.once import Once
from cqltui.ui.screens.roles import RoleScreen

NAMED = 6
"""Tasks that a question names; of more, it tells the number."""


class TaskScreen(RoleScreen[None], Once[None]):
    """A screen with a selection of tasks. It draws frames and sends commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause", id="task.pause", tooltip="Pause the task, or resume it"),
        Binding("P", "pause_all", "All", id="run.pause", tooltip="Pause the whole run, or resume it"),
        Binding("r", "resubmit", "Rerun", id="task.resubmit", tooltip="Run an ended task again"),
        Binding("x", "cancel", "Cancel", id="task.cancel", tooltip="Cancel the task, after a question"),
        Binding("plus", "priority(1)", "Prio", key_display="+/-", id="task.raise", tooltip="Raise the priority"),
        Binding("minus", "priority(-1)", "Prio down", show=False, id="task.lower", tooltip="Lower the priority"),
    ]

    def __init__(self, control: Control) -> None:
        super().__init__()
        self.control = control
        self.frame: Frame | None = None

    def on_mount(self) -> None:
        """Add the line that tells changes, where the screen is read out."""
        if isinstance(self.app, BaseApp) and self.app.preferences.plain:
            self.mount(Announcer(), before=self.query_one(KeyLine))

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        self.frame = frame
        # A screen that is being made or taken down has not all of its widgets.
        if self.is_mounted and self.is_running and self.is_attached:
            self.draw(frame)
            for announcer in self.query_children(Announcer):
                announcer.show(frame)

    def draw(self, frame: Frame) -> None:
        """Draw what differs; for the screens to say how."""
        raise NotImplementedError

    def on_screen_resume(self) -> None:
        """Draw it: it was hidden."""
        self.app.post_message(StateChanged())

    def targets(self) -> tuple[TaskState, ...]:
        """Return the tasks that a key acts on."""
        raise NotImplementedError

    def acted(self) -> None:
        """Hear that an action on the targets was sent or refused."""

    def action_pause(self) -> None:
        """Pause or resume."""
        self._ask("Pause or resume", self.targets(), _goes_on, self.control.toggle_pause)

    def action_resubmit(self) -> None:
        """Run again; after a question where a result would be put aside."""
        tasks = self.targets()
        done = any(task.status is Status.DONE for task in tasks)
        note = "The result so far counts no more; cancelling the new run brings it back." if done else ""
        self._ask("Run again", tasks, _has_ended, self.control.resubmit, always=done, note=note)

    def action_cancel(self) -> None:
        """Cancel, after a question."""
        tasks = [task for task in self.targets() if _goes_on(task)]
        if not tasks:
            self.notify("There is no task to cancel here: it has ended.", severity="warning", markup=False)
            return
        again = any(task.life.run > 1 for task in tasks)
        note = "A task that was done before it was run again gets that result back." if again else ""
        self._ask("Cancel", tasks, _goes_on, self.control.cancel, always=True, note=note)

    def action_priority(self, by: int) -> None:
        """Raise or lower the priority. Easily undone, so it asks nothing."""
        self.control.shift_priority(self.targets(), by)

    def action_pause_all(self) -> None:
        """Pause the run, or let it go on."""
        if self.frame is not None:
            self.control.toggle_campaign(self.frame.state)

    def _ask(
        self,
        verb: str,
        tasks: Sequence[TaskState],
        concerns: Callable[[TaskState], bool],
        act: Callable[[Sequence[TaskState]], None],
        always: bool = False,
        note: str = "",
    ) -> None:
        """Act at once on one task; ask once before several, or where it cannot be undone.

        Nothing is left to ask when the action `concerns` none of the tasks any more.
        """
        if not any(concerns(task) for task in tasks) or (len(tasks) < 2 and not always):
            act(tasks)
            return
        if not self.control.can_ask():  # it has said why: nobody is to answer a question in vain
            return
        ids = [task.id for task in tasks]

        def settled(frame: Frame) -> str:
            if any(concerns(task) for task in _known(frame, ids)):
                return ""
            return f"{verb}? No longer: {'the task has' if len(ids) == 1 else 'the tasks have'} changed meanwhile."

        def answered(answer: str | None) -> None:
            if answer and self.frame is not None:
                act(_known(self.frame, ids))
                self.acted()

        what = f"{len(tasks)} tasks" if len(tasks) > 1 else "this task"
        names = [f"{plain(task.id, 12)}  {plain(task.info.title, 44)}" for task in tasks[:NAMED]]
        if len(tasks) > NAMED:
            names.append(f"and {len(tasks) - NAMED} more")
        details = [*names, "", note] if note else names
        self.app.push_screen(confirm(verb, what, details, settled), answered)


def _known(frame: Frame, ids: Sequence[str]) -> list[TaskState]:
    """Return the tasks as they are now."""
    return [frame.state.tasks[task_id] for task_id in ids if task_id in frame.state.tasks]


def _goes_on(task: TaskState) -> bool:
    return task.status not in ENDED


def _has_ended(task: TaskState) -> bool:
    return task.status in ENDED
