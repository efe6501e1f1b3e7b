"""The policies of an evaluation as a table whose columns fit: what each returns, with its interval. Pure."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from cqltui.judging.evaluated import LEAST_BETS
from cqltui.judging.told import DEPLOYED, Interval, Policy, Told
from cqltui.ui import format as fmt
from cqltui.ui.intervals import Axis, axis, bar, scale_line
from cqltui.ui.line import Line, Span, left, right

SIGNS = {
    "edge": ("✓", "done"),
    "loses": ("✗", "warning"),
    "implausible": ("!", "dead"),
    "leak": ("✗", "dead"),
    "not distinguishable from break-even": ("≈", "dim"),
}
"""Of a verdict."""
OTHER = ("·", "dim")
SHORT = {"not distinguishable from break-even": "not distinguishable"}
FIFTY = 0.5
LONGEST_NAME, LEAST_BAR, MOST_BAR = 24, 13, 61


class _Column(Struct, frozen=True):
    """One column of figures; those of the lowest rank stay longest."""

    title: str
    cells: int
    rank: int
    text: Callable[[Policy], str]
    after_bar: bool = False


def percent(value: float | None, *, signed: bool = False) -> str:
    """Return a share in percent."""
    if value is None:
        return fmt.NONE
    return f"{100 * value:+.1f} %" if signed else f"{100 * value:.1f} %"


def between(found: Interval, *, signed: bool = False) -> str:
    """Return the two ends of an interval."""
    if found.lower is None or found.upper is None:
        return ""
    form = "{:+.1f}" if signed else "{:.1f}"
    return f"{form.format(100 * found.lower)} to {form.format(100 * found.upper)}"


COLUMNS = (
    _Column("bets", 6, 1, lambda it: fmt.NONE if it.bets is None else f"{it.bets:,.0f}"),
    _Column("ROI", 9, 0, lambda it: percent(it.roi.value, signed=True)),
    _Column("95 %", 16, 5, lambda it: between(it.roi, signed=True)),
    _Column("wins", 8, 2, lambda it: percent(it.win_rate.value), after_bar=True),
    _Column("even at", 8, 3, lambda it: percent(it.break_even), after_bar=True),
    _Column("p adj", 7, 4, lambda it: fmt.NONE if it.p is None else f"{it.p:.3f}", after_bar=True),
)
VERDICT, VERDICT_RANK, WINS_RANK = 21, 6, 7
"""The verdict in words, and its rank; that of the second bar."""


def sign_of(policy: Policy) -> Span:
    """Return the sign of a policy's verdict."""
    return SIGNS.get(policy.verdict, OTHER)


def policy_lines(told: Told, cells: int, *, words: bool = False) -> list[Line]:
    """Return a heading and a line for each policy, those of the networks first. `words`: no bars are drawn."""
    ranks = {name: rank for rank, name in enumerate(DEPLOYED)}
    listed = sorted(told.policies, key=lambda it: ranks.get(it.name, len(ranks)))
    name = min(max([len(it.name) for it in listed] + [6]), LONGEST_NAME)
    room = cells - 2 - name - (0 if words else LEAST_BAR + 2)
    columns: list[int] = []
    unknown = {WINS_RANK} if words else {it.rank for it in COLUMNS if it.after_bar} | {WINS_RANK}
    wanted = [*((it.rank, it.cells) for it in COLUMNS), (VERDICT_RANK, VERDICT), (WINS_RANK, LEAST_BAR + 2)]
    for rank, taken in sorted(wanted):
        if rank in unknown and (words or told.estimated):
            continue
        if taken > room:
            break
        room -= taken
        columns.append(rank)
    shown = [it for it in COLUMNS if it.rank in columns]
    two = WINS_RANK in columns
    width = 0 if words else min(LEAST_BAR + (room // 2 if two else room), MOST_BAR)
    judged = [it for it in listed if (it.bets or 0) >= LEAST_BETS] or listed
    returns = axis((it.roi for it in judged), 0.0, width)
    wins = axis((it.win_rate for it in judged), FIFTY, width if two else 1)
    layout = _Layout(name, shown, returns if width else None, wins if two else None, VERDICT_RANK in columns)
    return [layout.heading(), *(layout.row(it, it is told.deployed) for it in listed)]


class _Layout(Struct, frozen=True):
    name: int
    columns: Sequence[_Column]
    returns: Axis | None
    wins: Axis | None
    verdict: bool

    def heading(self) -> Line:
        text = self._titles(after_bar=False)
        text += f"  {scale_line(self.returns, signed=True)}" if self.returns else ""
        text += self._titles(after_bar=True)
        text += f"  {scale_line(self.wins, signed=False)}" if self.wins else ""
        text += "  verdict" if self.verdict else ""
        return ((left("Policies", 2 + self.name), "title"), (text, "dim"))

    def _titles(self, after_bar: bool) -> str:
        return "".join(right(it.title, it.cells) for it in self.columns if it.after_bar is after_bar)

    def row(self, policy: Policy, deployed: bool) -> Line:
        sign, role = sign_of(policy)
        main = "strong" if deployed else "text"
        spans: list[Span] = [(f"{sign} ", role), (left(policy.name, self.name), main)]
        spans += [(right(it.text(policy), it.cells), main) for it in self.columns if not it.after_bar]
        if self.returns:
            spans += [("  ", "text"), *bar(policy.roi, self.returns, 0.0, _role(policy.roi, 0.0))]
        spans += [(right(it.text(policy), it.cells), main) for it in self.columns if it.after_bar]
        if self.wins:
            even = policy.break_even
            spans += [("  ", "text"), *bar(policy.win_rate, self.wins, even, _role(policy.win_rate, even))]
        if self.verdict:
            spans.append((f"  {left(SHORT.get(policy.verdict, policy.verdict), VERDICT - 2)}", role))
        return tuple(spans)


def _role(found: Interval, line: float | None) -> str:
    """Return the role of an interval that is above a line, below it, or on both sides."""
    if line is None or found.lower is None or found.upper is None:
        return "dim"
    return "done" if found.lower > line else "warning" if found.upper < line else "accent"
