"""Adam (Kingma and Ba 2015, arXiv 1412.6980) for a pack: own learning rate, own step and own clipping per member."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam

from trainer.config import ADAM_EPS

BETA1, BETA2 = 0.9, 0.999


class PackAdam:
    """Adam over flat rows [M, P]. The gradient of each member is clipped to the norm `grad_clip` first.

    One fused call a member, over its own padded row: a single pass over the memory, and the same bits in any pack.
    (One fused call over all rows would have one learning rate, and vectors that reach over the ends of rows.)
    """

    def __init__(self, rows: Tensor, lrs: Sequence[float], grad_clip: float) -> None:
        self.rows = rows
        self.lrs = tuple(lrs)
        self.grad_clip = grad_clip
        self.grads = torch.zeros_like(rows)
        """[M, P], written by the backward pass; `step` leaves them clipped."""
        self.exp_avg = torch.zeros_like(rows)
        self.exp_avg_sq = torch.zeros_like(rows)
        self.steps = torch.zeros(len(rows), device=rows.device)
        """[M], steps done, for the bias correction."""
        self._members = [
            tuple([tensor] for tensor in member)
            for member in zip(rows, self.grads, self.exp_avg, self.exp_avg_sq, self.steps, strict=True)
        ]

    def step(self) -> Tensor:
        """Update the rows in place; returns the gradients' norms before clipping, [M]."""
        norms: Tensor = torch.linalg.vector_norm(self.grads, dim=1)
        divisors = ((norms + 1e-6) / self.grad_clip).clamp_(min=1)  # as torch.nn.utils.clip_grad_norm_
        scales: Sequence[Tensor | None] = divisors.unbind()  # the kernel divides by them in the same pass
        if self.rows.device.type == "mps":  # whose kernel ignores grad_scale
            self.grads.div_(divisors[:, None])
            scales = [None] * len(scales)
        members = zip(self._members, self.lrs, scales, strict=True)
        for (row, grad, exp_avg, exp_avg_sq, step), lr, scale in members:
            adam(
                row, grad, exp_avg, exp_avg_sq, [], step,
                fused=True, grad_scale=scale, amsgrad=False, maximize=False,
                lr=lr, beta1=BETA1, beta2=BETA2, weight_decay=0.0, eps=ADAM_EPS,
            )  # fmt: skip
        return norms

    def keep(self, members: Sequence[int]) -> "PackAdam":
        """An optimizer of these members alone, with their moments and steps."""
        index = torch.tensor(members, dtype=torch.int64, device=self.rows.device)
        kept = PackAdam(self.rows[index], [self.lrs[m] for m in members], self.grad_clip)
        kept.exp_avg.copy_(self.exp_avg[index])
        kept.exp_avg_sq.copy_(self.exp_avg_sq[index])
        kept.steps.copy_(self.steps[index])
        return kept
