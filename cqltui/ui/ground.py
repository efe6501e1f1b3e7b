"""The colour of the terminal's background, which it is asked for while the screen is being loaded."""

import os
import re
import select
import signal
import termios
import time
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn, Self

from cqltui.ui.ending import SIGNALS

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


class Question:
    """What the terminal is asked, and its answer, which comes while the screen is loaded.

    From the question on nothing that is typed is shown; what is typed by the time of `answer` is lost. As a context it
    is over at the end at the latest, by a signal too: an answer that nobody takes would be typed into the shell, which
    would not show it. For the main thread, as signal handlers are.
    """

    def __init__(self, *, ask: bool = True) -> None:
        """`ask`: whether it is asked at all; of one that is not there is no answer."""
        self._before: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self._asked_s = time.monotonic()
        if ask:
            self._ask()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.answer()

    def _ask(self) -> None:
        try:
            before = termios.tcgetattr(0)
            silent = [*before]
            silent[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(0, termios.TCSANOW, silent)
            self._before = before
            self._handlers = {number: signal.signal(number, _end) for number in SIGNALS}
            os.write(2, QUESTION)
        except (termios.error, OSError):
            self.answer()

    def answer(self) -> Color | None:
        """Return the terminal's background, once; None if it has not said within `ANSWER_S` of the question."""
        before, self._before = self._before, None
        if before is None:
            return None
        try:
            return _answer(self._asked_s + ANSWER_S)
        except OSError:
            return None
        finally:
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSANOW, before)
            for number, handler in self._handlers.items():
                signal.signal(number, handler)


def _end(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _answer(until: float) -> Color | None:
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
