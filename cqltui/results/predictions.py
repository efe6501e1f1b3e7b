"""Predictions as rows: what to bet on games that are still open, or why not, and the CSV of them."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, to_builtins

from cqltui.errors import InputError
from cqltui.results.chosen import Told
from cqltui.results.tables import cell, expect_target
from trainer.config import ACTIONS, STAKES
from trainer.data.types import Double
from trainer.data.upcoming import Upcoming
from trainer.evaluation.advice import Advice
from trainer.files import write_bytes

FORMAT = "cqltui.predictions/1"
COLUMNS = (
    "row",
    "season",
    "week",
    "game_id",
    "gameday",
    "away_team",
    "home_team",
    "action",
    "side",
    "spread",
    "handicap",
    "price",
    "stake",
    "q_action",
    "q_stake",
    "q_mean",
    "q_std",
    "advantage",
    "uncertainty",
    "confident",
    "reason",
)
HEADER = ",".join(COLUMNS)
Row = dict[str, Any]
"""By column: a number, a text, whether it holds, or None where it is not known."""


class About(Struct, frozen=True):
    """Which networks were asked, and what the evaluation says of them."""

    policy: str
    """Whose bets these are, as the evaluation names it."""
    told: Told | None
    """The verdict on it; None where there is none."""
    caveat: str
    """Why there is none and what to do, or what it is not about; empty where there is nothing to add."""
    leak_audit: str
    """Its grade; "not made" without an evaluation."""
    trusted: bool
    """Whether nothing forbids believing the networks: no leak, and no verdict that cannot be."""
    networks: int
    source: str
    """The task, or the phase, and which weights."""
    chosen_by: str
    threshold: float | None
    """Largest uncertainty of a confident bet; None without a cut, or where no bet passes."""
    share: float | None
    """Of validation's bets that the cut was to keep; None without a cut."""


class Predictions(Struct, frozen=True):
    """A row for each game without a result."""

    about: About
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def prediction_rows(upcoming: Upcoming, advice: Advice) -> list[Row]:
    """Return a row a game. `advice` is on those of `upcoming.known`, in their order."""
    place = {row: number for number, row in enumerate(upcoming.known.tolist())}
    return [_row(upcoming, row, advice, place.get(row)) for row in range(len(upcoming))]


def _row(upcoming: Upcoming, row: int, advice: Advice, number: int | None) -> Row:
    day, spread = upcoming.days[row], _number(upcoming.spread, row)
    action = 0 if number is None else int(advice.actions[number])
    greedy = None if number is None else int(advice.greedy[number])
    confident = None if number is None or advice.confident is None or not greedy else bool(advice.confident[number])
    values = (
        int(upcoming.rows[row]),
        upcoming.seasons[row],
        upcoming.weeks[row],
        upcoming.game_ids[row],
        "" if day is None else day.isoformat(),
        upcoming.away_teams[row],
        upcoming.home_teams[row],
        ACTIONS[action],
        upcoming.sides[row],
        spread,
        None if spread is None else -spread + 0.0,
        _number(upcoming.odds, row),
        STAKES[action],
        None if greedy is None else ACTIONS[greedy],
        None if greedy is None else STAKES[greedy],
        _number(advice.q_mean, number),
        _number(advice.q_std, number),
        _number(advice.advantage, number),
        _number(advice.uncertainty, number),
        confident,
        upcoming.reasons[row] if number is None else advice.reasons[number],
    )
    return dict(zip(COLUMNS, values, strict=True))


def _number(values: Double, place: int | None) -> float | None:
    value = np.nan if place is None else float(values[place])
    return value if np.isfinite(value) else None


def predictions_csv(rows: Sequence[Row]) -> str:
    """Return the rows as CSV: yes and no for what holds, empty where something is not known."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(list(_cells(row)) for row in rows)
    return out.getvalue()


def _cells(row: Row) -> Iterator[object]:
    for value in row.values():
        match value:
            case None:
                yield ""
            case bool():
                yield "yes" if value else "no"
            case str():
                yield cell(value)
            case float() if value.is_integer():
                yield int(value)
            case _:
                yield value


def expect_free(path: Path, *, force: bool) -> None:
    """Check that predictions can be written there; `force`: in place of earlier ones, which somebody may have edited.
    Raises InputError."""
    expect_target(path, HEADER, "predictions")
    if not force and path.exists():
        raise InputError(f"{path}: exists already: choose another file, or replace it with --force")


def write_predictions(path: Path, rows: Sequence[Row], *, force: bool) -> None:
    """Write the CSV atomically, in place of nothing but earlier predictions, if `force`. Raises InputError, and
    OSError."""
    expect_free(path, force=force)
    write_bytes(path, predictions_csv(rows).encode())


def to_document(found: Predictions) -> dict[str, Any]:
    """Return what JSON can hold."""
    return {"format": FORMAT, "about": to_builtins(found.about), "notes": list(found.notes), "games": list(found.rows)}
