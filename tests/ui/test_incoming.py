"""What of a terminal's bytes is typed, and what is not. Textual's own reader says what becomes of the rest."""

import random

import pytest
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste

from cqltui.ui.incoming import ESCAPE, PASTE, SILENCES, Answer, Incoming


def keys(*reads: bytes, silences: int = 1) -> list[str]:
    """What becomes of the reads, one event a word: keys by their names, answers and pastes by what they say."""
    incoming, parser = Incoming(), XTermParser()
    found: list[str] = []
    for read in reads:
        for piece in incoming.take(read):
            found += [f"answer {piece.text}"] if isinstance(piece, Answer) else map(name, parser.feed(piece))
    for _ in range(silences):
        if (rest := incoming.silence()) == ESCAPE:
            found.append("escape")
        elif rest:
            found += map(name, parser.feed(rest))
    return found


def name(event: object) -> str:
    """An event in a word."""
    if isinstance(event, Key):
        return event.key
    return f"paste {event.text}" if isinstance(event, Paste) else type(event).__name__


@pytest.mark.parametrize(
    "unasked",
    [
        b"\x1bP1$r0m\x1b\\",
        b"\x1bP>|xterm(390)\x1b\\",
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x1b[?62;22c",
        b"\x1b[>41;390;0c",
        b"\x1b[?1u",
        b"\x1b[8;24;80t",
        b"\x1b[0n",
        b"\x1b[2;1;1;112;112;1;0x",
        b"\x1b[MPqd",
        b"\x1b[M\xff\xff\xff",
        b"\x1b[M \x1b[",
        b"\xff\xfe\x80",
        b"\x1b[201~",
    ],
)
def test_what_nobody_typed_is_no_key(unasked: bytes) -> None:
    assert keys(b"j" + unasked + b"k") == ["j", "k"]
    if len(unasked) > 3:
        assert keys(b"j", *(bytes([byte]) for byte in unasked), b"k") == ["j", "k"], "in pieces, too"


def test_keys_and_the_mouse_are_as_before() -> None:
    for sequence in ANSI_SEQUENCES_KEYS:
        parser = XTermParser()
        direct = [*map(name, parser.feed(sequence)), *map(name, parser.feed("~"))]
        assert keys(sequence.encode() + b"~", silences=0) == direct, sequence
    assert keys(b"\x1b[<64;10;10M\x1b[A\x1b[1;5A\x1b[97;5u\x1b[I") == [
        "MouseScrollUp",
        "up",
        "ctrl+up",
        "ctrl+a",
        "AppFocus",
    ]
    assert keys("é".encode()[:1], "é".encode()[1:]) == keys("é".encode())


def test_an_escape_is_known_after_a_silence() -> None:
    assert keys(b"j\x1b") == ["j", "escape"]
    assert keys(b"\x1b", b"[A") == ["up"], "a sequence in two reads"
    assert keys(b"\x1b\x1b")[-1] == "escape"
    incoming = Incoming()
    assert [*incoming.take(b"\x1b[1;")] == []
    assert incoming.silence() == ""
    assert [*incoming.take(b"j")] == ["j"], "what has broken off holds nobody up"


def test_a_paste_is_text_whatever_it_holds() -> None:
    assert keys(b"\x1b[200~a\x1bPq\x1b[Ay\xff\r\nd\x1b[201~j") == ["paste aPq[Ay\r\nd", "j"]
    assert keys(b"\x1b[200~ab", b"c\x1b[2", b"01~j") == ["paste abc", "j"], "an end in two reads"
    (pasted,) = keys(b"\x1b[200~", *[b"x" * 4_000] * 300, b"\x1b[201~")
    assert len(pasted) == len("paste ") + PASTE
    assert keys(b"\x1b[200~never ends", silences=SILENCES - 1) == []
    assert keys(b"\x1b[200~never ends", silences=SILENCES) == ["paste never ends"]


def test_an_answer_is_told_and_one_without_an_end_is_forgotten() -> None:
    for end in (b"\x07", b"\x1b\\"):
        assert keys(b"\x1b]11;rgb:0/0/0" + end + b"q") == ["answer 11;rgb:0/0/0", "q"]
    incoming = Incoming()
    for _ in range(100):
        assert [*incoming.take(b"\x1b]11;rgb:" + b"x" * 10_000)] == []
    assert not any(incoming.silence() for _ in range(SILENCES))
    assert [*incoming.take(b"j")] == ["j"]


def test_any_bytes_are_read_to_their_end() -> None:
    rnd = random.Random(5)
    for _ in range(300):
        incoming = Incoming()
        whole = bytes(rnd.choice(b"\x1b[]P_O\\\x07<?;$0129MmAq~\xff\xc3\xa9") for _ in range(60))
        at = 0
        while at < len(whole):
            step = rnd.randint(1, 20)
            assert "" not in [*incoming.take(whole[at : at + step])], "Textual's reader takes that for the end"
            at += step
        for _ in range(SILENCES):
            incoming.silence()
        assert [*incoming.take(b"j")] == ["j"], whole
