"""The runs of a folder on the terminal: open one, compare some, put old ones away."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from textual import on

from cqltui.errors import CqltuiError
from cqltui.results.overview import RunOverview
from cqltui.state.plain import plain
from cqltui.state.units import size
from cqltui.ui.background import Background
from cqltui.ui.common import CommonApp
from cqltui.ui.messages import LeaveNow, StateChanged, ThreadDied
from cqltui.ui.runs.ports import RunsPorts
from cqltui.ui.runs.screens import ComparisonScreen, RunsScreen
from cqltui.ui.runs.view import RunsView
from cqltui.ui.screens.dialog import confirm

LOOK_S = 2.0
NAMED = 6
"""Runs that a question names; of more, it tells the number."""
UNMEASURED = "size not known yet"


def _nothing(*_: object) -> None:
    pass


class RunsApp(CommonApp[str]):
    """Ends with the path of the run that is to be opened; None when the user leaves."""

    CSS_PATH = "../app.tcss"

    def __init__(self, ports: RunsPorts, at: str = "", notice: str = "") -> None:
        """`at`: the run under the cursor, by path; `notice`: what is to be said at the start."""
        super().__init__(ports.preferences)
        self._ports, self._notice = ports, notice
        self.failure: CqltuiError | None = None
        self._list = RunsScreen(at)
        self._looks = Background("runs", self.post, self.died)
        self._work = Background("work", self.post, self.died)
        self._runs: tuple[RunOverview, ...] = ()
        self._sizes: dict[str, int] = {}
        self._looking = False

    def get_default_screen(self) -> RunsScreen:
        """Return the list."""
        return self._list

    def on_mount(self) -> None:
        """Look, and go on looking."""
        for thread in (self._looks, self._work):
            thread.start()
        self.set_interval(LOOK_S, self._look)
        self._look()
        if self._notice:
            self.say(self._notice, "error")

    def on_unmount(self) -> None:
        """Let go of the threads."""
        for thread in (self._looks, self._work):
            thread.stop()

    # From other threads

    def on_leave_now(self, message: LeaveNow) -> None:
        """Leave: a signal came, or the terminal is gone."""
        if self._list.is_mounted and self.is_whole:
            self.exit(None)
        else:
            asyncio.get_running_loop().call_later(0.02, self.call_next, partial(self.on_leave_now, message))

    def on_thread_died(self, message: ThreadDied) -> None:
        """End with the error."""
        raise message.error

    def on_state_changed(self, message: StateChanged) -> None:
        """Draw: a size has changed."""
        self._draw()

    # Looking

    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            self._looks.call(self._ports.look, self._seen, self._not_seen)

    def _seen(self, runs: Sequence[RunOverview]) -> None:
        self._looking = False
        self._runs = tuple(runs)
        self._draw()
        for run in runs:
            if run.path not in self._sizes:
                self._measure(run.path)

    def _not_seen(self, error: CqltuiError) -> None:
        self._looking = False
        self.say(str(error), "error")

    def _measure(self, path: str) -> None:
        self._sizes[path] = -1
        self._work.call(partial(self._ports.size_of, path), partial(self._measured, path), _nothing)

    def _measured(self, path: str, size_bytes: int) -> None:
        self._sizes[path] = size_bytes
        self._draw()

    def _draw(self) -> None:
        if self._list.is_mounted:
            known = {path: number for path, number in self._sizes.items() if number >= 0}
            self._list.query_one(RunsView).show_runs(self._runs, known, self._ports.clock())

    # Keys

    @on(RunsView.Opened)
    def _opened(self) -> None:
        if (run := self._list.query_one(RunsView).at) is not None:
            self.exit(run.path)

    def action_leave(self) -> None:
        """Leave."""
        self.exit(None)

    def theme_chosen(self, name: str) -> None:
        """Have the theme remembered."""
        self._work.call(partial(self._ports.theme_chosen, name), _nothing, _nothing)

    def action_unmark(self) -> None:
        """Remove all marks."""
        self._list.query_one(RunsView).unmark()

    def action_compare(self) -> None:
        """Compare the marked runs."""
        runs = self._list.query_one(RunsView).chosen()
        if len(runs) < 2:
            self.say("Mark two runs or more with space, then compare them.", "error")
            return
        screen = ComparisonScreen([run.name for run in runs])
        self.push_screen(screen)
        compare = partial(self._ports.compare, [run.path for run in runs], max(self.size.width - 4, 40))
        self._work.call(compare, screen.show_text, lambda error: screen.show_text(str(error).splitlines()))

    def action_archive(self) -> None:
        """Move runs out of the list."""
        self._ask("Archive", "into runs/archive, where they can be opened by their path", self._ports.archive)

    def action_delete(self) -> None:
        """Delete runs."""
        self._ask("Delete", "for good: models, results, reports, logs", self._ports.delete)

    def _ask(self, verb: str, how: str, act: Callable[[str], object]) -> None:
        runs = self._list.query_one(RunsView).chosen()
        if self._ports.read_only:
            self.say("This screen is read-only.", "error")
        elif running := [plain(run.name, 40) for run in runs if run.state == "running"]:
            many = f"{len(running)} of these runs go on" if len(running) > 1 else f"{running[0]} goes on"
            self.say(f"{many}: stop what is to be put away first; nothing was changed.", "error")
        elif runs:
            what, details = _named(runs, self._sizes)
            answer = partial(self._answered, verb, runs, act)
            self.push_screen(confirm(verb, what, [*details, f"{verb} {how}."], lambda _: ""), answer)

    def _answered(
        self, verb: str, runs: Sequence[RunOverview], act: Callable[[str], object], answer: str | None
    ) -> None:
        if answer != "yes":
            return
        self.action_unmark()
        for run in runs:
            done = partial(self._acted, f"{verb}d {run.name}.")
            self._work.call(partial(act, run.path), done, lambda error: self.say(str(error), "error"))

    def _acted(self, said: str, _: object) -> None:
        self.say(said)
        self._look()


def _named(runs: Sequence[RunOverview], sizes: dict[str, int]) -> tuple[str, list[str]]:
    """Return what a question is about, and its details: the names with their sizes."""
    known = [sizes.get(run.path, -1) for run in runs]
    room = size(sum(known)) if min(known) >= 0 else UNMEASURED
    what = f"{plain(runs[0].name, 40)}, {room}" if len(runs) == 1 else f"{len(runs)} runs, {room}"
    lines = []
    for run, number in list(zip(runs, known, strict=True))[:NAMED]:
        room = size(number) if number >= 0 else UNMEASURED
        lines.append(f"{plain(run.name, 40)}: {run.done} of {run.tasks} tasks done, {room}")
    return what, [*lines, *([f"and {len(runs) - NAMED} more"] if len(runs) > NAMED else [])]
