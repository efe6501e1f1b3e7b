"""What an ensemble of Q networks says: its mean, how far its members differ, and which of its bets they agree on.

Everything is computed from the members' Q values [M, N, A], action 0 being no bet. Deviations are taken from the first
member before they are summed, so that members that are equal have a spread of exactly 0.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from trainer.config import NORM_EPS, STAKES
from trainer.data.types import Bool, Double, Float, Int
from trainer.model import Model

MOST_CONFIDENT = 0.2
"""Share of an ensemble's bets that "its most confident" means."""


class Opinions(Struct, frozen=True, eq=False):
    """An ensemble's view of N decisions."""

    mean: Double
    """[N, A], of the Q values over the members."""
    std: Double
    """[N, A], standard deviation over the members, ddof 1."""
    actions: Int
    """[N], greedy by the mean; equal values go to the smaller stake."""
    agreement: Double
    """[N], share of the members whose own greedy action is that of the mean."""
    bet_agreement: Double
    """[N], share of the members that bet where the mean bets, and do not where it does not."""
    advantage: Double
    """[N], mean over the members of (Q(s, a) - Q(s, no bet)) / stake(a) of the mean's bet a; NaN where it is no bet."""
    uncertainty: Double
    """[N], standard deviation (ddof 1) of the same: the larger, the less confident; NaN where there is no bet."""

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def bets(self) -> Bool:
        """[N], whether the mean's greedy action is a bet."""
        return np.asarray(self.actions != 0)


def opinions(q: Double | Float, stakes: Sequence[float] = STAKES) -> Opinions:
    """Return what members with Q values [M, N, A] say together.

    Multiplying all stakes, and with them the rewards and Q values, changes no action, agreement or uncertainty.

    Raises:
        ValueError: fewer than two members, which have no spread, or actions and stakes that do not match.
    """
    members = np.asarray(q, dtype=np.float64)
    sizes = np.asarray(stakes, dtype=np.float64)
    if members.ndim != 3 or len(members) < 2:
        raise ValueError(f"an ensemble needs Q values [M, N, A] of two members or more, not {members.shape}")
    if members.shape[2] != len(sizes) or sizes[0] != 0 or (sizes[1:] <= 0).any():
        raise ValueError(f"{members.shape[2]} actions need as many stakes, 0 first and the others positive: {stakes}")
    mean, std = _mean_and_std(members)
    actions = mean.argmax(axis=1)
    own = members.argmax(axis=2)  # [M, N]
    rows = np.arange(len(actions))
    bets = actions != 0
    per_unit = (members[:, rows, actions] - members[:, :, 0]) / np.where(bets, sizes[actions], np.nan)
    advantage, uncertainty = _mean_and_std(per_unit)
    return Opinions(
        mean=mean,
        std=std,
        actions=actions.astype(np.int64),
        agreement=(own == actions).mean(axis=0),
        bet_agreement=((own != 0) == bets).mean(axis=0),
        advantage=advantage,
        uncertainty=uncertainty,
    )


class Cut(Struct, frozen=True):
    """The uncertainty up to which a bet counts as confident: chosen on validation, then kept."""

    threshold: float
    """Inclusive; NaN, which nothing passes, where validation had no bet."""
    share: float
    """Of the bets that was asked for."""
    bets: int
    """Of validation."""
    coverage: float
    """Share of validation's bets that pass: more than `share` where several are equally uncertain."""

    def confident(self, uncertainty: Double) -> Bool:
        """Return whether each bet [N] passes; false where there is no bet (NaN)."""
        return np.asarray(uncertainty <= self.threshold)

    def reached(self, uncertainty: Double) -> float:
        """Return the share of the bets elsewhere that pass; NaN where there are none."""
        bets = uncertainty[~np.isnan(uncertainty)]
        return float(self.confident(bets).mean()) if len(bets) else float("nan")

    def to_document(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "threshold": _finite(self.threshold),
            "share": self.share,
            "validation_bets": self.bets,
            "validation_coverage": _finite(self.coverage),
        }


def choose_cut(uncertainty: Double, share: float = MOST_CONFIDENT) -> Cut:
    """Return the cut for the most confident `share` of validation's bets, by their uncertainty [N] (NaN: no bet).

    As many bets pass as make up at least the share; those that are as uncertain as the last of them pass too.

    Raises:
        ValueError: `share` is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of the bets is above 0 and at most 1, not {share}")
    bets = np.sort(uncertainty[~np.isnan(uncertainty)])
    if len(bets) == 0:
        return Cut(float("nan"), share, 0, float("nan"))
    wanted = int(np.ceil(share * len(bets) - 1e-9))  # 0.07 x 100 are 7 bets, whatever the product's last bit
    threshold = float(bets[wanted - 1])
    return Cut(threshold, share, len(bets), float((bets <= threshold).mean()))


class Histogram(Struct, frozen=True, eq=False):
    """How often values fall into equally wide bins; the last one holds its upper edge too."""

    edges: Double
    """[bins + 1]"""
    counts: Int
    """[bins]"""

    def to_document(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"edges": self.edges.tolist(), "counts": self.counts.tolist()}


class Distribution(Struct, frozen=True, eq=False):
    """How an ensemble's Q values are distributed, and two things that they have to show if they are right.

    A bet of nothing returns nothing, so Q(s, no bet) is 0; and a reward is stake x unit return, so Q / stake is equal
    across stakes.
    """

    mean: tuple[Histogram, ...]
    """[A], of the members' mean, by action."""
    std: tuple[Histogram, ...]
    """[A], of their standard deviation."""
    no_bet_mean: float
    """Mean of Q(s, no bet) over the decisions."""
    no_bet_rms: float
    """Its root mean square."""
    per_stake: tuple[float, ...]
    """[A - 1], mean of Q / stake of each bet."""
    per_stake_range: float
    """Mean over the decisions of the largest minus the smallest Q / stake of the bets."""

    def to_document(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "mean": [histogram.to_document() for histogram in self.mean],
            "std": [histogram.to_document() for histogram in self.std],
            "no_bet_mean": _finite(self.no_bet_mean),
            "no_bet_rms": _finite(self.no_bet_rms),
            "per_stake": [_finite(value) for value in self.per_stake],
            "per_stake_range": _finite(self.per_stake_range),
        }


