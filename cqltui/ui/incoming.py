"""What of the bytes that a terminal sends was typed or pasted. Pure: bytes and silences in, pieces of text out.

Textual reads what it does not know as keys, a character at a time: the answer to what another program has asked, and
whatever follows an ESC within a paste. Here, where a key can stop a run, none of it is one.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator

from msgspec import Struct

PASTE = LONGEST = 64 * 1024
"""Bytes of a paste that are kept, and of an answer, after which it is taken for none: no field takes as much."""
SILENCES = 10
"""So many end a paste or an answer whose end does not come."""
ESCAPE = "\x1b"
_PASTE_BEGINS, _PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"
_NEXT = re.compile(
    rb"""(?P<text>[^\x1b]+)
    | \x1b(?P<kind>[P\]X^_])(?P<told>[^\x07\x18\x1a\x1b]*)(?:\x1b\\|[\x07\x18\x1a])
    | \x1b\[M...
    | (?P<sequence>\x1b\[(?:\[[A-E] | [0-9]+\$ | [0-?]*[ -/]*[@-LN-Z\\-~] | [0-?]+[ -/]*M))
    | (?P<begun>\x1b(?:\[\[? | \[[0-?]+[ -/]* | \[M.{0,2} | O | [P\]X^_][^\x07\x18\x1a\x1b]*\x1b?)?)\Z
    | \x1b[P\]X^_][^\x07\x18\x1a\x1b]+
    | \x1b\[[0-?]+[ -/]*
    | (?P<escape>\x1b)""",
    re.DOTALL | re.VERBOSE,
)
"""What comes next: text; an answer; a mouse report in the old way, whose bytes may be any; a sequence; the beginning of
one of these; what has broken off; an ESC before a key."""
_KNOWN = re.compile(
    rb"\x1b\[(?:[GIOZ]|(?:1;[0-9])?[a-dp-y]|\[[A-E]|[0-9]+[@^$]|[0-9:]*(?:;[0-9:]*){0,2}[u~ABCDEFHPQRS]"
    rb"|48;[0-9:;]+t|<[0-9]+(?:;-?[0-9]+){2}[mM]|\?[0-9]+;[0-9]\$y)"
)
"""Sequences that are keys, what the mouse does, whether the terminal has the focus, or what Textual has asked for."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Answer(Struct, frozen=True):
    """What the terminal answers to a question of its settings ("11;rgb:0/0/0")."""

    text: str


class Incoming:
    """Divides what comes. Bytes that are no UTF-8 are left out."""

    def __init__(self) -> None:
        self._begun = b""
        """The beginning of something."""
        self._paste: bytearray | None = None
        """What a paste has so far."""
        self._silences = 0
        self._decode = getincrementaldecoder("utf-8")("ignore").decode

    def take(self, read: bytes) -> Iterator[str | Answer]:
        """Yield what has come whole: keys and the mouse as they are, a paste in one piece and without controls."""
        self._silences = 0
        data, self._begun = self._begun + read, b""
        at = 0
        while at < len(data):
            if self._paste is not None:
                end = data.find(_PASTE_ENDS, at)
                inside = data[at:end] if end >= 0 else data[at : 1 - len(_PASTE_ENDS)]
                self._paste += inside[: PASTE - len(self._paste)]
                if end < 0:
                    self._begun = data[at + len(inside) :]
                    return
                at = end + len(_PASTE_ENDS)
                yield self._pasted()
                continue
            found = _NEXT.match(data, at)
            assert found is not None, "any byte is text, or an ESC"
            at = found.end()
            if found["begun"] is not None:
                self._begun = found["begun"] if len(found["begun"]) <= LONGEST else b""
            elif found["kind"] == b"]":
                yield Answer(found["told"].decode("ascii", "replace"))
            elif found["sequence"] == _PASTE_BEGINS:
                self._paste = bytearray()
            elif (typed := found["text"] or found["escape"]) is not None:
                if text := self._decode(typed):
                    yield text
            elif found["sequence"] not in (None, _PASTE_ENDS) and _KNOWN.fullmatch(found["sequence"]):
                yield found["sequence"].decode("ascii")

    def silence(self) -> str:
        """Return what has been kept in case that it goes on: it does not. An ESC alone is the key."""
        if self._paste is None and len(self._begun) <= 2:  # a key, or Alt and a key
            begun, self._begun = self._begun, b""
            return begun.decode("ascii")
        self._silences += 1
        if self._paste is None:
            if self._silences == SILENCES or self._begun[1:2] in b"[":
                self._begun = b""
        elif self._silences == SILENCES:
            self._paste += self._begun[: PASTE - len(self._paste)]
            self._begun = b""
            return self._pasted()
        return ""

    def _pasted(self) -> str:
        text = (self._paste or b"").decode("utf-8", "ignore")
        self._paste = None
        return f"{_PASTE_BEGINS.decode()}{_CONTROLS.sub('', text)}{_PASTE_ENDS.decode()}"
