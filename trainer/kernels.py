"""What training on a CPU does between and around the matrix products, compiled by Numba: each row is read once.

PyTorch runs LayerNorm, ReLU, clipping and Adam as some forty calls a step, each a pass over memory that takes longer
than a small network's product. Here they are four loops that keep a row in the first-level cache, and a whole step is
one call without Python in between. Every loop runs over one member's rows in a fixed order, so a member's bits depend
on nothing but its own numbers. `trainer.batched` says the same in PyTorch's operations; the tests compare the two.

What it is made of beside this file is told to the cache of compiled code: SOURCES and CONSTANTS.
Shapes: B rows of a batch, H units of a layer, A actions, P floats of a member's row. float32 unless said otherwise.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from scipy.linalg import cython_blas  # noqa: F401 (numpy.dot in compiled code calls SciPy's BLAS)

from trainer import config
from trainer.codecache import code_folder, kept_in
from trainer.config import ADAM_BETAS, ADAM_EPS, NORM_EPS
from trainer.jit import numba, overload

Function = TypeVar("Function", bound=Callable[..., object])
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
Doubles = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Halves = np.ndarray[tuple[int, ...], np.dtype[np.int16]]
"""The bits of bfloat16, which NumPy does not know."""
Array = Floats | Halves
Member = tuple[Floats, Floats, Floats, Floats]
"""Rows of weights, first and second moments, and target network, each [P]; the last [0] where nothing bootstraps."""
Data = tuple[Floats, Ints, Floats, Floats, Floats]
"""States [N, D] (standardised), actions [N], rewards [N], next states [N, D], terminals [N]."""
Settings = tuple[float, float, float, float, int]
"""lr, alpha, gamma, norm that gradients are clipped to, target_update_steps."""

F = np.float32
BETA1, BETA2 = ADAM_BETAS
FAST = {"reassoc", "contract", "arcp", "nsz"}
"""Sums may be vectorised. NaN and infinity keep their meaning: a training run that diverges must show it."""
SOURCES = tuple(Path(path) for path in (__file__, config.__file__))
CONSTANTS = {"betas": ADAM_BETAS, "adam_eps": ADAM_EPS, "norm_eps": NORM_EPS, "fast": sorted(FAST)}
FOLDER = code_folder(SOURCES, CONSTANTS)


def compiled(function: Function, **options: bool) -> Function:
    """Compile at the first call, and keep the code on disk for the next process if there is a place for it."""
    jit = partial(numba.njit, nogil=True, fastmath=FAST, error_model="numpy", **options)
    with kept_in(FOLDER) as kept:
        return cast(Function, jit(function, cache=kept))


part = partial(compiled, forceinline=True)
"""For what others call. Left out of line, it would be linked by its name, as whichever copy a process has loaded first;
each copy sums in an order of its own, so bits would depend on what a process did before, and on whether it compiled."""


@part
def norm_row(z: Floats, bias: Floats, gain: Floats, shift: Floats, out: Floats) -> float:
    """ReLU(LayerNorm(z + bias) * gain + shift) of one row [H] into `out`; `z` becomes normed. Returns 1/std."""
    units = len(z)
    total = F(0)
    for h in range(units):
        z[h] += bias[h]
        total += z[h]
    mean = total / F(units)
    squares = F(0)
    for h in range(units):
        centred = z[h] - mean
        squares += centred * centred
    scale = F(1) / np.sqrt(squares / F(units) + F(NORM_EPS))
    for h in range(units):
        n = (z[h] - mean) * scale
        z[h] = n
        y = n * gain[h] + shift[h]
        out[h] = F(0) if y < F(0) else y  # NaN stays NaN
    return scale  # type: ignore[no-any-return]  # a NumPy scalar


@part
def norm_row_backward(
    grad: Floats, shown: Array, normed: Floats, scale: float, gain: Floats, sums: tuple[Floats, Floats, Floats]
) -> None:
    """dL/d out -> dL/dz of one row, in place in `grad` [H]; adds to the gradients of bias, gain and shift [H].

    `shown`: what ReLU gave, zero where it let nothing through. With g = dL/d normed and std the row's:
    dL/dz = (g - mean(g) - normed * mean(g * normed)) / std.
    """
    units = len(grad)
    grad_bias, grad_gain, grad_shift = sums
    total, along = F(0), F(0)
    for h in range(units):
        n = normed[h]
        g = grad[h] if shown[h] != 0 else F(0)  # NaN is no zero
        grad_shift[h] += g
        grad_gain[h] += g * n
        g *= gain[h]
        grad[h] = g
        total += g
        along += g * n
    mean, slope = total / F(units), along / F(units)
    for h in range(units):
        dz = (grad[h] - mean - normed[h] * slope) * scale
        grad[h] = dz
        grad_bias[h] += dz


@part
def loss_gradient(q: Floats, actions: Ints, targets: Floats, alpha: float, grad: Floats, sums: Doubles) -> None:
    """dL/dQ of `trainer.cql` into grad [B, A]; adds the batch's means of (loss, td, cql, Q(s, a)) to sums (float64)."""
    rows, count = q.shape
    td, cql, logged_total = 0.0, 0.0, 0.0
    for b in range(rows):
        largest = q[b, 0]
        for a in range(1, count):
            largest = max(largest, q[b, a])
        total = F(0)
        for a in range(count):
            e = math.exp(q[b, a] - largest)
            grad[b, a] = e
            total += e
        logged = q[b, actions[b]]
        error = logged - targets[b]
        size = abs(error)
        td += F(0.5) * error * error if size <= F(1) else size - F(0.5)
        cql += largest + math.log(total) - logged
        logged_total += logged
        share = F(alpha) / F(rows)
        for a in range(count):
            grad[b, a] *= share / total
        grad[b, actions[b]] += min(max(error, F(-1)), F(1)) / F(rows) - share
    sums[0] += (td + alpha * cql) / rows
    sums[1] += td / rows
    sums[2] += cql / rows
    sums[3] += logged_total / rows


