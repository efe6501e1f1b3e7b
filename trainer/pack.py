"""What a pack consists of, and what its engines have in common. Free of torch: its engines look at the same memory."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
from msgspec import Struct

from trainer.config import TrainerConfig
from trainer.data.types import Float, Int
from trainer.layout import Layout, Rows, aligned_zeros

A = TypeVar("A", bound=Rows)
B = TypeVar("B", bound=Rows)


class Batch(Struct, Generic[A], frozen=True):
    """Transitions, states standardised: N rows, or any shape in place of [N]."""

    states: A
    """[N, D]"""
    actions: A
    """[N], int64"""
    rewards: A
    """[N]"""
    next_states: A
    """[N, D]"""
    terminals: A
    """[N], 1.0 where the episode ends."""

    def take(self, index: A | slice) -> "Batch[A]":
        """Return the rows of an index of any shape, each array with that shape in front."""
        return Batch(
            self.states[index], self.actions[index], self.rewards[index], self.next_states[index], self.terminals[index]
        )

    def map(self, change: Callable[[A], B]) -> "Batch[B]":
        """Return the same with `change` applied to each array."""
        arrays = self.states, self.actions, self.rewards, self.next_states, self.terminals
        return Batch(*(change(array) for array in arrays))


class PackState(Struct, Generic[A], frozen=True):
    """All that training changes, a flat row a member (see `trainer.layout.Layout`). Engines change it in place."""

    params: A
    """[M, P]"""
    exp_avg: A
    """[M, P], Adam's first moment."""
    exp_avg_sq: A
    """[M, P], Adam's second moment."""
    steps: A
    """[M] float32, training steps done."""
    target: A | None = None
    """[M, P], the target network; None where every transition is terminal, so that its output is never used."""

    def kinds(self) -> dict[str, A]:
        """Return the rows [M, P] by kind."""
        rows = {"params": self.params, "exp_avg": self.exp_avg, "exp_avg_sq": self.exp_avg_sq}
        return rows if self.target is None else rows | {"target": self.target}

    def part(self, members: slice) -> "PackState[A]":
        """Return these members, in the same memory."""
        return self.map(lambda rows: rows[members])

    def map(self, change: Callable[[A], B]) -> "PackState[B]":
        """Return the same with `change` applied to each array."""
        target = None if self.target is None else change(self.target)
        moments = change(self.exp_avg), change(self.exp_avg_sq)
        return PackState(change(self.params), *moments, change(self.steps), target)


State = PackState[Float]
"""As NumPy sees it; what the trainer reads and saves."""
Data = Batch[np.ndarray]


def fresh(rows: Sequence[Float], bootstraps: bool) -> State:
    """Return the state of members that start with these parameters, each [P], before the first step."""
    shape = len(rows), len(rows[0])
    params, target = aligned_zeros(*shape), aligned_zeros(*shape) if bootstraps else None
    for array in (params,) if target is None else (params, target):
        array[:] = rows
    return PackState(params, aligned_zeros(*shape), aligned_zeros(*shape), aligned_zeros(len(rows)), target)


def kept(state: State, members: Sequence[int]) -> State:
    """Return a copy of these members alone."""

    def copy(rows: Float) -> Float:
        made = aligned_zeros(len(members), *rows.shape[1:])
        made[:] = rows[list(members)]
        return made

    return state.map(copy)


class Engine(Protocol):
    """Computes training steps for a pack whose state, settings and data it was made with."""

    def run(self, order: Int, on_step: Callable[[], None] | None) -> np.ndarray:
        """Train on the rows `order` [S, M, B], step by step; `on_step` is called once for each, in bursts.

        Returns means over the S steps of loss, td, cql, Q(s, a) and the gradient's norm before clipping: [M, 5].
        """
        ...

    def evaluate(self, rows: Data) -> np.ndarray:
        """Means of loss, td and cql over `rows` as the members are now: [M, 3]. N must not be 0."""
        ...

    def refresh(self) -> None:
        """Renew what is derived from the state, which was changed from outside."""
        ...

    def store(self) -> None:
        """Bring the state in line with what was trained, where that is in other memory than the state's."""
        ...


class EngineFactory(Protocol):
    """An engine's class."""

    def __call__(
        self, layout: Layout, state: State, members: Sequence[TrainerConfig], data: Data, device: str = "cpu"
    ) -> Engine:
        """Return the engine of a pack, on a device as torch names it."""
        ...
