"""d3rlpy's DiscreteCQL, sampling included."""

import warnings
from collections.abc import Callable

import numpy as np

from tests.benchmarks.common import arrays
from tests.benchmarks.loop import network
from trainer.config import TrainerConfig

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # gym, which d3rlpy imports, warns of itself
    import d3rlpy
    from torch import nn


class Encoder:
    """Gives d3rlpy this trainer's hidden layers; quacks like its EncoderFactory."""

    def __init__(self, config: TrainerConfig) -> None:
        self._config = config

    def create(self, observation_shape: tuple[int]) -> nn.Module:
        """All but the head."""
        return network(self._config, observation_shape[0])[:-1]


def prepare(config: TrainerConfig, members: int) -> Callable[[], object]:
    """One epoch's number of updates, for each member."""
    states, actions, rewards = arrays()
    buffer = d3rlpy.dataset.MDPDataset(
        observations=states,
        actions=actions[:, None],
        rewards=rewards[:, None],
        terminals=np.ones(len(states), dtype=np.float32),
        action_space=d3rlpy.constants.ActionSpace.DISCRETE,
        action_size=4,
    )
    algos = []
    for _ in range(members):
        algo = d3rlpy.algos.DiscreteCQLConfig(
            learning_rate=config.lr,
            optim_factory=d3rlpy.optimizers.AdamFactory(clip_grad_norm=config.grad_clip),
            encoder_factory=Encoder(config),
            batch_size=config.batch_size,
            gamma=config.gamma,
            target_update_interval=config.target_update_steps,
            alpha=config.alpha,
        ).create(device="cpu")
        algo.build_with_dataset(buffer)
        algos.append(algo)

    def epoch() -> None:
        for algo in algos:
            for _ in range(len(states) // config.batch_size):
                algo.update(buffer.sample_transition_batch(config.batch_size))

    return epoch