@part
def adam(row: Floats, grad: Floats, exp_avg: Floats, exp_avg_sq: Floats, lr: float, clip: float, step: int) -> float:
    """Clip the gradient's norm to `clip` and do Adam's step number `step` (from 1) on a member's row, all [P].

    Kingma and Ba 2015, algorithm 1, and torch.nn.utils.clip_grad_norm_. Returns the norm before clipping.
    """
    squares = F(0)
    for i in range(len(grad)):
        squares += grad[i] * grad[i]
    norm = np.sqrt(squares)
    excess = (norm + F(1e-6)) / F(clip)
    scale = F(1) / excess if excess > F(1) else F(1)
    step_size = F(lr / (1 - BETA1**step))
    correction = F(1 / math.sqrt(1 - BETA2**step))
    for i in range(len(grad)):
        g = grad[i] * scale
        m = exp_avg[i] + (g - exp_avg[i]) * F(1 - BETA1)
        v = exp_avg_sq[i] * F(BETA2) + g * g * F(1 - BETA2)
        exp_avg[i] = m
        exp_avg_sq[i] = v
        row[i] -= step_size * m / (np.sqrt(v) * correction + F(ADAM_EPS))
    return float(norm)


@part
def forward(row: Floats, table: Ints, x: Floats, normed: Floats, rstd: Floats, outputs: Floats, q: Floats) -> None:
    """Q values [B, A] of standardised states x [B, D] under a member's row; keeps what `backward` needs.

    `table` [layers, 6]: inputs, units, and the offsets of weight, bias, gain and shift; gain -1 marks the head.
    `normed`, `outputs`: flat, B * H floats of one layer after another; `rstd` [layers, B].
    """
    rows, start = x.shape[0], 0
    for layer in range(len(table)):
        inputs, units, weight_at, bias_at, gain_at, shift_at = table[layer]
        weight = row[weight_at : weight_at + inputs * units].reshape(inputs, units)
        bias = row[bias_at : bias_at + units]
        if gain_at < 0:
            np.dot(x, weight, q)  # [B, D'] @ [D', A]
            for b in range(rows):
                for a in range(units):
                    q[b, a] += bias[a]
        else:
            end = start + rows * units
            linear, out = normed[start:end].reshape(rows, units), outputs[start:end].reshape(rows, units)
            np.dot(x, weight, linear)  # [B, inputs] @ [inputs, H]
            gain, shift = row[gain_at : gain_at + units], row[shift_at : shift_at + units]
            for b in range(rows):
                rstd[layer, b] = norm_row(linear[b], bias, gain, shift, out[b])
            x, start = out, end


