"""A table, or a figure, of the report as LaTeX to be \\input: booktabs, siunitx, a caption and a label."""

import math
import re
from collections.abc import Sequence
from itertools import chain

from msgspec import Struct

from cqltui.report.figure import Figure
from cqltui.report.latexchars import breakable, escape
from cqltui.report.table import ABSENT, Cell, Column, Table

PACKAGES = (
    "\\usepackage[T1]{fontenc}",
    "\\usepackage{graphicx,booktabs,array,longtable,adjustbox}",
    "\\usepackage{siunitx}",
)
"""What the preamble of a document needs that \\inputs these files."""
LONG = 40
"""A table of more lines goes over several pages."""
PER_EM = 0.52
"""Width of a character of text, in ems of its font, rather too wide; a digit has 0.5."""
SIZES = (("normalsize", 32.5), ("small", 35.5), ("footnotesize", 39.0), ("scriptsize", 43.0), ("tiny", 50.0))
"""Sizes of fonts, and how many of its ems a line has in an article on A4, of 10 or 12 points, whichever has fewer.
Those of small fonts are wider than their size."""
READABLE = 3
"""So many of the sizes are for a table on one page; one that is still wider is drawn smaller as a whole."""
GAP, LONG_GAP = 0.6, 0.4
"""Ems left and right of each column; of a table over several pages."""
NARROW, WIDE = 9.0, 14.0
"""Ems of a column of text whose lines are broken: at least, and so that it reads well."""
LARGEST_PLAIN = 10**10
"""From here on numbers are written as powers of ten."""


def table_tex(table: Table) -> str:
    """Return a float with the table, or over several pages where it is long. A table without rows is one that says
    why."""
    if not table.rows:
        why = _why(table.reason)
        return _document(_float("table", table.name, table.title, table.caption, [why], table.notes))
    widths = [_Width.of(column, table.column(column.name)) for column in table.columns]
    if _lines(table, widths) <= LONG:
        return _document(_page(table, table.rows, widths))
    fits = _needed(widths, LONG_GAP) <= SIZES[-1][1]
    return _document(_long(table, widths) if fits else _pages(table, widths))


def figure_tex(figure: Figure) -> str:
    """Return a float with the figure's PDF, which is found by \\graphicspath; or why there is none."""
    if figure.reason:
        body = _why(figure.reason)
    else:
        size = "width=\\linewidth,height=0.8\\textheight,keepaspectratio"
        body = f"\\includegraphics[{size}]{{{_file(figure.name)}.pdf}}"
    return _document(_float("figure", figure.name, figure.title, figure.caption, [body]))


def _why(reason: str) -> str:
    """Return what stands in the place of what there is not."""
    return f"\\begin{{minipage}}{{0.9\\linewidth}}\\centering\\emph{{{breakable(reason)}}}\\end{{minipage}}"


def _document(lines: Sequence[str]) -> str:
    """Return the lines below what the preamble needs."""
    return "\n".join((*(f"% {package}" for package in PACKAGES), *lines)) + "\n"


def _file(name: str) -> str:
    """Return a name that means the same in a file's name, a label and TeX."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)


def _caption(title: str, caption: str) -> str:
    return f"\\caption[{{{escape(title)}}}]{{{escape(title).rstrip('.')}. {breakable(caption)}}}"


def _label(kind: str, name: str) -> str:
    return f"\\label{{{'tab' if kind == 'table' else 'fig'}:{_file(name)}}}"


def _float(kind: str, name: str, title: str, caption: str, body: Sequence[str], notes: Sequence[str] = ()) -> list[str]:
    """Return a float. LaTeX has tables' captions above them, figures' below."""
    told = [_caption(title, caption), _label(kind, name)]
    inner = [*told, *body] if kind == "table" else [*body, *told]
    if notes:
        text = "\\par ".join(map(breakable, notes))
        inner += ["\\par\\smallskip", f"\\begin{{minipage}}{{\\linewidth}}\\footnotesize\\raggedright {text}"]
        inner += ["\\end{minipage}"]
    return [f"\\begin{{{kind}}}[htbp]", "\\centering", *inner, f"\\end{{{kind}}}"]


def _page(table: Table, rows: Sequence[tuple[Cell, ...]], widths: Sequence["_Width"], more: str = "") -> list[str]:
    """Return a float with these rows: whatever is wider than the line is drawn smaller. `more`: after the caption, of
    what is not the table's first page."""
    size, columns = _fitted(widths, SIZES[:READABLE], GAP)
    body = [
        f"\\{size}",
        f"\\setlength{{\\tabcolsep}}{{{GAP}em}}",
        "\\begin{adjustbox}{max totalsize={\\linewidth}{0.7\\textheight}}",
        f"\\begin{{tabular}}{{{''.join(columns)}}}",
        "\\toprule",
        _heading(table.columns),
        "\\midrule",
        *_rows(table, rows, columns),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{adjustbox}",
    ]
    if more:
        told = f"\\tablename\\ \\ref{{tab:{_file(table.name)}}}: {escape(table.title)}, {more}\\par\\smallskip"
        return ["\\begin{table}[htbp]", "\\centering", told, *body, "\\end{table}"]
    return _float("table", table.name, table.title, table.caption, body, table.notes)


