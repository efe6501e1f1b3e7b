"""Show a run on the terminal until the user leaves."""

import sys
from collections.abc import Callable

from cqltui.errors import CqltuiError
from cqltui.ui.app import CqltuiApp, Start
from cqltui.ui.ending import Ending
from cqltui.ui.ports import EventSource, LeaveChoice, Logs, Requests, ShowReport


def run_ui(
    source: EventSource,
    requests: Requests,
    logs: Logs,
    stall_s: float = 120.0,
    supervised: Callable[[], bool] = lambda: True,
    hindered: Callable[[], str] = str,
    start: Start | None = None,
    report: ShowReport = lambda: ("There is no report here.", ""),
) -> LeaveChoice:
    """Show the run until the user leaves; what was chosen has already been asked of the server.

    A signal that ends programs, or a terminal that is closed, leaves the run in the background. `supervised` says
    whether the run has a supervisor, `hindered` what keeps it from its work; both are called in a thread, about once a
    second, and may raise OSError. `start` is called in a thread once the screen is seen, with a function that shows
    what is waited for; the source is read after it. When the screen is left before it has come to its end, it goes on.
    `report` is called in a thread of its own when the user asks for the report.

    Raises CqltuiError where there is no terminal, that of `start`, and when the screen ended with an error of ours.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CqltuiError("The screen needs a terminal for input and messages. Use --no-ui without one.")
    app = CqltuiApp(
        source,
        requests,
        logs,
        stall_s=stall_s,
        supervised=supervised,
        hindered=hindered,
        start=start,
        report=report,
    )
    choice: LeaveChoice | None = None
    with Ending(app.leave_now) as ending:
        choice = app.run()
    if ending.came:
        return LeaveChoice.BACKGROUND
    if app.failure is not None:
        raise app.failure
    if app.return_code:
        raise CqltuiError("The screen ended with the error above. The run goes on; look at it with cqltui status.")
    return choice or LeaveChoice.BACKGROUND
