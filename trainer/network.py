"""The Q-networks of a pack in PyTorch: M members of one shape, each with all its parameters in one flat row.

A network is Linear - LayerNorm - ReLU per hidden layer and a linear head with one Q value an action. The forward pass
is plain differentiable PyTorch. The backward pass is written by hand: each gradient lands in the optimizer's flat row
without a copy, and [256,128,64] takes a third less time a step than with autograd through the rows.
Shapes: M members, B rows, D features, H outputs of a layer, A actions, P parameters of a member (padded).
"""

from collections.abc import Sequence

import torch
from msgspec import Struct
from torch import Tensor
from torch.nn import functional

from trainer.config import NORM_EPS
from trainer.layout import Layout

ROW_ALIGN = 16
"""A batch is padded with zeros to a multiple of 16 rows, so that each member's part of any [M, B, H] starts at a full
cache line: MKL rounds otherwise where it does not. Nothing is padded at the usual batch sizes."""
ONEDNN_SIZE = 16**3
"""PyTorch gives a batched bf16 product to oneDNN if n * k * m of all members together is larger than this. A product
that is smaller for one member would round otherwise alone than in a pack; such ones are run member by member."""
DENSE_ONLY = ("mps",)
"""Devices on which products of expanded operands, and results written into strided memory, are known to be wrong with
some versions of the system (macOS). They get dense copies, which cost little beside the products."""


class Layer(Struct, frozen=True):
    """One layer of all members."""

    stored: Tensor
    """[M, inputs, H], the weight that the optimizer changes."""
    weight: Tensor
    """[M, inputs, H], what is multiplied: `stored` itself, or its copy in a narrower type."""
    bias: Tensor
    """[M, 1, H]"""
    gain: Tensor | None = None
    """[M, 1, H], LayerNorm's; None in the head."""
    shift: Tensor | None = None
    """[M, 1, H]"""


def layers(layout: Layout, rows: Tensor, products: torch.dtype | None = None) -> tuple[Layer, ...]:
    """Return the rows [M, P] as layers, the head last. `products` is the type of the matrix products (default: the
    rows' own)."""
    views = layout.views(rows)
    net = []
    for name in dict.fromkeys(slot.name.partition(".")[0] for slot in layout.slots):
        stored = views[f"{name}.weight"]
        # A copy is contiguous: bf16 products of strided weights would copy them in every step.
        own = products in (None, rows.dtype) and not (products and is_dense_only(rows))
        weight = stored if own else stored.contiguous().to(products, copy=True)
        net.append(Layer(stored, weight, views[f"{name}.bias"], views.get(f"{name}.gain"), views.get(f"{name}.shift")))
    return tuple(net)


def refresh(net: Sequence[Layer]) -> None:
    """Bring the copies of the weights, if there are any, in line with what is stored."""
    for layer in net:
        if layer.weight is not layer.stored:
            layer.weight.copy_(layer.stored)


class Activations(Struct, frozen=True):
    """What the backward pass needs of one layer."""

    inputs: Tensor
    """[M, B, inputs], in the type of the products."""
    linear: Tensor
    """[M, B, H], before LayerNorm."""
    normed: Tensor | None = None
    """[M, B, H], zero mean and unit variance, before gain and shift. None in the head, as all that follows."""
    mean: Tensor | None = None
    """[M, B, 1]"""
    rstd: Tensor | None = None
    """[M, B, 1]"""
    outputs: Tensor | None = None
    """[M, B, H], after ReLU."""


def forward(net: Sequence[Layer], states: Tensor) -> tuple[Tensor, list[Activations]]:
    """Standardised states [M, B, D] -> Q values [M, B, A], and what `backward` needs."""
    tape: list[Activations] = []
    x = _padded(states)
    for layer in net:
        inputs = x.to(layer.weight.dtype)
        linear = _affine(inputs, layer)  # [M, B, H]
        if layer.gain is None or layer.shift is None:
            tape.append(Activations(inputs, linear))
            return linear[:, : states.shape[1]], tape  # [M, B, A]
        normed, mean, rstd = torch.native_layer_norm(linear, linear.shape[-1:], None, None, NORM_EPS)
        x = torch.addcmul(layer.shift, normed, layer.gain).relu_()  # [M, B, H]
        tape.append(Activations(inputs, linear, normed, mean, rstd, x))
    raise ValueError("a network ends with a head")


