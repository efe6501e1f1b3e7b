"""What screens share on which tasks can be acted on: the keys, and the questions before what cannot be undone."""

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from cqltui.later import Later
from cqltui.state.model import ENDED, RunState, Status, TaskState, Wanted
from cqltui.state.plain import plain
from cqltui.state.select import counts
from cqltui.ui.base import BaseApp
from cqltui.ui.control import Control
from cqltui.ui.frame import Frame
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.screens.once import Once
from cqltui.ui.screens.roles import FrameScreen

if TYPE_CHECKING:
    from cqltui.ui.panels import announcer, replayline
    from cqltui.ui.screens import copying, dialog, number
else:
    announcer, replayline = Later("cqltui.ui.panels.announcer"), Later("cqltui.ui.panels.replayline")
    copying, dialog = Later("cqltui.ui.screens.copying"), Later("cqltui.ui.screens.dialog")
    number = Later("cqltui.ui.screens.number")

NOTE_CELLS = 70
SHOWN = 120
"""Characters of what was copied."""
CHANGES = frozenset({
    "pause", "pause_all", "resubmit", "cancel", "priority", "undo", "workers", "resubmit_dead", "drain", "edit",
})  # fmt: skip
"""Actions that do nothing but change the run: a screen that is read-only does not offer them, nor one on a run that
rests, but for the file."""
NAMED = 6
"""Tasks that a question names; of more, it tells the number."""


