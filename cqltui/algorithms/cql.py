"""Conservative Q-Learning (Kumar et al., 2020) on a discrete set of bets, as `trainer` implements it."""

from collections.abc import Mapping, Sequence
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, get_args

from msgspec.structs import fields, replace

from cqltui.algorithms.base import MAX_SEED, Algorithm, Metric, Quantity, Run, Setting, scaled_epochs, setting_cell
from cqltui.fields import INVALID, Problems, Reader, choice, integer, list_of, number, positive, read_table
from trainer.config import (
    BEST,
    LAST,
    MAX_LAYERS,
    MAX_WIDTH,
    EarlyStop,
    Scaler,
    TrainerConfig,
    epoch_steps,
    param_count,
    step_flops,
)
from trainer.packing import estimate_bytes, pack_key

if TYPE_CHECKING:
    from trainer.data.types import Dataset

MAX_EPOCHS = 10_000_000
MAX_KEPT = 50
"""Epochs whose weights one task keeps."""

_DEFAULTS = {field.name: field.default for field in fields(TrainerConfig)}


METRICS: tuple[Metric, ...] = (
    Metric("loss", "loss", "training", loss=True),
    Metric("td_loss", "TD loss", "training", loss=True),
    Metric("cql_loss", "CQL loss", "training", loss=True),
    Metric("q_mean", "Q mean", "training", better="higher"),
    Metric("grad_norm", "gradient norm", "training"),
    Metric("val_loss", "validation", "validation", loss=True),
    Metric("val_td_loss", "validation TD", "validation", loss=True),
    Metric("val_cql_loss", "validation CQL", "validation", loss=True),
    Metric("samples_per_s", "speed", "speed", better="higher", unit="samples/s"),
)
_JUDGED = choice(*(metric.name for metric in METRICS if metric.kind != "speed"))
"""A metric by which epochs are compared."""


_BY_NAME, _BY_NUMBER = choice(LAST, BEST), integer(1, MAX_EPOCHS)


def _read_kept(value: object, key: str, problems: Problems) -> Any:
    """Return one of the epochs whose weights are kept."""
    return (_BY_NAME if isinstance(value, str) else _BY_NUMBER)(value, key, problems)


_kept = Reader(_read_kept, '"last", "best" or an epoch', {"anyOf": [_BY_NAME.schema, _BY_NUMBER.schema]})


def _scaled_kept(keep: Sequence[int | str], scale: float) -> tuple[int | str, ...]:
    scaled = (item if isinstance(item, str) else scaled_epochs(item, scale) for item in keep)
    return tuple(dict.fromkeys(scaled))


_STOP_KEYS = {
    "metric": _JUDGED,
    "patience": integer(1, MAX_EPOCHS),
    "min_delta": number("a number >= 0", lambda delta: delta >= 0, minimum=0),
}


def _read_early_stop(value: object, key: str, problems: Problems) -> Any:
    """Read `{metric = "val_td_loss", patience = 100, min_delta = 0.0}`, of which patience is required, or "off"."""
    if value is None or value == "off":  # None: as JSON has it
        return None
    if not isinstance(value, dict):
        return problems.expected(key, _early_stop.expected, value)
    read = read_table(value, key, _STOP_KEYS, problems)
    if "patience" not in read:
        problems.add(f"{key}.patience", "is missing; it is the number of epochs to wait for an improvement")
        return INVALID
    return INVALID if INVALID in read.values() or len(read) < len(value) else EarlyStop(**read)


_early_stop = Reader(
    _read_early_stop,
    '{metric = METRIC, patience = EPOCHS, min_delta = NUMBER} or "off"',
    {
        "anyOf": [
            {"const": "off"},
            {
                "type": "object",
                "properties": {name: reader.schema for name, reader in _STOP_KEYS.items()},
                "required": ["patience"],
                "additionalProperties": False,
            },
        ]
    },
)


def _scaled_stop(rule: EarlyStop | None, scale: float) -> EarlyStop | None:
    return replace(rule, patience=scaled_epochs(rule.patience, scale)) if rule else None


