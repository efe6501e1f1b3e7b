"""The trainer against d3rlpy's DiscreteCQL on a chain of states: same data, same hyper-parameters, several seeds.

What was matched. d3rlpy's loss is, as here, Huber (delta 1) plus alpha times logsumexp Q - Q(s, a), both as means over
the batch. Its target comes from double DQN (the online network chooses a'), where the paper and this trainer take the
maximum of the target network: the test gives d3rlpy its own DQN target. Its encoder puts LayerNorm after ReLU: the
test hands it one in this trainer's order. It scales nothing, so it gets states standardised as the trainer does, and
clips gradients at 10. What is left: it draws batches with replacement, where an epoch here is a permutation, and its
target network is copied after the steps 0, n, 2n, ..., counted from 0, here after n, 2n, ... steps. Neither changes
what the losses converge to, so Q values and returns must agree within the spread over seeds.
"""

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from torch import nn

from tests.trainer import helpers  # noqa: F401 (one thread)
from trainer.config import TrainerConfig
from trainer.data.standardise import fit_standardiser
from trainer.data.types import Dataset, Float, Transitions
from trainer.train import PackTrainer

SEEDS = (1, 2, 3)
ROWS, EPOCHS = 1280, 20
CONFIG = TrainerConfig(
    epochs=EPOCHS, lr=2e-3, alpha=0.2, hidden_dims=(32, 32), seed=0, batch_size=128, gamma=0.8, target_update_steps=10
)
PLACES = 5
"""Places 1 to 5 between two exits, 0 and 6. Actions: one left, one right, stay, two left."""
MOVES = (-1, 1, 0, -2)


def walk(place: int, action: int) -> tuple[int, float]:
    """The next place, and the reward: 1 for leaving on the right, 0.3 on the left, a small cost of each step else."""
    after = min(max(place + MOVES[action], 0), PLACES + 1)
    return after, {0: 0.3, PLACES + 1: 1.0}.get(after, -0.02)


def logged() -> Transitions:
    """Whole episodes of uniformly random actions."""
    draw = np.random.default_rng(0)
    steps: list[tuple[int, int, float, int]] = []  # place, action, reward, next place
    place = 0
    while len(steps) < ROWS or 1 <= place <= PLACES:
        if not 1 <= place <= PLACES:
            place = int(draw.integers(1, PLACES + 1))
        action = int(draw.integers(4))
        after, reward = walk(place, action)
        steps.append((place, action, reward, after))
        place = after
    places, actions, rewards, following = (np.array(part) for part in zip(*steps, strict=True))
    return Transitions(
        states=STATES[places],
        actions=actions,
        rewards=rewards.astype(np.float32),
        next_states=STATES[following],
        terminals=(following < 1) | (following > PLACES),
    )


STATES = np.zeros((PLACES + 2, PLACES), dtype=np.float32)
"""Of each place [7, 5]: one column each, zeros behind the exits."""
STATES[1:-1] = np.eye(PLACES)
ALL_STATES = STATES[1:-1]


def greedy_return(q: Float) -> float:
    """Mean discounted return of the greedy policy of Q values [5, 4] over all places to start from, exactly."""
    total = 0.0
    for start in range(1, PLACES + 1):
        place, discount = start, 1.0
        for _ in range(30):
            place, reward = walk(place, int(q[place - 1].argmax()))
            total += discount * reward
            discount *= CONFIG.gamma
            if not 1 <= place <= PLACES:
                break
    return total / PLACES


