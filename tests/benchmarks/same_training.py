"""The contenders compute the same training: from the same weights, on the same batches, the same losses.

Run by `make bench` (pytest tests/benchmarks/same_training.py), since JAX is installed for benchmarks only. d3rlpy draws
its own batches; tests/trainer/test_d3rlpy.py compares what it converges to.
"""

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from torch import nn

from tests.benchmarks import jax_loop
from tests.benchmarks.common import CONFIG, arrays, dataset
from tests.benchmarks.loop import Learner
from trainer.batches import epoch_order
from trainer.config import TrainerConfig
from trainer.layout import initial_row, make_layout
from trainer.threads import one_thread
from trainer.train import PackTrainer

CONFIGS = [replace(CONFIG, hidden_dims=(48, 32, 16), lr=1e-3, seed=CONFIG.seed + n) for n in range(3)]
EPOCHS = 5

one_thread()


def ours() -> list[list[float]]:
    """Losses [epochs][members]."""
    trainer = PackTrainer(CONFIGS, dataset())
    return [[member.loss for member in trainer.run_epoch()] for _ in range(EPOCHS)]


def initialised(config: TrainerConfig) -> Learner:
    """The loop with the trainer's first weights."""
    learner = Learner(config)
    layout = make_layout(config.hidden_dims, 6)
    views = layout.views(torch.from_numpy(initial_row(layout, config.seed)))
    names = iter([*map(str, range(len(config.hidden_dims))), "head"])
    name = ""
    with torch.no_grad():
        for module in learner.online:
            if isinstance(module, nn.Linear):
                name = next(names)
                module.weight.copy_(views[f"{name}.weight"].T)
                module.bias.copy_(views[f"{name}.bias"][0])
            elif isinstance(module, nn.LayerNorm):
                module.weight.copy_(views[f"{name}.gain"][0])
                module.bias.copy_(views[f"{name}.shift"][0])
    return learner


def test_jax_trains_as_this_trainer() -> None:
    epoch = jax_loop.prepare(CONFIGS[0], len(CONFIGS))
    losses = np.array([epoch() for _ in range(EPOCHS)])
    np.testing.assert_allclose(losses, np.array(ours()), rtol=2e-4)


def test_the_loop_trains_as_this_trainer() -> None:
    expected, rows = ours(), len(arrays()[1])
    for member, config in enumerate(CONFIGS):
        learner = initialised(config)
        for number in range(EPOCHS):
            order = epoch_order(config.seed, number, rows)[: rows // config.batch_size * config.batch_size]
            batches = [[learner.buffer[row] for row in batch] for batch in order.reshape(-1, config.batch_size)]
            mean = np.mean([learner.step(batch)["loss"] for batch in batches])
            assert mean == pytest.approx(expected[number][member], rel=2e-4)
