"""Discrete conservative Q-learning, CQL(H) of Kumar et al. 2020 (arXiv 2006.04779), equation 4, as pure functions.

For each member of a pack, over a batch of B logged transitions (s, a, r, s', d):
    L = mean Huber(Q(s, a) - y) + alpha * mean(logsumexp_a' Q(s, a') - Q(s, a))
    y = r + gamma * (1 - d) * max_a' Q_target(s', a')
Huber's delta is 1. No gradient flows through y.
"""

import torch
from msgspec import Struct
from torch import Tensor
from torch.nn import functional


class CqlLoss(Struct, frozen=True):
    """Means over a batch, each [M]."""

    loss: Tensor
    """td + alpha * cql"""
    td: Tensor
    cql: Tensor
    """Before alpha."""
    q_mean: Tensor
    """Mean Q(s, a) of the logged actions."""


def td_targets(rewards: Tensor, terminals: Tensor, next_q: Tensor, gamma: float) -> Tensor:
    """y [M, B] of rewards and terminals (1: the episode ends) [M, B], and the target network's Q [M, B, A] of s'."""
    return rewards + gamma * (1 - terminals) * next_q.amax(-1)


def cql_loss(q: Tensor, actions: Tensor, targets: Tensor, alpha: Tensor) -> CqlLoss:
    """Return the loss of Q values [M, B, A], logged actions [M, B] (int64), targets [M, B] and alpha [M]."""
    logged = q.gather(-1, actions.unsqueeze(-1)).squeeze(-1)  # [M, B]
    td = functional.huber_loss(logged, targets, reduction="none", delta=1.0).mean(-1)
    cql = (torch.logsumexp(q, dim=-1) - logged).mean(-1)
    return CqlLoss(loss=td + alpha * cql, td=td, cql=cql, q_mean=logged.mean(-1))


def cql_gradient(q: Tensor, actions: Tensor, targets: Tensor, alpha: Tensor) -> Tensor:
    """d loss / d Q [M, B, A] of `cql_loss`, by hand: (alpha softmax(Q), and clip(Q(s, a) - y, -1, 1) - alpha at a) / B.

    A training step needs this alone; the losses are computed once for many steps, from the Q values that were kept.
    """
    column = actions.unsqueeze(-1)  # [M, B, 1]
    scaled = (alpha / q.shape[1])[:, None, None]  # [M, 1, 1]
    logged = q.gather(-1, column)  # [M, B, 1]
    huber = (logged - targets.unsqueeze(-1)).clamp_(-1, 1).div_(q.shape[1])
    return q.softmax(-1).mul_(scaled).scatter_add_(-1, column, huber.sub_(scaled))
