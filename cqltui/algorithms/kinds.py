"""Tasks of one kind: they differ in free settings alone, so that what one costs and trains with is true of all."""

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from cqltui.algorithms.base import Algorithm
from trainer.config import TrainerConfig

Getter = Callable[[TrainerConfig], tuple[Any, ...]]


@cache
def free_settings(algorithm: Algorithm) -> tuple[str, ...]:
    """Return the names of the settings by which tasks of one kind differ (`Setting.free`)."""
    return tuple(setting.name for setting in algorithm.settings if setting.free)


def free_values(algorithm: Algorithm, config: TrainerConfig) -> tuple[Any, ...]:
    """Return the values of those settings."""
    return _getters(algorithm)[0](config)


def kind(algorithm: Algorithm, config: TrainerConfig) -> tuple[Any, ...]:
    """Return the values of all others, which tasks of one kind share."""
    return _getters(algorithm)[1](config)


@cache
def _getters(algorithm: Algorithm) -> tuple[Getter, Getter]:
    others = [setting.name for setting in algorithm.settings if not setting.free]
    return _getter(free_settings(algorithm)), _getter(others)


def _getter(names: Sequence[str]) -> Getter:
    """Return what tells these settings; `attrgetter` by itself gives no tuple of fewer than two."""
    if len(names) < 2:
        return lambda config: tuple(getattr(config, name) for name in names)
    return attrgetter(*names)
