"""What a training run is: settings that are checked, frozen and free of torch, so that planning needs no PyTorch."""

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from msgspec import Struct

Precision = Literal["fp32", "bf16"]
Source = Literal["simulated", "logged", "games"]
Scaler = Literal["standard", "none"]

STATE_COLUMNS = ("spread_close", "total_close", "epa_gap", "market_prob", "p_hat", "edge")
ACTIONS = ("no-bet", "small", "medium", "large")
STAKES = (0.0, 0.2, 0.6, 1.0)
"""Share of the largest stake that each action bets; the largest is 5 % of the bankroll."""
LARGEST_EDGE_SIZE = 10.0
"""Points that a simulated market may overlook."""
CACHED = 1024
"""Shapes of networks whose figures are kept: each of many tasks asks for the same."""
MAX_LAYERS, MAX_WIDTH = 32, 16_384
ADAM_BETAS = (0.9, 0.999)
ADAM_EPS = 1e-8
NORM_EPS = 1e-5
"""LayerNorm's epsilon, as in torch.nn.LayerNorm."""


class Split(Struct, frozen=True):
    """Where time divides the decisions into training, validation and test rows, in this order: by one of three pairs.

    Validation rows feed `val_loss`, and by them all choices are made; test rows are opened by the evaluation alone. A
    part but the first may be empty.
    """

    validation_seasons: int | None = None
    test_seasons: int | None = None
    """The last so many seasons are for test, those before them for validation."""
    train_until: int | None = None
    validate_until: int | None = None
    """Seasons up to the first, included, are trained on, those up to the second are for validation, the rest for
    test."""
    validation_fraction: float | None = None
    test_fraction: float | None = None
    """Of rows without seasons: the last share is for test, that before it for validation."""


class DataConfig(Struct, frozen=True):
    """Which transitions are trained on, and where time splits them into training, validation and test rows."""

    source: Source = "simulated"
    path: Path | None = None
    """The CSV of `logged` and `games`; resolved against the campaign file's folder."""
    seed: int = 42
    """Seed of the simulated market and of the behaviour policy's draws."""
    edge_size: float = 0.5
    """`simulated`: points of margin per standard deviation of the signal that the market overlooks; 0: efficient."""
    split: Split | None = None
    """None: what the source is split by where nothing is said."""
    state_cols: tuple[tuple[str, str], ...] = tuple((name, name) for name in STATE_COLUMNS)
    """The state vector, in order: (feature, column of the file). Features chosen, and renamed in a `logged` file."""


LAST, BEST = "last", "best"
"""Of `TrainerConfig.keep`, besides epochs."""


class EarlyStop(Struct, frozen=True):
    """When a training run ends before its last epoch: once `metric` has not improved by more than `min_delta` for
    `patience` epochs. It is looked at in epochs that are a multiple of `validate_every`."""

    patience: int
    metric: str = "val_td_loss"
    min_delta: float = 0.0


class TrainerConfig(Struct, frozen=True):
    """A complete training run: with the data, these settings determine its weights, bit for bit on one kind of CPU."""

    epochs: int
    lr: float
    alpha: float
    hidden_dims: tuple[int, ...]
    seed: int
    batch_size: int = 128
    gamma: float = 0.99
    algorithm: Literal["cql"] = "cql"
    precision: Precision = "fp32"
    """The resolved precision: "auto" has been decided before a config is made."""
    target_update_steps: int = 1000
    grad_clip: float = 10.0
    validate_every: int = 10
    """Validation losses are computed every so many epochs, and after the last. Has no influence on the weights."""
    observation_scaler: Scaler = "standard"
    """What the network sees of a state: "standard" z-scores of the training rows, "none" the source's own numbers."""
    keep: tuple[int | str, ...] = (LAST, BEST)
    """Whose weights are kept: the last epoch's (in any case), the best one's, and those of epochs by number."""
    keep_metric: str = "val_td_loss"
    """What the best epoch is told by; without a measurement of it the best is the last."""
    early_stop: EarlyStop | None = None


@lru_cache(CACHED)
def layer_sizes(hidden_dims: tuple[int, ...], state_dim: int) -> tuple[tuple[int, int], ...]:
    """Return (inputs, outputs) of each linear layer, the head with one output per action included."""
    sizes = (state_dim, *hidden_dims, len(ACTIONS))
    return tuple(pairwise(sizes))


@lru_cache(CACHED)
def param_count(hidden_dims: tuple[int, ...], state_dim: int) -> int:
    """Trainable parameters: weights, biases, and LayerNorm's gain and shift per hidden layer."""
    return sum(i * o + o for i, o in layer_sizes(hidden_dims, state_dim)) + 2 * sum(hidden_dims)


@lru_cache(CACHED)
def step_flops(hidden_dims: tuple[int, ...], state_dim: int, batch_size: int) -> int:
    """FLOPs of a training step's matrix products: forward, gradients of weights and of inputs, but the first inputs."""
    sizes = layer_sizes(hidden_dims, state_dim)
    products = sum(2 * batch_size * i * o for i, o in sizes)
    first = 2 * batch_size * sizes[0][0] * sizes[0][1]
    return 3 * products - first


def epoch_steps(rows: int, batch_size: int) -> int:
    """Return the steps of one epoch over `rows` transitions; the incomplete last batch is left out."""
    return rows // batch_size
