"""The page of the evaluation: the verdict first, then what it rests on, then the criteria. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from cqltui.judging.evaluated import FORBIDS
from cqltui.judging.told import Audit, Ensemble, Policy, Told
from cqltui.results.judged import EvaluationRead
from cqltui.state import select
from cqltui.state.described import PhaseInfo
from cqltui.state.model import ENDED, RunState, Status
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.line import Line, clip, joined, left, width, wrapped
from cqltui.ui.panels.criteria import criteria_lines
from cqltui.ui.policytable import between, percent, policy_lines, sign_of

NARROW = 50
"""Below it the verdict and the criteria are shown."""
BESIDE = 50
"""Cells of a phase's criteria that stand beside those of another."""
FINDINGS = 3
LABEL = 12
SOURCES = {"simulated": "a simulated market", "logged": "a log of bets", "games": "real games"}
GRADE_ROLES = {"LEAK": "dead", "WRONG": "dead", "SUSPECT": "warning", "CLEAN": "done"}
FLATTERS = "On validation rows, by which the networks are chosen: these figures flatter"
BLANK: Line = ()


def evaluation_lines(found: EvaluationRead, state: RunState, cells: int, now: float, *, words: bool) -> list[Line]:
    """Return all there is to tell, in so many cells. `words`: nothing is drawn."""
    lines = verdict_lines(found, state, cells, now)
    if cells >= NARROW:
        lines += [BLANK, *_audit_lines(found, cells)]
        if (shown := found.test or found.validation) is not None:
            lines += [BLANK, *_figures(shown, cells, now, words=words)]
    criteria = all_criteria(state.campaign.phases, cells)
    return [*lines, BLANK, *criteria] if criteria else lines


def verdict_lines(found: EvaluationRead, state: RunState, cells: int, now: float) -> list[Line]:
    """Return what the run comes to."""
    lines = _verdict(found.test, cells, now) if found.test is not None else _no_verdict(found, state, cells, now)
    for wrong in found.wrong:
        lines += _text(f"! {wrong}", cells, "warning")
    return lines


def _verdict(told: Told, cells: int, now: float) -> list[Line]:
    if not told.audit.trusted:
        return [
            *_text("✗ No figure of this run can be believed", cells, "dead"),
            *_text(_why_not(told.audit), cells, "text"),
            *_text(_basis(told, now), cells, "dim"),
        ]
    policy = told.deployed
    if policy is None:
        return [
            *_text("· No verdict", cells, "strong"),
            *_text("The evaluation has no network's policy.", cells, "text"),
        ]
    sign, role = sign_of(policy)
    said = _said(policy, told)
    if cells < NARROW:  # one sentence, so that the criteria are not far
        said = said.split(". ")[0].rstrip(".") + "."
    first = f"{sign} {_capital(policy.verdict) or 'No verdict'}"
    return [
        *_text(first, cells, "strong" if role == "dim" else role),
        *_text(said, cells, "text"),
        *_text(_basis(told, now), cells, "dim"),
    ]


def _said(policy: Policy, told: Told) -> str:
    by_log = "By the log alone, outcomes not being known: " if told.estimated else ""
    return f'{by_log}"{policy.name}": {policy.sentence or "its estimate is not known"}'


def _why_not(audit: Audit) -> str:
    bad = [it for it in audit.findings if it.grade in FORBIDS]
    said = [f"{it.subject}: {it.sentence}" for it in bad[:FINDINGS]]
    said += [f"and {len(bad) - FINDINGS:,} more"] if len(bad) > FINDINGS else []
    return "; ".join(said) or f"The leak audit says so: {audit.grade.lower() or 'its grade is not known'}."


def _basis(told: Told, now: float) -> str:
    """Return which rows of what the figures are of, and as of when."""
    rows = f"{told.part} rows" if told.rows is None else f"{told.rows:,} {told.part} rows"
    source = f"{rows} of {SOURCES.get(told.source, told.source)}" if told.source else rows
    tasks = "" if told.tasks_done is None else f"{told.tasks_done:,} tasks done"
    at = f"evaluated {fmt.clock(told.ts, now)}" if told.ts else ""
    policies = f"{len(told.policies)} policies compared" if told.policies else ""
    return " · ".join(filter(None, (source, policies, tasks, at)))


def _no_verdict(found: EvaluationRead, state: RunState, cells: int, now: float) -> list[Line]:
    counts = select.counts(state)
    done, total = counts[Status.DONE], sum(counts.values()) - counts[Status.WITHDRAWN]
    ended = not any(count for status, count in counts.items() if status not in ENDED)
    said = f"{done:,} of {total:,} tasks are done"
    planned = found.planned
    if not total:
        text = "There are no tasks yet."
    elif planned is not None and planned.test_rows == 0:
        text = f"{said}; the run has no test rows, so that nothing will be evaluated."
    elif planned is not None and not planned.automatic:
        text = f"{said}; the campaign leaves the evaluation to `cqltui evaluate`."
    elif done < total and ended:
        text = f"{said}, and no other is going to be: `cqltui evaluate` evaluates these."
    elif done < total:
        text = f"{said}: evaluated when all are."
    elif state.finished_ts:
        text = f"{said}, and there is no evaluation of them: `cqltui evaluate` makes one."
    else:
        text = f"{said}: the evaluation is being made."
    lines = [*_text("· No verdict yet", cells, "strong"), *_text(text, cells, "text")]
    if (old := found.earlier) is not None:
        of = "" if old.tasks_done is None else f", {old.tasks_done:,} tasks done then"
        when = f" of {fmt.clock(old.ts, now)}" if old.ts else ""
        lines += _text(f"An evaluation{when} is there, of other results than these{of}.", cells, "dim")
    return lines