HISTOGRAM_BINS = 40


def distribution(found: Opinions, stakes: Sequence[float] = STAKES, bins: int = HISTOGRAM_BINS) -> Distribution:
    """Return how the Q values of N >= 1 decisions are distributed.

    Raises:
        ValueError: there is no decision, or a stake for each action is missing.
    """
    sizes = np.asarray(stakes, dtype=np.float64)
    if len(found) == 0 or found.mean.shape[1] != len(sizes):
        raise ValueError(f"a distribution needs decisions, and a stake for each action: {found.mean.shape}, {stakes}")
    no_bet = found.mean[:, 0]
    per_stake = found.mean[:, 1:] / sizes[1:]
    return Distribution(
        mean=tuple(histogram(values, bins) for values in found.mean.T),
        std=tuple(histogram(values, bins) for values in found.std.T),
        no_bet_mean=float(no_bet.mean()),
        no_bet_rms=float(np.sqrt((no_bet**2).mean())),
        per_stake=tuple(per_stake.mean(axis=0).tolist()),
        per_stake_range=float(np.ptp(per_stake, axis=1).mean()),
    )


def histogram(values: Double, bins: int = HISTOGRAM_BINS) -> Histogram:
    """Return the histogram of finite values [N], N >= 1, from the smallest to the largest; values that are equal, but
    for their last bits, lie in the middle of a range of width 1."""
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-9 * max(1.0, abs(low), abs(high)):
        low, high = (low + high) / 2 - 0.5, (low + high) / 2 + 0.5
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    return Histogram(edges, counts.astype(np.int64))


def q_values(models: Sequence[Model], states: Float) -> Float:
    """Return the Q values [M, N, A] of models, in their order, of states [N, D] as in the source.

    Models of equal layers run as one batch: the same operations as `Model.q_values`, in fp32.

    Raises:
        ValueError: no models, or models of different features or actions.
    """
    if not models:
        raise ValueError("an ensemble of no models has no Q values")
    first = models[0]
    for model in models:
        if model.state_cols != first.state_cols or model.actions != first.actions:
            raise ValueError(
                f"models of one ensemble see the same features and choose among the same actions, not "
                f"{model.state_cols} and {first.state_cols}, {model.actions} and {first.actions}"
            )
    found = np.empty((len(models), len(states), len(first.actions)), dtype=np.float32)
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, model in enumerate(models):
        groups.setdefault(model.hidden_dims, []).append(place)
    for hidden_dims, places in groups.items():
        found[places] = _forward([models[place] for place in places], hidden_dims, states)
    return found


CHUNK_FLOATS = 2_000_000
"""Activations of one layer that a batched forward holds at a time: they then stay near the processor."""


def _forward(models: Sequence[Model], hidden_dims: tuple[int, ...], states: Float) -> Float:
    """Q values [M, N, A] of models with the same layers, some rows at a time."""
    tensors = {name: np.stack([model.tensors[name] for model in models]) for name in models[0].tensors}
    mean = np.stack([model.standardiser.mean for model in models])[:, None, :]
    std = np.stack([model.standardiser.std for model in models])[:, None, :]
    rows = max(1, CHUNK_FLOATS // (len(models) * max(hidden_dims, default=1)))
    parts = [np.empty((len(models), 0, len(models[0].actions)), dtype=np.float32)]
    for start in range(0, len(states), rows):
        x = ((states[start : start + rows] - mean) / std).astype(np.float32)  # [M, rows, D]
        for layer in range(len(hidden_dims)):
            x = x @ tensors[f"{layer}.weight"] + tensors[f"{layer}.bias"]
            x -= x.mean(2, keepdims=True)
            x /= np.sqrt((x**2).mean(2, keepdims=True) + np.float32(NORM_EPS))
            x = np.maximum(x * tensors[f"{layer}.gain"] + tensors[f"{layer}.shift"], 0)
        parts.append(x @ tensors["head.weight"] + tensors["head.bias"])
    return np.concatenate(parts, axis=1)


def _mean_and_std(members: Double) -> tuple[Double, Double]:
    """Mean, and standard deviation with ddof 1, over the first axis."""
    shifted = members - members[0]
    centre = shifted.mean(axis=0)
    spread = ((shifted - centre) ** 2).sum(axis=0) / (len(members) - 1)
    return members[0] + centre, np.sqrt(spread)


def _finite(value: float) -> float | None:
    """None for what JSON has no number for."""
    return value if np.isfinite(value) else None
