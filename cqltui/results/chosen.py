"""What an evaluation has chosen, and what it said of it, as a run directory holds it. Somebody else may have written
it: ids, weights and numbers are checked."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from cqltui.errors import InputError
from cqltui.judging.evaluated import at, figure_at
from cqltui.results.evaluated import AGAIN, read_evaluation, results_digest
from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir
from cqltui.state.plain import plain

WHICH = re.compile(r"last|best|e\d{1,12}")
MOST_MEMBERS = 10_000
MOST_BETS = 10**9


class Member(Struct, frozen=True):
    """A network: a task, and which of its weights."""

    task: str
    which: str


class Chosen(Struct, frozen=True):
    """The networks to ask: several are an ensemble."""

    members: tuple[Member, ...]
    threshold: float | None = None
    """Largest uncertainty of a confident bet; None without a cut, NaN where validation had no bet to cut by."""
    share: float | None = None
    """Of the validation bets that the cut was to keep."""


class Told(Struct, frozen=True):
    """What the evaluation says of a policy on the test rows."""

    policy: str
    verdict: str
    sentence: str
    bets: int
    record: str
    """Wins, losses and pushes."""


def current(run_dir: RunDir, standings: Mapping[str, TaskStanding], path: Path) -> dict[str, Any] | None:
    """Return an evaluation that the run directory holds, if it is of exactly these results. Raises InputError for a
    damaged one."""
    found = read_evaluation(path, "test" if path == run_dir.evaluation_json else "validation")
    return found if at(found, "provenance").get("results") == results_digest(standings) else None


def chosen_by(found: Mapping[str, Any], path: Path, done: Collection[str]) -> Chosen:
    """Return the networks that an evaluation has chosen, and its cut. `done`: the tasks that have networks.

    Raises:
        InputError: the file, which entry of it cannot be, and the fix.
    """
    choices = at(found, "choices")
    ensemble = choices.get("ensemble")
    if not isinstance(ensemble, list) or len(ensemble) > MOST_MEMBERS:
        raise InputError(f"{path}: choices.ensemble: expected a list: {AGAIN}")
    if not ensemble:
        return Chosen((_member(choices.get("single"), "choices.single", path, done),))
    members = [_member(it, f"choices.ensemble[{place}]", path, done) for place, it in enumerate(ensemble)]
    if len(members) < 2 or len(set(members)) < len(members):
        raise InputError(f"{path}: choices.ensemble: expected two networks or more, each once: {AGAIN}")
    cut = choices.get("cut")
    if cut is None:
        return Chosen(tuple(members))
    threshold, share = figure_at(cut, "threshold"), figure_at(cut, "share")
    wrong = threshold is None and at(cut).get("threshold", "") is not None
    if wrong or (threshold is not None and threshold < 0) or share is None or not 0 < share <= 1:
        raise InputError(f"{path}: choices.cut: expected a threshold from 0 and a share above 0, up to 1: {AGAIN}")
    return Chosen(tuple(members), float("nan") if threshold is None else threshold, share)


def _member(value: object, key: str, path: Path, done: Collection[str]) -> Member:
    task, which = at(value).get("task"), at(value).get("which")
    if not isinstance(task, str) or task not in done:
        raise InputError(f"{path}: {key}.task: expected a task of the run that is done, found {_shown(task)}: {AGAIN}")
    if not isinstance(which, str) or not WHICH.fullmatch(which):
        raise InputError(f'{path}: {key}.which: expected "last", "best" or "e<epoch>", found {_shown(which)}: {AGAIN}')
    return Member(task, which)


def _shown(value: object) -> str:
    return plain(repr(value)[:400], 60)


def told_of(found: Mapping[str, Any], name: str) -> Told | None:
    """Return what an evaluation says of the policy of that name; None if it does not."""
    policies = found.get("policies")
    for policy in map(at, policies if isinstance(policies, list) else ()):
        if policy.get("name") == name:
            verdict = at(policy, "verdict")
            counts = [_count(policy, kind) for kind in ("wins", "losses", "pushes")]
            said, sentence = (plain(str(verdict.get(key, "not known"))[:2000], 500) for key in ("verdict", "sentence"))
            return Told(name, said, sentence, sum(counts), "-".join(map(str, counts)))
    return None


def _count(policy: Mapping[str, Any], kind: str) -> int:
    """Return how many bets ended so; 0 for what cannot be a number of bets."""
    found = figure_at(policy, "whole", "record", kind)
    return int(found) if found is not None and 0 <= found <= MOST_BETS else 0


def grade(found: Mapping[str, Any]) -> str:
    """Return the grade of the evaluation's leak audit."""
    return plain(str(at(found, "leak_audit").get("grade", "not known"))[:200], 20).lower()


def is_trusted(found: Mapping[str, Any]) -> bool:
    """Return whether the evaluation's leak audit forbids nothing."""
    return at(found, "leak_audit").get("trusted") is True
