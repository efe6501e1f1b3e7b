"""What a kind of training is: its settings, its metrics, and what it costs. Pure, and free of PyTorch.

An algorithm declares each setting and each metric once. The campaign file, a task's identity, the wire format, tables,
details, criteria and results are made from these declarations.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from cqltui.fields import INVALID, Problems, Reader
from trainer.config import TrainerConfig

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from trainer.checkpoint import Checkpoint
    from trainer.data.types import Dataset
    from trainer.model import Model
    from trainer.progress import EpochMetrics

    Floats = npt.NDArray[np.float32]

REQUIRED: Final = object()
"""In place of a default: the campaign file must give the setting."""
MAX_SEED = 2**32 - 1
"""What every random generator that a seed is handed to accepts."""


class Setting(Struct, frozen=True):
    """A setting of a training run, as in [trainer], a phase or a task."""

    name: str
    label: str
    """What people read beside the value."""
    read: Reader
    """Checks a value of the campaign file, or one that came over the network."""
    help: str
    default: Any = REQUIRED
    identity: Literal["always", "unless default", "never"] = "always"
    """Whether it is part of a task's id. A setting that is added later must be "unless default", so that the tasks of
    older runs keep their ids."""
    prominent: bool = False
    """Whether it is shown even where it has its default."""
    named: bool = True
    """Whether a prominent one is part of a task's name in a line."""
    aliases: tuple[str, ...] = ()
    """What it is called elsewhere, for a message to whoever writes that."""
    in_shape: bool = False
    """Whether the cost of a training step depends on it."""
    scaled: Callable[[Any, float], Any] | None = None
    """What a scale of epochs makes of a value, if it counts any."""
    free: bool = False
    """Whether neither the cost of a training run depends on it, nor which others it can train with."""


class Metric(Struct, frozen=True):
    """A figure that a training run reports with each epoch. Validation metrics are not measured every epoch."""

    name: str
    """A field of the algorithm's epoch metrics."""
    label: str
    kind: Literal["training", "validation", "speed"]
    better: Literal["lower", "higher"] = "lower"
    loss: bool = False
    """Whether it is a loss, which criteria about losses may name."""
    unit: str = ""
    """What it is counted in, where it has a unit."""


class Quantity(Struct, frozen=True):
    """What one task costs, as far as planning and fair shares need to know."""

    params: int
    """Trainable parameters."""
    step_flops: int
    """FLOPs of the matrix products of one training step."""
    epoch_steps: int
    """Training steps of one epoch; 0 where a batch is larger than the data."""


class Run(Protocol):
    """A pack while it trains: its members' epochs, one after the other. Members are counted from 0."""

    def run_epoch(self, on_step: Callable[[], None] | None = None) -> "list[EpochMetrics]":
        """Train one epoch and return each member's metrics. `on_step` is called between training steps."""

    def capture(self, member: int) -> "Checkpoint":
        """Return all that `restore` needs to go on from here with the same bits."""

    def restore(self, member: int, checkpoint: "Checkpoint") -> None:
        """Go on from a checkpoint. Raises CheckpointError for one of other settings or data."""

    def remove(self, member: int) -> None:
        """Train on without this member; those after it move up."""

    def q_values(self, states: "Floats", member: int) -> "Floats":
        """Return Q of every action, [N, A], in states [N, S] as the data has them."""

    def model(self, member: int) -> "Model":
        """Return the member's weights, with what its inputs are scaled by."""


