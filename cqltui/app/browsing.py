"""Showing a page of this machine in the user's browser, where there is one, without writing onto the terminal."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from cqltui.child import PYTHON, clean_environment
from cqltui.results.reported import INSTALL, missing_packages
from cqltui.results.rundir import RunDir
from cqltui.state.plain import plain
from cqltui.supervisor import manifest
from cqltui.supervisor.lock import place

WAIT_S = 5.0
"""A browser that has not said within it that it cannot is taken to show the page: some stay as long as it is seen."""
REMOTE = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
PATH_LIMIT = 4096


def show_report(run_dir: RunDir) -> tuple[str, str]:
    """Show a run's report, as `open_page`; where there is none, say when there will be, and how to have one."""
    page = run_dir.report_html
    try:
        found = page.lstat()
    except OSError:
        return _not_yet(run_dir), ""
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in (os.geteuid(), 0):
        return f"{plain(str(page), PATH_LIMIT)} is a link or another user's: it is not opened.", ""
    return open_page(page)


def _not_yet(run_dir: RunDir) -> str:
    if not run_dir.path.is_dir():
        return f"The report is where the run is: {plain(str(run_dir.report_html), PATH_LIMIT)}, on another machine."
    if missing := missing_packages():
        return f"There is no report: it needs {' and '.join(missing)} ({INSTALL})."
    by_hand = f"cqltui report {place(run_dir)}"
    settings = manifest.outlined(run_dir).get("report")
    if isinstance(settings, dict) and settings.get("auto") is False:
        return f"There is no report yet: {by_hand} writes it."
    return f"There is no report yet: it comes once every task has ended; {by_hand} writes one now."


def open_page(page: Path, environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Have the browser show a page; over ssh, or without a display, say where it is. Waits for some seconds at most.

    Return what became of it, for the user, and what is to be copied to the clipboard, if anything.
    """
    where = plain(str(page), PATH_LIMIT)
    if any(environment.get(name) for name in REMOTE):
        return f"Over ssh no browser is started. The report is {where}", str(page)
    if sys.platform == "linux" and not any(environment.get(name) for name in DISPLAYS):
        return f"There is no display here. The report is {where}", str(page)
    # Not in this process, where a browser would write onto the screen; a browser of the terminal is none at all.
    given = {name: value for name, value in clean_environment().items() if name != "TERM"}
    try:
        child = subprocess.Popen(
            [*PYTHON, "-c", OPEN, page.as_uri()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=given,
        )
        if child.wait(WAIT_S) == 0:
            return f"The browser shows {where}", ""
    except subprocess.TimeoutExpired:
        threading.Thread(target=child.wait, daemon=True).start()  # it is collected whenever it ends
        return f"The browser shows {where}", ""
    except OSError:
        pass
    return f"No browser could be started. The report is {where}", str(page)
