"""What the page says in words of its own: how the run stands, what it cost, where it comes from. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from cqltui.campaign.model import Phase
from cqltui.judging.evaluated import at, figure_at
from cqltui.report.material import Material
from cqltui.results.summary import VERDICT_WORDS, PhaseSummary
from cqltui.state.decode import stamp, text, whole
from cqltui.state.model import ENDED, Verdict
from cqltui.state.plain import plain, word

Tone = Literal["good", "bad", "open"]
LONGEST = 400
LONGEST_TERM = 60
TONES: Mapping[bool | None, Tone] = {True: "good", False: "bad", None: "open"}
BAD_GRADES, GOOD_GRADES = ("WRONG", "LEAK"), ("CLEAN",)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something in a few words, below a label."""

    label: str
    words: str
    tone: Tone | None = None
    """How it is told apart by colour; the words say the same."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A check of the leak audit."""

    check: str
    subject: str
    grade: str
    tone: Tone
    sentence: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A look at the test rows."""

    when: str
    why: str
    tasks: str
    commit: str


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
        said.append("What policies return is of validation rows, by which they were chosen; the test rows are closed.")
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


def _finding(told: Mapping[str, Any]) -> Finding:
    grade = plain(text(told, "grade"), LONGEST_TERM)
    check = plain(text(told, "check"), LONGEST_TERM).replace("_", " ")
    said = plain(text(told, "sentence"), LONGEST)
    return Finding(check, plain(text(told, "subject"), LONGEST), grade.lower(), _tone(grade), said)


def _tone(grade: str) -> Tone:
    return "bad" if grade in BAD_GRADES else "good" if grade in GOOD_GRADES else "open"


def told(line: str) -> tuple[str, str]:
    """Return a line of an answer as what it is about, where that is said first, and the rest; together they are it."""
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
        yield Fact(f"Lowest {best.metric}", f"{best.value:.4f} at epoch {best.epoch:,}: {best.task} ({best.task_id})")


def machine_facts(material: Material) -> Iterator[Fact]:
    """Yield where the run trained, and how fast."""
    placing = material.provenance.placing
    places = placing.get("places")
    if isinstance(places, list) and places:
        counts = Counter(plain(str(place), LONGEST_TERM) for place in places)
        yield Fact("Workers", ", ".join(f"{count} on {place}" for place, count in counts.items()))
    if precision := plain(text(placing, "precision"), LONGEST_TERM):
        yield Fact("Precision", precision)
    yield Fact("Platform", material.provenance.platform or "not known")
    if (seconds := _elapsed_s(material)) is not None:
        yield Fact("From start to end", duration(seconds))
    yield Fact("Training time of all tasks", duration(sum(phase.seconds for phase in material.summary.phases)))
    speeds = [found for each in material.history if (found := figure_at(each, "samples_per_s"))]
    if speeds:
        yield Fact("Highest throughput", f"{max(speeds):,.0f} samples per second")


def cost_facts(material: Material) -> Iterator[Fact]:
    """Yield what the run would have cost on a machine with a price."""
    seconds, price = _elapsed_s(material), material.price_per_hour
    if seconds is None or price is None:
        return
    yield Fact("Price per hour", f"{price:,.2f}")
    yield Fact("From start to end", duration(seconds))
    yield Fact("Cost", f"{price * seconds / 3600:,.2f}")
    if done := material.summary.done:
        yield Fact("Cost of a task", f"{price * seconds / 3600 / done:,.4f}")


def _elapsed_s(material: Material) -> float | None:
    """Return the seconds from the start to the end, or to where its history ends."""
    source = material.provenance
    last = source.finished_ts or max((stamp(each, "ts") for each in material.history), default=0.0)
    return last - source.started_ts if last > source.started_ts > 0 else None


def openings(material: Material) -> tuple[Opening, ...]:
    """Return when and why the test rows were looked at."""
    return tuple(
        Opening(
            moment(stamp(each, "ts")),
            plain(text(each, "why"), LONGEST) or "not known",
            f"{whole(each, 'tasks_done') or 0:,}",
            plain(text(each, "git_commit"), LONGEST_TERM)[:12] or "not known",
        )
        for each in material.opened
    )


def provenance_facts(material: Material) -> Iterator[Fact]:
    """Yield where the run's figures come from."""
    source = material.provenance
    dirty = source.git_commit.endswith(("-dirty", "+changes"))
    yield Fact("Run", source.run)
    yield Fact("Campaign", f"{material.campaign.title} ({material.campaign.name})")
    yield Fact("Command", " ".join(map(word, source.command)) or "not known")
    yield Fact("Git commit", source.git_commit or "not known")
    if dirty:
        yield Fact("Changes", "files differed from that commit", "bad")
    yield Fact("Started", moment(source.started_ts))
    yield Fact("Ended", moment(source.finished_ts) if source.finished_ts else "still going")
    data = f"{source.data_source}, {source.data_path}" if source.data_path else source.data_source
    yield Fact("Data", data)
    yield Fact("Data's SHA-256", source.data_digest or "not known")
    yield Fact("Rows", ", ".join(f"{count:,} {part}" for part, count in source.rows.items() if count is not None))
    seeds = sorted({task.trainer.seed for task in material.campaign.tasks})
    yield Fact("Seeds of training", _ranges(seeds))
    yield Fact("Seed of the evaluation", f"{material.campaign.evaluate.seed}")
    yield Fact("Resamples", f"{material.campaign.evaluate.resamples:,}")
    yield Fact("Versions", ", ".join(f"{name} {version}" for name, version in source.versions.items()) or "not known")


def moment(ts: float) -> str:
    """Return a time since 1970 as a date and a time of the day, in UTC."""
    try:
        return f"{datetime.fromtimestamp(ts, UTC):%Y-%m-%d %H:%M} UTC" if ts > 0 else "not known"
    except (OverflowError, OSError, ValueError):
        return "not known"


def duration(seconds: float) -> str:
    """Return `2 h 5 min`, `3 min 20 s` or `12.3 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _ranges(numbers: list[int]) -> str:
    """Return `1 to 3, 7` of sorted whole numbers."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(f"{group[0]} to {group[-1]}" if len(group) > 1 else f"{group[0]}" for group in groups)
