"""Tasks of two runs that belong together: the same settings and seed, but for what the runs differ in."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from cqltui.algorithms.base import setting_text, told
from cqltui.report.material import Material
from cqltui.results.record import TaskRecord

SEED = "seed"
Key = tuple[tuple[str, str], ...]


class Pair(Struct, frozen=True):
    """A task of the first run, and its counterpart in another."""

    first: TaskRecord
    other: TaskRecord

    @property
    def seed(self) -> object:
        """The one that both have."""
        return getattr(self.first.task.trainer, SEED)


class Group(Struct, frozen=True):
    """Pairs that differ by their seed alone."""

    phase: str
    title: str
    """The settings that set it apart within the phase; what the runs differ in as "old → new"."""
    pairs: tuple[Pair, ...]

    @property
    def sample(self) -> Pair:
        """Any of the pairs: but for the seed they have the same settings."""
        return self.pairs[0]


def groups(first: Material, other: Material) -> tuple[Group, ...]:
    """Return the pairs of two runs by phase and settings, in the order of the first run's file.

    Tasks of the same phase and seed are a pair if all their settings are equal; else, if they are the only ones that
    are equal in those settings whose values are the same over the whole phase in both runs.
    """
    found: dict[tuple[str, str, str], list[Pair]] = {}
    phases = {phase.name for phase in other.campaign.phases}
    for phase in first.campaign.phases:
        if phase.name not in phases:
            continue
        ours, theirs = first.of_phase(phase), other.of_phase(other.campaign.phase(phase.name))
        for pair in _pairs(ours, theirs):
            key = phase.name, str(_but_seed(pair.first)), str(_but_seed(pair.other))
            found.setdefault(key, []).append(pair)
    return tuple(
        Group(phase_name, _title([of for (name, *_), of in found.items() if name == phase_name], pairs), tuple(pairs))
        for (phase_name, *_), pairs in found.items()
    )


def _pairs(ours: Sequence[TaskRecord], theirs: Sequence[TaskRecord]) -> list[Pair]:
    exact = {_settings(record): record for record in theirs}
    found = {id(record): Pair(record, exact[_settings(record)]) for record in ours if _settings(record) in exact}
    taken = {id(pair.other) for pair in found.values()}
    left = [record for record in ours if id(record) not in found]
    free = [record for record in theirs if id(record) not in taken]
    common = _alike(ours, theirs)
    here, there = _by_key(left, common), _by_key(free, common)
    for key, records in here.items():
        if len(records) == len(there.get(key, ())) == 1:
            found[id(records[0])] = Pair(records[0], there[key][0])
    return [found[id(record)] for record in ours if id(record) in found]


def _alike(ours: Iterable[TaskRecord], theirs: Iterable[TaskRecord]) -> frozenset[str]:
    """Return the settings that take the same values over both; the seed is one in any case."""
    values: list[dict[str, set[str]]] = [{}, {}]
    for side, records in zip(values, (ours, theirs), strict=True):
        for name, value in (item for record in records for item in _settings(record)):
            side.setdefault(name, set()).add(value)
    return frozenset({SEED, *(name for name, known in values[0].items() if values[1].get(name) == known)})


def _by_key(records: Iterable[TaskRecord], names: frozenset[str]) -> Mapping[Key, list[TaskRecord]]:
    found: dict[Key, list[TaskRecord]] = {}
    for record in records:
        found.setdefault(tuple(item for item in _settings(record) if item[0] in names), []).append(record)
    return found


def _settings(record: TaskRecord) -> Key:
    """Return what determines a task's weights, but for the data."""
    identity = record.task.algorithm.identity(record.task.trainer)
    return tuple(sorted((name, setting_text(told(value))) for name, value in identity.items()))


def _but_seed(record: TaskRecord) -> Key:
    return tuple(item for item in _settings(record) if item[0] != SEED)


def _title(all_of: Sequence[Sequence[Pair]], pairs: Sequence[Pair]) -> str:
    """Return the settings that vary over a phase's pairs, or between its runs."""
    first, other = (dict(_but_seed(record)) for record in (pairs[0].first, pairs[0].other))
    seen: dict[str, set[str]] = {}
    for its in all_of:
        for record in (its[0].first, its[0].other):
            for name, value in _but_seed(record):
                seen.setdefault(name, set()).add(value)
    labels = {setting.name: setting.label for setting in pairs[0].first.task.algorithm.settings}
    absent = "default"  # a setting that is part of a task's identity only where it has another value
    told_of = []
    for name in labels:
        before, after = first.get(name, absent), other.get(name, absent)
        if name in seen and (len(seen[name]) > 1 or before != after):
            told_of.append(f"{labels[name]} {before}" + ("" if before == after else f" → {after}"))
    return ", ".join(told_of) or "all tasks"
