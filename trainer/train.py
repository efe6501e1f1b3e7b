"""Trains a pack: M members of one shape on the same data, together.

A member's result depends on its settings and the data alone: not on its pack, nor on when it was stopped and resumed.
That is bit for bit on one kind of CPU with one thread (`trainer.threads.one_thread`, which is the process's to call). A
single training is a pack of one.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from trainer.batches import epoch_order, random_state
from trainer.checkpoint import Checkpoint, CheckpointError, config_document
from trainer.config import ACTIONS, TrainerConfig, epoch_steps
from trainer.data.standardise import fit_standardiser
from trainer.data.types import Dataset, Float, Int, Transitions
from trainer.engines import engine as fastest_engine
from trainer.layout import initial_row, make_layout
from trainer.model import Model
from trainer.pack import Batch, Data, Engine, EngineFactory, State, fresh, kept
from trainer.packing import pack_key
from trainer.progress import EpochMetrics


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
        engine: EngineFactory | None = None,
    ) -> None:
        """`engine`: what computes, instead of the one that is the device's own."""
        if not members:
            raise ValueError("a pack needs at least one member")
        if any(pack_key(config) != pack_key(members[0]) for config in members):
            raise ValueError("members of a pack differ in more than alpha, lr, seed, epochs, and what has no influence")
        first, rows = members[0], len(dataset.train)
        if first.batch_size > rows:
            raise ValueError(
                f"batch_size is {first.batch_size}, but there are {rows} training rows: choose a smaller batch_size"
            )
        self.members = list(members)
        self.epochs_done = [0] * len(members)
        self.device = device
        self._clock = clock
        self._make_engine = engine or fastest_engine(device, first.precision)
        self._state_cols = dataset.state_cols
        self._data_digest = dataset.digest()
        self._standardiser = fit_standardiser(dataset.train.states, first.observation_scaler)
        self._train = self._load(dataset.train)
        self._validation = self._load(dataset.validation)
        self._steps = epoch_steps(rows, first.batch_size)
        bootstraps = not (dataset.train.terminals.all() and dataset.validation.terminals.all())
        self._layout = make_layout(first.hidden_dims, len(dataset.state_cols))
        self._place(fresh([initial_row(self._layout, config.seed) for config in members], bootstraps))
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
        means = self._engine.run(self._epoch_order(), on_step).tolist()  # [M][5]
        seconds = self._clock() - started
        self.epochs_done = [done + 1 for done in self.epochs_done]
        self._interrupted = False
        speed = self._steps * self.members[0].batch_size / seconds
        losses = self._validate()
        return [
            _metrics(done, mean, speed, validation)
            for done, mean, validation in zip(self.epochs_done, means, losses, strict=True)
        ]

    def capture(self, member: int) -> Checkpoint:
        """Return all that is needed to go on from here, copied."""
        tensors = {
            f"{kind}/{name}": view.copy()
            for kind, pack in self._trained().kinds().items()
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
        """Put a member where a checkpoint was taken. Raise CheckpointError if that is of another run or other data."""
        checkpoint.check(self.members[member], self._data_digest)
        if checkpoint.step != checkpoint.epoch * self._steps:
            raise CheckpointError(
                f"checkpoint of epoch {checkpoint.epoch}: step {checkpoint.step} is not its end ({self._steps} each)"
            )
        try:  # all rows first: what is missing raises before anything is changed
            rows = {kind: self._layout.row(checkpoint.group(kind)) for kind in self._state.kinds()}
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"checkpoint of epoch {checkpoint.epoch}: its tensors do not fit: {error}") from error
        for kind, pack in self._trained().kinds().items():  # of the other members too, which the engine will read
            pack[member] = rows[kind]
        self._state.steps[member] = float(checkpoint.step)
        self._engine.refresh()
        self.epochs_done[member] = checkpoint.epoch

    def remove(self, member: int) -> None:
        """Take a member out; those after it move up by one. The results of the others do not change."""
        keep = list(range(len(self.members)))
        del keep[member]
        self.members = [self.members[index] for index in keep]
        self.epochs_done = [self.epochs_done[index] for index in keep]
        self._place(kept(self._trained(), keep))

    def q_values(self, states: Float, member: int) -> Float:
        """Return Q values [N, A] of states [N, D] as in the source (not standardised), always in fp32."""
        return self.model(member).q_values(states)

    def model(self, member: int) -> Model:
        """Return the member's network, usable alone."""
        views = self._layout.views(self._trained().params[member])
        return Model(
            tensors={name: view.copy() for name, view in views.items()},
            standardiser=self._standardiser,
            hidden_dims=self.members[member].hidden_dims,
            state_cols=self._state_cols,
            actions=ACTIONS,
            observation_scaler=self.members[member].observation_scaler,
        )

    def _usable(self) -> None:
        if self._interrupted:
            raise RuntimeError("an epoch was interrupted: make a new PackTrainer and restore its members")

    def _trained(self) -> State:
        """Return the state as it is now, wherever it is trained."""
        self._usable()
        if self.members:
            self._engine.store()
        return self._state

    def _load(self, rows: Transitions) -> Data:
        found: Data = Batch(
            states=self._standardiser.apply(rows.states),
            actions=rows.actions.astype(np.int64),
            rewards=rows.rewards.astype(np.float32),
            next_states=self._standardiser.apply(rows.next_states),
            terminals=rows.terminals.astype(np.float32),
        )
        return found.map(np.ascontiguousarray)

    def _place(self, state: State) -> None:
        """Take over the state of a (new) set of members."""
        self._state = state
        if self.members:
            self._engine: Engine = self._make_engine(self._layout, state, self.members, self._train, self.device)

    def _epoch_order(self) -> Int:
        """Return the rows of every batch of the coming epoch, [S, M, B]."""
        batch = self.members[0].batch_size
        orders = [
            epoch_order(config.seed, done, len(self._train.actions))[: self._steps * batch].reshape(self._steps, batch)
            for config, done in zip(self.members, self.epochs_done, strict=True)
        ]
        return np.stack(orders, axis=1)

    def _validate(self) -> list[list[float] | None]:
        """Held-out [loss, td, cql] of the members for which it is time."""
        due = [
            done % config.validate_every == 0 or done == config.epochs
            for config, done in zip(self.members, self.epochs_done, strict=True)
        ]
        if not any(due) or not len(self._validation.actions):
            return [None] * len(due)
        found = self._engine.evaluate(self._validation).tolist()  # [M][3]
        return [losses if is_due else None for is_due, losses in zip(due, found, strict=True)]


def _metrics(epoch: int, means: list[float], samples_per_s: float, validation: list[float] | None) -> EpochMetrics:
    """Return one member's report of an epoch: means of (loss, td, cql, q, gradient norm), and in validation
    of (loss, td, cql)."""
    loss, td, cql, q_mean, grad_norm = means
    val_loss, val_td, val_cql = validation or (None, None, None)
    return EpochMetrics(epoch, loss, td, cql, q_mean, grad_norm, samples_per_s, val_loss, val_td, val_cql)