class NormFirst(nn.Module):
    """Linear - LayerNorm - ReLU, the hidden layers of this trainer's networks."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        modules: list[nn.Module] = []
        for size in CONFIG.hidden_dims:
            modules += [nn.Linear(inputs, size), nn.LayerNorm(size), nn.ReLU()]
            inputs = size
        self.layers = nn.Sequential(*modules)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(states)
        return out


class NormFirstFactory:
    """Makes d3rlpy use that; quacks like its EncoderFactory, which has no types to derive from."""

    def create(self, observation_shape: tuple[int]) -> NormFirst:
        return NormFirst(observation_shape[0])


def ours(data: Dataset) -> Float:
    """Q values [seeds, 5, 4], all seeds as one pack."""
    trainer = PackTrainer([replace(CONFIG, seed=seed) for seed in SEEDS], data)
    for _ in range(EPOCHS):
        trainer.run_epoch()
    return np.stack([trainer.q_values(ALL_STATES, member) for member in range(len(SEEDS))])


def theirs(data: Dataset, seed: int) -> Float:
    """Q values [5, 4] of d3rlpy."""
    import d3rlpy

    d3rlpy.seed(seed)
    standardiser = fit_standardiser(data.train.states)
    buffer = d3rlpy.dataset.MDPDataset(
        observations=standardiser.apply(data.train.states),
        actions=data.train.actions[:, None],
        rewards=data.train.rewards[:, None],
        terminals=data.train.terminals.astype(np.float32),
        action_space=d3rlpy.constants.ActionSpace.DISCRETE,
        action_size=4,
    )
    algo = d3rlpy.algos.DiscreteCQLConfig(
        learning_rate=CONFIG.lr,
        optim_factory=d3rlpy.optimizers.AdamFactory(clip_grad_norm=CONFIG.grad_clip),
        encoder_factory=NormFirstFactory(),
        batch_size=CONFIG.batch_size,
        gamma=CONFIG.gamma,
        target_update_interval=CONFIG.target_update_steps,
        alpha=CONFIG.alpha,
    ).create(device="cpu")
    algo.build_with_dataset(buffer)
    for _ in range(EPOCHS * (len(data.train) // CONFIG.batch_size)):
        algo.update(buffer.sample_transition_batch(CONFIG.batch_size))
    states = np.repeat(standardiser.apply(ALL_STATES), 4, axis=0)
    q: Float = algo.predict_value(states, np.tile(np.arange(4), PLACES)).reshape(PLACES, 4)
    return q


@pytest.mark.filterwarnings("ignore")  # gym, which d3rlpy imports, warns of itself
def test_q_values_and_returns_agree_with_d3rlpy(monkeypatch: pytest.MonkeyPatch) -> None:
    # Here, since every process of the tests loads this file: d3rlpy takes longer to load than the others together.
    from d3rlpy.algos.qlearning.torch.cql_impl import DiscreteCQLImpl
    from d3rlpy.algos.qlearning.torch.dqn_impl import DQNImpl

    monkeypatch.setattr(DiscreteCQLImpl, "compute_target", DQNImpl.compute_target)
    rows = logged()
    data = Dataset(tuple(f"at_{place}" for place in range(1, PLACES + 1)), rows, rows, rows)
    mine, other = ours(data), np.stack([theirs(data, seed) for seed in SEEDS])  # [seeds, 5, 4] each

    # Welch's statistic for each of the 20 Q values; 6 standard errors leave room for 20 comparisons of 3 seeds each.
    difference = mine.mean(0) - other.mean(0)
    spread = np.sqrt(mine.var(0, ddof=1) + other.var(0, ddof=1))
    print(f"largest difference {np.abs(difference).max():.4f}, spread {spread.mean():.4f}, Q {mine.mean(0).round(3)}")
    assert np.all(np.abs(difference) < 6 * spread / np.sqrt(len(SEEDS)) + 0.005)
    assert np.abs(difference).mean() < spread.mean()
    # The comparison says something: Q values differ by far more between states and actions than between the two.
    assert mine.mean(0).std() > 10 * np.abs(difference).mean()

    returns = [[greedy_return(q) for q in qs] for qs in (mine, other)]
    best = greedy_return(np.tile(np.eye(4, dtype=np.float32)[1], (PLACES, 1)))  # always right
    assert np.mean(returns[0]) == pytest.approx(np.mean(returns[1]), abs=float(np.std(returns)) + 1e-6)
    assert np.mean(returns[0]) == pytest.approx(best, abs=0.02)
