"""Foreign text made fit for a terminal."""

import re
import unicodedata

# ECMA-48: CSI sequences; strings (OSC, DCS, SOS, PM, APC) up to their end; then two- and three-byte escapes.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]"
)
_EMOJI_STYLE = "\ufe0f"
"""Terminals disagree on the width of what it follows."""


def plain(text: str, limit: int = 200) -> str:
    """One printable line of at most `limit` characters: no escape sequences, no control or bidirectional characters.

    White space of any kind becomes a space, what cannot be encoded (a lone surrogate) the replacement character;
    what is cut ends in an ellipsis. What remains may still look like markup: draw it with markup off.
    """
    if not text.isprintable() or _EMOJI_STYLE in text:
        # Four times the limit is enough to look at, whatever the length of a hostile text.
        text = "".join(map(_printable, _ESCAPE.sub("", text[: 4 * limit + 1000])))
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"[: max(0, limit)]


def headline(text: str) -> str:
    """The first line that is not empty: of an error the reason, which tracebacks and log lines follow."""
    return next((line for line in text.splitlines() if line.strip()), "")


def _printable(char: str) -> str:
    if char.isprintable() and char != _EMOJI_STYLE:
        return char
    if char.isspace():
        return " "
    return "\ufffd" if unicodedata.category(char) in ("Cs", "Co", "Cn") else ""
