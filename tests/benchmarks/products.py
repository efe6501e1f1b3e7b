"""A training step's matrix products alone, the fastest way at hand: what limits every trainer on this machine."""

from collections.abc import Callable

from tests.benchmarks.common import arrays
from trainer.config import TrainerConfig
from trainer.limit import step_products


def prepare(config: TrainerConfig, members: int) -> Callable[[], object]:
    """An epoch's products."""
    states, _, _ = arrays()
    step = step_products(config, members, states.shape[1], "cpu")
    steps = len(states) // config.batch_size

    def epoch() -> None:
        for _ in range(steps):
            step()

    return epoch
