"""What the page says in words of its own: how the run stands, what the audit found, what was asked. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from cqltui.campaign.model import Phase
from cqltui.judging.evaluated import at
from cqltui.report.material import Material
from cqltui.report.wording import moment
from cqltui.results.summary import BEST, VERDICT_WORDS, PhaseSummary
from cqltui.state.decode import text
from cqltui.state.described import Verdict
from cqltui.state.model import ENDED
from cqltui.state.plain import plain

Tone = Literal["good", "bad", "open"]
LONGEST = 400
LONGEST_TERM = 60
VERDICT_TONES: Mapping[str, Tone] = {"leak": "bad", "implausible": "bad", "edge": "good", "loses": "bad"}
"""By the kind of a verdict; what is undecided, estimated or still to come is open."""
TONES: Mapping[bool | None, Tone] = {True: "good", False: "bad", None: "open"}
BAD_GRADES, GOOD_GRADES = ("WRONG", "LEAK"), ("CLEAN",)


class Fact(Struct, frozen=True):
    """Something in a few words, below a label."""

    label: str
    words: str
    tone: Tone | None = None
    """How it is told apart by colour; the words say the same."""


class Finding(Struct, frozen=True):
    """A check of the leak audit."""

    check: str
    subject: str
    grade: str
    tone: Tone
    sentence: str


def standing(material: Material) -> Iterator[Fact]:
    """Yield how the run stands, for the head of the page."""
    done, tasks = material.summary.done, material.summary.tasks
    yield Fact("Tasks", f"{done:,} of {tasks:,} done", "good" if done == tasks else "open")
    grade, tone = audit_grade(material)
    yield Fact("Leak audit", grade, tone)
    yield Fact("Evaluated", {"test": "on test rows", "validation": "on validation rows only"}.get(material.part, "no"))
    counts = Counter(verdict.passed for phase in material.summary.phases for verdict in phase.verdicts)
    said = [f"{counts[passed]} {word}" for passed, word in VERDICT_WORDS.items() if counts[passed]]
    yield Fact("Criteria", ", ".join(said) or "none")


def interim(material: Material) -> tuple[str, ...]:
    """Return what is said where the figures will change, or are not of the test rows; nothing of a run that ended."""
    said = []
    if material.is_interim:
        ended = sum(record.standing.status in ENDED for record in material.records)
        said.append(f"{ended:,} of {len(material.records):,} tasks have ended: what is shown will change.")
    if material.part == "validation":
        said.append("Policies are judged on the validation rows, by which their networks were chosen.")
    return tuple(said)


def audit_grade(material: Material) -> tuple[str, Tone]:
    """Return the audit's grade in a word."""
    if material.audit is None:
        return "not made", "open"
    grade = plain(text(material.audit, "grade"), LONGEST_TERM)
    return grade.lower() or "not known", _tone(grade)


def findings(material: Material) -> tuple[Finding, ...]:
    """Return the checks of the audit, what forbids belief first."""
    listed = (material.audit or {}).get("findings")
    told = [_finding(at(each)) for each in listed] if isinstance(listed, list) else []
    return tuple(sorted(told, key=lambda each: ("bad", "open", "good").index(each.tone)))


def counted(found: Sequence[Finding]) -> str:
    """Return how many checks came to which grade, the worst first: `1 untested, 34 clean`."""
    return ", ".join(f"{count} {grade}" for grade, count in Counter(each.grade for each in found).items())


def _finding(told: Mapping[str, Any]) -> Finding:
    grade = plain(text(told, "grade"), LONGEST_TERM)
    check = plain(text(told, "check"), LONGEST_TERM).replace("_", " ")
    said = plain(text(told, "sentence"), LONGEST)
    return Finding(check, plain(text(told, "subject"), LONGEST), grade.lower(), _tone(grade), said)


def _tone(grade: str) -> Tone:
    return "bad" if grade in BAD_GRADES else "good" if grade in GOOD_GRADES else "open"


def told(line: str) -> tuple[str, str]:
    """Return a line as what it is about, where that is said first, and the rest; together they are the line."""
    head, colon, rest = line.partition(": ")
    return (head + colon, rest) if colon and len(head) <= LONGEST_TERM and ";" not in head else ("", line)


def verdict_fact(verdict: Verdict) -> Fact:
    """Return whether a criterion is met."""
    return Fact(verdict.text, VERDICT_WORDS[verdict.passed], TONES[verdict.passed])


def phase_facts(phase: PhaseSummary, asked: Phase) -> Iterator[Fact]:
    """Yield what a phase was for, and how its training ended."""
    if asked.goal:
        yield Fact("Goal", asked.goal)
    if asked.expected:
        yield Fact("Expected", asked.expected)
    statuses = ", ".join(f"{count:,} {status}" for status, count in phase.statuses.items())
    yield Fact("Tasks", statuses)
    if phase.seconds:
        yield Fact("Trained for", f"{duration(phase.seconds)}, each task of a pack counted")
    for best in phase.best:
        metric, epoch = (best.metric.removeprefix(BEST), "any" if best.metric.startswith(BEST) else "last")
        yield Fact(
            f"Lowest {metric}, {epoch} epoch", f"{best.value:.4f} at epoch {best.epoch:,}: {best.task} ({best.task_id})"
        )


def when(ts: float) -> str:
    """Return a time since 1970 as a date and a time of the day, in UTC."""
    return f"{said[:-3]} UTC" if (said := moment(ts)) else "not known"


def duration(seconds: float) -> str:
    """Return `2 h 5 min`, `3 min 20 s` or `12.3 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"
