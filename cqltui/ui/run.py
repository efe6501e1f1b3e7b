"""Show a run on the terminal until the user leaves."""

import sys

from cqltui.errors import CqltuiError
from cqltui.ui.app import CqltuiApp
from cqltui.ui.ending import Ending
from cqltui.ui.ground import ask
from cqltui.ui.ports import LeaveChoice, Ports

KEEP_S = 1.0
"""How long the program waits at its end for the arrangement of the screen to be kept."""


def run_ui(ports: Ports) -> LeaveChoice:
    """Show the run until the user leaves; what was chosen has already been asked of the server.

    A signal that ends programs, or a terminal that is closed, leaves the run in the background.

    Raises CqltuiError where there is no terminal, that of `ports.start`, and when the screen ended with an error of
    ours.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CqltuiError("The screen needs a terminal for input and messages. Use --no-ui without one.")
    app = CqltuiApp(ports)
    choice: LeaveChoice | None = None
    with Ending(app.leave_now) as ending:
        if ports.preferences.asks:
            app.follow_background(ask())
        choice = app.run()
    app.memory.settled(KEEP_S)
    if ending.came:
        return LeaveChoice.BACKGROUND
    if app.failure is not None:
        raise app.failure
    if app.return_code:
        raise CqltuiError("The screen ended with the error above. The run goes on; look at it with cqltui status.")
    return choice or LeaveChoice.BACKGROUND
