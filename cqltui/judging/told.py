"""What an evaluation says, as a screen shows it: values instead of a document that may be anybody's. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE, FORBIDS, at, figure_at, only_estimated
from cqltui.state import decode
from cqltui.state.plain import plain

DEPLOYED = (CONFIDENT, ENSEMBLE, "CQL single")
"""The first of them that there is would be deployed."""
GRADES = ("LEAK", "WRONG", "SUSPECT", "UNTESTED", "CLEAN")
"""Of the leak audit's findings, from bad to good."""
MOST_POLICIES, MOST_FINDINGS = 100, 50
NAME, SENTENCE = 60, 500
"""So many characters of a name, and of a sentence, are kept."""


class Interval(Struct, frozen=True):
    """A figure and its interval of 95 %; None: not known."""

    value: float | None = None
    lower: float | None = None
    upper: float | None = None


class Policy(Struct, frozen=True):
    """What a policy has come to."""

    name: str
    verdict: str
    sentence: str
    bets: float | None
    roi: Interval
    win_rate: Interval = Interval()
    break_even: float | None = None
    """The win rate at which its bets come out even."""
    p: float | None = None
    """Of being better than break-even by chance, all policies looked at being counted."""


class Ensemble(Struct, frozen=True):
    """What the networks say together."""

    members: int | None = None
    agreement: float | None = None
    """Share of them that do as their mean does, over the decisions."""
    bet_agreement: float | None = None
    """Share of them that bet where the mean does, and do not where it does not."""
    bets: int | None = None
    coverage: float | None = None
    """Share of its bets that count as confident."""
    gain: Interval = Interval()
    """By how much more the confident bets return than the others, in shares of what is staked."""

    @property
    def left_out(self) -> int | None:
        """How many of its bets are not confident."""
        if self.bets is None or self.coverage is None or not 0 <= self.coverage <= 1:
            return None
        return self.bets - round(self.bets * self.coverage)


class Finding(Struct, frozen=True):
    """What a check of the leak audit has found that is not clean."""

    grade: str
    subject: str
    sentence: str


class Audit(Struct, frozen=True):
    """The leak audit of the data."""

    grade: str
    trusted: bool
    """Whether figures that rest on the data may be believed."""
    checks: tuple[tuple[str, int], ...] = ()
    """How many findings there are of each grade, from bad to good."""
    findings: tuple[Finding, ...] = ()
    """Those that are not clean, the worst first."""


class Told(Struct, frozen=True):
    """An evaluation."""

    part: str
    """Of which rows: "test" or "validation"."""
    source: str
    rows: int | None
    ts: float
    tasks_done: int | None
    results: str
    """What stands for the results that it is of."""
    audit: Audit
    policies: tuple[Policy, ...]
    ensemble: Ensemble | None
    estimated: bool
    """Whether outcomes are not known, so that policies are judged by the log alone."""

    @property
    def deployed(self) -> Policy | None:
        """The policy that would be deployed."""
        named = {policy.name: policy for policy in reversed(self.policies)}
        return next((named[name] for name in DEPLOYED if name in named), None)


def told(document: Mapping[str, Any]) -> Told:
    """Return what the document of an evaluation says. What it lacks, or has nonsense for, is not known."""
    said = at(document, "provenance")
    part = decode.text(document, "part")
    estimated = only_estimated(document)
    policies = _estimates(document) if estimated else map(_policy, _objects(document, "policies"))
    return Told(
        part=part,
        source=plain(decode.text(said, "source"), NAME),
        rows=_whole(said, "rows", part),
        ts=decode.stamp(said, "ts"),
        tasks_done=_whole(said, "tasks_done"),
        results=decode.text(said, "results"),
        audit=audit(document),
        policies=tuple(policies)[:MOST_POLICIES],
        ensemble=_ensemble(at(document, "ensemble")),
        estimated=estimated,
    )


def audit(document: Mapping[str, Any]) -> Audit:
    """Return the leak audit that an evaluation or an audit.json holds."""
    said = at(document, "leak_audit")
    found = [_finding(one) for one in _objects(said, "findings")]
    counts = Counter(one.grade for one in found)
    named = [*GRADES, *sorted(set(counts).difference(GRADES))]
    bad = sorted((one for one in found if one.grade != "CLEAN"), key=lambda one: named.index(one.grade))
    forbidden = any(one.grade in FORBIDS for one in found)
    return Audit(
        grade=plain(decode.text(said, "grade"), NAME),
        trusted=said.get("trusted") is True and not forbidden,
        checks=tuple((grade, counts[grade]) for grade in named if counts[grade]),
        findings=tuple(bad[:MOST_FINDINGS]),
    )


def _finding(said: Mapping[str, Any]) -> Finding:
    grade, subject = (plain(decode.text(said, name), NAME) for name in ("grade", "subject"))
    return Finding(grade or "UNTESTED", subject, plain(decode.text(said, "sentence"), SENTENCE))


def _policy(said: Mapping[str, Any]) -> Policy:
    whole = at(said, "whole")
    record = [_whole(whole, "record", name) for name in ("wins", "losses", "pushes")]
    return Policy(
        name=plain(decode.text(said, "name"), NAME),
        verdict=plain(decode.text(at(said, "verdict"), "verdict"), NAME),
        sentence=plain(decode.text(at(said, "verdict"), "sentence"), SENTENCE),
        bets=None if None in record else sum(one or 0 for one in record),
        roi=_interval(whole, "roi"),
        win_rate=_interval(whole, "win_rate"),
        break_even=figure_at(whole, "break_even"),
        p=figure_at(said, "compared", "adjusted_p"),
    )


def _estimates(document: Mapping[str, Any]) -> Iterator[Policy]:
    """Yield each policy as the log alone tells of it."""
    for said in _objects(document, "off_policy", "policies"):
        refusals = said.get("refusals")
        why = "; ".join(map(str, refusals[:MOST_FINDINGS])) if isinstance(refusals, list) else ""
        yield Policy(
            name=plain(decode.text(said, "name"), NAME),
            verdict=plain(decode.text(said, "verdict"), NAME) or ("refused" if why else ""),
            sentence=plain(decode.text(said, "sentence") or why, SENTENCE),
            bets=figure_at(said, "bets"),
            roi=_interval(said, "roi"),
        )


def _ensemble(said: Mapping[str, Any]) -> Ensemble | None:
    if not said:
        return None
    return Ensemble(
        members=_whole(said, "members"),
        agreement=figure_at(said, "agreement"),
        bet_agreement=figure_at(said, "bet_agreement"),
        bets=_whole(said, "bets"),
        coverage=figure_at(said, "coverage"),
        gain=_interval(said, "confident_effect", "roi"),
    )


def _interval(said: object, *path: str) -> Interval:
    value, lower, upper = (figure_at(said, *path, name) for name in ("value", "lower", "upper"))
    return Interval(value, lower, upper)


def _whole(said: object, *path: str) -> int | None:
    found = figure_at(said, *path)
    return None if found is None or not 0 <= found <= decode.LARGEST else int(found)


def _objects(said: object, *path: str) -> list[Mapping[str, Any]]:
    found = at(said, *path[:-1]).get(path[-1])
    return [at(one) for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