class TaskScreen(FrameScreen, Once[None]):
    """A screen with a selection of tasks. It draws frames and sends commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause", id="task.pause", tooltip="Pause the task, or resume it"),
        Binding("P", "pause_all", "All", id="run.pause", tooltip="Pause the whole run, or resume it"),
        Binding("r", "resubmit", "Rerun", id="task.resubmit", tooltip="Run an ended task again"),
        Binding("x", "cancel", "Cancel", id="task.cancel", tooltip="Cancel the task, after a question"),
        Binding("plus", "priority(1)", "Prio", key_display="+/-", id="task.raise", tooltip="Raise the priority"),
        Binding("minus", "priority(-1)", "Prio down", show=False, id="task.lower", tooltip="Lower the priority"),
        Binding("u", "undo", "Undo", id="run.undo", tooltip="Take back what this screen has asked last"),
        Binding("w", "workers", "Workers", id="run.workers", tooltip="Have more or fewer workers"),
        Binding(
            "R",
            "resubmit_dead",
            "Rerun dead",
            show=False,
            id="run.resubmit_dead",
            tooltip="Run every dead task again; asks",
        ),
        Binding(
            "d",
            "drain",
            "Drain",
            show=False,
            id="run.drain",
            tooltip="Let running tasks end and start no other; asks",
        ),
        Binding("y", "copy", "Copy", id="task.copy", tooltip="Copy the task's id, command or error"),
    ]

    def __init__(self, control: Control) -> None:
        super().__init__()
        self.control = control
        self._withheld = self.withheld
        self._lines: tuple[announcer.Announcer | replayline.ReplayLine, ...] = ()

    def on_mount(self) -> None:
        """Add the line that tells changes, where the screen is read out, and the one of a replay."""
        if isinstance(self.app, BaseApp) and self.app.replay is not None:
            self._lines += (replayline.ReplayLine(),)
        if isinstance(self.app, BaseApp) and self.app.preferences.plain:
            self._lines += (announcer.Announcer(),)
        if self._lines:
            self.mount(*self._lines, before=self.query_one(KeyLine))

    @property
    def withheld(self) -> frozenset[str]:
        """Actions that are not offered in the last line."""
        if self.control.read_only:
            return CHANGES
        return CHANGES - {"edit"} if self.control.rests else frozenset()

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        super().show(frame)
        if self._withheld != (now := self.withheld):
            self._withheld = now
            self.refresh_bindings()
        for line in self._lines if self.is_there else ():
            line.show(frame)

    @property
    def seen(self) -> tuple[str, ...]:
        """The tasks that are seen or chosen."""
        raise NotImplementedError

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
        self._ask("Rerun", tasks, _has_ended, self.control.resubmit, always=done, note=note)

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

    def action_undo(self) -> None:
        """Take back what was asked last."""
        self.control.undo()

    def action_workers(self) -> None:
        """Have more or fewer workers; after a question, fewer."""
        if self.frame is None or not self.control.can_ask_run():
            return
        state = self.frame.state
        most = state.campaign.workers_limit
        now = min(state.asked_workers or state.campaign.workers, most)
        if not most:
            said = "The run's supervisor is of an earlier version, which cannot change the number of workers."
            self.notify(said, severity="warning", markup=False)
            return
        details = f"Now {now}, at most {most}. More start at once; fewer leave after a checkpoint."

        def answered(count: int | None) -> None:
            if count and count < now:
                leaving = ", ".join(f"w{number}" for number in range(count + 1, now + 1))
                note = f"{leaving} would write a checkpoint and leave; what they train is queued again."
                what = f"{count} of {now} workers"
                self._confirm("Go on with", what, lambda _: note, lambda: self.control.workers(count))
            elif count:
                self.control.workers(count)

        self.app.push_screen(number.NumberDialog("How many workers?", details, now, most), answered)

    def action_resubmit_dead(self) -> None:
        """Run every dead task again, after a question that names them."""
        state = self.frame.state if self.frame else RunState()
        dead = [task for task in state.tasks.values() if _is_dead(task)]
        total = counts(state)[Status.DEAD] if state.page is not None else len(dead)
        if dead:
            those = f"the {len(dead):,} that are" if len(dead) > 1 else "the one that is"
            named = f"{those} here of {total:,} dead tasks" if total > len(dead) else ""
            self._ask("Rerun", dead, _is_dead, self.control.resubmit, always=True, named=named)
        elif self.control.can_change() and total:
            said = f"None of the {total:,} dead tasks is here. Filter by state:dead, then try again."
            self.notify(said, severity="warning", markup=False)
        elif self.control.can_change():
            self.notify("No task is dead: there is nothing to run again.", markup=False)

    def action_drain(self) -> None:
        """Let running tasks end and start no other, after a question."""
        if self.frame is None or not self.control.can_ask_run():
            return
        name = plain(self.frame.state.campaign.name, 40) or "the run"
        self._confirm("Drain", name, _drained, lambda: self.control.want(Wanted.DRAINING))

    def _confirm(self, verb: str, what: str, note: Callable[[RunState], str], act: Callable[[], None]) -> None:
        """Act on the whole run after a yes."""
        assert self.frame is not None, "what is asked is of it"

        def settled(frame: Frame) -> str:
            return f"{verb} {what}? No longer: the run has finished." if frame.state.finished_ts else ""

        def details(frame: Frame) -> list[str]:
            return textwrap.wrap(note(frame.state), NOTE_CELLS)

        question = dialog.confirm(verb, what, details(self.frame), settled, details)
        self.app.push_screen(question, lambda answer: act() if answer else None)

    def action_copy(self) -> None:
        """Copy something of the task, or of all marked ones, to the clipboard of the terminal."""
        if tasks := self.targets():
            assert self.frame is not None, "they are of it"
            offer = copying.Copying(tasks, self.frame.state.campaign.run_dir)

            def answered(answer: str | None) -> None:
                if answer:
                    text = offer.text(answer)
                    self.app.copy_to_clipboard(text)
                    said = f"Copied, if your terminal allows it (OSC 52): {plain(text, SHOWN)}"
                    self.notify(said, markup=False)

            self.app.push_screen(offer.dialog(), answered)

    def _ask(
        self,
        verb: str,
        tasks: Sequence[TaskState],
        concerns: Callable[[TaskState], bool],
        act: Callable[[Sequence[TaskState]], None],
        always: bool = False,
        note: str = "",
        named: str = "",
    ) -> None:
        """Act at once on one task; ask once before several, or where it cannot be undone.

        `named`: what they are called, if not by their number.

        Nothing is left to ask when the action `concerns` none of the tasks any more.
        """
        if not self.control.can_change():
            return
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

        what = named or (f"{len(tasks)} tasks" if len(tasks) > 1 else "this task")
        names = [f"{plain(task.id, 16)}  {plain(task.info.title, 44)}" for task in tasks[:NAMED]]
        if len(tasks) > NAMED:
            names.append(f"and {len(tasks) - NAMED} more")
        details = [*names, "", note] if note else names
        self.app.push_screen(dialog.confirm(verb, what, details, settled), answered)


def _known(frame: Frame, ids: Sequence[str]) -> list[TaskState]:
    """Return the tasks as they are now."""
    return [frame.state.tasks[task_id] for task_id in ids if task_id in frame.state.tasks]


def _drained(state: RunState) -> str:
    found = counts(state)
    running = found[Status.RUNNING]
    waiting = sum(number for status, number in found.items() if status not in ENDED) - running
    return (
        f"{running} running task{'s' * (running != 1)} would train to the end; {waiting} would wait. "
        "P takes it back while some still run; later the campaign's command goes on."
    )


def _goes_on(task: TaskState) -> bool:
    return task.status not in ENDED


def _is_dead(task: TaskState) -> bool:
    return task.status is Status.DEAD


def _has_ended(task: TaskState) -> bool:
    return task.status in ENDED
