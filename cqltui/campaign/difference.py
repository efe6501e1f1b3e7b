"""What a campaign file changes of the run that its directory holds: new, kept, continued and withdrawn tasks. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from cqltui.campaign.model import Campaign, TaskSpec, task_digest


class KnownTask(Struct, frozen=True):
    """A task of the run as its directory holds it."""

    id: str
    phase: str
    title: str
    epochs: int
    run: int = 1
    """Counts resubmissions."""
    done: bool = False
    """It has a result."""
    withdrawn: bool = False
    """The file of the last start had it no longer."""
    saved_epoch: int = 0
    """Epochs in its newest checkpoint that can be used; 0 for none, and for a dead or cancelled task."""
    validated: frozenset[int] = frozenset()
    """Epochs up to `saved_epoch` that have validation losses."""
    carried_from: frozenset[str] = frozenset()
    """Ids of the tasks whose checkpoints it was given to go on from."""

    @property
    def trained(self) -> bool:
        """Whether it is work that somebody would miss."""
        return self.done or self.saved_epoch > 0


class NewTask(Struct, frozen=True):
    """A task that is trained from the start."""

    task: TaskSpec
    shorter: KnownTask | None = None
    """A finished one that differs by fewer epochs only, but that it cannot go on from."""
    why_anew: str = ""
    """Why it cannot."""


class ContinuedTask(Struct, frozen=True):
    """A task that goes on from the checkpoint of one that differs by its epochs only."""

    task: TaskSpec
    source: KnownTask
    run: int = 1
    """The run of the task itself: above 1 if it was in the file before."""


class Difference(Struct, frozen=True):
    """What becomes of each task."""

    new: tuple[NewTask, ...] = ()
    kept: tuple[KnownTask, ...] = ()
    """In the run and in the file, those too that were withdrawn and are back."""
    continued: tuple[ContinuedTask, ...] = ()
    withdrawn: tuple[KnownTask, ...] = ()
    """In the run, not in the file, and no task goes on from it."""
    leaving: frozenset[str] = frozenset()
    """Ids that are to leave the queue: those of `withdrawn`, and of what others go on from."""
    other_data: bool = False
    """The data is not that of the last start, so that no task is the same."""

    @property
    def changes(self) -> bool:
        """Whether the run becomes another one. A first start changes nothing."""
        known = self.kept or self.continued or self.withdrawn
        return bool(known and (self.new or self.continued or self.withdrawn or any(k.withdrawn for k in self.kept)))

    @property
    def lost(self) -> tuple[KnownTask, ...]:
        """Withdrawn tasks that were trained: nobody withdraws them unasked."""
        return tuple(known for known in self.withdrawn if known.trained)

    @property
    def epochs_done(self) -> dict[str, int]:
        """Task to the epochs that it does not train any more, if there are any."""
        kept = {known.id: known.epochs if known.done else known.saved_epoch for known in self.kept}
        return kept | {item.task.id: item.source.saved_epoch for item in self.continued}

    @property
    def fingerprint(self) -> str:
        """Stands for the tasks that leave: whoever agreed to it has not agreed to others."""
        return hashlib.sha256(" ".join(sorted(self.leaving)).encode()).hexdigest()[:16]


def difference(
    campaign: Campaign,
    data_digest: str,
    known: Mapping[str, KnownTask],
    *,
    validation: bool = True,
    other_data: bool = False,
) -> Difference:
    """Between the run that holds `known`, by id, and `campaign`, its tasks identified.

    `validation`: whether there are validation rows to compute losses on.
    """
    new: list[NewTask] = []
    kept: list[KnownTask] = []
    continued: list[ContinuedTask] = []
    epochs = _epochs_by_phase(known.values())
    for task in campaign.tasks:
        own = known.get(task.id)
        if own is not None and (own.done or not own.withdrawn):
            kept.append(own)
            continue
        alike = _alike(task, data_digest, known, epochs.get(task.phase, ()))
        usable = [other for other in alike if not _why_anew(task, other, validation=validation)]
        source = max(usable, key=lambda other: other.saved_epoch, default=None)
        if source is not None and source.saved_epoch > (own.saved_epoch if own else 0):
            continued.append(ContinuedTask(task, source, own.run if own else 1))
        elif own is not None:
            kept.append(own)
        else:
            new.append(_new(task, alike, validation=validation))
    wanted = {task.id for task in campaign.tasks}
    # Who was killed after it had handed checkpoints over goes on unasked, as it began.
    sources = {item.source.id for item in continued}.union(*(one.carried_from for one in kept))
    leaving = [one for one in known.values() if one.id not in wanted and not one.withdrawn]
    return Difference(
        new=tuple(new),
        kept=tuple(kept),
        continued=tuple(continued),
        withdrawn=tuple(one for one in leaving if one.id not in sources),
        leaving=frozenset(one.id for one in leaving),
        other_data=other_data,
    )


def _epochs_by_phase(known: Iterable[KnownTask]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for one in known:
        found.setdefault(one.phase, set()).add(one.epochs)
    return found


def _alike(
    task: TaskSpec, data_digest: str, known: Mapping[str, KnownTask], epochs: Iterable[int]
) -> Sequence[KnownTask]:
    """Known tasks that differ by their epochs only: those that have the id which the task would have with theirs. None
    for one that may stop early: how many epochs it has is not known before."""
    if task.trainer.early_stop is not None:
        return []
    others = (replace(task, trainer=replace(task.trainer, epochs=n)) for n in epochs if n != task.trainer.epochs)
    ids = (task_digest(other, data_digest)[: task.id_length] for other in others)
    return [known[task_id] for task_id in ids if task_id in known]


def _why_anew(task: TaskSpec, other: KnownTask, *, validation: bool) -> str:
    """Return why the task cannot go on from the checkpoint of `other`; empty if it can."""
    if not other.saved_epoch:
        return "no checkpoint of it was kept"
    if other.saved_epoch > task.trainer.epochs:
        return f"its checkpoint is of epoch {other.saved_epoch:,}"
    every = task.trainer.validate_every
    if validation and not set(range(every, other.saved_epoch + 1, every)) <= other.validated:
        return "its validation losses are of other epochs"
    return ""


def _new(task: TaskSpec, alike: Iterable[KnownTask], *, validation: bool) -> NewTask:
    shorter = [other for other in alike if other.done and other.epochs < task.trainer.epochs]
    longest = max(shorter, key=lambda other: other.epochs, default=None)
    return NewTask(task, longest, _why_anew(task, longest, validation=validation) if longest else "")
