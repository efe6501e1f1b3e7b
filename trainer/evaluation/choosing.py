"""What validation decides: of each task the weights, the single network, the ensemble's weights, and its cut.

What counts is the mean profit a decision of the greedy bets, in units of the largest stake. Where outcomes are known it
is what the bets returned; in a log without them it is the doubly robust estimate. A network of which the log tells too
little for one comes after all of which it tells enough, and those are compared by their TD loss.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from trainer.data.types import Double, Float, Transitions, Unrewarded
from trainer.evaluation import policies
from trainer.evaluation.ensemble import MOST_CONFIDENT, Cut, choose_cut, opinions, q_values
from trainer.evaluation.estimates import bet_log, worth
from trainer.evaluation.importance import Log
from trainer.evaluation.payoffs import profits
from trainer.model import Model

HUBER = 1.0
"""Error at which the TD loss turns from a square to a line, as in training."""

Key = tuple[str, str]
"""A network: its task, and which of the task's weights."""
Name = TypeVar("Name")


class ChosenBy(StrEnum):
    """What a choice was made by."""

    OUTCOMES = "outcomes"
    OFF_POLICY = "off-policy estimate"
    TD_LOSS = "TD loss"


class Trained(Struct, frozen=True, eq=False):
    """A task's networks: the same training run at several epochs."""

    task: str
    phase: str
    models: Mapping[str, Model]
    """By what they are: "last", "best", "e200"."""


class Chosen(Struct, frozen=True):
    """A network that was chosen on validation."""

    task: str
    which: str
    validation_profit: float | None
    """Mean profit a decision of its greedy bets on validation, in units of the largest stake; None where the log tells
    too little of it."""
    epoch: int | None = None
    by: ChosenBy = ChosenBy.OUTCOMES
    validation_td: float | None = None
    """`td_loss` on validation, in a log without outcomes."""


class Choices(Struct, frozen=True):
    """All that validation decides."""

    tasks: tuple[Chosen, ...]
    """The weights of every task."""
    single: Chosen | None
    ensemble: tuple[Chosen, ...]
    """Its members; the same weights ("last", "best" ...) of each. Empty where there is no ensemble."""
    cut: Cut | None
    ensemble_by: ChosenBy | None = None
    """What the ensemble's weights were chosen by."""


class _Score(Struct, frozen=True):
    """How good a network, or an ensemble, is on validation."""

    by: ChosenBy
    profit: float | None
    td: float | None = None
    bets: bool = True

    @property
    def order(self) -> tuple[bool, float]:
        """Return what is largest for the best."""
        if self.profit is not None:
            return True, self.profit
        return False, -np.inf if self.td is None else -self.td


def choose(
    trained: Sequence[Trained],
    ensemble_phase: str,
    validation: Transitions,
    confident: float = MOST_CONFIDENT,
    *,
    unrewarded: Unrewarded | None = None,
    seed: int = 0,
) -> Choices:
    """Return what the validation rows decide: weights, network, ensemble and cut.

    A log without outcomes is asked with its bets without a reward, and a `seed` that
    draws the folds of the estimates.

    Raises:
        ValueError: there is no network, or no validation row.
    """
    if not trained or not len(validation):
        raise ValueError("a choice needs networks and validation rows")
    log = None if validation.outcomes is not None else bet_log(validation, unrewarded)
    q = network_q(
        {(task.task, which): model for task in trained for which, model in task.models.items()},
        validation.states if log is None else np.asarray(log.states, np.float32),
    )
    scores = _comparable({key: _score(its, validation, log, seed) for key, its in q.items()})
    found = {
        (task.task, which): _chosen(task.task, which, model, scores[task.task, which])
        for task in trained
        for which, model in task.models.items()
    }
    best_of = {task.task: max(task.models, key=lambda which: scores[task.task, which].order) for task in trained}
    tasks = tuple(found[task, which] for task, which in best_of.items())
    single = max(tasks, key=lambda it: scores[it.task, it.which].order)
    members = [task for task in trained if task.phase == ensemble_phase]
    shared = [which for which in (members[0].models if members else ()) if all(which in it.models for it in members)]
    if len(members) < 2 or not shared:
        return Choices(tasks, single, (), None)
    views = {which: opinions(np.stack([q[it.task, which] for it in members])) for which in shared}
    together = _comparable({which: _score(view.mean, validation, log, seed) for which, view in views.items()})
    best = max(shared, key=lambda which: together[which].order)
    ensemble = tuple(found[it.task, best] for it in members)
    cut = choose_cut(views[best].uncertainty[: len(validation)], confident)
    return Choices(tasks, single, ensemble, cut, together[best].by)


def network_q(models: Mapping[Key, Model], states: Float) -> dict[Key, Float]:
    """Return the Q values [N, A] of each network."""
    return dict(zip(models, q_values(list(models.values()), states), strict=True))


def td_loss(q: Double | Float, rows: Transitions) -> float:
    """Return the mean Huber loss of Q(s, logged action) [N, A] against the reward, each decision being the end of its
    episode. It holds no alpha, so that networks of any alpha can be compared by it."""
    off = np.abs(np.asarray(q, np.float64)[np.arange(len(rows)), rows.actions] - rows.rewards)
    return float(np.where(off <= HUBER, off**2 / 2, HUBER * (off - HUBER / 2)).mean())


def _score(q: Double | Float, validation: Transitions, log: Log | None, seed: int) -> _Score:
    """Score Q values [N, A] of validation, or of all rows of the log, those of validation first."""
    if log is None:
        assert validation.outcomes is not None
        return _Score(ChosenBy.OUTCOMES, float(profits(policies.single_cql(q), validation.outcomes).mean()))
    profit = worth(log, q.argmax(axis=1), seed)
    by = ChosenBy.TD_LOSS if profit is None else ChosenBy.OFF_POLICY
    return _Score(by, profit, td_loss(q[: len(validation)], validation), bool((q.argmax(axis=1) > 0).any()))


def _comparable(scores: Mapping[Name, _Score]) -> dict[Name, _Score]:
    """Return the scores, without profits where no bet's is known: that never betting is worth 0 would decide alone."""
    if any(it.profit is not None and it.bets for it in scores.values()):
        return dict(scores)
    return {name: replace(it, by=ChosenBy.TD_LOSS, profit=None) for name, it in scores.items()}


def _chosen(task: str, which: str, model: Model, score: _Score) -> Chosen:
    epoch = model.details.get("epoch")
    return Chosen(task, which, score.profit, epoch if isinstance(epoch, int) else None, score.by, score.td)
