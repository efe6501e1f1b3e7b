"""What the terminal is able to show, by its environment."""

import os
import re
import sys
from collections.abc import Mapping

UNFIT = frozenset({"dumb", "unknown", ""})
"""Terminals that move no cursor."""
FEW_COLORS = frozenset({"linux", "ansi", "cygwin", "xterm-color", "xterm-16color", "rxvt"})
_ASKED = ("xterm", "rxvt", "foot", "alacritty", "kitty", "wezterm", "ghostty", "contour", "st", "vte")
"""How the names of terminals begin that know the question."""


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


def theme(environment: Mapping[str, str]) -> str:
    """Return the name of the theme that suits the terminal as far as its environment tells: by its colours, then by
    COLORFGBG, which some terminals set; else it is dark, as nearly all are."""
    if has_few_colors(environment):
        return "ansi"
    told = environment.get("COLORFGBG", "").split(";")[-1]
    is_light = told.isdecimal() and int(told) in (7, *range(9, 16)) and not _is_inside(environment)
    return "light" if is_light else "dark"


def has_few_colors(environment: Mapping[str, str]) -> bool:
    """Return whether it shows no more than its own eight or sixteen."""
    return environment.get("TERM", "") in FEW_COLORS and environment.get("COLORTERM") not in ("truecolor", "24bit")


def may_ask(environment: Mapping[str, str]) -> bool:
    """Return whether the terminal may be asked: it knows the question, and is ours to ask. What stands between, as tmux
    does, may answer for a terminal that is long gone."""
    name = environment.get("TERM", "")
    known = name.startswith(_ASKED) and has_colors(environment) and not has_few_colors(environment)
    return known and not _is_inside(environment) and _is_ours()


def _is_inside(environment: Mapping[str, str]) -> bool:
    name = environment.get("TERM", "")
    return bool(environment.get("TMUX") or environment.get("STY") or name.startswith(("screen", "tmux")))


def _is_ours() -> bool:
    """Return whether we are in the foreground of one terminal for input and for drawing."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty() and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
