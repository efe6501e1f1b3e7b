"""What training on a CPU does between and around the matrix products, compiled by Numba: each row is read once.

PyTorch runs LayerNorm, ReLU, clipping and Adam as some forty calls a step, each a pass over memory that takes longer
than a small network's product. Here they are four loops that keep a row in the first-level cache, and a whole step is
one call without Python in between. Every loop runs over one member's rows in a fixed order, so a member's bits depend
on nothing but its own numbers. `trainer.batched` says the same in PyTorch's operations; the tests compare the two.

What they are made of beside this file is told to the cache of compiled code: SOURCES and CONSTANTS.
Shapes: B rows of a batch, H units of a layer, A actions, P floats of a member's row. float32 unless said otherwise.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from trainer import config
from trainer.blas import load_blas
from trainer.codecache import code_folder, kept_in
from trainer.config import ADAM_BETAS, ADAM_EPS, NORM_EPS
from trainer.jit import keep_code, numba

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
SOURCES = (Path(__file__), Path(__file__).with_name("pack_kernels.py"), Path(config.__file__))
CONSTANTS = {"betas": ADAM_BETAS, "adam_eps": ADAM_EPS, "norm_eps": NORM_EPS, "fast": sorted(FAST)}
FOLDER = code_folder(SOURCES, CONSTANTS)

load_blas()


def compiled(function: Function, **options: bool) -> Function:
    """Compile at the first call, and keep the code on disk for the next process if there is a place for it."""
    jit = partial(numba.njit, nogil=True, fastmath=FAST, error_model="numpy", **options)
    found = jit(function)
    with kept_in(FOLDER) as kept:
        if kept:
            keep_code(found)
    return cast(Function, found)


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
