"""The one interface of all sources of data: transitions, and a split of them by time."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from trainer.data.arrays import Bool as Bool
from trainer.data.arrays import Double as Double
from trainer.data.arrays import Float as Float
from trainer.data.arrays import Int as Int
from trainer.data.decisions import Decisions, both


class DataError(ValueError):
    """The data cannot be used. The message reads `FILE, column 'NAME', row LINE: what is wrong, and the fix`."""

    def __init__(
        self, problem: str, *, path: Path | None = None, column: str | None = None, row: int | None = None
    ) -> None:
        """`row` is the line number in the file, the header being line 1."""
        places = (
            None if path is None else str(path),
            None if column is None else f"column {column!r}",
            None if row is None else f"row {row}",
        )
        place = ", ".join(part for part in places if part is not None)
        super().__init__(f"{place}: {problem}" if place else problem)
        self.path = path
        self.column = column
        self.row = row


class Transitions(Struct, frozen=True, eq=False):
    """N logged decisions, in order of time. D features, one decision is one bet (see `trainer.config.ACTIONS`)."""

    states: Float
    """[N, D], as in the source: not standardised."""
    actions: Int
    """[N], index into ACTIONS."""
    rewards: Float
    """[N], stake (of the largest) x (net odds, -1, or 0 on a push)."""
    next_states: Float
    """[N, D]; zeros where terminal."""
    terminals: Bool
    """[N]; all true where one decision is one episode."""
    propensities: Float | None = None
    """[N], probability with which the behaviour policy took the logged action."""
    game_ids: tuple[str, ...] | None = None
    seasons: Int | None = None
    """[N]"""
    weeks: Int | None = None
    """[N]"""
    decisions: Decisions | None = None
    """What was offered and how it came out, for the evaluation; None where the source does not tell."""
    chances: Float | None = None
    """[N, A], with which the behaviour policy took each action, where that is known of all; where bets were sized
    afterwards, of the size that each bet had or would have had."""

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def outcomes(self) -> Decisions | None:
        """Return the decisions if the outcome of each is known."""
        known = self.decisions is not None and np.isfinite(self.decisions.returns).all()
        return self.decisions if known else None

    def take(self, rows: Int) -> "Transitions":
        """Return the chosen rows, in the order of `rows` [M]."""
        return Transitions(
            states=self.states[rows],
            actions=self.actions[rows],
            rewards=self.rewards[rows],
            next_states=self.next_states[rows],
            terminals=self.terminals[rows],
            propensities=None if self.propensities is None else self.propensities[rows],
            game_ids=None if self.game_ids is None else tuple(self.game_ids[row] for row in rows.tolist()),
            seasons=None if self.seasons is None else self.seasons[rows],
            weeks=None if self.weeks is None else self.weeks[rows],
            decisions=None if self.decisions is None else self.decisions.take(rows),
            chances=None if self.chances is None else self.chances[rows],
        )


class Unrewarded(Struct, frozen=True, eq=False):
    """M logged bets without a reward: nothing is trained or validated on them, but estimates have to count them."""

    states: Float
    """[M, D]"""
    actions: Int
    """[M]"""

    def __len__(self) -> int:
        return len(self.actions)


def joined(first: Transitions, then: Transitions) -> Transitions:
    """Return the rows of both, those of `first` first; without what either does not tell."""

    def rows(name: str) -> Any:
        parts = getattr(first, name), getattr(then, name)
        return None if any(part is None for part in parts) else np.concatenate(parts)

    others = {"game_ids", "decisions"}
    arrays = {name: rows(name) for name in Transitions.__struct_fields__ if name not in others}
    ids = None if first.game_ids is None or then.game_ids is None else first.game_ids + then.game_ids
    decisions = None
    if first.decisions is not None and then.decisions is not None:
        decisions = both(first.decisions, then.decisions)
    return Transitions(**arrays, game_ids=ids, decisions=decisions)


class Dataset(Struct, frozen=True, eq=False):
    """Training rows, the validation rows after them, and after those the test rows, which nobody sees but the
    evaluation."""

    state_cols: tuple[str, ...]
    train: Transitions
    validation: Transitions
    test: Transitions
    notes: tuple[str, ...] = ()
    """What a user should know of how the rows came about: dropped rows, invented prices, warm-up seasons."""
    warnings: tuple[str, ...] = ()
    """What looks like a mistake: columns of absurd scale."""
    unrewarded: Mapping[str, "Unrewarded"] = field(default_factory=dict)
    """By the name of a part, the logged bets of its time whose reward is not known."""

    def without_test(self) -> "Dataset":
        """Return the same data set with no test rows."""
        unrewarded = {name: bets for name, bets in self.unrewarded.items() if name != "test"}
        return replace(self, test=self.test.take(np.arange(0)), unrewarded=unrewarded)

    def digest(self) -> str:
        """Return the SHA-256 (hex) over everything of the data that training can see; test rows are not among it."""
        total = hashlib.sha256("\0".join(self.state_cols).encode())
        for part in (self.train, self.validation):
            for array in (part.states, part.actions, part.rewards, part.next_states, part.terminals):
                total.update(f"{array.dtype.str}{array.shape}".encode())
                total.update(np.ascontiguousarray(array).tobytes())
        return total.hexdigest()
