"""The engine for bf16 on a CPU: the large products in bfloat16 by oneDNN, all members at once; all else in fp32.

Weights, moments, LayerNorm, losses and the optimizer are fp32, by the compiled loops of `trainer.kernels`, which round
what goes into a product and widen what comes out of it in the pass that they make anyway.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor

from trainer import pack_kernels
from trainer.config import TrainerConfig
from trainer.cql import td_targets
from trainer.data.types import Int
from trainer.layout import Layout
from trainer.native import NativeEngine
from trainer.pack import Data, State
from trainer.packing import BLOCK_STEPS

GROUP = 10
"""Members whose products are batched together: about ten gain most, more of them fall out of the cache."""
NARROW_SIZE = 4096
"""Layers with at most so many weights stay fp32, as do the first and the head: bf16 gains nothing there. It also keeps
bf16 products above the size under which PyTorch multiplies a small pack by another library, hence to other bits."""


class _Buffer:
    """Memory as PyTorch and as NumPy see it. The views are made once, since making them takes as long as small work."""

    def __init__(self, *shape: int, half: bool = False) -> None:
        self.tensor = torch.zeros(shape, dtype=torch.bfloat16 if half else torch.float32)
        self.array = _array(self.tensor)


class _Layer(Struct, frozen=True):
    """Buffers of one layer, of all members. z, dz and dx are bf16 where the layer is narrow."""

    index: int
    narrow: bool
    z: _Buffer
    """[M, B, H], before bias and LayerNorm; in the head Q values."""
    normed: _Buffer
    """[M, B, H]"""
    rstd: _Buffer
    """[M, B]"""
    outputs: _Buffer
    """[M, B, H], in the type that the next layer multiplies."""
    dz: _Buffer
    """[M, B, H]"""
    dx: _Buffer
    """[M, B, inputs], dL/d inputs."""
    weight_grad: _Buffer
    """[M, inputs * H], bf16; empty where the layer is not narrow."""


class MixedEngine:
    """`trainer.pack.Engine` with bf16 products, in groups of members that fit into the cache together."""

    def __init__(
        self, layout: Layout, state: State, members: Sequence[TrainerConfig], data: Data, device: str = "cpu"
    ) -> None:
        """`device`: the CPU, as there is no other."""
        size = -(-len(members) // -(-len(members) // GROUP))  # as even as can be
        parts = [slice(start, start + size) for start in range(0, len(members), size)]
        self._groups = [(part, _Group(layout, state.part(part), members[part], data)) for part in parts]
        self._members = len(members)

    def run(self, order: Int, on_step: Callable[[], None] | None) -> np.ndarray:
        """See `Engine.run`."""
        sums = np.zeros((self._members, 5))
        for start in range(0, len(order), BLOCK_STEPS):
            block = order[start : start + BLOCK_STEPS]  # [T, M, B]
            for part, group in self._groups:
                group.train(block[:, part], sums[part])
            if on_step is not None:
                for _ in range(len(block)):
                    on_step()
        return sums / len(order)

    def evaluate(self, rows: Data) -> np.ndarray:
        """See `Engine.evaluate`. In fp32, as the saved model will be."""
        return np.concatenate([group.evaluate(rows) for _, group in self._groups])

    def refresh(self) -> None:
        """See `Engine.refresh`: round the weights anew."""
        for _, group in self._groups:
            group.refresh()

    def store(self) -> None:
        """See `Engine.store`. It is the same memory."""


class _Group(NativeEngine):
    """Members whose products are batched."""

    def __init__(self, layout: Layout, state: State, members: Sequence[TrainerConfig], data: Data) -> None:
        super().__init__(layout, state, members, data)
        first = members[0]
        self._transitions = data.map(torch.from_numpy)
        self._gamma, self._clip, self._every = first.gamma, first.grad_clip, first.target_update_steps
        self._alphas = np.array([config.alpha for config in members], dtype=np.float32)
        self._lrs = np.array([config.lr for config in members])
        self._params, self._exp_avg, self._exp_avg_sq = state.params, state.exp_avg, state.exp_avg_sq
        self._grads = np.zeros_like(self._params)
        self._layers = _layers(self._table, len(members), first.batch_size)
        self._weights = _weights(self._table, len(members))
        self._target_weights = _weights(self._table, len(members)) if state.target is not None else {}
        self.refresh()

    def refresh(self) -> None:
        """Round the weights anew."""
        self._round(self._params, self._weights)
        if self._state.target is not None:
            self._round(self._state.target, self._target_weights)

    def train(self, order: Int, sums: np.ndarray) -> None:
        """Train on the rows `order` [T, M, B]; adds to sums [M, 5] as of `Engine.run`."""
        target, block = self._state.target, self._transitions.take(torch.from_numpy(order))  # [T, M, B, ...]
        for t in range(len(order)):
            y = block.rewards[t]
            if target is not None:
                next_q = self._forward(target, self._target_weights, block.next_states[t])
                y = td_targets(y, block.terminals[t], next_q, self._gamma)
            self._step(block.states[t], block.actions[t], y, sums)

    def _step(self, states: Tensor, actions: Tensor, targets: Tensor, sums: np.ndarray) -> None:
        """Train on one batch [M, B, ...]."""
        params, grads, table, head = self._params, self._grads, self._table, self._layers[-1]
        self._forward(params, self._weights, states)
        pack_kernels.pack_loss(
            head.z.array, actions.numpy(), targets.numpy(), self._alphas, head.dz.array, grads, table, sums
        )
        above = head.dz  # dL/d outputs of the layer; the head's own gradient is dL/dz already
        for layer in reversed(self._layers):
            if layer is not head:
                pack_kernels.pack_norm_backward(
                    above.array, layer.outputs.array, layer.normed.array, layer.rstd.array,
                    params, grads, table, layer.index, layer.dz.array,
                )  # fmt: skip
            below = self._layers[layer.index - 1].outputs if layer.index else None
            x = states if below is None else below.tensor
            if layer.narrow:
                gradient = layer.weight_grad
                weight = self._weights[layer.index]
                torch.bmm(x.mT, layer.dz.tensor, out=gradient.tensor.view_as(weight.tensor))  # [M, inputs, H]
                pack_kernels.pack_weight_gradients(gradient.array, table, layer.index, grads)
                torch.bmm(layer.dz.tensor, weight.tensor.mT, out=layer.dx.tensor)  # [M, B, H] @ [M, H, inputs]
            else:
                pack_kernels.pack_product_backward(
                    x.numpy(), layer.dz.array, params, grads, table, layer.index, layer.dx.array
                )
            above = layer.dx
        self._update(sums)

    def _update(self, sums: np.ndarray) -> None:
        """Adam, then what follows from new weights."""
        state = self._state
        state.steps[:] += 1
        steps = state.steps.astype(np.int64)
        moments = self._params, self._exp_avg, self._exp_avg_sq
        pack_kernels.pack_adam(moments, self._grads, self._lrs, self._clip, steps, sums)
        self._round(self._params, self._weights)
        if state.target is not None and (due := np.flatnonzero(steps % self._every == 0)).size:
            state.target[due] = state.params[due]
            self._round(state.target, self._target_weights)

    def _forward(self, params: np.ndarray, weights: Mapping[int, _Buffer], states: Tensor) -> Tensor:
        """Return Q values [M, B, A] of states [M, B, D]; the head's buffer."""
        x, x_array, table = states, states.numpy(), self._table
        for layer in self._layers:
            if layer.narrow:
                torch.bmm(x, weights[layer.index].tensor, out=layer.z.tensor)  # [M, B, inputs] @ [M, inputs, H]
            else:
                pack_kernels.pack_product(x_array, params, table, layer.index, layer.z.array)
            if layer is not self._layers[-1]:
                pack_kernels.pack_norm(
                    layer.z.array, params, table, layer.index, layer.normed.array, layer.rstd.array, layer.outputs.array
                )
                x, x_array = layer.outputs.tensor, layer.outputs.array
        q = self._layers[-1].z
        pack_kernels.pack_q(q.array, params, table)
        return q.tensor

    def _round(self, params: np.ndarray, weights: Mapping[int, _Buffer]) -> None:
        for index, weight in weights.items():
            pack_kernels.pack_weights(params, self._table, index, weight.array.reshape(len(params), -1))


