"""Foreign text made fit for a terminal."""

import re
import shlex
import unicodedata

# ECMA-48: CSI sequences; strings (OSC, DCS, SOS, PM, APC) up to their end, or to the escape that breaks them off; then
# two- and three-byte escapes. What a string holds is taken once and for all, else text of many beginnings without an
# end takes time in the square of its length.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*+(?:\x07|\x1b\\|\x9c|(?=\x1b)|\Z)"
    r"|\x1b[ -/]*[0-~]"
)
_EMOJI_STYLE = "\ufe0f"
"""Terminals disagree on the width of what it follows."""
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str, limit: int = 200) -> str:
    """Return one printable line of at most `limit` characters: no escape sequences and no control characters.

    Bidirectional controls, which show text in another order than it has, and C1 controls are written as escapes
    (\\u202e). White space of any kind becomes a space, what cannot be encoded (a lone surrogate) the replacement
    character; what is cut ends in an ellipsis. What remains may still look like markup: draw it with markup off.
    """
    if not text.isprintable() or _EMOJI_STYLE in text:
        # Four times the limit is enough to look at, whatever the length of a hostile text.
        text = "".join(map(_printable, _ESCAPE.sub("", text[: 4 * limit + 1000])))
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"[: max(0, limit)]


def plain_text(text: str, limit: int = 2_000) -> str:
    """Several lines, each as `plain` gives it; for a log, or a report that somebody else has written."""
    return "\n".join(plain(line, limit) for line in text.split("\n"))


def is_utf8(path: str) -> bool:
    """Return whether a path is text, of which files and servers can be told: one that is not has halves of surrogate
    pairs."""
    return not any("\ud800" <= char <= "\udfff" for char in path)


def word(text: str) -> str:
    """As one word for a shell, printable whatever is in it: what has control characters as $'...', which bash and zsh
    read."""
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(map(_in_word, text))}'"


def headline(text: str) -> str:
    """Return the first line that is not empty: of an error the reason, which tracebacks and log lines follow."""
    return next((line for line in text.splitlines() if line.strip()), "")


def _in_word(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte of a path that is no UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    if char in "\\'":
        return f"\\{char}"
    return char if char.isprintable() else ascii(char)[1:-1]


def _printable(char: str) -> str:
    if char.isprintable() and char != _EMOJI_STYLE:
        return char
    if char.isspace():
        return " "
    if char in _BIDIRECTIONAL or "\x80" <= char <= "\x9f":
        return ascii(char)[1:-1]
    return "\ufffd" if unicodedata.category(char) in ("Cs", "Co", "Cn") else ""
