"""What is drawn in place of characters that a terminal, or a screen reader, has none for. All lines go through here."""

import unicodedata
from collections.abc import Callable
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

BRAILLE, DOTS_ABOVE, DOTS_BELOW = range(0x2800, 0x2900), 0x01 | 0x02 | 0x08 | 0x10, 0x04 | 0x20 | 0x40 | 0x80
DRAWN = range(0x2500, 0x25A0)
"""Boxes and blocks."""
UNKNOWN = "?"
_PAIRS = {
    "─╌┄┈╴╶╸╺": "-", "━═": "=", "│┃║┆┊╎▏▕▐": "|", "▁": "_", "▂": ".", "▃": ":", "▄": "-", "▅": "=", "▆": "+",
    "▇": "*", "█": "#", "▔▀": '"', "░": ".", "▒": ":", "▓": "#",
    "●•■◆": "*", "○◦□◇": "o", "▌▸▶►›→⇥": ">", "▹": ")", "◂◀◄‹←⇤": "<", "▴▲↑": "^", "▾▼↓": "v",
    "✓✔": "v", "✗✘✕×": "x", "·∙": ".", "…": ".", "–—−‐‑": "-", "‘’": "'", "“”„": '"', "±": "~", "µμ": "u", "⏎↵": "<",
    "≠": "!", "≤": "<", "≥": ">", "≈": "~", "∞": "8", "√": "v", "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
_WITH_BLANK = {"≠ ": "!=", "≤ ": "<=", "≥ ": ">="}
"""The blank behind a sign makes room for all of what stands in for it."""
_STAND_INS = {char: stand_in for chars, stand_in in _PAIRS.items() for char in chars}


@lru_cache(maxsize=4096)
def _ascii(char: str) -> str:
    cells = cell_len(char)
    code = ord(char)
    if code in BRAILLE:
        bits = code - BRAILLE.start
        return " '.:"[bool(bits & DOTS_ABOVE) + 2 * bool(bits & DOTS_BELOW)]
    if found := _STAND_INS.get(char):
        return found
    if code in DRAWN:
        return "+" if code < 0x2580 else "#"
    plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return plain if plain and len(plain) == cells and plain.isprintable() else UNKNOWN * cells


@lru_cache(maxsize=4096)
def _read_out(char: str) -> str:
    return " " if ord(char) in DRAWN or ord(char) in BRAILLE else _ascii(char)


def to_ascii(text: str) -> str:
    """Return the text in as many cells of ASCII characters: accents are left out, what has no likeness is a `?`."""
    return text if text.isascii() else _drawn(text, _ascii)


def read_out(text: str) -> str:
    """Return the same for a screen reader: blanks where boxes, bars and curves are drawn."""
    return text if text.isascii() else _drawn(text, _read_out)


def _drawn(text: str, stand_in: Callable[[str], str]) -> str:
    for sign, instead in _WITH_BLANK.items():
        text = text.replace(sign, instead)
    return "".join(char if char.isascii() else stand_in(char) for char in text)


class StandIns(LineFilter):
    """Draws ASCII characters alone. `plain`: nothing that is a drawing either."""

    def __init__(self, plain: bool) -> None:
        super().__init__()
        self._text = read_out if plain else to_ascii

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line with what stands in for their characters."""
        return [
            segment if segment.control or segment.text.isascii() else segment._replace(text=self._text(segment.text))
            for segment in segments
        ]
