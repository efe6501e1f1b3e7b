"""Text as LaTeX source that pdflatex prints, whatever characters are in it."""

import re
import unicodedata

from cqltui.state.plain import plain

LONGEST = 5_000
BREAK_AFTER = 13
"""A longer word may be broken: at its signs, and where there are none for so long, anywhere."""
BREAK = "\\allowbreak{}"

_SPECIAL = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "&": "\\&",
    "%": "\\%",
    "#": "\\#",
    "_": "\\_",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "''",
    "\N{NO-BREAK SPACE}": "~",
    "\N{NARROW NO-BREAK SPACE}": "\\,",
    "\N{SOFT HYPHEN}": "\\-",
    "\N{NON-BREAKING HYPHEN}": "-",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{HORIZONTAL ELLIPSIS}": "\\ldots{}",
    "\N{LEFT SINGLE QUOTATION MARK}": "`",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
    "\N{DOUBLE LOW-9 QUOTATION MARK}": ",,",
    "\N{BULLET}": "\\textbullet{}",
    "\N{MIDDLE DOT}": "\\textperiodcentered{}",
    "\N{DEGREE SIGN}": "\\textdegree{}",
    "\N{EURO SIGN}": "\\texteuro{}",
    "\N{POUND SIGN}": "\\textsterling{}",
    "\N{YEN SIGN}": "\\textyen{}",
    "\N{CENT SIGN}": "\\textcent{}",
    "\N{SECTION SIGN}": "\\S{}",
    "\N{PILCROW SIGN}": "\\P{}",
    "\N{COPYRIGHT SIGN}": "\\copyright{}",
    "\N{REGISTERED SIGN}": "\\textregistered{}",
    "\N{TRADE MARK SIGN}": "\\texttrademark{}",
    "\N{INVERTED EXCLAMATION MARK}": "\\textexclamdown{}",
    "\N{INVERTED QUESTION MARK}": "\\textquestiondown{}",
    "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}": "\\guillemotleft{}",
    "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}": "\\guillemotright{}",
    "ß": "\\ss{}",
    "æ": "\\ae{}",
    "Æ": "\\AE{}",
    "œ": "\\oe{}",
    "Œ": "\\OE{}",
    "ø": "\\o{}",
    "Ø": "\\O{}",
    "ł": "\\l{}",
    "Ł": "\\L{}",
    "ı": "\\i{}",
    "đ": "\\dj{}",
    "Đ": "\\DJ{}",
    "ð": "\\dh{}",
    "Ð": "\\DH{}",
    "þ": "\\th{}",
    "Þ": "\\TH{}",
}
_MATHEMATICAL = {
    "\N{MINUS SIGN}": "-",
    "\N{PLUS-MINUS SIGN}": "\\pm",
    "\N{MULTIPLICATION SIGN}": "\\times",
    "\N{DIVISION SIGN}": "\\div",
    "\N{LESS-THAN OR EQUAL TO}": "\\le",
    "\N{GREATER-THAN OR EQUAL TO}": "\\ge",
    "\N{NOT EQUAL TO}": "\\ne",
    "\N{ALMOST EQUAL TO}": "\\approx",
    "\N{INFINITY}": "\\infty",
    "\N{LEFTWARDS ARROW}": "\\leftarrow",
    "\N{RIGHTWARDS ARROW}": "\\rightarrow",
    "\N{UPWARDS ARROW}": "\\uparrow",
    "\N{DOWNWARDS ARROW}": "\\downarrow",
    "\N{SQUARE ROOT}": "\\surd",
    "\N{N-ARY SUMMATION}": "\\sum",
    "\N{PARTIAL DIFFERENTIAL}": "\\partial",
    "\N{ELEMENT OF}": "\\in",
    "\N{NOT SIGN}": "\\neg",
    "\N{PROPORTIONAL TO}": "\\propto",
    "\N{MICRO SIGN}": "\\mu",
    "\N{FRACTION SLASH}": "/",
    "\N{CHECK MARK}": "\\surd",
}
_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lamda", "mu"),
    *("nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
)
_CAPITALS = {"gamma", "delta", "theta", "lamda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega"}
"""Greek capitals that have a name of their own; the others look like Latin letters."""
_ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING MACRON}": "=",
    "\N{COMBINING BREVE}": "u",
    "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING RING ABOVE}": "r",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H",
    "\N{COMBINING CARON}": "v",
    "\N{COMBINING DOT BELOW}": "d",
    "\N{COMBINING CEDILLA}": "c",
    "\N{COMBINING OGONEK}": "k",
    "\N{COMBINING MACRON BELOW}": "b",
}
_LIGATURES = re.compile(r"--+|``+|''+|,,+|[!?]`")
"""Characters that TeX draws as another one together."""


