"""Showing a page of this machine in the user's browser, where there is one, without writing onto the terminal."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cqltui.child import PYTHON, clean_environment
from cqltui.state.plain import plain

WAIT_S = 5.0
"""A browser that has not said within it that it cannot is taken to show the page: some stay as long as it is seen."""
REMOTE = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
PATH_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of it."""

    said: str
    """A line for the user."""
    copy: str = ""
    """What is to be put on the clipboard."""


def open_page(page: Path, environment: Mapping[str, str] = os.environ) -> Shown:
    """Have the browser show a page; over ssh, or without a display, say where it is. Waits for some seconds at most."""
    where = plain(str(page), PATH_LIMIT)
    if any(environment.get(name) for name in REMOTE):
        return Shown(f"over ssh no browser is started; the report is {where}", str(page))
    if sys.platform == "linux" and not any(environment.get(name) for name in DISPLAYS):
        return Shown(f"there is no display here; the report is {where}", str(page))
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
            return Shown(f"the browser shows {where}")
    except subprocess.TimeoutExpired:
        threading.Thread(target=child.wait, daemon=True).start()  # it is collected whenever it ends
        return Shown(f"the browser shows {where}")
    except OSError:
        pass
    return Shown(f"no browser could be started; the report is {where}", str(page))
