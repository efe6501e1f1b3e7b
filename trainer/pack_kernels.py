"""The kernels for a whole pack, around products in bf16 that PyTorch makes (`trainer.mixed`): compiled by Numba.

Rows [M, P] of the members, activations [M, B, H] as float32 or as bits of bfloat16; other names as in
`trainer.kernels`, whose loops over one member's rows these call.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from trainer.jit import numba, overload
from trainer.kernels import (
    FAST,
    Array,
    Doubles,
    F,
    Floats,
    Halves,
    Ints,
    adam,
    compiled,
    loss_gradient,
    norm_row,
    norm_row_backward,
)


def widen(source: Array, into: Floats) -> None:
    """Copy a row, from bfloat16's bits if it has such."""
    raise NotImplementedError("for compiled code only")


def narrow(source: Floats, into: Array) -> None:
    """Copy a row, rounded to the nearest bfloat16 (to even if there are two) if `into` holds such; NaN stays NaN."""
    raise NotImplementedError("for compiled code only")


@overload(widen, jit_options={"fastmath": FAST})
def _widen(source: Any, into: Any) -> Callable[[Any, Any], None]:
    def from_bits(source: Any, into: Any) -> None:
        bits = into.view(np.int32)
        for i in range(len(source)):
            bits[i] = np.int32(source[i]) << 16

    def copy(source: Any, into: Any) -> None:
        for i in range(len(source)):
            into[i] = source[i]

    return from_bits if source.dtype == numba.types.int16 else copy


@overload(narrow, jit_options={"fastmath": FAST})
def _narrow(source: Any, into: Any) -> Callable[[Any, Any], None]:
    def to_bits(source: Any, into: Any) -> None:
        bits = source.view(np.uint32)
        for i in range(len(into)):
            word = bits[i]
            rounded = (word + np.uint32(0x7FFF) + ((word >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
            number = (word & np.uint32(0x7FFFFFFF)) <= np.uint32(0x7F800000)
            into[i] = np.int16(rounded if number else np.uint32(0x7FC0))

    def copy(source: Any, into: Any) -> None:
        for i in range(len(into)):
            into[i] = source[i]

    return to_bits if into.dtype == numba.types.int16 else copy


@compiled
def pack_product(x: Floats, params: Floats, table: Ints, layer: int, z: Floats) -> None:
    """x [M, B, inputs] @ weight -> z [M, B, H], in fp32."""
    inputs, units, at = table[layer, 0], table[layer, 1], table[layer, 2]
    for m in range(len(x)):
        np.dot(x[m], params[m, at : at + inputs * units].reshape(inputs, units), z[m])


@compiled
def pack_product_backward(
    x: Floats, dz: Floats, params: Floats, grads: Floats, table: Ints, layer: int, dx: Floats
) -> None:
    """dz [M, B, H] -> the weight's gradient into `grads`, and dx [M, B, inputs] but for the first layer; in fp32."""
    inputs, units, at = table[layer, 0], table[layer, 1], table[layer, 2]
    for m in range(len(x)):
        np.dot(x[m].T, dz[m], grads[m, at : at + inputs * units].reshape(inputs, units))
        if layer > 0:
            np.dot(dz[m], params[m, at : at + inputs * units].reshape(inputs, units).T, dx[m])


@compiled
def pack_norm(z: Array, params: Floats, table: Ints, layer: int, normed: Floats, rstd: Floats, outputs: Array) -> None:
    """`norm_row` of z [M, B, H] -> normed, 1/std [M, B] and outputs [M, B, H]."""
    _, units, _, bias, gain, shift = table[layer]
    out = np.empty(units, F)
    for m in range(len(z)):
        row = params[m]
        for b in range(z.shape[1]):
            widen(z[m, b], normed[m, b])
            rstd[m, b] = norm_row(
                normed[m, b], row[bias : bias + units], row[gain : gain + units], row[shift : shift + units], out
            )
            narrow(out, outputs[m, b])


@compiled
def pack_norm_backward(
    above: Array, outputs: Array, normed: Floats, rstd: Floats, params: Floats, grads: Floats, table: Ints, layer: int,
    dz: Array,
) -> None:  # fmt: skip
    """`norm_row_backward` of dL/d outputs `above` [M, B, H] -> dz [M, B, H]; gradients of bias, gain, shift."""
    _, units, _, bias, gain, shift = table[layer]
    grad = np.empty(units, F)
    for m in range(len(dz)):
        row = grads[m]
        sums = row[bias : bias + units], row[gain : gain + units], row[shift : shift + units]
        for one in sums:
            one[:] = 0
        for b in range(dz.shape[1]):
            widen(above[m, b], grad)
            norm_row_backward(grad, outputs[m, b], normed[m, b], rstd[m, b], params[m, gain : gain + units], sums)
            narrow(grad, dz[m, b])


@compiled
def pack_q(q: Floats, params: Floats, table: Ints) -> None:
    """Add the head's bias to q [M, B, A]."""
    units, bias = table[-1, 1], table[-1, 3]
    for m in range(len(q)):
        for b in range(q.shape[1]):
            for a in range(units):
                q[m, b, a] += params[m, bias + a]


@compiled
def pack_loss(
    q: Floats, actions: Ints, targets: Floats, alphas: Floats, grad: Floats, grads: Floats, table: Ints, sums: Doubles
) -> None:
    """`loss_gradient` of q [M, B, A] into grad [M, B, A] and the gradient of the head's bias; sums [M, 5]."""
    units, bias = table[-1, 1], table[-1, 3]
    for m in range(len(q)):
        loss_gradient(q[m], actions[m], targets[m], alphas[m], grad[m], sums[m])
        grads[m, bias : bias + units] = 0
        for b in range(q.shape[1]):
            for a in range(units):
                grads[m, bias + a] += grad[m, b, a]


@compiled
def pack_adam(
    state: tuple[Floats, Floats, Floats], grads: Floats, lrs: Doubles, clip: float, steps: Ints, sums: Doubles
) -> None:
    """`adam` for every member: rows, first and second moments [M, P]; `steps` [M] as they will be after it."""
    params, exp_avg, exp_avg_sq = state
    for m in range(len(params)):
        sums[m, 4] += adam(params[m], grads[m], exp_avg[m], exp_avg_sq[m], lrs[m], clip, steps[m])


@compiled
def pack_weights(params: Floats, table: Ints, layer: int, weights: Halves) -> None:
    """Round a layer's weights to bfloat16: rows [M, P] -> weights [M, inputs * H]."""
    size, at = table[layer, 0] * table[layer, 1], table[layer, 2]
    for m in range(len(params)):
        narrow(params[m, at : at + size], weights[m])


@compiled
def pack_weight_gradients(gradients: Halves, table: Ints, layer: int, grads: Floats) -> None:
    """Write a layer's gradients [M, inputs * H] from bfloat16 into the rows [M, P]."""
    size, at = table[layer, 0] * table[layer, 1], table[layer, 2]
    for m in range(len(grads)):
        widen(gradients[m], grads[m, at : at + size])
