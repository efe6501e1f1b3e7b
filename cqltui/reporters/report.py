"""The core of a report in the terminal: the verdict, tables as wide as there is room, and plots."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from cqltui.report.figure import Figure
from cqltui.report.figures import FIGURES
from cqltui.report.material import Material
from cqltui.report.page.facts import audit_grade, counted, findings
from cqltui.report.table import Cell, Column, Table
from cqltui.report.tables import TABLES
from cqltui.report.verdict import headline
from cqltui.reporters.plots import plot
from cqltui.results.summary import VERDICT_WORDS
from cqltui.state.plain import plain

CORE_TABLES = ("cql_betting_performance_table", "cql_architecture_comparison_table")
CORE_FIGURES = ("cql_training_curves", "bankroll_trajectories")
"""What is shown here, in this order; the folder has all."""
GAP = 2
"""Columns between those of a table."""
MOST_KEYS = 4
WORD = 500
TEXT_WIDTH = 44
"""Columns of a table's texts before they wrap."""
ASCII = str.maketrans(
    {"–": "-", "−": "-", "…": "...", "·": ".", "×": "x", "±": "+-", "≤": "<=", "≥": ">=", "α": "alpha"}
)
"""For terminals that have no other characters."""
VERDICT_STYLES = {"leak": "bold red", "implausible": "bold red", "edge": "bold green", "loses": "yellow"}
TONES = {"good": "green", "open": "yellow", "bad": "bold red"}
STYLES = {True: "green", False: "red", None: "dim"}


def print_report(material: Material, console: Console) -> None:
    """Print it, as wide as the console."""
    pen = _Pen(console)
    pen.heading(material.campaign.title)
    if material.is_interim:
        pen.line("INTERIM: tasks are still to come, so that what follows will change", "bold yellow")
    said = headline(material)
    pen.line(said.sentence, VERDICT_STYLES.get(said.kind, ""))
    pen.line(said.basis)
    for note in material.notes:
        pen.line(f"Note: {note}", "yellow")
    tables = {table.name: table for make in TABLES for table in [make(material)]}
    _audit(material, pen)
    _answers(material, pen)
    for name in CORE_TABLES:
        pen.table(tables.get(name))
    figures = {figure.name: figure for make in FIGURES for figure in [make(material)]}
    for name in CORE_FIGURES:
        pen.figure(figures.get(name))


def print_parts(tables: Iterable[Table], figures: Iterable[Figure], console: Console) -> None:
    """Print tables and figures by themselves, as wide as the console."""
    pen = _Pen(console)
    for table in tables:
        pen.table(table)
    for figure in figures:
        pen.figure(figure)


def _audit(material: Material, pen: "_Pen") -> None:
    """Print how many checks came to which grade, and in full those that are not clean."""
    (grade, tone), found = audit_grade(material), findings(material)
    pen.heading("Leak audit")
    pen.line(f"{grade}; {len(found)} checks: {counted(found)}" if found else grade, TONES[tone])
    for each in found:
        if each.tone != "good":
            pen.line(f"  {each.grade} {each.check}, {each.subject}: {each.sentence}", TONES[each.tone])


def _answers(material: Material, pen: "_Pen") -> None:
    for phase in material.summary.phases:
        if not phase.answers and not phase.verdicts:
            continue
        pen.heading(phase.title or phase.name)
        for answered in phase.answers:
            pen.line(answered.question.text, "bold")
            for line in answered.answer.lines:
                pen.line(f"  {line}")
        for verdict in phase.verdicts:
            pen.line(f"[{VERDICT_WORDS[verdict.passed]}] {verdict.text}", STYLES[verdict.passed])
            if verdict.detail:
                pen.line(f"  {verdict.detail}")


class _Pen:
    """Writes what fits: in characters that the console's encoding has."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._braille = self._has("\N{BRAILLE PATTERN DOTS-25}")
        self._signs = self._has("–−…")

    def _has(self, text: str) -> bool:
        try:
            text.encode(self._console.encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def fitting(self, text: str) -> str:
        """Return a text without what cannot be written."""
        text = plain(text, WORD)
        if not self._signs:
            text = text.translate(ASCII)
        return text.encode(self._console.encoding, "replace").decode(self._console.encoding)

    def line(self, text: str, style: str = "") -> None:
        """Print a paragraph."""
        indent = len(text) - len(text.lstrip())
        for line in Text(self.fitting(text.strip()), style=style).wrap(self._console, self._console.width - indent):
            line.rstrip()
            self._console.print(Text(" " * indent) + line)

    def heading(self, text: str) -> None:
        """Print a heading, apart from what comes before."""
        self._console.print()
        self.line(text, "bold")

    def table(self, table: Table | None) -> None:
        """Print a table, its columns in several blocks where they have no room beside each other."""
        if table is None:
            return
        self.heading(table.title)
        self.line(table.caption, "dim")
        if table.reason:
            self.line(table.reason)
        else:
            for columns in _blocks(table, self._console.width):
                self._console.print(self._block(table, columns))
        for note in table.notes:
            self.line(note, "dim")

    def _block(self, table: Table, columns: Sequence[int]) -> RichTable:
        block = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
        for place in columns:
            column = table.columns[place]
            is_text = column.kind == "text"
            block.add_column(
                Text(self.fitting(column.heading)),
                justify="left" if is_text else "right",
                overflow="fold",
                no_wrap=not is_text,
            )
        for row in table.rows:
            block.add_row(*(Text(self.fitting(table.columns[place].text(row[place]))) for place in columns))
        return block

    def figure(self, figure: Figure | None) -> None:
        """Print a figure, its panels below each other."""
        if figure is None:
            return
        self.heading(figure.title)
        self.line(figure.caption, "dim")
        if figure.reason:
            self.line(figure.reason)
        colors = self._console.is_terminal and not self._console.no_color
        for panel in figure.panels:
            self.line(panel.title, "bold")
            for line in plot(panel, self._console.width, braille=self._braille, colors=colors):
                line.plain = line.plain if self._signs else self.fitting(line.plain)
                self._console.print(line, no_wrap=True, overflow="crop", soft_wrap=False)


def _blocks(table: Table, width: int) -> Iterator[list[int]]:
    """Yield the columns of each block: as many as have room, and in each those that tell the rows apart."""
    keys = _keys(table)
    widths = [_width(column, [row[place] for row in table.rows]) for place, column in enumerate(table.columns)]
    block = list(keys)
    for place in range(len(keys), len(widths)):
        if len(block) > len(keys) and sum(widths[other] + GAP for other in (*block, place)) - GAP > width:
            yield block
            block = list(keys)
        block.append(place)
    yield block


def _keys(table: Table) -> range:
    """Return the leading columns by which no two rows are alike; the first alone, where no few do that."""
    for count in range(1, MOST_KEYS + 1):
        if len({row[:count] for row in table.rows}) == len(table.rows):
            return range(count)
    return range(1)


def _width(column: Column, values: Sequence[Cell]) -> int:
    widest = max(len(text) for text in (column.heading, *map(column.text, values)))
    return min(widest, TEXT_WIDTH) if column.kind == "text" else widest
