"""Where the parameters of a pack's Q-networks lie in memory, and where they start. Free of torch.

A member's parameters are one flat row, so that an optimizer step is one pass over memory. PyTorch's engines look at the
same rows as tensors.
Shapes: D features, H outputs of a layer, P parameters of a member (padded).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from msgspec import Struct

from trainer.config import layer_sizes
from trainer.data.types import Float

ALIGN = 64
"""Every tensor starts at a multiple of 64 floats within its row, and rows are padded to it. Vectorised kernels then
never end a row with a remainder computed otherwise, so a member's bits cannot depend on where in a pack it lies."""
CACHE_LINE = 64
"""Bytes."""
MANTISSA = 24
"""Bits of a float32 between 0 and 1, which PyTorch takes from each 32 random ones."""


class Rows(Protocol):
    """An array of NumPy's, or a tensor."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102 (NumPy documents it)

    def __getitem__(self, index: Any, /) -> Any: ...

    def reshape(self, shape: Sequence[int], /) -> Any: ...  # noqa: D102


R = TypeVar("R", bound=Rows)


class Slot(Struct, frozen=True):
    """One named tensor within a member's row."""

    name: str
    offset: int
    shape: tuple[int, int]
    """(inputs, outputs) of a weight, (1, outputs) of all else."""

    @property
    def size(self) -> int:
        """Number of parameters."""
        return math.prod(self.shape)


class Layout(Struct, frozen=True):
    """Where each tensor of a network lies in a member's flat row of `row_size` floats."""

    slots: tuple[Slot, ...]
    row_size: int

    def views(self, rows: R) -> dict[str, R]:
        """Return the rows [..., P] -> tensors [..., inputs, outputs] by name, which share the rows' memory."""
        front = rows.shape[:-1]
        return {s.name: rows[..., s.offset : s.offset + s.size].reshape((*front, *s.shape)) for s in self.slots}

    def row(self, tensors: Mapping[str, Float]) -> Float:
        """Tensors by name -> a row [P], zero in its padding. The inverse of `views` for one member.

        Raises KeyError for a tensor that is missing, ValueError for one of another shape.
        """
        row = aligned_zeros(self.row_size)
        for name, view in self.views(row).items():
            if tensors[name].shape != view.shape:
                raise ValueError(f"{name} is of shape {tensors[name].shape}, not {view.shape}")
            view[...] = tensors[name]
        return row


def make_layout(hidden_dims: tuple[int, ...], state_dim: int) -> Layout:
    """Return the layout of a network; names are `0.weight`, `0.bias`, `0.gain`, `0.shift`, `1.weight`, ...,
    `head.bias`."""
    shapes: list[tuple[str, tuple[int, int]]] = []
    sizes = layer_sizes(hidden_dims, state_dim)
    for index, (inputs, outputs) in enumerate(sizes):
        name = str(index) if index < len(hidden_dims) else "head"
        shapes += [(f"{name}.weight", (inputs, outputs)), (f"{name}.bias", (1, outputs))]
        if index < len(hidden_dims):
            shapes += [(f"{name}.gain", (1, outputs)), (f"{name}.shift", (1, outputs))]
    slots, end = [], 0
    for name, shape in shapes:
        slots.append(Slot(name, end, shape))
        end += -(-math.prod(shape) // ALIGN) * ALIGN
    return Layout(tuple(slots), end)


def initial_row(layout: Layout, seed: int) -> Float:
    """Return a member's first parameters, a row [P] that depends on the layout and the seed alone.

    As torch.nn.Linear and torch.nn.LayerNorm start: weights and biases uniform within +-1/sqrt(inputs) (He et al. 2015,
    kaiming_uniform with a = sqrt(5)), gains 1, shifts 0. Bit for bit what `Tensor.uniform_` draws on a CPU from a
    torch.Generator of this seed: a Mersenne twister (Matsumoto and Nishimura 1998), of each 32 bits the lower 24.
    """
    twister = np.random.RandomState(seed & 0xFFFFFFFF)  # `torch.Generator.manual_seed` takes as many bits
    row = aligned_zeros(layout.row_size)
    bound = np.float32(0)
    for name, view in layout.views(row).items():
        kind = name.rpartition(".")[2]
        if kind == "weight":  # comes before its bias, which shares the bound
            bound = np.float32(1 / math.sqrt(view.shape[-2]))
        if kind in ("weight", "bias"):
            bits = twister.randint(0, 1 << 32, view.shape, dtype=np.uint32) & np.uint32((1 << MANTISSA) - 1)
            # Exact in float64, so rounded once, as by the fused multiply-add that PyTorch is compiled to.
            view[...] = bits * 2.0**-MANTISSA * float(bound + bound) - float(bound)
        elif kind == "gain":
            view[...] = 1.0
    return row


def aligned_zeros(*shape: int) -> Float:
    """Zeros, float32, that start at a full cache line as PyTorch's memory does and NumPy's does not."""
    size = math.prod(shape) * 4
    memory = np.zeros(size + CACHE_LINE, dtype=np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(np.float32).reshape(shape)
