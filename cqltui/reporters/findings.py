"""The findings of `cqltui doctor`, for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from cqltui.broker.server.checkup import Finding, Level
from cqltui.state.plain import plain

SHOWN = 2_000
"""Characters of a finding."""


def print_findings(findings: Sequence[Finding]) -> None:
    """Print each finding, and its fix if it needs one."""
    console = Console(markup=False, highlight=False)
    marks = {Level.OK: ("ok     ", "green"), Level.WARNING: ("warning", "yellow"), Level.ERROR: ("error  ", "red")}
    for finding in findings:
        mark, style = marks[finding.level]
        what, found = plain(finding.what), plain(finding.found, SHOWN)  # which a server or a driver may have said
        console.print(Text.assemble((mark, style), "  ", (what, "bold"), ": ", found), soft_wrap=True)
        if finding.fix:
            console.print(Text(f"         -> {plain(finding.fix, SHOWN)}"), soft_wrap=True)
