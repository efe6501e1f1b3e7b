"""What the machine can do at most for the shapes of a training run: its matrix products alone, out of all of a step."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from trainer.config import TrainerConfig, layer_sizes

PICK_S = 0.02
"""How long each way of multiplying is tried before the fastest is chosen."""


def step_products(config: TrainerConfig, members: int, state_dim: int, device: str) -> Callable[[], None]:
    """Return one step's products for all members: forward, gradients of weights and, but for the first layer, of
    inputs.

    On preallocated operands, for each product by the fastest of the ways at hand: in fp32 on a CPU NumPy's BLAS and
    PyTorch's, member by member, and PyTorch's batched; else PyTorch's batched alone. Nothing else is done. Calls
    from Python are part of it: for networks of a few thousand weights they outweigh the products.
    """
    rows, products = config.batch_size, []
    for index, (inputs, units) in enumerate(layer_sizes(config.hidden_dims, state_dim)):
        shapes = [(rows, inputs, units), (inputs, rows, units)]
        if index:
            shapes.append((rows, units, inputs))
        products += [_fastest(_ways(members, shape, config.precision, device)) for shape in shapes]

    def step() -> None:
        for product in products:
            product()

    return step


def _ways(members: int, shape: tuple[int, int, int], precision: str, device: str) -> Sequence[Callable[[], object]]:
    """Ways to do `members` products [n, k] @ [k, m]."""
    n, k, m = shape
    narrow = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = torch.randn(members, n, k, device=device).to(narrow), torch.randn(members, k, m, device=device).to(narrow)
    out = torch.empty(members, n, m, device=device, dtype=narrow)
    ways: list[Callable[[], object]] = [lambda: torch.bmm(a, b, out=out)]
    if device == "cpu" and precision == "fp32":
        tensors = list(zip(a, b, out, strict=True))
        arrays = [(x.numpy(), y.numpy(), z.numpy()) for x, y, z in tensors]
        ways.append(lambda: [torch.mm(x, y, out=z) for x, y, z in tensors])
        ways.append(lambda: [np.matmul(x, y, out=z) for x, y, z in arrays])
    return ways


def _fastest(ways: Sequence[Callable[[], object]]) -> Callable[[], object]:
    if len(ways) == 1:
        return ways[0]

    def best_s(way: Callable[[], object]) -> float:
        best, end = float("inf"), time.perf_counter() + PICK_S
        way()
        while (began := time.perf_counter()) < end:
            way()
            best = min(best, time.perf_counter() - began)
        return best

    return min(ways, key=best_s)
