"""How figures are worded in an answer: numbers, tasks, and which rows a metric is of."""

import math
from collections.abc import Sequence
from functools import lru_cache

from cqltui.algorithms.base import Algorithm, settings_title
from cqltui.campaign.model import TaskSpec
from cqltui.judging.outcomes import TaskOutcome, deviation
from trainer.config import TrainerConfig

MOST_KEPT = 20_000
"""Texts of tasks, which never change: questions are answered again as tasks end."""
NONE = "-"
"""Stands for what was not measured, or is no number."""


def finite(value: float | None) -> float | None:
    """Return the number, or None for what JSON has no number for."""
    return value if value is not None and math.isfinite(value) else None


def shown(value: float | None, form: str = ".4f") -> str:
    """Return the number for people."""
    return NONE if value is None or not math.isfinite(value) else f"{value:{form}}"


def percent(share: float | None, form: str = "+.1%") -> str:
    """Return a share as `+31.6%`."""
    return shown(share, form)


def rows_of(algorithm: Algorithm, metric: str) -> str:
    """Return `val_loss (validation rows)`: by what is compared."""
    kind = next((it.kind for it in algorithm.metrics if it.name == metric), "training")
    return f"{metric} ({kind} rows)" if kind != "speed" else metric


def task_name(outcome: TaskOutcome) -> str:
    """Return the task's description, else its settings."""
    return _title(outcome.task)


@lru_cache(MOST_KEPT)
def _title(task: TaskSpec) -> str:
    return task.description or task.algorithm.title(task.trainer)


def configuration_title(algorithm: Algorithm, config: TrainerConfig) -> str:
    """Return the settings that name a task, without its seed."""
    naming = (setting.name for setting in algorithm.settings if setting.prominent and setting.named)
    return settings_title({name: getattr(config, name) for name in naming if name != "seed"})


@lru_cache(MOST_KEPT)
def others(task: TaskSpec, setting: str) -> str:
    """Return a key that tasks share which differ in that setting alone, of those that determine the weights."""
    settings = task.algorithm.identity(task.trainer)
    return repr(sorted((name, value) for name, value in settings.items() if name != setting))


def architecture_of(algorithm: Algorithm, config: TrainerConfig) -> tuple[int, ...]:
    """Return the widths of the hidden layers; empty where the algorithm has none."""
    name = algorithm.architecture
    found: tuple[int, ...] = getattr(config, name) if name else ()
    return found


def architecture_title(widths: Sequence[int]) -> str:
    """Return `[256, 128, 64]`."""
    return f"[{', '.join(map(str, widths))}]"


def difference_text(differences: Sequence[float]) -> str:
    """Return `+0.0012 ± 0.0003 (8 pairs)`: mean and sample standard deviation of differences, one or more."""
    mean = sum(differences) / len(differences)
    around = f" ± {deviation(differences):.4f}" if len(differences) > 1 else ""
    return f"{mean:+.4f}{around} ({len(differences)} pair{'s' if len(differences) > 1 else ''})"
