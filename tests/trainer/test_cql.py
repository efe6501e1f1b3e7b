"""The loss on numbers worked out by hand, and its gradient against finite differences and autograd."""

import math

import torch
from torch import Tensor

from tests.trainer import helpers  # noqa: F401 (one thread)
from trainer.cql import cql_gradient, cql_loss, td_targets


def random_batch(members: int = 3, batch: int = 6) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Q [M, B, 4], actions, targets (on both sides of Huber's bends) and alpha, double precision."""
    draw = torch.Generator().manual_seed(3)
    q = torch.randn(members, batch, 4, generator=draw, dtype=torch.float64)
    actions = torch.randint(0, 4, (members, batch), generator=draw)
    targets = 2 * torch.randn(members, batch, generator=draw, dtype=torch.float64)
    return q, actions, targets, torch.rand(members, generator=draw, dtype=torch.float64)


def test_loss_worked_out_by_hand() -> None:
    # Two rows. Q(s1) = (0, 0, 0, 0), action 0, y = 0.5:  error -0.5, Huber 0.125, logsumexp - Q = ln 4.
    # Q(s2) = (0, ln 3, 0, 0), action 1, y = ln 3 - 3:     error 3, Huber 2.5, logsumexp - Q = ln(1 + 3 + 1 + 1) - ln 3.
    q = torch.tensor([[[0.0, 0.0, 0.0, 0.0], [0.0, math.log(3), 0.0, 0.0]]])  # [1, 2, 4]
    loss = cql_loss(q, torch.tensor([[0, 1]]), torch.tensor([[0.5, math.log(3) - 3]]), torch.tensor([0.3]))
    td = (0.125 + 2.5) / 2
    cql = (math.log(4) + math.log(2)) / 2
    torch.testing.assert_close(loss.td, torch.tensor([td]))
    torch.testing.assert_close(loss.cql, torch.tensor([cql]))
    torch.testing.assert_close(loss.loss, torch.tensor([td + 0.3 * cql]))
    torch.testing.assert_close(loss.q_mean, torch.tensor([math.log(3) / 2]))


def test_targets_worked_out_by_hand() -> None:
    rewards, terminals = torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 1.0]])
    next_q = torch.tensor([[[2.0, 5.0, -1.0, 0.0], [100.0, 0.0, 0.0, 0.0]]])
    # 1 + 0.9 * 5, and 1 alone where the episode ends
    torch.testing.assert_close(td_targets(rewards, terminals, next_q, 0.9), torch.tensor([[5.5, 1.0]]))


def test_each_member_has_its_own_alpha() -> None:
    q, actions, targets, _ = random_batch()
    alpha = torch.tensor([0.0, 1.0, 5.0], dtype=torch.float64)
    loss = cql_loss(q, actions, targets, alpha)
    torch.testing.assert_close(loss.loss, loss.td + alpha * loss.cql)
    assert torch.equal(loss.loss[0], loss.td[0])


def test_gradient_of_the_loss_agrees_with_finite_differences() -> None:
    q, actions, targets, alpha = random_batch()
    q.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: cql_loss(x, actions, targets, alpha).loss, (q,))


def test_gradient_by_hand_agrees_with_autograd() -> None:
    q, actions, targets, alpha = random_batch(batch=200)
    q.requires_grad_()
    (expected,) = torch.autograd.grad(cql_loss(q, actions, targets, alpha).loss.sum(), q)
    torch.testing.assert_close(cql_gradient(q.detach(), actions, targets, alpha), expected)


def test_large_q_values_do_not_overflow() -> None:
    q = torch.tensor([[[1000.0, -1000.0, 0.0, 999.0]]])
    loss = cql_loss(q, torch.tensor([[0]]), torch.tensor([[1000.0]]), torch.tensor([1.0]))
    assert torch.isfinite(loss.loss).all()
    assert torch.isfinite(cql_gradient(q, torch.tensor([[0]]), torch.tensor([[0.0]]), torch.tensor([1.0]))).all()