class Algorithm(ABC):
    """Declares one kind of training. All but `open` is pure, and needs no training code."""

    name: str
    config_type: type[TrainerConfig]
    """Has a field for each setting, with its type."""
    settings: tuple[Setting, ...]
    metrics: tuple[Metric, ...]
    headline: str
    """The metric that lists and sparklines show first."""
    validation: str
    """The metric by which a task's best epoch, and the best task, is chosen."""
    scale: str
    """The setting across whose values the headline metric cannot be compared; empty for none."""
    scale_note: str
    """Why it cannot."""
    comparable: str
    """The validation metric that can be compared across those values; empty for none."""
    value: str
    """The training metric that is the mean of the values that were learned; empty for none."""
    repeat: str
    """The setting that only repeats a configuration by chance; empty for none."""
    architecture: str
    """The setting that says how large the network is, the widths of its hidden layers; empty for none."""

    @abstractmethod
    def config(self, values: Mapping[str, Any]) -> TrainerConfig:
        """Return the complete settings, defaults filled in. "auto" precision is fp32 until the machine is known."""

    @abstractmethod
    def pack_key(self, config: TrainerConfig) -> str:
        """Return a key that training runs on the same data share if they can train as one pack; empty: alone."""

    @abstractmethod
    def quantity(self, config: TrainerConfig, state_dim: int, rows: int) -> Quantity:
        """Return what the training run costs on `rows` transitions of `state_dim` features."""

    @abstractmethod
    def memory_bytes(
        self, configs: Sequence[TrainerConfig], state_dim: int, rows: int, validation_rows: int = 0
    ) -> int:
        """Return the memory of a pack at its peak, besides what a worker process takes by itself."""

    @abstractmethod
    def open(self, configs: Sequence[TrainerConfig], dataset: "Dataset", device: str) -> Run:
        """Return a pack that begins its training. For workers: it loads the training code.

        Raises ValueError for settings that cannot train together, or data that is too small for a batch.
        """

    def shape_values(self, config: TrainerConfig) -> dict[str, Any]:
        """Return the settings on which the cost of a training step depends."""
        return {setting.name: getattr(config, setting.name) for setting in self.settings if setting.in_shape}

    def shape(self, config: TrainerConfig) -> str:
        """Return a key that training runs share whose steps cost the same: `256-128-64:128:fp32`."""
        return self.shape_of(self.values(config))

    def shape_of(self, values: Mapping[str, Any]) -> str:
        """Return the shape by settings of which some may be missing; empty where all are."""
        return ":".join(str(setting_cell(values[s.name])) for s in self.settings if s.in_shape and s.name in values)

    def shape_title(self, config: TrainerConfig) -> str:
        """Return the shape in a few words: `[256, 128, 64]`."""
        shape = self.shape_values(config)
        return settings_title({s.name: shape[s.name] for s in self.settings if s.in_shape and s.prominent and s.named})

    def values(self, config: TrainerConfig) -> dict[str, Any]:
        """Return setting -> value, in the order of the table, as JSON can hold it."""
        values = zip(self._names, self._values_of(config), strict=True)
        return {name: value if type(value) in _PLAIN else told(value) for name, value in values}

    def scaled(self, config: TrainerConfig, scale: float) -> TrainerConfig:
        """Return the settings with what counts epochs scaled."""
        changed = {s.name: s.scaled(getattr(config, s.name), scale) for s in self.settings if s.scaled is not None}
        return replace(config, **changed)

    def identity(self, config: TrainerConfig) -> dict[str, Any]:
        """Return the settings that determine the weights, for the task's id."""
        values = self.values(config)
        return {
            setting.name: values[setting.name]
            for setting in self.settings
            if setting.identity == "always"
            or (setting.identity == "unless default" and values[setting.name] != setting.default)
        }

    def shown(self, values: Mapping[str, Any]) -> list[tuple[Setting, Any]]:
        """Return the settings to show of a task: the prominent ones, and those that differ from their default."""
        return [
            (setting, values[setting.name])
            for setting in self.settings
            if setting.name in values and (setting.prominent or setting.default not in (REQUIRED, values[setting.name]))
        ]

    def title(self, config: TrainerConfig) -> str:
        """Return the prominent settings in a line: `alpha 0.3, lr 0.0001, [256, 128], seed 42`."""
        values = self.values(config)
        return settings_title({s.name: values[s.name] for s in self.settings if s.prominent and s.named})

    def accepted(self, raw: Mapping[str, Any], problems: Problems | None = None) -> dict[str, Any]:
        """Return those foreign values that are settings of this algorithm and pass their check. `problems` is told of
        the others."""
        if problems is None:
            return self._read_known(raw)
        given = {name: list(value) if isinstance(value, tuple) else value for name, value in raw.items()}
        read = {s.name: s.read(given[s.name], s.name, problems) for s in self.settings if s.name in given}
        return {name: value for name, value in read.items() if value is not INVALID}

    def _read_known(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same: of many tasks nearly all settings are those of the others."""
        found = {}
        for place, name in enumerate(self._names):
            if name in raw:
                value = raw[name]
                kind = type(value)
                if kind in _SCALARS and (kind is not str or len(value) <= KEPT_LENGTH):
                    read = self._reading(place, value)
                elif kind in _LISTS and len(value) <= KEPT_LENGTH and _NUMBERS.issuperset(map(type, value)):
                    read = self._reading_list(place, tuple(value), tuple(map(type, value)))
                else:
                    read = self._read_one(place, value)
                if read is not INVALID:
                    found[name] = read
        return found

    def acceptance(self, name: str) -> Callable[[object], Any]:
        """Return what reads foreign values of the setting: the value, INVALID for one that does not pass its check."""
        place = self._names.index(name)
        read = partial(self._read_one, place)
        limits = self.settings[place].read.limits
        if limits is not None:  # of many tasks each has a seed of its own
            low, high = limits
            return lambda value: value if type(value) is int and low <= value <= high else read(value)
        kept = lru_cache(READ_KEPT, typed=True)(read)
        return lambda value: kept(value) if type(value) in _KEPT else read(value)

    def _read_one(self, place: int, value: object) -> Any:
        setting = self.settings[place]
        return setting.read(list(value) if isinstance(value, tuple) else value, setting.name, _UNTOLD)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(setting.name for setting in self.settings)

    @cached_property
    def _values_of(self) -> Callable[[TrainerConfig], tuple[Any, ...]]:
        return attrgetter(*self._names)

    @cached_property
    def _reading(self) -> Callable[[int, object], Any]:
        return lru_cache(READ_KEPT, typed=True)(self._read_one)

    @cached_property
    def _reading_list(self) -> Callable[[int, object, tuple[type, ...]], Any]:
        return lru_cache(READ_KEPT)(lambda place, value, types: self._read_one(place, value))

    def config_of(self, settings: Mapping[str, Any]) -> TrainerConfig | None:
        """Return the settings that came over the network, defaults filled in; None if a required one is missing."""
        found = self.accepted(settings)
        lacking = any(setting.default is REQUIRED and setting.name not in found for setting in self.settings)
        return None if lacking else self.config(found)

    def metric_names(self, *, losses: bool = False) -> tuple[str, ...]:
        """Return the names of all metrics, or of the losses alone."""
        return tuple(metric.name for metric in self.metrics if metric.loss or not losses)

    def is_higher_better(self, metric: str) -> bool:
        """Return whether the metric's highest value is its best."""
        return any(m.name == metric and m.better == "higher" for m in self.metrics)

    def pairs(self) -> list[tuple[Metric, ...]]:
        """Return each training metric with the validation metric that is the same on other rows, where there is one."""
        found = {metric.name: [metric] for metric in self.metrics if metric.kind == "training"}
        for metric in self.metrics:
            same = [name for name in found if metric.name.endswith(f"_{name}")]
            if metric.kind == "validation" and same:
                found[max(same, key=len)].append(metric)
        return [tuple(metrics) for metrics in found.values()]

    def label(self, metric: str) -> str:
        """Return what people call the metric."""
        return next((m.label for m in self.metrics if m.name == metric), metric)


def scaled_epochs(epochs: int, scale: float) -> int:
    """Return a number of epochs, scaled: at least one."""
    return max(1, round(epochs * scale))


_SCALARS = frozenset({int, float, str, bool, type(None)})
_NUMBERS, _LISTS = frozenset({int, float, bool}), frozenset({tuple, list})
_PLAIN = _SCALARS | _LISTS
"""Types of which JSON has each value as it is."""
READ_KEPT, KEPT_LENGTH = 1024, 100
"""Values of settings that are known to be right or wrong; texts that are longer are read again."""


_KEPT = _SCALARS - {str}
_UNTOLD = Problems("")
"""Of those of whose mistakes nobody hears: a few are kept, the others counted."""


def told(value: object) -> Any:
    """Return a setting's value as the campaign file has it, and JSON: one of several parts is a table."""
    if type(value) in _PLAIN:  # nearly all of them, of each of many tasks
        return value
    return to_builtins(value) if isinstance(value, Struct) else value


def settings_title(settings: Mapping[str, Any]) -> str:
    """Return settings in a few words: `alpha 0.2, lr 5e-05, [512,256], seed 43`."""
    return ", ".join(_named(name, value) for name, value in settings.items())


def setting_text(value: object) -> str:
    """Return a setting's value for people: 0.3, 5e-05, [512,256]; of a table its keys with their values."""
    value = told(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {setting_text(part)}" for name, part in value.items())
    if isinstance(value, tuple | list):
        return f"[{','.join(map(setting_text, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def setting_cell(value: object) -> object:
    """Return a setting's value for a CSV cell: numbers as they are, lists as 256-128-64, tables as people read them."""
    if isinstance(value, tuple | list):
        return "-".join(map(str, value))
    if type(value) not in _PLAIN and isinstance(value, Mapping | Struct):
        return setting_text(value)
    return value


def _named(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        listed = setting_text(value)
        return listed if all(isinstance(part, int) for part in value) else f"{name} {listed}"
    if isinstance(value, Struct | Mapping):
        return f"{name} ({setting_text(value)})"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