def _pages(table: Table, widths: Sequence["_Width"]) -> list[str]:
    """Return a table that is long, and wider than a line in the smallest font, as several floats."""
    parts = [table.rows[start : start + LONG] for start in range(0, len(table.rows), LONG)]
    texts = ["", *(f"part {number} of {len(parts)}" for number in range(2, len(parts) + 1))]
    return list(chain.from_iterable(_page(table, rows, widths, more) for rows, more in zip(parts, texts, strict=True)))


def _long(table: Table, widths: Sequence["_Width"]) -> list[str]:
    """Return a longtable, whose head is repeated on each page."""
    size, columns = _fitted(widths, SIZES[READABLE - 1 :], LONG_GAP)
    head = ["\\toprule", _heading(table.columns), "\\midrule"]
    count = len(table.columns)
    below = "\\par ".join(map(breakable, table.notes))
    return [
        f"\\begingroup\\{size}",
        f"\\setlength{{\\tabcolsep}}{{{LONG_GAP}em}}\\setlength{{\\LTcapwidth}}{{\\linewidth}}",
        f"\\begin{{longtable}}{{{''.join(columns)}}}",
        f"{_caption(table.title, table.caption)}{_label('table', table.name)}\\\\",
        *head,
        "\\endfirsthead",
        f"\\multicolumn{{{count}}}{{l}}{{\\tablename\\ \\thetable, continued}}\\\\",
        *head,
        "\\endhead",
        "\\bottomrule",
        "\\endfoot",
        *_rows(table, table.rows, columns),
        "\\end{longtable}",
        *([f"{{\\footnotesize\\raggedright {below}\\par}}"] if below else []),
        "\\endgroup",
    ]


class _Width(Struct, frozen=True):
    """How wide a column is, in ems, and how it is set."""

    ems: float
    """As wide as it is without a break in its lines."""
    spec: str
    """As tabular has it; empty: text, whose lines may be broken."""

    @classmethod
    def of(cls, column: Column, values: Sequence[Cell]) -> "_Width":
        shown = [column.text(value) for value in values]
        lines = _heading_lines(column)
        ems = PER_EM * max(map(len, (*lines, *shown)))
        if column.kind == "text":
            return cls(ems, "")
        if column.kind == "flag":
            return cls(ems, "c")
        options = "retain-explicit-plus," if column.signed else ""
        return cls(ems, f"S[{options}table-format={_table_format(column, values)}]")


def _table_format(column: Column, values: Sequence[Cell]) -> str:
    """Return what siunitx keeps room for: the sign, and digits before and behind the point: -2.4."""
    numbers = [_number(column, value) for value in values if _is_number(value)]
    wholes = [number.lstrip("+-").partition(".")[0] for number in numbers if number and "e" not in number]
    sign = "+" if column.signed else "-" if any(number.startswith("-") for number in numbers) else ""
    digits = 0 if column.kind == "integer" else column.digits
    return f"{sign}{max(map(len, wholes), default=1)}.{digits}"


def _is_number(value: Cell) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _number(column: Column, value: Cell) -> str:
    """Return a number as siunitx reads it, with the digits that people read elsewhere."""
    shown = column.text(value).replace("\N{MINUS SIGN}", "-").replace(",", "")
    if abs(float(value or 0)) < LARGEST_PLAIN:
        return shown
    return f"{float(value or 0):.{max(1, column.digits)}e}"