def _greek() -> dict[str, str]:
    found = {}
    for name in _GREEK:
        latin = name.replace("lamda", "lambda")
        small, capital = (unicodedata.lookup(f"GREEK {size} LETTER {name.upper()}") for size in ("SMALL", "CAPITAL"))
        found[small] = "o" if name == "omicron" else f"\\{latin}"
        if name in _CAPITALS:
            found[capital] = f"\\{latin.capitalize()}"
    return found | {"\N{GREEK SMALL LETTER FINAL SIGMA}": "\\varsigma"}


_CHARACTERS = _SPECIAL | {char: f"\\ensuremath{{{code}}}" for char, code in (_MATHEMATICAL | _greek()).items()}


def escape(text: str) -> str:
    """Return text as LaTeX source that prints it, in one line.

    What pdflatex has no letter for is written by its nearest plain form (a full-width A as A), or by its number
    ("[U+4E2D]"). Needs T1 fonts (`\\usepackage[T1]{fontenc}`).
    """
    # What the text itself has is kept apart; a dash of ours must stay one.
    parts = _LIGATURES.split(clean := unicodedata.normalize("NFC", plain(text, LONGEST)))
    between = ["{}".join(map(_character, found)) for found in _LIGATURES.findall(clean)]
    escaped = ["".join(map(_character, part)) for part in parts]
    return "".join(part + apart for part, apart in zip(escaped, [*between, ""], strict=True))


def breakable(text: str) -> str:
    """Return text as `escape` does, so that a line can end within a long word, as of a path or a digest."""
    return " ".join(map(_breakable_word, plain(text, LONGEST).split(" ")))


def _breakable_word(word: str) -> str:
    if len(word) <= BREAK_AFTER:
        return escape(word)
    pieces = [
        part[start : start + BREAK_AFTER]
        for part in re.split(r"(?<=[-_/.,:;=+])", word)
        for start in range(0, len(part), BREAK_AFTER)
    ]
    return BREAK.join(map(escape, pieces))


def _character(char: str) -> str:
    if (known := _CHARACTERS.get(char)) is not None:
        return known
    if char.isascii():
        return char
    if (accented := _accented(char)) is not None:
        return accented
    nearest = unicodedata.normalize("NFKC", char)
    if nearest == char:
        return f"[U+{ord(char):04X}]" if unicodedata.category(char)[0] not in "MC" else ""
    tag = unicodedata.decomposition(char).partition(" ")[0]
    plain_form = "".join(map(_character, nearest))
    shift = {"<super>": "\\textsuperscript", "<sub>": "\\textsubscript"}.get(tag)
    return f"{shift}{{{plain_form}}}" if shift else plain_form


def _accented(char: str) -> str | None:
    """Return a Latin letter with accents by the commands that draw them; None for anything else."""
    base, *marks = list(unicodedata.normalize("NFD", char))
    if not marks or not base.isascii() or any(mark not in _ACCENTS for mark in marks):
        return None
    drawn = {"i": "\\i{}", "j": "\\j{}"}.get(base, base) if _ACCENTS[marks[0]] not in "cdkb" else base
    for mark in marks:
        drawn = f"\\{_ACCENTS[mark]}{{{drawn}}}"
    return drawn
