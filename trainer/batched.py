"""The engine of PyTorch operations, for every device and precision: all members at once, batched matrix products.

What the compiled engine of the CPU (`trainer.native`) must agree with. Everything stays on the device until the epoch's
means are read.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from trainer.config import TrainerConfig
from trainer.cql import CqlLoss, cql_gradient, cql_loss, td_targets
from trainer.data.types import Int
from trainer.layout import Layout
from trainer.network import backward, forward, is_dense_only, layers, refresh
from trainer.optimizer import PackAdam
from trainer.pack import Data, State
from trainer.packing import BLOCK_STEPS, VALIDATION_ROWS

PRODUCTS = {"fp32": torch.float32, "bf16": torch.bfloat16}


class BatchedEngine:
    """`trainer.pack.Engine` by torch operations over [M, ...]."""

    def __init__(
        self, layout: Layout, state: State, members: Sequence[TrainerConfig], data: Data, device: str = "cpu"
    ) -> None:
        """`device`: as torch names it. The CPU's tensors are the state's own memory."""
        first = members[0]
        products = PRODUCTS[first.precision]
        self._device = torch.device(device)
        self._stored = state
        self._state = state.map(self._tensor)
        self._data = data.map(self._tensor)
        self._gamma = first.gamma
        self._target_update_steps = first.target_update_steps
        self._adam = PackAdam(self._state, [config.lr for config in members], first.grad_clip)
        self._net = layers(layout, self._state.params, products)
        self._grads = layers(layout, self._adam.grads)
        self._target_net = None if self._state.target is None else layers(layout, self._state.target, products)
        self._alpha = torch.tensor([config.alpha for config in members], device=device)  # [M]

    @torch.no_grad()
    def run(self, order: Int, on_step: Callable[[], None] | None) -> np.ndarray:
        """See `Engine.run`."""
        index = torch.from_numpy(order).to(self._alpha.device)  # [S, M, B]
        sums = torch.zeros(5, len(self._alpha), device=self._alpha.device)
        done = [int(steps) for steps in self._state.steps.tolist()]
        for start in range(0, len(index), BLOCK_STEPS):
            block = index[start : start + BLOCK_STEPS]
            sums += self._run_block(block, [steps + start for steps in done], on_step)
        return (sums / len(index)).T.cpu().numpy()  # waits for the device

    @torch.no_grad()
    def evaluate(self, rows: Data) -> np.ndarray:
        """See `Engine.evaluate`."""
        members, total = len(self._alpha), len(rows.actions)
        tensors = rows.map(self._tensor)
        refresh(self._net)
        q_values, targets = [], []
        for start in range(0, total, VALIDATION_ROWS):
            part = tensors.take(slice(start, start + VALIDATION_ROWS))
            states, next_states = (_for_all(x, members) for x in (part.states, part.next_states))
            q_values.append(forward(self._net, states)[0])
            targets.append(self._targets(part.rewards, part.terminals, next_states).expand(members, -1))
        actions = tensors.actions.expand(members, total)
        means = cql_loss(torch.cat(q_values, 1), actions, torch.cat(targets, 1), self._alpha)
        return torch.stack([means.loss, means.td, means.cql], dim=1).cpu().numpy()

    def refresh(self) -> None:
        """See `Engine.refresh`."""
        for tensor, array in self._pairs():
            tensor.copy_(torch.from_numpy(array))
        refresh(self._net)
        if self._target_net is not None:
            refresh(self._target_net)

    def store(self) -> None:
        """See `Engine.store`."""
        for tensor, array in self._pairs():
            torch.from_numpy(array).copy_(tensor)

    def _pairs(self) -> Iterator[tuple[Tensor, np.ndarray]]:
        """Tensors and what they are stored in, where that is not the same memory."""
        tensors, arrays = self._state.kinds(), self._stored.kinds()
        pairs = [*((tensors[kind], arrays[kind]) for kind in tensors), (self._state.steps, self._stored.steps)]
        return (pair for pair in pairs if pair[0].data_ptr() != pair[1].ctypes.data)

    def _tensor(self, array: np.ndarray) -> Tensor:
        """Return the array on the device."""
        return torch.from_numpy(array).to(self._device)

    def _run_block(self, index: Tensor, done: Sequence[int], on_step: Callable[[], None] | None) -> Tensor:
        """Train on batches [T, M, B] with `done` steps of each member behind. Returns sums over the T steps, [5, M]."""
        block = self._data.take(index)
        q_values, targets, norms = [], [], []
        for t in range(len(index)):
            refresh(self._net)
            target = self._targets(block.rewards[t], block.terminals[t], block.next_states[t])
            q, tape = forward(self._net, block.states[t])
            backward(self._net, tape, cql_gradient(q, block.actions[t], target, self._alpha), self._grads)
            norms.append(self._adam.step())
            q_values.append(q)
            targets.append(target)
            self._update_target([steps + t + 1 for steps in done])
            if on_step is not None:
                on_step()
        losses = self._losses(q_values, block.actions, targets)
        means = torch.stack([losses.loss, losses.td, losses.cql, losses.q_mean, torch.stack(norms, dim=1).mean(1)])
        return means * len(index)

    def _losses(self, q_values: Sequence[Tensor], actions: Tensor, targets: Sequence[Tensor]) -> CqlLoss:
        """Return the losses of all T steps at once: [T, M, B, ...] -> [M, T * B, ...]; batches are equal, so means are
        too."""
        q_all = torch.stack(tuple(q_values), dim=1).flatten(1, 2)
        y_all = torch.stack(tuple(targets), dim=1).flatten(1, 2)
        return cql_loss(q_all, actions.transpose(0, 1).flatten(1, 2), y_all, self._alpha)

    def _targets(self, rewards: Tensor, terminals: Tensor, next_states: Tensor) -> Tensor:
        """y [M, B]. Without a step that goes on, the target network's output would be multiplied by zero: y = r."""
        if self._target_net is None:
            return rewards
        next_q, _ = forward(self._target_net, next_states)
        return td_targets(rewards, terminals, next_q, self._gamma)

    def _update_target(self, steps: Sequence[int]) -> None:
        """Copy the online network into the target of each member that has done a multiple of `target_update_steps`."""
        if self._state.target is None or self._target_net is None:
            return
        due = [m for m, done in enumerate(steps) if done % self._target_update_steps == 0]
        for member in due:
            self._state.target[member].copy_(self._state.params[member])
        if due:
            refresh(self._target_net)


def _for_all(states: Tensor, members: int) -> Tensor:
    """States [N, D] -> [M, N, D], the same for every member."""
    expanded = states.expand(members, -1, -1)
    return expanded.contiguous() if is_dense_only(states) else expanded
