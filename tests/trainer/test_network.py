"""The batched network against torch.nn, its hand-written backward pass against autograd, and where weights start."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.trainer import helpers  # noqa: F401 (one thread)
from trainer.config import param_count
from trainer.cql import cql_gradient, cql_loss
from trainer.layout import ALIGN, Layout, aligned_zeros, initial_row, make_layout
from trainer.network import Layer, backward, forward, layers, refresh

HIDDEN, STATE_DIM, MEMBERS, BATCH = (9, 17, 5), 6, 3, 11


def started(layout: Layout) -> Tensor:
    """Initial rows [M, P]."""
    return torch.from_numpy(np.stack([initial_row(layout, seed) for seed in range(MEMBERS)]))


def rows_of(layout: Layout, dtype: torch.dtype = torch.float64) -> Tensor:
    """Initial rows [M, P] with gains and shifts away from 1 and 0, so that a mistake with them shows."""
    rows = started(layout)
    draw = torch.Generator().manual_seed(5)
    for name, view in layout.views(rows).items():
        if name.endswith(("gain", "shift")):
            view += 0.3 * torch.randn(view.shape, generator=draw)
    return rows.to(dtype)


def reference(layout: Layout, row: Tensor) -> nn.Sequential:
    """One member as a torch.nn network with the same parameters."""
    views, modules, inputs = layout.views(row), list[nn.Module](), STATE_DIM
    for index, size in enumerate((*HIDDEN, 4)):
        head = index == len(HIDDEN)
        name = "head" if head else str(index)
        linear = nn.Linear(inputs, size, dtype=row.dtype)
        linear.load_state_dict({"weight": views[f"{name}.weight"].T, "bias": views[f"{name}.bias"][0]})
        modules.append(linear)
        if not head:
            norm = nn.LayerNorm(size, dtype=row.dtype)
            norm.load_state_dict({"weight": views[f"{name}.gain"][0], "bias": views[f"{name}.shift"][0]})
            modules += [norm, nn.ReLU()]
        inputs = size
    return nn.Sequential(*modules)


def test_layout_holds_every_parameter_once_and_aligned() -> None:
    layout = make_layout(HIDDEN, STATE_DIM)
    assert sum(slot.size for slot in layout.slots) == param_count(HIDDEN, STATE_DIM)
    assert layout.row_size % ALIGN == 0
    assert all(slot.offset % ALIGN == 0 for slot in layout.slots)
    row = torch.zeros(layout.row_size)
    for view in layout.views(row).values():
        view += 1
    assert row.sum() == param_count(HIDDEN, STATE_DIM)
    assert row.max() == 1


def test_row_is_the_inverse_of_views() -> None:
    layout = make_layout(HIDDEN, STATE_DIM)
    row = initial_row(layout, 3)
    assert np.array_equal(layout.row(layout.views(row)), row)


def test_a_row_is_made_of_tensors_of_its_shapes_alone() -> None:
    layout = make_layout(HIDDEN, STATE_DIM)
    tensors = layout.views(initial_row(layout, 3))
    with pytest.raises(ValueError, match=r"0\.bias is of shape \(1, 1\), not \(1, 9\)"):  # no broadcast
        layout.row(tensors | {"0.bias": np.zeros((1, 1), dtype=np.float32)})
    with pytest.raises(KeyError):
        layout.row({name: tensor for name, tensor in tensors.items() if name != "1.gain"})


def test_forward_is_linear_layernorm_relu_of_torch_nn() -> None:
    layout = make_layout(HIDDEN, STATE_DIM)
    rows = rows_of(layout)
    states = torch.randn(MEMBERS, BATCH, STATE_DIM, dtype=torch.float64)
    q, _ = forward(layers(layout, rows), states)
    assert q.shape == (MEMBERS, BATCH, 4)
    for member in range(MEMBERS):
        torch.testing.assert_close(q[member], reference(layout, rows[member])(states[member]))


def test_backward_by_hand_equals_autograd() -> None:
    layout = make_layout(HIDDEN, STATE_DIM)
    rows = rows_of(layout).requires_grad_()
    states = torch.randn(MEMBERS, BATCH, STATE_DIM, dtype=torch.float64)
    actions = torch.randint(0, 4, (MEMBERS, BATCH))
    targets = 2 * torch.randn(MEMBERS, BATCH, dtype=torch.float64)
    alpha = torch.tensor([0.3, 0.0, 2.0], dtype=torch.float64)
    q, _ = forward(layers(layout, rows), states)
    (expected,) = torch.autograd.grad(cql_loss(q, actions, targets, alpha).loss.sum(), rows)

    by_hand = torch.zeros_like(rows)
    with torch.no_grad():
        net = layers(layout, rows)
        q, tape = forward(net, states)
        backward(net, tape, cql_gradient(q, actions, targets, alpha), layers(layout, by_hand))
    assert expected.abs().max() > 0.01
    torch.testing.assert_close(by_hand, expected, rtol=1e-10, atol=1e-12)


def test_a_head_or_a_foreign_network_in_the_wrong_place_is_refused() -> None:
    layout = make_layout(HIDDEN, STATE_DIM)
    net = layers(layout, rows_of(layout))
    with pytest.raises(ValueError, match="ends with a head"):
        forward(net[:-1], torch.zeros(MEMBERS, BATCH, STATE_DIM, dtype=torch.float64))


def test_narrow_weights_follow_the_stored_ones_only_at_refresh() -> None:
    layout = make_layout(HIDDEN, STATE_DIM)
    rows = rows_of(layout, torch.float32)
    net: tuple[Layer, ...] = layers(layout, rows, torch.bfloat16)
    rows += 1.0
    assert not torch.equal(net[0].weight, net[0].stored.bfloat16())
    refresh(net)
    for layer in net:
        assert layer.weight.dtype == torch.bfloat16
        assert torch.equal(layer.weight, layer.stored.bfloat16())


def test_bf16_products_give_nearly_the_gradients_of_fp32() -> None:
    layout = make_layout((64, 32), STATE_DIM)
    rows = started(layout)
    states = torch.randn(MEMBERS, 128, STATE_DIM, generator=torch.Generator().manual_seed(0))
    grad_q = torch.randn(MEMBERS, 128, 4, generator=torch.Generator().manual_seed(1))
    found = []
    for products in (torch.float32, torch.bfloat16):
        net, grads = layers(layout, rows, products), torch.zeros_like(rows)
        q, tape = forward(net, states)
        backward(net, tape, grad_q, layers(layout, grads))
        assert q.dtype == grads.dtype == torch.float32
        found.append(torch.cat([q.flatten(), grads.flatten()]))
    fp32, bf16 = found
    assert not torch.equal(fp32, bf16)
    assert torch.nn.functional.cosine_similarity(fp32, bf16, dim=0) > 0.998


def test_weights_start_as_in_torch_nn() -> None:
    layout = make_layout((256, 128), STATE_DIM)
    for name, view in layout.views(initial_row(layout, 7)).items():
        if name.endswith("weight"):
            bound = 1 / math.sqrt(view.shape[0])
            assert 0.9 * bound < abs(view).max() <= bound
            assert view.std() == pytest.approx(bound / math.sqrt(3), rel=0.1)
        elif name.endswith("bias"):
            assert 0 < abs(view).max() <= bound
        else:
            assert np.array_equal(view, np.full_like(view, float(name.endswith("gain"))))


@pytest.mark.parametrize("seed", [0, 1, 42, 2**32 - 1, 2**32 + 5])
@pytest.mark.parametrize("hidden_dims", [HIDDEN, (256, 128, 64)])
def test_weights_start_bit_for_bit_as_pytorchs_generator_draws_them(hidden_dims: tuple[int, ...], seed: int) -> None:
    layout = make_layout(hidden_dims, STATE_DIM)
    generator = torch.Generator().manual_seed(seed)
    for name, view in layout.views(initial_row(layout, seed)).items():
        if name.endswith("weight"):
            bound = 1 / math.sqrt(view.shape[0])
        if name.endswith(("weight", "bias")):
            expected = torch.empty(view.shape).uniform_(-bound, bound, generator=generator)
            assert np.array_equal(view, expected.numpy()), name


def test_rows_begin_at_full_cache_lines() -> None:
    assert all(aligned_zeros(size).ctypes.data % 64 == 0 for size in range(1, 40))
