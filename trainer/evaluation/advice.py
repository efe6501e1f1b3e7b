"""What networks advise on decisions that are still open: the bet, why there is none, and how sure they are."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from trainer.config import STAKES
from trainer.data.types import Bool, Double, Float, Int
from trainer.evaluation.ensemble import opinions

NO_BET_IS_BEST = "no bet has the largest Q"
NOT_A_NUMBER = "the networks give no number for it"


class Advice(Struct, frozen=True, eq=False):
    """On N decisions. A bet is always on the side from which the state is seen."""

    actions: Int
    """[N], what to do: index into ACTIONS."""
    greedy: Int
    """[N], the action with the largest mean Q, whatever the cut says of it."""
    q_mean: Double
    """[N], of the greedy action."""
    q_std: Double
    """[N], over the members; NaN for a single network, which has none."""
    advantage: Double
    """[N], mean of (Q(s, a) - Q(s, no bet)) / stake(a) of the greedy bet a; NaN where it is no bet."""
    uncertainty: Double
    """[N], standard deviation of the same over the members; NaN for a single network."""
    confident: Bool | None
    """[N], whether the greedy bet is at most as uncertain as the cut; None without a cut."""
    reasons: tuple[str, ...]
    """Why there is no bet; empty where there is one."""


def advise(q: Double | Float, cut: float | None, stakes: Sequence[float] = STAKES) -> Advice:
    """Return what one network or several, with Q values [M, N, A], advise.

    `cut`: the largest uncertainty at which a bet is made (NaN: none is); None: every greedy bet is made.

    Raises:
        ValueError: a cut without at least two networks, whose uncertainty it is about.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # of a damaged network, which is told below
        return _advise(np.asarray(q, dtype=np.float64), cut, stakes)


def _advise(members: Double, cut: float | None, stakes: Sequence[float]) -> Advice:
    sizes = np.asarray(stakes, dtype=np.float64)
    rows = np.arange(members.shape[1])
    if len(members) > 1:
        view = opinions(members, stakes)
        greedy, advantage, uncertainty = view.actions, view.advantage, view.uncertainty
        q_mean, q_std = view.mean[rows, greedy], view.std[rows, greedy]
    else:
        if cut is not None:
            raise ValueError("a single network has no uncertainty, which a cut could be compared with")
        greedy = members[0].argmax(axis=1).astype(np.int64)
        q_mean = members[0][rows, greedy]
        q_std = uncertainty = np.full(len(rows), np.nan)
        advantage = (q_mean - members[0][:, 0]) / np.where(greedy == 0, np.nan, sizes[greedy])
    broken: Bool = np.asarray(~np.isfinite(members).all(axis=(0, 2)))
    confident: Bool | None = None if cut is None else np.asarray((uncertainty <= cut) & ~broken)
    passes: Bool = np.asarray(~broken) if confident is None else confident
    reasons = [
        NOT_A_NUMBER if lost else NO_BET_IS_BEST if not action else "" if passed else _less_certain(doubt, cut)
        for lost, action, passed, doubt in zip(broken, greedy, passes, uncertainty, strict=True)
    ]
    return Advice(
        actions=np.where(passes, greedy, 0),
        greedy=np.where(broken, 0, greedy),
        q_mean=q_mean,
        q_std=q_std,
        advantage=advantage,
        uncertainty=uncertainty,
        confident=confident,
        reasons=tuple(reasons),
    )


def _less_certain(doubt: float, cut: float | None) -> str:
    if cut is None or np.isnan(cut):
        return "no bet counts as confident: validation had none"
    return f"less certain than the cut ({doubt:.3g} > {cut:.3g})"
