"""The leak audit, for people."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from cqltui.state.plain import plain
from trainer.evaluation.leak_findings import Audit, Grade

STYLES = {
    Grade.UNTESTED: "dim",
    Grade.CLEAN: "green",
    Grade.SUSPECT: "yellow",
    Grade.WRONG: "bold red",
    Grade.LEAK: "bold red",
}


def audit_table(audit: Audit) -> Table:
    """Return a line a finding, the worst first."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("grade", no_wrap=True)
    table.add_column("subject", no_wrap=True)
    table.add_column("finding")
    for finding in sorted(audit.findings, key=lambda finding: -finding.grade):
        grade = Text(finding.grade.name.lower(), style=STYLES[finding.grade])
        table.add_row(grade, Text(plain(finding.subject)), Text(plain(finding.sentence, 500)))
    return table


def audit_lines(audit: Audit) -> Iterator[str]:
    """Yield what forbids believing figures, a line each; one line if nothing does."""
    bad = [finding for finding in audit.findings if finding.grade >= Grade.WRONG]
    for finding in bad:
        yield f"{finding.grade.name}: {plain(finding.subject)}: {plain(finding.sentence, 500)}"
    if not bad:
        worst = audit.grade.name.lower()
        yield f"leak audit: {worst}, {len(audit.findings)} findings"
