"""The straightforward loop: a replay buffer of tuples, a target network, autograd, `.item()` of every figure."""

import random
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from tests.benchmarks.common import arrays
from trainer.config import ACTIONS, TrainerConfig

Transition = tuple[torch.Tensor, int, float, torch.Tensor, float]


def network(config: TrainerConfig, state_dim: int) -> nn.Sequential:
    """Linear - LayerNorm - ReLU blocks and a head."""
    modules: list[nn.Module] = []
    for units in config.hidden_dims:
        modules += [nn.Linear(state_dim, units), nn.LayerNorm(units), nn.ReLU()]
        state_dim = units
    return nn.Sequential(*modules, nn.Linear(state_dim, len(ACTIONS)))


class Learner:
    """CQL as in a tutorial."""

    def __init__(self, config: TrainerConfig) -> None:
        states, actions, rewards = arrays()
        self.config = config
        self.buffer: list[Transition] = [
            (torch.from_numpy(s), int(a), float(r), torch.zeros(len(s)), 1.0)
            for s, a, r in zip(states, actions, rewards, strict=True)
        ]
        torch.manual_seed(config.seed)
        self.online, self.target = (network(config, states.shape[1]) for _ in range(2))
        self.target.load_state_dict(self.online.state_dict())
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=config.lr)
        self.steps = 0

    def step(self, batch: list[Transition]) -> dict[str, float]:
        """Train on one batch; the figures of it."""
        states, next_states = torch.stack([row[0] for row in batch]), torch.stack([row[3] for row in batch])
        actions = torch.tensor([row[1] for row in batch])
        rewards, terminals = (torch.tensor([row[column] for row in batch]) for column in (2, 4))
        q = self.online(states)
        logged = q.gather(1, actions.unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            y = rewards + self.config.gamma * (1 - terminals) * self.target(next_states).max(1).values
        td = functional.smooth_l1_loss(logged, y)
        cql = (torch.logsumexp(q, dim=1) - logged).mean()
        loss = td + self.config.alpha * cql
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.online.parameters(), self.config.grad_clip)
        self.optimizer.step()
        self.steps += 1
        if self.steps % self.config.target_update_steps == 0:
            self.target.load_state_dict(self.online.state_dict())
        return {"loss": loss.item(), "td": td.item(), "cql": cql.item()}

    def epoch(self) -> float:
        """As many batches as the rows fill; the mean loss."""
        count = len(self.buffer) // self.config.batch_size
        batches = (random.sample(self.buffer, self.config.batch_size) for _ in range(count))
        losses = [self.step(batch)["loss"] for batch in batches]
        return sum(losses) / len(losses)


def prepare(config: TrainerConfig, members: int) -> Callable[[], object]:
    """One epoch; a loop trains one network, so several are as fast one after another."""
    learners = [Learner(config) for _ in range(members)]
    return lambda: [learner.epoch() for learner in learners]
