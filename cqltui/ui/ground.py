"""The colour of the terminal's background, which it is asked for before the screen opens."""

import os
import re
import select
import termios
import time
from contextlib import suppress

ANSWER_S = 0.05
"""Terminals answer within milliseconds; over a slow line the answer comes later, while the screen reads."""
WAIT_S = 10.0
"""After the start; an answer that takes longer is not one."""
BACKGROUND = "11;"
"""How an answer begins."""
LONGEST = 4096
QUESTION = b"\x1b]11;?\x1b\\"
_PART = r"([0-9a-fA-F]{1,4})"
_COLOR = re.compile(rf"rgba?:{_PART}/{_PART}/{_PART}")
_WHOLE = re.compile(rb"\x1b\]11;([^\x07\x1b]*)(?:\x07|\x1b\\)")
LIGHT_FROM = 0.5
Color = tuple[float, float, float]
"""Red, green and blue, from 0 to 1."""


def color_of(text: str) -> Color | None:
    """Return the colour that an answer tells ("rgb:ffff/ffff/ffff"); None if it is none."""
    found = _COLOR.search(text)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return red, green, blue


def theme_on(background: Color) -> str:
    """Return the name of the theme that suits a background."""
    red, green, blue = background
    return "light" if 0.299 * red + 0.587 * green + 0.114 * blue > LIGHT_FROM else "dark"


def ask() -> Color | None:
    """Return the terminal's background; None if it does not say. Meanwhile nothing that is typed is shown, and what is
    typed in these milliseconds is lost."""
    try:
        before = termios.tcgetattr(0)
    except termios.error:
        return None
    silent = [*before]
    silent[3] &= ~(termios.ECHO | termios.ICANON)
    try:
        termios.tcsetattr(0, termios.TCSANOW, silent)
        os.write(2, QUESTION)
        return _answer()
    except (termios.error, OSError):
        return None
    finally:
        with suppress(termios.error):
            termios.tcsetattr(0, termios.TCSANOW, before)


def _answer() -> Color | None:
    until = time.monotonic() + ANSWER_S
    heard = b""
    while len(heard) < LONGEST:
        if (found := _WHOLE.search(heard)) is not None:
            return color_of(found[1].decode("ascii", "replace"))
        if not select.select([0], [], [], max(until - time.monotonic(), 0))[0]:
            break
        if not (read := os.read(0, LONGEST)):
            break
        heard += read
    return None