def backward(net: Sequence[Layer], tape: Sequence[Activations], grad_q: Tensor, grads: Sequence[Layer]) -> None:
    """Write the gradient of every parameter into `grads` (views of the flat rows), given dL/dQ [M, B, A]."""
    grad = _padded(grad_q)
    for index in range(len(net) - 1, -1, -1):
        layer, seen, out = net[index], tape[index], grads[index]
        if layer.gain is not None:
            grad = _norm_backward(layer.gain, seen, grad, out)
        _column_sums(grad, out.bias)
        narrow = grad.to(layer.weight.dtype)
        _weight_gradient(seen.inputs, narrow, out.weight)
        if index:  # nothing asks for the gradient of the states
            grad = _product(narrow, layer.weight.mT).to(grad.dtype)  # [M, B, inputs]


def _affine(inputs: Tensor, layer: Layer) -> Tensor:
    """Map [M, B, inputs] to [M, B, H] in the type of the bias; the product runs in the type of the weight."""
    if layer.weight.dtype == layer.bias.dtype and not is_dense_only(inputs):
        return torch.baddbmm(layer.bias, inputs, layer.weight)
    return _product(inputs, layer.weight).to(layer.bias.dtype).add_(layer.bias)


def _padded(x: Tensor) -> Tensor:
    """Return x [M, B, H] with B rounded up to a multiple of ROW_ALIGN."""
    missing = -x.shape[1] % ROW_ALIGN
    return functional.pad(x, (0, 0, 0, missing)) if missing else x


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return [M, n, k] @ [M, k, m] -> [M, n, m]."""
    if a.dtype == torch.bfloat16 and a.device.type == "cpu" and a[0].numel() * b.shape[-1] <= ONEDNN_SIZE:
        return torch.stack([torch.mm(x, y) for x, y in zip(a.unbind(), b.unbind(), strict=True)])
    return torch.bmm(a, b)


def _norm_backward(gain: Tensor, seen: Activations, grad: Tensor, out: Layer) -> Tensor:
    """Back through ReLU, gain and shift, and LayerNorm: [M, B, H] -> the same. Writes gradients of gain and shift."""
    if seen.normed is None or seen.mean is None or seen.rstd is None or seen.outputs is None:
        raise ValueError("this layer was run as a head")
    if out.gain is None or out.shift is None:
        raise ValueError("the gradients belong to another network")
    grad = torch.ops.aten.threshold_backward(grad, seen.outputs, 0)  # ReLU's own kernel: one pass, no mask
    _column_sums(grad, out.shift)
    along = grad * seen.normed  # [M, B, H]
    _column_sums(along, out.gain)
    # dL/dz = (g - mean(g) - normed * mean(g * normed)) / std with g = grad * gain, since torch's kernel for it takes
    # twice as long. The means are no matrix-vector products: those have other bits for one member than for several.
    grad.mul_(gain)
    mean, slope = grad.mean(-1, keepdim=True), along.mul_(gain).mean(-1, keepdim=True)  # [M, B, 1]
    return grad.sub_(mean).addcmul_(seen.normed, slope, value=-1).mul_(seen.rstd)


def is_dense_only(tensor: Tensor) -> bool:
    """Return whether its device is to be spared strides."""
    return tensor.device.type in DENSE_ONLY


def _column_sums(x: Tensor, out: Tensor) -> None:
    """Sum over the batch: [M, B, H] -> out [M, 1, H]."""
    if is_dense_only(out):
        out.copy_(x.sum(dim=1, keepdim=True))
    else:
        torch.sum(x, dim=1, keepdim=True, out=out)


def _weight_gradient(inputs: Tensor, grad: Tensor, out: Tensor) -> None:
    """inputs^T @ grad: [M, B, inputs], [M, B, H] -> out [M, inputs, H]."""
    if out.dtype != grad.dtype or is_dense_only(out):
        out.copy_(_product(inputs.mT, grad))
    elif out.device.type != "cpu":
        torch.bmm(inputs.mT, grad, out=out)
    else:  # on CPU bmm takes another path into strided rows than into one row: other bits alone than in a pack
        for x, g, o in zip(inputs.unbind(), grad.unbind(), out.unbind(), strict=True):
            torch.mm(x.mT, g, out=o)
