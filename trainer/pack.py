"""What a pack consists of, and what its engines have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from trainer.config import TrainerConfig
from trainer.data.types import Int
from trainer.network import Layout


@dataclass(frozen=True, slots=True)
class Rows:
    """Transitions on the device: N rows, states standardised."""

    states: Tensor
    """[N, D]"""
    actions: Tensor
    """[N], int64"""
    rewards: Tensor
    """[N]"""
    next_states: Tensor
    """[N, D]"""
    terminals: Tensor
    """[N], 1.0 where the episode ends."""

    def take(self, index: Tensor | slice) -> "Rows":
        """The rows of an index of any shape, each tensor with that shape in front."""
        return Rows(
            self.states[index], self.actions[index], self.rewards[index], self.next_states[index], self.terminals[index]
        )


@dataclass(frozen=True, slots=True)
class PackState:
    """All that training changes, a flat row a member (see `trainer.network.Layout`). Engines change it in place."""

    params: Tensor
    """[M, P]"""
    exp_avg: Tensor
    """[M, P], Adam's first moment."""
    exp_avg_sq: Tensor
    """[M, P], Adam's second moment."""
    steps: Tensor
    """[M] float32, training steps done."""
    target: Tensor | None = None
    """[M, P], the target network; None where every transition is terminal, so that its output is never used."""

    @classmethod
    def fresh(cls, params: Tensor, bootstraps: bool) -> "PackState":
        """The state before the first step."""
        moments = torch.zeros_like(params), torch.zeros_like(params)
        steps = torch.zeros(len(params), device=params.device)
        return cls(params, *moments, steps, params.clone() if bootstraps else None)

    def kinds(self) -> dict[str, Tensor]:
        """The rows [M, P] by kind."""
        rows = {"params": self.params, "exp_avg": self.exp_avg, "exp_avg_sq": self.exp_avg_sq}
        return rows if self.target is None else rows | {"target": self.target}

    def part(self, members: slice) -> "PackState":
        """These members, in the same memory."""
        rows = {kind: rows[members] for kind, rows in self.kinds().items()}
        return replace(self, steps=self.steps[members], **rows)

    def keep(self, members: Sequence[int]) -> "PackState":
        """A copy of these members alone."""
        index = torch.tensor(members, dtype=torch.int64, device=self.params.device)
        kept = {kind: rows[index] for kind, rows in self.kinds().items()}
        return replace(self, steps=self.steps[index], **kept)


class Engine(Protocol):
    """Computes training steps for a pack whose state, settings and data it was made with."""

    def run(self, order: Int, on_step: Callable[[], None] | None) -> np.ndarray:
        """Train on the rows `order` [S, M, B], step by step; `on_step` is called once for each, in bursts.

        Returns means over the S steps of loss, td, cql, Q(s, a) and the gradient's norm before clipping: [M, 5].
        """
        ...

    def evaluate(self, rows: Rows) -> np.ndarray:
        """Means of loss, td and cql over `rows` as the members are now: [M, 3]. N must not be 0."""
        ...

    def refresh(self) -> None:
        """The state was changed from outside: renew what is derived from it."""
        ...


class EngineFactory(Protocol):
    """An engine's class."""

    def __call__(self, layout: Layout, state: PackState, members: Sequence[TrainerConfig], data: Rows) -> Engine:
        """The engine of a pack."""
        ...
