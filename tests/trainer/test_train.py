"""What the pack trainer promises: members are independent, clipping, target, epochs and batches are as documented."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from tests.trainer.helpers import BASE, column, dataset, equal, tensors, train
from trainer.batches import epoch_order
from trainer.config import Precision, TrainerConfig
from trainer.cql import cql_loss
from trainer.data.types import Float
from trainer.optimizer import PackAdam
from trainer.pack import PackState
from trainer.packing import BLOCK_STEPS, estimate_bytes, pack_key
from trainer.train import PackTrainer


def variant(seed: int, alpha: float = 0.3, lr: float = 1e-3) -> TrainerConfig:
    return replace(BASE, seed=seed, alpha=alpha, lr=lr)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("episode", [1, 4])
@pytest.mark.parametrize("hidden_dims", [(20, 12), (64, 33, 7)])
def test_a_member_has_the_same_bits_alone_and_in_a_pack(
    hidden_dims: tuple[int, ...], episode: int, precision: Precision
) -> None:
    data = dataset(episode=episode)
    members = [variant(1), variant(2, alpha=1.0, lr=3e-3), variant(3, lr=1e-4)]
    members = [replace(m, hidden_dims=hidden_dims, precision=precision) for m in members]
    pack, alone = PackTrainer(members, data), PackTrainer(members[1:2], data)
    epochs = 40  # 6 steps each
    assert column(train(pack, epochs), 1) == column(train(alone, epochs), 0)
    assert equal(tensors(pack, 1), tensors(alone))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_real_architecture_has_the_same_bits_in_a_pack(precision: Precision) -> None:
    config = TrainerConfig(epochs=100, lr=1e-3, alpha=0.3, hidden_dims=(256, 128, 64), seed=42, precision=precision)
    data = dataset(rows=1675, validation=301)
    alone, pack = PackTrainer([config], data), PackTrainer([replace(config, seed=seed) for seed in (40, 41, 42)], data)
    epochs = 17  # 221 steps
    assert column(train(pack, epochs), 2) == column(train(alone, epochs), 0)
    assert equal(tensors(pack, 2), tensors(alone))


def test_members_leave_without_a_trace() -> None:
    data = dataset(episode=3)
    members = [variant(1), variant(2), variant(3)]
    pack, undisturbed = PackTrainer(members, data), PackTrainer(members, data)
    train(pack, 5)
    pack.remove(1)
    assert [m.seed for m in pack.members] == [1, 3]
    train(pack, 5)
    pack.remove(0)
    last = train(pack, 5)
    assert column(last, 0) == column(train(undisturbed, 15)[10:], 2)
    assert equal(tensors(pack), tensors(undisturbed, 2))
    with pytest.raises(IndexError):
        pack.remove(1)
    pack.remove(0)
    assert pack.members == []
    with pytest.raises(ValueError, match="empty"):
        pack.run_epoch()


def test_members_at_different_epochs_end_as_alone() -> None:
    data = dataset(episode=4)
    ahead = PackTrainer([variant(2)], data)
    train(ahead, 7)
    pack = PackTrainer([variant(1), variant(2)], data)
    pack.restore(1, ahead.capture(0))
    assert pack.epochs_done == [0, 7]
    metrics = train(pack, 4)
    assert column(metrics, 1) == column(train(ahead, 4), 0)
    assert column(metrics, 0) == column(train(PackTrainer([variant(1)], data), 4), 0)


def test_a_member_that_diverges_fails_alone() -> None:
    data = dataset()
    members = [variant(1), variant(2, lr=math.inf), variant(3)]
    metrics = train(PackTrainer(members, data), 3)
    assert all(math.isnan(m.loss) for m in column(metrics, 1)[1:])
    assert column(metrics, 2) == column(train(PackTrainer([variant(3)], data), 3), 0)


def test_bf16_trains_to_nearly_the_same_losses() -> None:
    data = dataset(rows=400)
    fp32 = PackTrainer([replace(BASE, hidden_dims=(64, 32))], data)
    bf16 = PackTrainer([replace(BASE, hidden_dims=(64, 32), precision="bf16")], data)
    a, b = train(fp32, 20)[-1][0], train(bf16, 20)[-1][0]
    assert a.loss != b.loss
    assert b.loss == pytest.approx(a.loss, rel=0.05)


def test_training_learns_the_better_action() -> None:
    # Reward: the last feature's sign decides whether action 1 or 2 pays.
    draw = np.random.default_rng(0)
    part = dataset(rows=2000).train
    good = np.where(part.states[:, 5] > 0.05, 1, 2)
    actions = draw.integers(0, 4, len(part))
    rewards = (actions == good).astype(np.float32)
    part = replace(part, actions=actions, rewards=rewards)
    trainer = PackTrainer([replace(BASE, alpha=0.1, lr=3e-3)], replace(dataset(), train=part, validation=part))
    td = [m[0].td_loss for m in train(trainer, 20)]
    assert td[-1] < 0.3 * td[0]
    assert (trainer.q_values(part.states, 0).argmax(1) == good).mean() > 0.9


def test_an_epoch_visits_rows_at_most_once_in_an_order_of_seed_and_epoch_alone() -> None:
    order = epoch_order(42, 3, 100)
    assert sorted(order) == list(range(100))
    assert np.array_equal(order, epoch_order(42, 3, 100))
    assert not np.array_equal(order, epoch_order(42, 4, 100))
    assert not np.array_equal(order, epoch_order(43, 3, 100))
    assert not np.array_equal(order, epoch_order(41, 4, 100)), "nor are seed and epoch added up"
    for stream in ((42, 3), 45):
        assert not np.array_equal(order, np.random.default_rng(stream).permutation(100)), "the data's own stream"


def test_steps_of_an_epoch_and_their_sign_of_life() -> None:
    steps: list[int] = []
    trainer = PackTrainer([BASE], dataset(rows=200))
    trainer.run_epoch(lambda: steps.append(1))
    assert len(steps) == 200 // 32
    assert trainer.capture(0).step == 6


def test_epochs_longer_than_a_block_are_the_same_steps() -> None:
    config = replace(BASE, batch_size=2, hidden_dims=(8,))
    rows = 2 * BLOCK_STEPS + 31  # one block and a part of the next
    data = dataset(rows=rows)
    trainer, initial = PackTrainer([config], data), PackTrainer([config], data).model(0)
    metrics = train(trainer, 1)[0][0]
    assert trainer.capture(0).step == rows // 2
    # With a learning rate of zero, the losses of an epoch are those of all its rows under the initial weights.
    still = train(PackTrainer([replace(config, lr=0.0)], data), 1)[0][0]
    used = epoch_order(config.seed, 0, rows)[: rows // 2 * 2]
    expected = cql_loss(
        torch.from_numpy(initial.q_values(data.train.states[used]))[None],
        torch.from_numpy(data.train.actions[used])[None],
        torch.from_numpy(data.train.rewards[used])[None],
        torch.tensor([config.alpha]),
    )
    assert still.loss == pytest.approx(expected.loss.item(), rel=1e-5)
    assert still.td_loss == pytest.approx(expected.td.item(), rel=1e-5)
    assert still.cql_loss == pytest.approx(expected.cql.item(), rel=1e-5)
    assert still.q_mean == pytest.approx(expected.q_mean.item(), rel=1e-4)
    assert metrics.loss != still.loss


def test_samples_per_second_come_from_the_clock_given() -> None:
    times = iter([10.0, 12.0])
    trainer = PackTrainer([BASE, variant(1)], dataset(rows=200), clock=lambda: next(times))
    assert [m.samples_per_s for m in trainer.run_epoch()] == [96.0, 96.0]  # 6 x 32 of each member in 2 s


def test_validation_losses_on_schedule_and_in_the_last_epoch() -> None:
    members = [replace(BASE, epochs=5, validate_every=2), replace(BASE, epochs=9, validate_every=4)]
    data = dataset()
    trainer = PackTrainer(members, data)
    metrics = train(trainer, 5)
    assert [m.epoch for m in column(metrics, 0) if m.val_loss is not None] == [2, 4, 5]
    assert [m.epoch for m in column(metrics, 1) if m.val_loss is not None] == [4]
    last, held = metrics[4][0], data.validation
    expected = cql_loss(
        torch.from_numpy(trainer.q_values(held.states, 0))[None],
        torch.from_numpy(held.actions)[None],
        torch.from_numpy(held.rewards)[None],
        torch.tensor([BASE.alpha]),
    )
    assert last.val_loss == pytest.approx(expected.loss.item(), rel=1e-5)
    assert last.val_td_loss == pytest.approx(expected.td.item(), rel=1e-5)
    assert last.val_cql_loss == pytest.approx(expected.cql.item(), rel=1e-5)
    with pytest.raises(ValueError, match="done its 5 epochs: remove it"):
        trainer.run_epoch()


def test_validation_does_not_touch_the_weights_and_needs_validation_rows() -> None:
    data = dataset(episode=4)
    often, never = (PackTrainer([replace(BASE, validate_every=n)], data) for n in (1, 1000))
    train(often, 6), train(never, 6)
    assert equal(tensors(often), tensors(never))
    none = replace(data, validation=dataset(validation=0).validation)
    assert train(PackTrainer([replace(BASE, validate_every=1)], none), 1)[0][0].val_loss is None


def untrained(rows: torch.Tensor) -> PackState[torch.Tensor]:
    return PackState(rows, torch.zeros_like(rows), torch.zeros_like(rows), torch.zeros(len(rows)))


def test_gradients_are_clipped_per_member() -> None:
    rows = torch.zeros(3, 64)
    state = untrained(rows)
    adam = PackAdam(state, [0.1, 0.1, 0.1], grad_clip=10.0)
    adam.grads[0, :2] = torch.tensor([30.0, 40.0])  # norm 50
    adam.grads[1, :2] = torch.tensor([3.0, 4.0])  # norm 5
    norms = adam.step()
    torch.testing.assert_close(norms, torch.tensor([50.0, 5.0, 0.0]))
    torch.testing.assert_close(adam.grads[0, :2], torch.tensor([6.0, 8.0]))
    torch.testing.assert_close(adam.grads[1, :2], torch.tensor([3.0, 4.0]))
    torch.testing.assert_close(state.exp_avg[0, :2], torch.tensor([0.6, 0.8]))
    torch.testing.assert_close(rows[:2, :2], torch.full((2, 2), -0.1))  # Adam's first step is lr, whatever the gradient
    assert not rows[2].any()


def test_optimizer_is_torch_adam_with_clip_grad_norm() -> None:
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(2, 64, generator=draw)
    reference = [row.clone().requires_grad_() for row in rows]
    lrs = (1e-2, 3e-4)
    adam = PackAdam(untrained(rows), lrs, grad_clip=10.0)
    theirs = [torch.optim.Adam([p], lr=lr) for p, lr in zip(reference, lrs, strict=True)]
    for _ in range(20):
        grads = 2 * torch.randn(2, 64, generator=draw)  # norms around 16
        adam.grads.copy_(grads)
        adam.step()
        for parameter, grad, optimizer in zip(reference, grads, theirs, strict=True):
            parameter.grad = grad.clone()
            torch.nn.utils.clip_grad_norm_([parameter], 10.0)
            optimizer.step()
    torch.testing.assert_close(rows, torch.stack([p.detach() for p in reference]), rtol=1e-5, atol=1e-6)


def test_adams_epsilon_counts_where_gradients_are_tiny() -> None:
    rows = torch.zeros(1, 64)
    adam = PackAdam(untrained(rows), [1.0], grad_clip=10.0)
    adam.grads[0, :3] = torch.tensor([1e-8, -1e-7, 1e-6])
    adam.step()  # lr * g / (|g| + 1e-8)
    torch.testing.assert_close(rows[0, :3], torch.tensor([-1 / 2, 10 / 11, -100 / 101]))


def test_target_network_is_copied_every_so_many_steps_of_its_member() -> None:
    data = dataset(rows=200, episode=4)  # 6 steps an epoch
    trainer = PackTrainer([replace(BASE, batch_size=32, target_update_steps=8)], data)
    seen: list[tuple[dict[str, Float], dict[str, Float]]] = []

    def groups() -> tuple[dict[str, Float], dict[str, Float]]:
        checkpoint = trainer.capture(0)
        return checkpoint.group("params"), checkpoint.group("target")

    for _ in range(5):
        trainer.run_epoch()
        seen.append(groups())
    changed = [not equal(before[1], after[1]) for before, after in pairwise(seen)]
    # Copies at steps 8, 16, 24: within epochs 2 and 3, and with the last step of epoch 4.
    assert changed == [True, True, True, False]
    assert [equal(params, target) for params, target in seen] == [False, False, False, True, False]


def test_terminal_only_data_gives_the_same_with_a_target_network() -> None:
    plain = dataset(rows=200)
    held = dataset(episode=4).validation  # validation rows that go on make the trainer keep a target network
    with_target = PackTrainer([BASE], replace(plain, validation=held))
    without = PackTrainer([BASE], plain)
    assert "target" in {name.partition("/")[0] for name in tensors(with_target)}
    assert "target" not in {name.partition("/")[0] for name in tensors(without)}
    for one, other in zip(train(with_target, 10), train(without, 10), strict=True):
        assert replace(one[0], val_loss=None, val_td_loss=None, val_cql_loss=None) == replace(
            other[0], val_loss=None, val_td_loss=None, val_cql_loss=None
        )
    assert equal(with_target.capture(0).group("params"), without.capture(0).group("params"))


def test_no_gradient_flows_through_the_targets() -> None:
    # One long step: with targets that followed the weights, a copy at every step and gamma 1 would move Q otherwise.
    data = dataset(rows=200, episode=4)
    frozen = PackTrainer([replace(BASE, target_update_steps=10**6)], data)
    moving = PackTrainer([replace(BASE, target_update_steps=1)], data)
    first = frozen.capture(0).group("target")
    train(frozen, 3), train(moving, 3)
    assert equal(first, frozen.capture(0).group("target"))
    assert equal(moving.capture(0).group("target"), moving.capture(0).group("params"))


def test_an_interrupted_epoch_cannot_be_captured() -> None:
    trainer = PackTrainer([BASE], dataset())

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.run_epoch(stop)
    with pytest.raises(RuntimeError, match="interrupted"):
        trainer.capture(0)


def test_batch_larger_than_the_data_is_an_error_with_both_figures() -> None:
    with pytest.raises(ValueError, match=r"batch_size is 512.*there are 200 training rows"):
        PackTrainer([replace(BASE, batch_size=512)], dataset(rows=200))


def test_members_that_cannot_train_together_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        PackTrainer([BASE, replace(BASE, gamma=0.5)], dataset())
    with pytest.raises(ValueError, match="at least one"):
        PackTrainer([], dataset())
    assert pack_key(BASE) == pack_key(replace(BASE, seed=1, alpha=2.0, lr=1.0, epochs=3, validate_every=9))
    assert pack_key(BASE) != pack_key(replace(BASE, hidden_dims=(20, 13)))


def test_memory_estimate_covers_the_tensors_and_grows_with_the_pack() -> None:
    config = replace(BASE, hidden_dims=(512, 256), batch_size=128)
    parameters = 6 * 512 + 512 * 3 + 512 * 256 + 256 * 3 + 256 * 4 + 4
    one = estimate_bytes([config], 6, 1675, 500)
    assert one > 4 * 4 * parameters  # weights, gradients, two moments
    assert one < 10 * 4 * 4 * parameters
    assert estimate_bytes([config] * 3, 6, 1675, 500) > 2.5 * one
