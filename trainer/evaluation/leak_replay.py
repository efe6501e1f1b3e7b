"""The as-of replay: features of a game are the same, bit for bit, if they are made before anything later is known."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from trainer.data.types import Double, Float, Int
from trainer.evaluation.leak_findings import Finding, Grade, untested

CUTS = 20
CHECK, SUBJECT = "as_of_replay", "features"

Replayed = tuple[Sequence[str], Float | Double]
"""Ids of N games, and their states [N, D]."""


def cut_days(days: Int, cuts: int = CUTS) -> list[date]:
    """Return at most so many dates among those of `days` [N], spread evenly over the games, the first day left out."""
    known = np.unique(days)[1:]
    if not len(known):
        return []
    places = np.linspace(0, len(days) - 1, cuts + 1)[1:].round().astype(np.int64)
    chosen = np.unique(np.sort(days)[places])
    return [date.fromordinal(day) for day in np.intersect1d(chosen, known).tolist()]


def as_of_replay(
    ids: Sequence[str],
    states: Float | Double,
    days: Int,
    features_at: Callable[[date], Replayed],
    cuts: Sequence[date] | None = None,
) -> Finding:
    """Compare the features of all games with those made from a source that ends before each cut.

    `ids`, `states` [N, D] and `days` [N] (`date.toordinal()`) are made from the whole source. `features_at(cut)`
    returns the same of a source without anything of the day `cut` or later; it is asked once a cut, of `cut_days` by
    default. A game before the cut that it lacks or adds counts as well: whether a game is offered must not depend on
    later ones either.

    Raises:
        ValueError: an id is there twice, the numbers of rows differ, or dtype or columns are others than the whole's.
    """
    if not len(ids) == len(states) == len(days):
        raise ValueError(f"{len(ids)} ids, {len(states)} states and {len(days)} days")
    cuts = cut_days(days) if cuts is None else cuts
    if not cuts:
        return untested(CHECK, SUBJECT, "there are not two days to cut between")
    whole = _rows(ids, states)
    day = dict(zip(ids, days.tolist(), strict=True))
    differing, first, compared = 0, "", 0
    for cut in cuts:
        again_ids, again_states = features_at(cut)
        if again_states.dtype != states.dtype or again_states.shape[1:] != states.shape[1:]:
            raise ValueError(f"states of {again_states.dtype} {again_states.shape} are compared with {states.dtype}")
        again = _rows(again_ids, again_states)
        before = {name: row for name, row in whole.items() if day[name] < cut.toordinal()}
        names = [name for name in {**before, **again} if before.get(name) != again.get(name)]
        compared += len(before)
        differing += len(names)
        if names and not first:
            first = f"; the first is {names[0]}, {_what(before, again, names[0])} from what was known before {cut}"
    said = f"{differing:,} of {compared:,} states, at {len(cuts)} cuts, depend on what came later{first}"
    return Finding(CHECK, SUBJECT, float(differing), 0.0, Grade.LEAK if differing else Grade.CLEAN, said)


def _rows(ids: Sequence[str], states: Float | Double) -> dict[str, bytes]:
    rows = {name: row.tobytes() for name, row in zip(ids, states, strict=True)}
    if len(rows) != len(ids):
        raise ValueError("an id is there twice")
    return rows


def _what(before: dict[str, bytes], again: dict[str, bytes], name: str) -> str:
    if name not in again:
        return "which is missing"
    return "which differs" if name in before else "which is there only"
