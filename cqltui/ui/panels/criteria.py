"""The success criteria: met, failed, or not to be told yet."""

from cqltui.state.described import PhaseInfo, Verdict
from cqltui.state.plain import plain
from cqltui.ui.line import Line, wrapped

SIGNS = {True: ("✓", "done"), False: ("✗", "dead"), None: ("·", "dim")}


def criteria_lines(phase: PhaseInfo, cells: int) -> list[Line]:
    """Return the phase's criteria, wrapped."""
    return [line for verdict in phase.verdicts for line in _verdict(verdict, cells)]


def _verdict(verdict: Verdict, cells: int) -> list[Line]:
    sign, role = SIGNS[verdict.passed]
    first, *more = wrapped(plain(verdict.text), cells - 2)
    lines: list[Line] = [((f"{sign} ", role), (first, "text"))]
    lines += [((f"  {text}", "text"),) for text in more]
    if verdict.detail:
        lines += [((f"  {text}", "dim"),) for text in wrapped(plain(verdict.detail, 400), cells - 2)]
    return lines
