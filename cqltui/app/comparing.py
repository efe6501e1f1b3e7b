"""Comparing runs by their directories, and writing down what was found."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from cqltui.app.material import read_material
from cqltui.errors import InputError
from cqltui.report.compare.comparing import Comparison, compare
from cqltui.report.compare.tablepage import FIRST_LINE, render_tables
from cqltui.reporters.steps import Step
from cqltui.results.rundir import RunDir
from cqltui.results.tables import expect_target
from trainer.files import write_bytes

DRAWING = "cqltui.report.drawing.draw"
"""Loads matplotlib, which the extra "report" brings."""


def compare_runs(run_dirs: Sequence[RunDir], step: Step) -> Comparison:
    """Compare runs with the first of them. Raises InputError."""
    return compare([read_material(run_dir, step) for run_dir in run_dirs])


def write_page(path: Path, comparison: Comparison, step: Step) -> bool:
    """Write the comparison as HTML, in place of nothing but an earlier one; return whether its figures are drawn, for
    which matplotlib is needed. Raises InputError."""
    expect_page(path)
    drawn: dict[str, str] = {}
    figures = [figure for figure in comparison.figures if figure.panels]
    try:
        draw = importlib.import_module(DRAWING).draw if figures else None
    except ModuleNotFoundError:
        draw = None
    for number, figure in enumerate(figures if draw is not None else ()):
        step("drawing", number, len(figures))
        drawn[figure.name] = draw(figure).svg if draw is not None else ""
    page = render_tables("Runs compared", comparison.tables, comparison.figures, drawn)
    try:
        write_bytes(path, page.encode())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; choose another file") from error
    return len(drawn) == len(figures)


def expect_page(path: Path) -> None:
    """Raise InputError where a comparison cannot be written to, such as a file that holds something else."""
    expect_target(path, FIRST_LINE, "comparison of runs")
