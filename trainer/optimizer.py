"""Adam (Kingma and Ba 2015, arXiv 1412.6980) for a pack: own learning rate, own step and own clipping per member."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam

from trainer.config import ADAM_BETAS, ADAM_EPS
from trainer.pack import PackState


class PackAdam:
    """Adam over the flat rows [M, P] of a pack. The gradient of each member is clipped to the norm `grad_clip` first.

    One fused call a member, over its own padded row: a single pass over the memory, and the same bits in any pack.
    (One fused call over all rows would have one learning rate, and vectors that reach over the ends of rows.)
    """

    def __init__(self, state: PackState[Tensor], lrs: Sequence[float], grad_clip: float) -> None:
        self._rows = state.params
        self._lrs = tuple(lrs)
        self._grad_clip = grad_clip
        self.grads = torch.zeros_like(state.params)
        """[M, P], written by the backward pass; `step` leaves them clipped."""
        moments = state.exp_avg, state.exp_avg_sq, state.steps
        self._members = [
            tuple([tensor] for tensor in member) for member in zip(state.params, self.grads, *moments, strict=True)
        ]

    def step(self) -> Tensor:
        """Update the state in place; returns the gradients' norms before clipping, [M]."""
        norms: Tensor = torch.linalg.vector_norm(self.grads, dim=1)
        divisors = ((norms + 1e-6) / self._grad_clip).clamp_(min=1)  # as torch.nn.utils.clip_grad_norm_
        scales: Sequence[Tensor | None] = divisors.unbind()  # the kernel divides by them in the same pass
        if self._rows.device.type == "mps":  # whose kernel ignores grad_scale
            self.grads.div_(divisors[:, None])
            scales = [None] * len(scales)
        members = zip(self._members, self._lrs, scales, strict=True)
        for (row, grad, exp_avg, exp_avg_sq, step), lr, scale in members:
            adam(
                row, grad, exp_avg, exp_avg_sq, [], step,
                fused=True, grad_scale=scale, amsgrad=False, maximize=False,
                lr=lr, beta1=ADAM_BETAS[0], beta2=ADAM_BETAS[1], weight_decay=0.0, eps=ADAM_EPS,
            )  # fmt: skip
        return norms