def _array(tensor: Tensor) -> np.ndarray:
    """Return the tensor's memory as NumPy sees it; bfloat16 as int16."""
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _narrow(table: Int) -> list[bool]:
    """Return which layers multiply in bf16."""
    last = len(table) - 1
    return [0 < index < last and inputs * units > NARROW_SIZE for index, (inputs, units) in enumerate(table[:, :2])]


def _weights(table: Int, members: int) -> dict[int, _Buffer]:
    """Return [M, inputs, H], bf16, of the narrow layers by index."""
    sizes = zip(_narrow(table), table[:, :2].tolist(), strict=True)
    return {index: _Buffer(members, *size, half=True) for index, (narrow, size) in enumerate(sizes) if narrow}


def _layers(table: Int, members: int, rows: int) -> list[_Layer]:
    narrow = [*_narrow(table), False]
    return [
        _Layer(
            index=index,
            narrow=narrow[index],
            z=_Buffer(members, rows, units, half=narrow[index]),
            normed=_Buffer(members, rows, units),
            rstd=_Buffer(members, rows),
            outputs=_Buffer(members, rows, units, half=narrow[index + 1]),
            dz=_Buffer(members, rows, units, half=narrow[index]),
            dx=_Buffer(members, rows, inputs, half=narrow[index]),
            weight_grad=_Buffer(members, inputs * units if narrow[index] else 0, half=True),
        )
        for index, (inputs, units) in enumerate(table[:, :2].tolist())
    ]