def _audit_lines(found: EvaluationRead, cells: int) -> list[Line]:
    audit = found.test.audit if found.test else found.audit or (found.validation.audit if found.validation else None)
    label = (left("Leak audit", LABEL), "title")
    if audit is None:
        simulated = found.planned is not None and found.planned.source == "simulated"
        why = "of simulated data it is made with the evaluation" if simulated else "there is none yet"
        return [(label, (clip(why, cells - LABEL), "dim"))]
    role = "dead" if not audit.trusted else GRADE_ROLES.get(audit.grade, "text")
    sign = "✓" if role == "done" else "✗" if role == "dead" else "·"
    counts = " · ".join(f"{count:,} {grade.lower()}" for grade, count in audit.checks)
    head = f"{sign} {audit.grade.lower() or 'not known'}"
    lines: list[Line] = [(label, (head, role), (f"   {clip(counts, cells - LABEL - len(head) - 3)}", "dim"))]
    for it in audit.findings[:FINDINGS]:
        texts = wrapped(f"{it.subject}: {it.sentence}", cells - LABEL - 10)
        grade: Line = ((" " * LABEL, "text"), (left(it.grade.lower(), 10), GRADE_ROLES.get(it.grade, "dim")))
        lines += _hanging(grade, texts, "dim")
    if (more := len(audit.findings) - FINDINGS) > 0:
        lines.append(((f"{'':{LABEL}}and {more:,} more that are not clean", "dim"),))
    return lines


def _figures(told: Told, cells: int, now: float, *, words: bool) -> list[Line]:
    lines: list[Line] = []
    if told.part == "validation":
        done = "" if told.tasks_done is None else f" ({told.tasks_done:,} tasks done at {fmt.clock(told.ts, now)})"
        lines += _text(f"{FLATTERS}{done}.", cells, "warning")
    lines += policy_lines(told, cells, words=words)
    if told.ensemble is not None:
        lines += [BLANK, *_ensemble_lines(told.ensemble, cells)]
    return lines


def _ensemble_lines(its: Ensemble, cells: int) -> list[Line]:
    parts = ["" if its.members is None else f"{its.members:,} networks"]
    if its.agreement is not None:
        parts.append(f"{100 * its.agreement:.0f} % of them choose what their mean does")
    if its.bet_agreement is not None:
        parts.append(f"{100 * its.bet_agreement:.0f} % agree on whether to bet")
    if its.bets is not None:
        cut = its.left_out
        rest = "" if cut is None else f", of which the confident policy leaves out {cut:,}"
        parts.append(f"{its.bets:,} bets{rest}")
    texts = wrapped(" · ".join(filter(None, parts)), cells - LABEL)
    lines = _hanging(((left("Ensemble", LABEL), "title"),), texts, "text")
    if its.gain.value is not None:
        ends = between(its.gain, signed=True)
        text = f"confident bets return {percent(its.gain.value, signed=True)} against the others"
        text += f" (95 %: {ends})" if ends else ""
        low, high = its.gain.lower, its.gain.upper
        if low is not None and high is not None and low <= 0 <= high:
            text += ": not distinguishable"
        lines += _hanging(((" " * LABEL, "text"),), wrapped(text, cells - LABEL), "dim")
    return lines


# Criteria


def all_criteria(phases: Sequence[PhaseInfo], cells: int) -> list[Line]:
    """Return all phases' criteria; beside each other where there is room for two at least."""
    judged = [phase for phase in phases if phase.verdicts]
    across = min(len(judged), cells // BESIDE)
    if across < 2:
        return [line for phase in judged for line in _phase(phase, cells)]
    each = (cells - 2 * (across - 1)) // across
    lines: list[Line] = []
    for start in range(0, len(judged), across):
        blocks = [_phase(phase, each) for phase in judged[start : start + across]]
        lines += [BLANK] if lines else []
        lines += [beside(row, each) for row in zip_longest(*blocks, fillvalue=BLANK)]
    return lines


def _phase(phase: PhaseInfo, cells: int) -> list[Line]:
    title: Line = ((clip(plain(phase.title or phase.name), cells), "title"),)
    return [title, *criteria_lines(phase, cells)]


def beside(parts: Iterable[Line], cells: int) -> Line:
    """Return lines beside each other, each in so many cells."""
    padded = ((*part, (" " * (cells - width(part)), "text")) for part in parts)
    return joined(padded, ("  ", "text"))


def criteria_count(phases: Iterable[PhaseInfo]) -> str:
    """Return how many criteria are met, failed and open; empty without any."""
    counts = Counter(verdict.passed for phase in phases for verdict in phase.verdicts)
    words: tuple[tuple[bool | None, str], ...] = ((True, "met"), (False, "failed"), (None, "open"))
    return " · ".join(f"{counts[passed]:,} {word}" for passed, word in words if counts[passed])


def _text(text: str, cells: int, role: str) -> list[Line]:
    """Return text in lines; what follows a sign stands below what is behind it."""
    indent = "  " if text[:2] in {"✗ ", "✓ ", "≈ ", "· ", "! "} else ""
    first, *more = wrapped(text, max(cells - len(indent), 1))
    return [((first, role),), *(((f"{indent}{line}", role),) for line in more)]


def _hanging(label: Line, texts: Sequence[str], role: str) -> list[Line]:
    indent = " " * width(label)
    first, *more = texts or ("",)
    return [(*label, (first, role)), *(((f"{indent}{line}", role),) for line in more)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
