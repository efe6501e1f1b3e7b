"""Trains a pack: M members of one shape on the same data, a batched matrix product where M trainings would have M.

A member's result depends on its settings and the data alone: not on its pack, nor on when it was stopped and resumed.
That is bit for bit on one kind of CPU with one thread (`torch.set_num_threads(1)`, which is the process's to set). A
single training is a pack of one.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.batches import epoch_order, random_state
from trainer.checkpoint import Checkpoint, CheckpointError, config_document
from trainer.config import ACTIONS, TrainerConfig, epoch_steps
from trainer.cql import cql_gradient, cql_loss, td_targets
from trainer.data.standardise import fit_standardiser
from trainer.data.types import Dataset, Float, Transitions
from trainer.model import Model
from trainer.network import backward, forward, initial_row, layers, make_layout, refresh
from trainer.optimizer import PackAdam
from trainer.packing import BLOCK_STEPS, VALIDATION_ROWS, pack_key
from trainer.progress import EpochMetrics

PRODUCTS = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class _Rows:
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

    def take(self, index: Tensor) -> "_Rows":
        """The rows of an index of any shape, each tensor with that shape in front."""
        return _Rows(
            self.states[index], self.actions[index], self.rewards[index], self.next_states[index], self.terminals[index]
        )


class PackTrainer:
    """Trains members epoch by epoch. `member` is always the position in the pack as it is now.

    Raises ValueError where the members cannot train together or the data is smaller than a batch.
    """

    def __init__(
        self,
        members: Sequence[TrainerConfig],
        dataset: Dataset,
        device: str = "cpu",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not members:
            raise ValueError("a pack needs at least one member")
        if any(pack_key(config) != pack_key(members[0]) for config in members):
            raise ValueError("members of a pack differ in more than alpha, lr, seed, epochs and validate_every")
        first, rows = members[0], len(dataset.train)
        if first.batch_size > rows:
            raise ValueError(
                f"batch_size is {first.batch_size}, but there are {rows} training rows: choose a smaller batch_size"
            )
        self.members = list(members)
        self.epochs_done = [0] * len(members)
        self.device = torch.device(device)
        self._clock = clock
        self._state_cols = dataset.state_cols
        self._data_digest = dataset.digest()
        self._standardiser = fit_standardiser(dataset.train.states)
        self._train = self._load(dataset.train)
        self._heldout = self._load(dataset.heldout)
        self._steps = epoch_steps(rows, first.batch_size)
        self._bootstraps = not (dataset.train.terminals.all() and dataset.heldout.terminals.all())
        self._layout = make_layout(first.hidden_dims, len(dataset.state_cols))
        params = torch.stack([initial_row(self._layout, config.seed) for config in members]).to(self.device)  # [M, P]
        adam = PackAdam(params, [config.lr for config in members], first.grad_clip)
        self._place(adam, params.clone() if self._bootstraps else None)
        self._interrupted = False

    def run_epoch(self, on_step: Callable[[], None] | None = None) -> list[EpochMetrics]:
        """Train every member for one epoch; one result a member, in order. NaN where a member's loss is not finite.

        `on_step` is called after each step, as a sign of life. If it raises, the trainer is lost with the epoch.
        """
        self._usable()
        if not self.members:
            raise ValueError("the pack is empty")
        for config, done in zip(self.members, self.epochs_done, strict=True):
            if done >= config.epochs:
                raise ValueError(f"a member has done its {config.epochs} epochs: remove it first")
        started = self._clock()
        self._interrupted = True  # until the epoch is whole
        with torch.no_grad():
            order = self._epoch_index()  # [S, M, B]
            # loss, td, cql, q_mean, grad_norm: sums over steps, read once an epoch
            totals = torch.zeros(5, len(self.members), device=self.device)
            for start in range(0, self._steps, BLOCK_STEPS):
                totals += self._run_block(order[start : start + BLOCK_STEPS], start, on_step)
            means = (totals / self._steps).T.tolist()  # [M][5]; waits for the device
        seconds = self._clock() - started
        self.epochs_done = [done + 1 for done in self.epochs_done]
        self._interrupted = False
        speed = self._steps * self.members[0].batch_size / seconds
        heldout = self._validate()
        return [
            _metrics(done, mean, speed, validation)
            for done, mean, validation in zip(self.epochs_done, means, heldout, strict=True)
        ]

    def capture(self, member: int) -> Checkpoint:
        """All that is needed to go on from here, copied to the CPU."""
        self._usable()
        tensors = {
            f"{kind}/{name}": view.cpu().clone()
            for kind, pack in self._state().items()
            for name, view in self._layout.views(pack[member]).items()
        }
        config, epoch = self.members[member], self.epochs_done[member]
        return Checkpoint(
            tensors=tensors,
            epoch=epoch,
            step=epoch * self._steps,
            random_state=random_state(config.seed, epoch),
            config=config_document(config),
            data_digest=self._data_digest,
        )

    def restore(self, member: int, checkpoint: Checkpoint) -> None:
        """Put a member where a checkpoint was taken. CheckpointError if that is of another training or other data."""
        checkpoint.check(self.members[member], self._data_digest)
        if checkpoint.step != checkpoint.epoch * self._steps:
            raise CheckpointError(
                f"checkpoint of epoch {checkpoint.epoch}: step {checkpoint.step} is not its end ({self._steps} each)"
            )
        # All rows first: a group that is missing raises before anything is changed.
        rows = {kind: self._layout.row(checkpoint.group(kind)) for kind in self._state()}
        for kind, pack in self._state().items():
            pack[member].copy_(rows[kind])
        if self._target_net is not None:
            refresh(self._target_net)
        self._adam.steps[member] = float(checkpoint.step)
        self.epochs_done[member] = checkpoint.epoch

    def remove(self, member: int) -> None:
        """Take a member out; those after it move up by one. The results of the others do not change."""
        self._usable()
        keep = list(range(len(self.members)))
        del keep[member]
        self.members = [self.members[index] for index in keep]
        self.epochs_done = [self.epochs_done[index] for index in keep]
        self._place(self._adam.keep(keep), None if self._target is None else self._target[keep].clone())

    def q_values(self, states: Float, member: int) -> Float:
        """Q values [N, A] of states [N, D] as in the source (not standardised), always in fp32."""
        return self.model(member).q_values(states)

    def model(self, member: int) -> Model:
        """The member's network, usable alone."""
        self._usable()
        views = self._layout.views(self._adam.rows[member])
        return Model(
            tensors={name: view.cpu().clone() for name, view in views.items()},
            standardiser=self._standardiser,
            hidden_dims=self.members[member].hidden_dims,
            state_cols=self._state_cols,
            actions=ACTIONS,
        )

    def _state(self) -> dict[str, Tensor]:
        """All that training changes, rows [M, P] by kind."""
        state = {"params": self._adam.rows, "exp_avg": self._adam.exp_avg, "exp_avg_sq": self._adam.exp_avg_sq}
        return state if self._target is None else state | {"target": self._target}

    def _usable(self) -> None:
        if self._interrupted:
            raise RuntimeError("an epoch was interrupted: make a new PackTrainer and restore its members")

    def _load(self, rows: Transitions) -> _Rows:
        def put(array: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

        return _Rows(
            states=put(self._standardiser.apply(rows.states)),
            actions=put(rows.actions.astype(np.int64)),
            rewards=put(rows.rewards.astype(np.float32)),
            next_states=put(self._standardiser.apply(rows.next_states)),
            terminals=put(rows.terminals.astype(np.float32)),
        )

    def _place(self, adam: PackAdam, target: Tensor | None) -> None:
        """Take over the rows of a (new) set of members, and make all that is derived from them."""
        products = PRODUCTS[self.members[0].precision] if self.members else torch.float32
        self._adam, self._target = adam, target
        self._net = layers(self._layout, adam.rows, products)
        self._grads = layers(self._layout, adam.grads)
        self._target_net = None if target is None else layers(self._layout, target, products)
        self._alpha = torch.tensor([config.alpha for config in self.members], device=self.device)  # [M]

    def _epoch_index(self) -> Tensor:
        """The rows of every batch of the coming epoch, [S, M, B]."""
        batch = self.members[0].batch_size
        orders = [
            epoch_order(config.seed, done, len(self._train.actions))[: self._steps * batch].reshape(self._steps, batch)
            for config, done in zip(self.members, self.epochs_done, strict=True)
        ]
        return torch.from_numpy(np.stack(orders, axis=1)).to(self.device)

    def _run_block(self, index: Tensor, start: int, on_step: Callable[[], None] | None) -> Tensor:
        """Train on batches [T, M, B], steps `start` and after of the epoch. Returns sums over the T steps, [5, M]."""
        block = self._train.take(index)
        q_values, targets, norms = [], [], []
        for t in range(len(index)):
            refresh(self._net)
            target = self._targets(block.rewards[t], block.terminals[t], block.next_states[t])
            q, tape = forward(self._net, block.states[t])
            backward(self._net, tape, cql_gradient(q, block.actions[t], target, self._alpha), self._grads)
            norms.append(self._adam.step())
            q_values.append(q)
            targets.append(target)
            self._update_target(start + t + 1)
            if on_step is not None:
                on_step()
        # The losses of all T steps at once: [T, M, B, ...] -> [M, T * B, ...]; batches are equal, so means are too.
        q_all = torch.stack(q_values, dim=1).flatten(1, 2)
        y_all = torch.stack(targets, dim=1).flatten(1, 2)
        losses = cql_loss(q_all, block.actions.transpose(0, 1).flatten(1, 2), y_all, self._alpha)
        means = torch.stack([losses.loss, losses.td, losses.cql, losses.q_mean, torch.stack(norms, dim=1).mean(1)])
        return means * len(index)

    def _targets(self, rewards: Tensor, terminals: Tensor, next_states: Tensor) -> Tensor:
        """y [M, B]. Without a step that goes on, the target network's output would be multiplied by zero: y = r."""
        if self._target_net is None:
            return rewards
        next_q, _ = forward(self._target_net, next_states)
        return td_targets(rewards, terminals, next_q, self.members[0].gamma)

    def _update_target(self, step: int) -> None:
        """Copy the online network into the target of each member that has done a multiple of `target_update_steps`."""
        if self._target is None or self._target_net is None:
            return
        every = self.members[0].target_update_steps
        due = [m for m, done in enumerate(self.epochs_done) if (done * self._steps + step) % every == 0]
        for member in due:
            self._target[member].copy_(self._adam.rows[member])
        if due:
            refresh(self._target_net)

    def _validate(self) -> list[list[float] | None]:
        """Held-out [loss, td, cql] of the members for which it is time."""
        due = [
            done % config.validate_every == 0 or done == config.epochs
            for config, done in zip(self.members, self.epochs_done, strict=True)
        ]
        rows = self._heldout
        if not any(due) or not len(rows.actions):
            return [None] * len(due)
        size = (len(self.members), len(rows.actions))
        refresh(self._net)
        with torch.no_grad():
            q_values, targets = [], []
            for start in range(0, size[1], VALIDATION_ROWS):
                part = slice(start, start + VALIDATION_ROWS)
                states, next_states = (x[part].expand(size[0], -1, -1) for x in (rows.states, rows.next_states))
                q_values.append(forward(self._net, states)[0])
                targets.append(self._targets(rows.rewards[part], rows.terminals[part], next_states).expand(size[0], -1))
            means = cql_loss(torch.cat(q_values, 1), rows.actions.expand(size), torch.cat(targets, 1), self._alpha)
            found = torch.stack([means.loss, means.td, means.cql], dim=1).tolist()  # [M][3]
        return [losses if is_due else None for is_due, losses in zip(due, found, strict=True)]


def _metrics(epoch: int, means: list[float], samples_per_s: float, heldout: list[float] | None) -> EpochMetrics:
    """One member's report of an epoch: means of (loss, td, cql, q, gradient norm), held-out (loss, td, cql)."""
    loss, td, cql, q_mean, grad_norm = means
    val_loss, val_td, val_cql = heldout or (None, None, None)
    return EpochMetrics(epoch, loss, td, cql, q_mean, grad_norm, samples_per_s, val_loss, val_td, val_cql)
