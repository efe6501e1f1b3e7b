"""Sections of text with formulas and citations, and how they are written as Markdown and as LaTeX.

Within text, `$...$` is a formula, `[@key]` or `[@key; @other]` a citation, what stands in backticks a name that is
shown as it is (`code`), and what stands in curly quotes is text of the user's (`quoted`).
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from cqltui.report.latexchars import escape
from cqltui.report.methods.bibliography import author_year, reference_line
from cqltui.state.plain import plain

LONGEST = 300
"""Characters of a text of the user's."""
_PIECE = re.compile(r"`(?P<code>[^`]*)`|\u201c(?P<said>[^\u201d]*)\u201d|\$(?P<math>[^$]*)\$|\[(?P<cited>@[^\]]*)\]")
_PARTS = re.compile(r"(?:[^\s/\\=,._:-]|\.(?=\d)){1,16}[/\\=,._:-]?|\s+|.")
"""A name between places where a line may end: after punctuation, and somewhere in a digest."""
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>$#|~!&]")


class Equation(Struct, frozen=True):
    """A formula on a line of its own, in LaTeX."""

    tex: str


class Items(Struct, frozen=True):
    """A list."""

    texts: tuple[str, ...]


Part = str | Equation | Items
"""A paragraph, or what stands between paragraphs."""


class Section(Struct, frozen=True):
    """A heading with what follows it."""

    title: str
    parts: tuple[Part, ...]


def code(text: str) -> str:
    """Return foreign text such that all of it is shown, and nothing in it is read as markup."""
    return f"`{plain(text, LONGEST).replace('`', chr(39)) or ' '}`"


def quoted(text: str) -> str:
    """Return foreign text in quotation marks; nothing in it is read as markup."""
    inside = plain(text, LONGEST).replace("\u201c", '"').replace("\u201d", '"')
    return f"\u201c{inside}\u201d"


def share(value: float, digits: int = 0) -> str:
    """Return a share as `20 %`."""
    return f"{100 * value:.{digits}f} %"


def cited(sections: tuple[Section, ...]) -> list[str]:
    """Return the keys of what the sections cite, in order."""
    found = (
        key.strip().removeprefix("@")
        for text in _texts(sections)
        for piece in _PIECE.finditer(text)
        if piece["cited"]
        for key in piece["cited"].split(";")
    )
    return list(dict.fromkeys(found))


def markdown(title: str, sections: tuple[Section, ...]) -> str:
    """Return the sections as Markdown, with a list of what they cite."""
    lines = [f"# {title}"]
    for section in sections:
        lines += ["", f"## {section.title}"]
        for part in section.parts:
            lines += ["", _part_md(part)]
    lines += ["", "## References", ""]
    lines += [f"- {reference_line(key)}" for key in sorted(cited(sections), key=author_year)]
    return "\n".join(lines) + "\n"


def latex(sections: tuple[Section, ...]) -> str:
    r"""Return the sections as LaTeX for \input: \subsection, equation, itemize and \cite."""
    lines = [r"\begingroup\emergencystretch=3em"]
    for section in sections:
        lines += ["", rf"\subsection{{{escape(section.title)}}}"]
        for before, part in pairwise((None, *section.parts)):
            lines += [_part_tex(part)] if _goes_on(before, part) else ["", _part_tex(part)]
    return "\n".join([*lines, "", r"\par\endgroup"]) + "\n"


def _goes_on(before: Part | None, part: Part | None) -> bool:
    """Return whether a part is of the paragraph before it: a formula is, and what ends the formula's sentence."""
    if isinstance(part, Equation):
        return isinstance(before, str)
    return isinstance(before, Equation) and isinstance(part, str) and part[:1].islower()


def _texts(sections: tuple[Section, ...]) -> Iterator[str]:
    for section in sections:
        for part in section.parts:
            if isinstance(part, str):
                yield part
            elif isinstance(part, Items):
                yield from part.texts


def _part_md(part: Part) -> str:
    if isinstance(part, Equation):
        return f"$$\n{part.tex}\n$$"
    if isinstance(part, Items):
        return "\n".join(f"- {_text_md(text)}" for text in part.texts)
    return _text_md(part)


def _text_md(text: str) -> str:
    def piece(found: re.Match[str]) -> str:
        if found["cited"]:
            keys = (key.strip().removeprefix("@") for key in found["cited"].split(";"))
            return f"({'; '.join(map(author_year, keys))})"
        if found["said"] is not None:
            return f"\u201c{_MARKDOWN.sub(lambda char: chr(92) + char[0], found['said'])}\u201d"
        return found[0]

    return _PIECE.sub(piece, text)


def _part_tex(part: Part | None) -> str:
    if isinstance(part, Equation):
        return f"\\begin{{equation}}\n{part.tex}\n\\end{{equation}}"
    if isinstance(part, Items):
        items = "\n".join(rf"  \item {_text_tex(text)}" for text in part.texts)
        return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
    return _text_tex(part or "")


def _text_tex(text: str) -> str:
    written, end = [], 0
    for found in _PIECE.finditer(text):
        written.append(_words_tex(text[end : found.start()], bool(found["cited"])))
        end = found.end()
        if found["code"] is not None:
            written.append(rf"\texttt{{{_name_tex(found['code'])}}}")
        elif found["said"] is not None:
            written.append(f"``{escape(found['said'])}''")
        elif found["math"] is not None:
            written.append(found[0])
        else:
            keys = [key.strip().removeprefix("@") for key in found["cited"].split(";")]
            written.append(rf"\cite{{{','.join(keys)}}}")
    return "".join([*written, _words_tex(text[end:], False)])


def _name_tex(name: str) -> str:
    return r"\allowbreak{}".join(map(escape, _PARTS.findall(name)))


def _words_tex(text: str, before_citation: bool) -> str:
    """Return words; the blank before a citation, and that between a number and its percent sign, end no line."""
    if before_citation and text.endswith(" "):
        return _words_tex(text[:-1], False) + "~"
    return re.sub(r"(?<=\d) \\%", r"~\\%", escape(text))
