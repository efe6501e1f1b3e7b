"""Show a run on the terminal until the user leaves."""

import ctypes
import gc
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from cqltui.errors import CqltuiError
from cqltui.later import Later
from cqltui.ui.app import CqltuiApp
from cqltui.ui.ending import Ending
from cqltui.ui.ports import LeaveChoice, Ports, Steered

if TYPE_CHECKING:
    from cqltui.ui import replaying
    from cqltui.ui.runs import app as runs
    from cqltui.ui.runs.ports import RunsPorts
else:
    replaying, runs = Later("cqltui.ui.replaying"), Later("cqltui.ui.runs.app")

YOUNG = 20_000
"""So many objects more than at the last collection bring about the next one."""
SWITCH_S = 0.001
"""So long a thread that reads reports may keep the one that draws from its turn. By default it is 5 ms, which a key
would wait several times: read by one thread, acted on by another, written by a third."""
M_ARENA_MAX = -8
"""As <malloc.h> has it."""
KEEP_S = 1.0
"""How long the program waits at its end for the arrangement of the screen to be kept."""


def run_ui(ports: Ports) -> LeaveChoice:
    """Show the run until the user leaves; what was chosen has already been asked of the server.

    A signal that ends programs, or a terminal that is closed, leaves the run in the background.

    Raises CqltuiError where there is no terminal, that of `ports.start`, and when the screen ended with an error of
    ours.
    """
    return _run(CqltuiApp(ports))


def run_replay(ports: Ports, steered: Steered) -> None:
    """Show a recorded run until the user leaves."""
    _run(replaying.ReplayApp(ports, steered))


def _run(app: CqltuiApp) -> LeaveChoice:
    _expect_terminal()
    app.painted = _collect
    _share_heap()
    sys.setswitchinterval(SWITCH_S)
    gc.disable()  # until then nothing is garbage, and looking for it takes a tenth of the time
    choice: LeaveChoice | None = None
    try:
        with Ending(app.leave_now) as ending:
            if app.preferences.asks:
                app.follow_background(app.preferences.background)
            choice = app.run()
    finally:
        gc.enable()
    app.memory.settled(KEEP_S)
    if ending.came:
        return LeaveChoice.BACKGROUND
    return _chosen(app, choice)


def _collect() -> None:
    """Collect garbage from now on, but not in what is there: it stays to the end.

    And not after every 700 objects more: the reports that are read together are tens of thousands of lists, none of
    them garbage for long, and going through them would take a fifth of the time.
    """
    gc.freeze()
    gc.set_threshold(YOUNG)
    gc.enable()


def _share_heap() -> None:
    """Have all threads that are started from now on take memory from a heap that there is. By default glibc gives each
    its own, most of which lies free: with ten thousand tasks some 5 MB."""
    with suppress(AttributeError):  # not glibc
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def run_in_browser(ports: Ports) -> LeaveChoice:
    """As `run_ui`, for a page that is served by the process that has started this one."""
    app = CqltuiApp(ports)
    choice = app.run()
    app.memory.settled(KEEP_S)
    return _chosen(app, choice)


def _chosen(app: CqltuiApp, choice: LeaveChoice | None) -> LeaveChoice:
    if app.failure is not None:
        raise app.failure
    if app.return_code:
        raise CqltuiError("The screen ended with the error above. The run goes on; look at it with cqltui status.")
    return choice or LeaveChoice.BACKGROUND


def run_runs(ports: "RunsPorts", at: str, notice: str) -> str | None:
    """Show the list of runs until one is opened, whose path is returned, or the user leaves.

    `at`: the path of the run under the cursor; `notice`: what is said at the start. Raises CqltuiError where there is
    no terminal, and when the screen ended with an error of ours.
    """
    _expect_terminal()
    app = runs.RunsApp(ports, at, notice)
    opened: str | None = None
    with Ending(app.leave_now) as ending:
        if ports.preferences.asks:
            app.follow_background(ports.preferences.background)
        opened = app.run()
    if app.return_code and not ending.came:
        raise CqltuiError("The screen ended with the error above.")
    return None if ending.came else opened


def _expect_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CqltuiError("The screen needs a terminal for input and messages. Use --no-ui without one.")