class Cql(Algorithm):
    """CQL with the target of DQN, the largest Q of a target network: loss = td_loss + alpha * cql_loss."""

    name = "cql"
    config_type: type[TrainerConfig] = TrainerConfig
    headline = "loss"
    validation = "val_loss"
    scale = "alpha"
    scale_note = "loss = td_loss + alpha * cql_loss: losses of different alphas are not on one scale"
    comparable = "val_td_loss"
    value = "q_mean"
    repeat = "seed"
    architecture = "hidden_dims"
    settings: tuple[Setting, ...] = (
        Setting(
            "alpha",
            "alpha",
            number("a number >= 0", lambda value: value >= 0, minimum=0),
            "Weight of the conservative term in the loss.",
            prominent=True,
            aliases=("cql_alpha", "conservative_weight"),
            free=True,
        ),
        Setting(
            "lr",
            "learning rate",
            positive(),
            "Learning rate of Adam.",
            prominent=True,
            aliases=("learning_rate", "learningrate", "rate"),
            free=True,
        ),
        Setting(
            "hidden_dims",
            "hidden layers",
            list_of(integer(1, MAX_WIDTH), "layer widths", high=MAX_LAYERS),
            "Units of each hidden layer.",
            prominent=True,
            aliases=("hidden_sizes", "hidden_units", "hidden_layers", "layers"),
            in_shape=True,
        ),
        Setting(
            "epochs",
            "epochs",
            integer(1, MAX_EPOCHS),
            "Passes over the training transitions.",
            aliases=("n_epochs", "num_epochs"),
            scaled=scaled_epochs,
        ),
        Setting(
            "seed",
            "seed",
            integer(0, MAX_SEED),
            "Seed of weights and batches.",
            42,
            prominent=True,
            aliases=("random_state",),
            free=True,
        ),
        Setting(
            "batch_size",
            "batch size",
            integer(1, 1_000_000),
            "Transitions of one training step.",
            _DEFAULTS["batch_size"],
            prominent=True,
            named=False,
            aliases=("batch", "minibatch_size"),
            in_shape=True,
        ),
        Setting(
            "gamma",
            "discount",
            number("a number from 0 to 1", lambda value: 0 <= value <= 1, minimum=0, maximum=1),
            "Discount factor of later rewards.",
            _DEFAULTS["gamma"],
            aliases=("discount", "discount_factor"),
        ),
        Setting(
            "precision",
            "precision",
            choice("auto", "fp32", "bf16"),
            "Precision of the large matrix products; auto: what the machine is fastest with.",
            "auto",
            in_shape=True,
        ),
        Setting(
            "target_update_steps",
            "target update",
            integer(1, 10**9),
            "Training steps from one update of the target network to the next.",
            _DEFAULTS["target_update_steps"],
        ),
        Setting("grad_clip", "gradient clip", positive(), "Largest norm of the gradient.", _DEFAULTS["grad_clip"]),
        Setting(
            "validate_every",
            "validated every",
            integer(1, MAX_EPOCHS),
            "Epochs from one validation to the next; the last epoch is always validated.",
            _DEFAULTS["validate_every"],
            identity="never",
        ),
        Setting(
            "observation_scaler",
            "inputs",
            choice(*get_args(Scaler)),
            "What the network sees of a state: standard: z-scores of the training rows; none: the file's own numbers.",
            _DEFAULTS["observation_scaler"],
            identity="unless default",
        ),
        Setting(
            "keep",
            "kept",
            list_of(_kept, '"last", "best" and epochs', high=MAX_KEPT, unique=True),
            "Whose weights are kept: the last epoch's (in any case), the best one's, and those of epochs by number.",
            _DEFAULTS["keep"],
            identity="never",
            scaled=_scaled_kept,
        ),
        Setting(
            "keep_metric",
            "best by",
            _JUDGED,
            "The metric that the best epoch is told by; where it is not measured, the best is the last.",
            _DEFAULTS["keep_metric"],
            identity="never",
        ),
        Setting(
            "early_stop",
            "early stop",
            _early_stop,
            "End once `metric` has not improved by more than `min_delta` for `patience` epochs.",
            _DEFAULTS["early_stop"],
            identity="unless default",
            scaled=_scaled_stop,
        ),
        Setting("algorithm", "algorithm", choice("cql"), "The kind of training.", "cql"),
    )
    metrics: tuple[Metric, ...] = METRICS

    def config(self, values: Mapping[str, Any]) -> TrainerConfig:
        """Return the complete settings."""
        precision = "fp32" if values.get("precision", "auto") == "auto" else values["precision"]
        return self.config_type(**{**values, "precision": precision})

    def identity(self, config: TrainerConfig) -> dict[str, Any]:
        """Return the settings that determine the weights: with an early stop, when it is looked at is one of them."""
        found = super().identity(config)
        return found if config.early_stop is None else {**found, "validate_every": config.validate_every}

    def pack_key(self, config: TrainerConfig) -> str:
        """Return the trainer's own rule as text."""
        return ":".join(str(setting_cell(part)) for part in pack_key(config))

    def quantity(self, config: TrainerConfig, state_dim: int, rows: int) -> Quantity:
        """Return the cost of the network's training steps."""
        return Quantity(
            params=param_count(config.hidden_dims, state_dim),
            step_flops=step_flops(config.hidden_dims, state_dim, config.batch_size),
            epoch_steps=epoch_steps(rows, config.batch_size),
        )

    def open(self, configs: Sequence[TrainerConfig], dataset: "Dataset", device: str) -> Run:
        """Return the trainer's pack."""
        pack: Run = resolve_name("trainer.train:PackTrainer")(configs, dataset, device)
        return pack

    def memory_bytes(
        self, configs: Sequence[TrainerConfig], state_dim: int, rows: int, validation_rows: int = 0
    ) -> int:
        """Return the trainer's estimate."""
        return estimate_bytes(configs, state_dim, rows, validation_rows)
