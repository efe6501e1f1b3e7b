"""What the terminal is able to show, by its environment, and the colour of its background, which it is asked for."""

import os
import re
import select
import sys
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

UNFIT = frozenset({"dumb", "unknown", ""})
"""Terminals that move no cursor."""
FEW_COLORS = frozenset({"linux", "ansi", "cygwin", "xterm-color", "xterm-16color", "rxvt"})
ANSWER_S = 0.1
"""From the question on. Terminals that answer do so within milliseconds; over a slow line the default is used."""
QUESTION = b"\x1b]11;?\x1b\\"
_PART = rb"([0-9a-fA-F]{1,4})"
_ANSWER = re.compile(rb"\x1b\]11;rgba?:%b/%b/%b[^\x07\x1b]*(?:\x07|\x1b\\)" % (_PART, _PART, _PART))
_ASKED = ("xterm", "rxvt", "foot", "alacritty", "kitty", "wezterm", "ghostty", "contour", "st", "vte")
"""How the names of terminals begin that know the question."""
LIGHT_FROM = 0.5
Color = tuple[float, float, float]
"""Red, green and blue, from 0 to 1."""


def unfit(environment: Mapping[str, str]) -> str:
    """Return why no screen can be drawn on such a terminal; nothing if it can."""
    name = environment.get("TERM", "")
    return f"TERM={name or 'not set'}" if name in UNFIT else ""


def is_ascii(environment: Mapping[str, str]) -> bool:
    """Return whether ASCII is all that it shows for sure: the locale is not UTF-8, or a console with few signs."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(name)), "")
    is_utf8 = re.search(r"utf-?8", locale, re.IGNORECASE) is not None
    # Without any the interpreter takes UTF-8, and so do nearly all terminals.
    return bool(locale and not is_utf8) or environment.get("TERM", "").split("-")[0] == "linux"


def has_colors(environment: Mapping[str, str]) -> bool:
    """Return whether it has colours, and the user wants them."""
    name = environment.get("TERM", "")
    return "NO_COLOR" not in environment and not (name.endswith(("-mono", "-m")) or re.match(r"vt\d", name))


def theme(environment: Mapping[str, str], background: Color | None) -> str:
    """Return the name of the theme that suits the terminal. What it has said of its background counts, then COLORFGBG,
    which some terminals set; else it is dark, as nearly all are."""
    if environment.get("TERM", "") in FEW_COLORS and environment.get("COLORTERM") not in ("truecolor", "24bit"):
        return "ansi"
    if background is not None:
        red, green, blue = background
        return "light" if 0.299 * red + 0.587 * green + 0.114 * blue > LIGHT_FROM else "dark"
    told = environment.get("COLORFGBG", "").split(";")[-1]
    is_light = told.isdecimal() and int(told) in (7, *range(9, 16)) and not _is_inside(environment)
    return "light" if is_light else "dark"


def may_ask(environment: Mapping[str, str]) -> bool:
    """Return whether the terminal may be asked: it knows the question, and is ours to ask. What stands between, as tmux
    does, may answer for a terminal that is long gone."""
    name = environment.get("TERM", "")
    return name.startswith(_ASKED) and not name.endswith("mono") and not _is_inside(environment) and _is_ours()


def _is_inside(environment: Mapping[str, str]) -> bool:
    name = environment.get("TERM", "")
    return bool(environment.get("TMUX") or environment.get("STY") or name.startswith(("screen", "tmux")))


def _is_ours() -> bool:
    """Return whether we are in the foreground of one terminal for input and for drawing."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty() and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def background(answer: bytes) -> Color | None:
    """Return the colour that an answer tells; None if it is none, or not whole."""
    found = _ANSWER.search(answer)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return red, green, blue


class Background:
    """The question for the background: asked when it is entered, so that the terminal answers while other things are
    done. Until it is left, nothing that is typed is shown."""

    def __init__(self, asks: bool) -> None:
        self._asks = asks
        self._before: list[Any] | None = None
        self._until = 0.0

    def __enter__(self) -> "Background":
        """Ask."""
        if self._asks:
            with suppress(termios.error, OSError):
                before = termios.tcgetattr(0)
                silent = termios.tcgetattr(0)
                silent[3] &= ~(termios.ECHO | termios.ICANON)
                termios.tcsetattr(0, termios.TCSANOW, silent)
                self._before = before
                self._until = time.monotonic() + ANSWER_S
                os.write(2, QUESTION)
        return self

    def answer(self) -> Color | None:
        """Return what the terminal has said; waits until `ANSWER_S` after the question at most."""
        heard = b""
        while self._before is not None and (found := background(heard)) is None:
            left = self._until - time.monotonic()
            if not select.select([0], [], [], max(left, 0))[0]:
                return None
            read = os.read(0, 1024)
            heard += read
            if not read or len(heard) > 4096:
                return None
        return found if self._before is not None else None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Leave the terminal as it was."""
        if self._before is not None:
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSANOW, self._before)