@part
def backward(
    row: Floats,
    grads: Floats,
    table: Ints,
    states: Floats,
    normed: Floats,
    rstd: Floats,
    outputs: Floats,
    grad: Floats,
    spare: Floats,
) -> None:
    """Gradients of all parameters into `grads` [P], from dL/dQ in the first B * A floats of `grad`.

    `grad` and `spare`: flat, B * max(H, A) floats each, used in turn.
    """
    rows, end = states.shape[0], len(outputs)
    for layer in range(len(table) - 1, -1, -1):
        inputs, units, weight_at, bias_at, gain_at, shift_at = table[layer]
        above = grad[: rows * units].reshape(rows, units)
        grad_bias = grads[bias_at : bias_at + units]
        grad_bias[:] = 0
        if gain_at < 0:
            for b in range(rows):
                for a in range(units):
                    grad_bias[a] += above[b, a]
        else:
            start = end - rows * units
            seen, out = normed[start:end].reshape(rows, units), outputs[start:end].reshape(rows, units)
            grad_gain, grad_shift = grads[gain_at : gain_at + units], grads[shift_at : shift_at + units]
            grad_gain[:] = 0
            grad_shift[:] = 0
            gain, sums = row[gain_at : gain_at + units], (grad_bias, grad_gain, grad_shift)
            for b in range(rows):
                norm_row_backward(above[b], out[b], seen[b], rstd[layer, b], gain, sums)
            end = start
        x = states if layer == 0 else outputs[end - rows * inputs : end].reshape(rows, inputs)
        grad_weight = grads[weight_at : weight_at + inputs * units].reshape(inputs, units)
        np.dot(x.T, above, grad_weight)  # [inputs, B] @ [B, H]
        if layer > 0:  # nothing asks for the gradient of the states
            weight = row[weight_at : weight_at + inputs * units].reshape(inputs, units)
            np.dot(above, weight.T, spare[: rows * inputs].reshape(rows, inputs))  # [B, H] @ [H, inputs]
            grad, spare = spare, grad


@compiled
def train(
    member: Member,
    table: Ints,
    data: Data,
    order: Ints,
    settings: Settings,
    first_step: int,
    space: tuple[Floats, ...],
    sums: Doubles,
) -> None:
    """Train one member on batches [T, B] of row numbers, its steps `first_step` + 1 and after.

    space: (gradients [P], states [B, D], normed, outputs, rstd, grad, spare, Q [B, A]), overwritten.
    sums [5] float64: as in `loss_gradient`, and the gradient's norm.
    """
    row, exp_avg, exp_avg_sq, target = member
    all_states, all_actions, rewards, all_next, terminals = data
    lr, alpha, gamma, clip, target_update_steps = settings
    grads, states, normed, outputs, rstd, grad, spare, q = space
    rows, count = q.shape
    actions, targets = np.empty(rows, np.int64), np.empty(rows, F)
    for t in range(len(order)):
        for b in range(rows):
            actions[b] = all_actions[order[t, b]]
            targets[b] = rewards[order[t, b]]
        if len(target):  # y = r + gamma * (1 - d) * max Q_target(s')
            for b in range(rows):
                states[b] = all_next[order[t, b]]
            forward(target, table, states, normed, rstd, outputs, q)
            for b in range(rows):
                targets[b] += F(gamma) * (F(1) - terminals[order[t, b]]) * q[b].max()
        for b in range(rows):
            states[b] = all_states[order[t, b]]
        forward(row, table, states, normed, rstd, outputs, q)
        loss_gradient(q, actions, targets, alpha, grad[: rows * count].reshape(rows, count), sums)
        backward(row, grads, table, states, normed, rstd, outputs, grad, spare)
        step = first_step + t + 1
        sums[4] += adam(row, grads, exp_avg, exp_avg_sq, lr, clip, step)
        if len(target) and step % target_update_steps == 0:
            target[:] = row


@compiled
def evaluate(row: Floats, target: Floats, table: Ints, data: Data, settings: Settings, sums: Doubles) -> None:
    """Add the means of (loss, td, cql, Q(s, a)) over all of `data` to `sums`; arguments as of `train`."""
    states, actions, rewards, next_states, terminals = data
    _, alpha, gamma, _, _ = settings
    rows, units, count = len(states), table[:-1, 1].sum(), table[-1, 1]
    normed, outputs, rstd = np.empty(rows * units, F), np.empty(rows * units, F), np.empty((len(table), rows), F)
    q, targets = np.empty((rows, count), F), rewards.copy()
    if len(target):
        forward(target, table, next_states, normed, rstd, outputs, q)
        for b in range(rows):
            targets[b] += F(gamma) * (F(1) - terminals[b]) * q[b].max()
    forward(row, table, states, normed, rstd, outputs, q)
    loss_gradient(q, actions, targets, alpha, np.empty_like(q), sums)


# -- The pack at once, around bf16 products: rows [M, P], activations [M, B, H] as float32 or as bits of bfloat16. -----


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
    """A layer's weights rounded to bfloat16: rows [M, P] -> weights [M, inputs * H]."""
    size, at = table[layer, 0] * table[layer, 1], table[layer, 2]
    for m in range(len(params)):
        narrow(params[m, at : at + size], weights[m])


@compiled
def pack_weight_gradients(gradients: Halves, table: Ints, layer: int, grads: Floats) -> None:
    """A layer's gradients [M, inputs * H] from bfloat16 into the rows [M, P]."""
    size, at = table[layer, 0] * table[layer, 1], table[layer, 2]
    for m in range(len(grads)):
        widen(gradients[m], grads[m, at : at + size])
