"""Conservative Q-Learning (Kumar et al., 2020) on a discrete set of bets, as `trainer` implements it."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, get_args

from cqltui.algorithms.base import MAX_SEED, Algorithm, Metric, Quantity, Setting, setting_cell
from cqltui.fields import choice, integer, list_of, number, positive
from trainer.config import Scaler, TrainerConfig, epoch_steps, param_count, step_flops
from trainer.packing import estimate_bytes, pack_key

MAX_LAYERS = 32
MAX_WIDTH = 16_384

_DEFAULTS = {field.name: field.default for field in fields(TrainerConfig)}


class Cql(Algorithm):
    """CQL with a Double-DQN target: loss = td_loss + alpha * cql_loss."""

    name = "cql"
    config_type: type[TrainerConfig] = TrainerConfig
    headline = "loss"
    validation = "val_loss"
    scale = "alpha"
    scale_note = "loss = td_loss + alpha * cql_loss: losses of different alphas are not on one scale"
    settings: tuple[Setting, ...] = (
        Setting(
            "alpha",
            "alpha",
            number("a number >= 0", lambda value: value >= 0),
            "Weight of the conservative term in the loss.",
            prominent=True,
        ),
        Setting("lr", "learning rate", positive(), "Learning rate of Adam.", prominent=True),
        Setting(
            "hidden_dims",
            "hidden layers",
            list_of(integer(1, MAX_WIDTH), "layer widths", high=MAX_LAYERS),
            "Units of each hidden layer.",
            prominent=True,
            in_shape=True,
        ),
        Setting("epochs", "epochs", integer(1, 10_000_000), "Passes over the training transitions."),
        Setting("seed", "seed", integer(0, MAX_SEED), "Seed of weights and batches.", prominent=True),
        Setting(
            "batch_size",
            "batch size",
            integer(1, 1_000_000),
            "Transitions of one training step.",
            _DEFAULTS["batch_size"],
            prominent=True,
            named=False,
            in_shape=True,
        ),
        Setting(
            "gamma",
            "discount",
            number("a number from 0 to 1", lambda value: 0 <= value <= 1),
            "Discount factor of later rewards.",
            _DEFAULTS["gamma"],
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
            integer(1, 10_000_000),
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
        Setting("algorithm", "algorithm", choice("cql"), "The kind of training.", "cql"),
    )
    metrics: tuple[Metric, ...] = (
        Metric("loss", "loss", "training", loss=True),
        Metric("td_loss", "TD loss", "training", loss=True),
        Metric("cql_loss", "CQL loss", "training", loss=True),
        Metric("q_mean", "Q mean", "training", better="higher"),
        Metric("grad_norm", "gradient norm", "training"),
        Metric("val_loss", "validation", "validation", loss=True),
        Metric("val_td_loss", "validation TD", "validation", loss=True),
        Metric("val_cql_loss", "validation CQL", "validation", loss=True),
        Metric("samples_per_s", "speed", "speed", better="higher"),
    )

    def config(self, values: Mapping[str, Any]) -> TrainerConfig:
        """Return the complete settings."""
        precision = "fp32" if values.get("precision", "auto") == "auto" else values["precision"]
        return self.config_type(**{**values, "precision": precision})

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

    def memory_bytes(
        self, configs: Sequence[TrainerConfig], state_dim: int, rows: int, validation_rows: int = 0
    ) -> int:
        """Return the trainer's estimate."""
        return estimate_bytes(configs, state_dim, rows, validation_rows)
