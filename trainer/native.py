"""The engine for fp32 on a CPU: member after member through compiled code, see `trainer.kernels`.

A member's weights and activations stay in the processor's second-level cache from step to step, which a batched product
over all members would not allow; so a pack is as fast as its members one by one, and they share nothing but the data.
"""

from collections.abc import Callable, Sequence

import numpy as np

from trainer import kernels
from trainer.config import TrainerConfig, layer_sizes, step_flops
from trainer.data.types import Float, Int
from trainer.layout import Layout, aligned_zeros
from trainer.pack import Data, State
from trainer.packing import VALIDATION_ROWS

BLOCK_FLOPS = 2e10
"""Work of one call for one member, some 0.1 s: often enough for a sign of life, too long for the call to matter."""


class NativeEngine:
    """`trainer.pack.Engine` by compiled loops over the state's own memory."""

    def __init__(
        self, layout: Layout, state: State, members: Sequence[TrainerConfig], data: Data, device: str = "cpu"
    ) -> None:
        """`device`: the CPU, as there is no other."""
        self._state = state
        self._members = members
        self._data = _arrays(data)
        self._table = layer_table(layout)
        self._settings = [
            (config.lr, config.alpha, config.gamma, config.grad_clip, config.target_update_steps) for config in members
        ]
        state_dim = data.states.shape[1]
        first = members[0]
        flops = step_flops(first.hidden_dims, state_dim, first.batch_size)
        self._block = max(1, int(BLOCK_FLOPS / flops))
        self._space = _workspace(layout, first, state_dim)

    def run(self, order: Int, on_step: Callable[[], None] | None) -> np.ndarray:
        """See `Engine.run`."""
        sums = np.zeros((len(self._members), 5))
        for start in range(0, len(order), self._block):
            block = order[start : start + self._block]  # [T, M, B]
            for m, settings in enumerate(self._settings):
                batches = np.ascontiguousarray(block[:, m])  # [T, B]
                first_step = int(self._state.steps[m])
                kernels.train(
                    self._rows(m), self._table, self._data, batches, settings, first_step, self._space, sums[m]
                )
                self._state.steps[m] += len(block)
            if on_step is not None:
                for _ in range(len(block)):
                    on_step()
        return sums / len(order)

    def evaluate(self, rows: Data) -> np.ndarray:
        """See `Engine.evaluate`."""
        means, total = np.zeros((len(self._members), 4)), len(rows.actions)
        for start in range(0, total, VALIDATION_ROWS):
            part = _arrays(rows.take(slice(start, start + VALIDATION_ROWS)))
            for m, settings in enumerate(self._settings):
                row, _, _, target = self._rows(m)
                found = np.zeros(4)
                kernels.evaluate(row, target, self._table, part, settings, found)
                means[m] += found * len(part[1]) / total
        return means[:, :3]

    def refresh(self) -> None:
        """See `Engine.refresh`. Nothing is derived from the state."""

    def store(self) -> None:
        """See `Engine.store`. It is the same memory."""

    def _rows(self, m: int) -> kernels.Member:
        state = self._state
        target = state.params[m, :0] if state.target is None else state.target[m]
        return state.params[m], state.exp_avg[m], state.exp_avg_sq[m], target


def layer_table(layout: Layout) -> Int:
    """Return [layers, 6]: inputs, units, offsets of weight, bias, gain and shift in a member's row; gain -1 for the
    head."""
    slots = {slot.name: slot for slot in layout.slots}
    table = []
    for name in dict.fromkeys(slot.name.partition(".")[0] for slot in layout.slots):
        weight = slots[f"{name}.weight"]
        norm = [slots[key].offset if (key := f"{name}.{kind}") in slots else -1 for kind in ("gain", "shift")]
        table.append([*weight.shape, weight.offset, slots[f"{name}.bias"].offset, *norm])
    return np.array(table, dtype=np.int64)


def _arrays(rows: Data) -> kernels.Data:
    return rows.states, rows.actions, rows.rewards, rows.next_states, rows.terminals


def _workspace(layout: Layout, config: TrainerConfig, state_dim: int) -> tuple[Float, ...]:
    """Return what `kernels.train` calls `space`."""
    rows, sizes = config.batch_size, layer_sizes(config.hidden_dims, state_dim)
    units, widest = sum(config.hidden_dims), max(outputs for _, outputs in sizes)
    shapes = [
        (layout.row_size,), (rows, state_dim), (rows * units,), (rows * units,),
        (len(sizes), rows), (rows * widest,), (rows * widest,), (rows, sizes[-1][1]),
    ]  # fmt: skip
    return tuple(aligned_zeros(*shape) for shape in shapes)
