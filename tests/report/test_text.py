"""The core of a report in the terminal."""

import io
import subprocess
import sys

from rich.console import Console

from cqltui.reporters.report import print_report
from tests.report.evaluations import audit, finding
from tests.report.materials import material


def test_of_the_audit_what_is_not_clean_is_told_in_full_and_the_rest_counted() -> None:
    found = audit(finding("edge", 0.956, 0.586, "LEAK"), finding("total_close", 0.505, 0.586))
    console = Console(file=io.StringIO(), width=60)
    print_report(material(audit=found), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "leak; 2 checks: 1 leak, 1 clean" in text.lower()
    assert "leak feature auc, edge: AUC 0.956 of edge" in text
    assert "of total_close" not in text
    assert max(map(len, text.splitlines())) <= 60


def test_columns_that_tell_the_rows_apart_are_in_every_block() -> None:
    console = Console(file=io.StringIO(), width=60)
    print_report(material(), console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    heads = [line.split() for line in lines if line.startswith("Phase  ")]
    assert len(heads) > 1, "the table of architectures has no room in one"
    assert all(head[:2] == ["Phase", "Architecture"] for head in heads)


def test_it_needs_neither_what_draws_nor_what_makes_the_page() -> None:
    seen = "import sys, cqltui.commands.report; print(*sorted({'matplotlib', 'jinja2', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", seen], text=True).split() == []
