"""This trainer."""

from collections.abc import Callable

from msgspec.structs import replace

from tests.benchmarks.common import dataset
from trainer.config import TrainerConfig
from trainer.train import PackTrainer


def prepare(config: TrainerConfig, members: int) -> Callable[[], object]:
    """One epoch of a pack."""
    return PackTrainer([replace(config, seed=config.seed + n) for n in range(members)], dataset()).run_epoch
