"""What some versions of macOS compute wrongly is not asked of them: products of expanded operands, strided results."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.trainer.test_engines import MEMBERS, fresh, rows
from trainer import network
from trainer.batched import BatchedEngine
from trainer.layout import make_layout
from trainer.pack import State

PRODUCTS = ("aten.bmm", "aten.baddbmm", "aten.mm", "aten.addmm")


class Watched(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every product of an expanded operand, and every result that is written into strided memory."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products = 0
        self.bad: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, named = str(func), kwargs or {}
        if name.startswith(PRODUCTS):
            self.products += 1
            tensors = [arg for arg in args if isinstance(arg, torch.Tensor)]
            strides = [zip(tensor.stride(), tensor.shape, strict=True) for tensor in tensors]
            if any(stride == 0 and size > 1 for pairs in strides for stride, size in pairs):
                self.bad.append(f"{name}: an operand is expanded")
            if name.startswith("aten.baddbmm") and tensors[0].shape != (*tensors[1].shape[:2], tensors[2].shape[2]):
                self.bad.append(f"{name}: what is added is expanded")
        if isinstance(out := named.get("out"), torch.Tensor) and not out.is_contiguous():
            self.bad.append(f"{name}: out is strided")
        return func(*args, **named)


def trained(episode: int) -> tuple[State, np.ndarray, np.ndarray, Watched]:
    layout, data, state = make_layout(MEMBERS[0].hidden_dims, 6), rows(200, episode), fresh(MEMBERS, episode)
    engine = BatchedEngine(layout, state, MEMBERS, data)
    order = np.random.default_rng(0).integers(0, 200, (20, len(MEMBERS), 32))
    with Watched() as watched:
        means, validation = engine.run(order, None), engine.evaluate(data)
    return state, means, validation, watched


@pytest.mark.parametrize("episode", [1, 4])
def test_such_a_device_gets_dense_tensors_and_computes_the_same(episode: int, monkeypatch: pytest.MonkeyPatch) -> None:
    state, means, validation, usual = trained(episode)
    assert usual.bad, "elsewhere both are used, so that this test can fail"
    monkeypatch.setattr(network, "DENSE_ONLY", ("cpu",))
    dense, same_means, same_validation, watched = trained(episode)
    assert watched.products > 100
    assert watched.bad == []
    np.testing.assert_allclose(same_means, means, 1e-4, 1e-5)
    np.testing.assert_allclose(same_validation, validation, 1e-4, 1e-5)
    np.testing.assert_allclose(dense.params, state.params, 1e-3, 1e-5)
    assert np.array_equal(dense.steps, state.steps)