def _cell(column: Column, spec: str, value: Cell) -> str:
    shown = column.text(value)
    if column.kind in ("text", "flag"):
        return breakable(shown) if spec.startswith(">") else escape(shown)
    if not _is_number(value):
        return f"{{{escape(ABSENT)}}}"
    number = _number(column, value)
    return f"{{\\num{{{number}}}}}" if "e" in number else number


def _rows(table: Table, rows: Sequence[tuple[Cell, ...]], specs: Sequence[str]) -> list[str]:
    return [_line(list(map(_cell, table.columns, specs, row))) for row in rows]


def _line(cells: Sequence[str]) -> str:
    return f"{_apart(cells[0])}{' & '.join(cells)} \\\\"


def _apart(text: str) -> str:
    """Return what keeps the beginning of a line from being taken for an argument of what ends the line before it."""
    return "{}" if text.lstrip().startswith(("[", "*")) else ""


def _heading_lines(column: Column) -> list[str]:
    """Return the label on as many lines as its words need: numbers are narrow, and what they are called is not."""
    words, lines = column.heading.split(" "), [""]
    widest = max(8, *map(len, words)) if column.kind != "text" else len(column.heading)
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > widest:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _heading(columns: Sequence[Column]) -> str:
    def told(column: Column) -> str:
        lines = list(map(escape, _heading_lines(column)))
        over = "\\\\".join(_apart(line) + line for line in lines)
        stacked = f"\\shortstack{{{over}}}" if len(lines) > 1 else over
        return stacked if column.kind == "text" else f"{{{stacked}}}"

    return _line(list(map(told, columns)))


def _lines(table: Table, widths: Sequence[_Width]) -> int:
    """Return about how many lines the rows take on one page: those of a column whose lines are broken take several."""
    _, specs = _fitted(widths, SIZES[:READABLE], GAP)
    room = [float(spec[spec.rindex("{") + 1 : -3]) if spec.startswith(">") else math.inf for spec in specs]
    cells = ([column.text(value) for column, value in zip(table.columns, row, strict=True)] for row in table.rows)
    return sum(
        max(math.ceil(PER_EM * max(1, len(text)) / most) for text, most in zip(row, room, strict=True)) for row in cells
    )


def _needed(widths: Sequence[_Width], gap: float) -> float:
    """Return the ems that a line must have for the columns to fit in, with text as narrow as it may be."""
    return sum(width.ems if width.spec else min(width.ems, NARROW) for width in widths) + 2 * gap * len(widths)


def _fitted(widths: Sequence[_Width], sizes: Sequence[tuple[str, float]], gap: float) -> tuple[str, list[str]]:
    """Return the largest size of font at which the columns fit into a line, and their specifications: lines of text
    are broken where each has room enough, and at the last size in any case."""
    texts = [width.ems for width in widths if not width.spec]
    fixed = sum(width.ems for width in widths if width.spec) + 2 * gap * len(widths)
    for least in (WIDE, NARROW):
        for size, line in sizes:
            share = _share(texts, line - fixed)
            if fixed <= line and share >= min(least, max(texts, default=0.0)):
                return size, [_spec(width, share) for width in widths]
    size, line = sizes[-1]
    return size, [_spec(width, max(NARROW, _share(texts, line - fixed))) for width in widths]


def _share(texts: Sequence[float], room: float) -> float:
    """Return the width that the widest columns of text have at most, for all to fit into the room together: narrower
    ones leave them what they do not need."""
    for number, ems in enumerate(sorted(texts)):
        share = room / (len(texts) - number)
        if ems > share:
            return share
        room -= ems
    return max(texts, default=0.0)


def _spec(width: _Width, most: float) -> str:
    if width.spec or width.ems <= most:
        return width.spec or "l"
    return f">{{\\raggedright\\arraybackslash\\hspace{{0pt}}}}p{{{most:.1f}em}}"


def all_of(tables: Sequence[Table], figures: Sequence[Figure]) -> str:
    """Return lines that \\input every table and figure, in order, from folders beside them."""
    names = chain((f"tables/{_file(t.name)}" for t in tables), (f"figures/{_file(f.name)}" for f in figures))
    return "".join(f"\\input{{{name}}}\n" for name in names)
