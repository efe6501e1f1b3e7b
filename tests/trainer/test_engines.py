"""The engines compute the same training, and a member's bits depend on no pack, position or interruption."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from tests.trainer.helpers import BASE, column, dataset, equal, tensors, train
from trainer.batched import BatchedEngine
from trainer.config import Precision, TrainerConfig
from trainer.data.types import Float
from trainer.engines import engine as fastest_engine
from trainer.layout import initial_row, make_layout
from trainer.pack import Batch, Data, Engine, EngineFactory, State
from trainer.pack import fresh as fresh_state
from trainer.train import PackTrainer

MEMBERS = [
    replace(BASE, seed=1, hidden_dims=(77, 65, 33), grad_clip=0.5),
    replace(BASE, seed=2, hidden_dims=(77, 65, 33), grad_clip=0.5, alpha=2.0, lr=3e-3),
]
"""77 * 65 weights are enough for a bf16 product, 65 * 33 are not."""


def rows(count: int, episode: int, seed: int = 1) -> Data:
    part = dataset(rows=count, episode=episode).train
    states, following = ((x / 20).astype(np.float32) for x in (part.states, part.next_states))
    return Batch(states, part.actions, part.rewards, following, part.terminals.astype(np.float32))


def fresh(members: Sequence[TrainerConfig], episode: int) -> State:
    layout = make_layout(members[0].hidden_dims, 6)
    return fresh_state([initial_row(layout, m.seed) for m in members], bootstraps=episode > 1)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("episode", [1, 4])
def test_the_compiled_engine_computes_what_the_batched_one_does(episode: int, precision: Precision) -> None:
    members = [replace(member, precision=precision) for member in MEMBERS]
    layout, data = make_layout(members[0].hidden_dims, 6), rows(200, episode)
    steps = 20 if precision == "fp32" else 1
    order = np.random.default_rng(0).integers(0, 200, (steps, len(members), 32))
    found: list[tuple[State, np.ndarray, np.ndarray]] = []
    engines: tuple[EngineFactory, ...] = (BatchedEngine, fastest_engine("cpu", precision))
    for make in engines:
        state = fresh(members, episode)
        engine: Engine = make(layout, state, members, data)
        found.append((state, engine.run(order, None), engine.evaluate(data)))
    (batched, means, validation), (compiled, same_means, same_validation) = found
    rtol, atol = (1e-4, 1e-5) if precision == "fp32" else (0.05, 0.02)
    np.testing.assert_allclose(same_means, means, rtol, atol)
    np.testing.assert_allclose(same_validation, validation, rtol, atol)
    assert np.array_equal(batched.steps, compiled.steps)
    limit = 1e-3 if precision == "fp32" else 0.1
    for kind in ("params", "exp_avg") if precision == "fp32" else ("exp_avg",):  # Adam blows up the noise of bf16
        expected, start = batched.kinds()[kind], fresh(members, episode).kinds()[kind]
        change = np.linalg.norm(expected - start)
        assert np.linalg.norm(compiled.kinds()[kind] - expected) < limit * change, kind


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_bits_after_600_steps_in_changing_packs_and_killed_in_between(precision: Precision) -> None:
    data = dataset(rows=390, episode=3)  # 12 steps an epoch
    members = [
        replace(BASE, seed=seed, epochs=60, hidden_dims=(77, 65, 33), lr=lr, alpha=alpha, precision=precision)
        for seed, lr, alpha in ((1, 1e-3, 0.3), (2, 3e-3, 0.2), (3, 1e-4, 1.0), (4, 1e-3, 0.3), (5, 1e-3, 0.5))
    ]
    alone = PackTrainer(members[2:3], data)
    expected = column(train(alone, 51), 0)  # 612 steps

    pack = PackTrainer(members, data)
    seen = column(train(pack, 20), 2)
    pack.remove(0)  # it moves up
    seen += column(train(pack, 3), 1)
    saved = pack.capture(1)
    train(pack, 4)  # lost with the worker

    other = PackTrainer([members[4], members[2]], data)  # another worker's pack, whose first member is younger
    other.restore(1, saved)
    seen += column(train(other, 28), 1)
    assert seen == expected
    assert equal(tensors(other, 1), tensors(alone))


def test_members_beyond_a_group_train_as_those_within(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset(episode=3)
    members = [replace(BASE, seed=seed, hidden_dims=(77, 65), precision="bf16") for seed in range(5)]
    together = PackTrainer(members, data)
    expected = train(together, 10)
    monkeypatch.setattr("trainer.mixed.GROUP", 2)
    grouped = PackTrainer(members, data)
    assert train(grouped, 10) == expected
    assert all(equal(tensors(grouped, m), tensors(together, m)) for m in range(5))


def test_a_state_that_is_no_number_shows_in_the_losses() -> None:
    data = dataset()
    for bad in (float("nan"), float("inf")):
        trainer = PackTrainer([BASE, replace(BASE, seed=1)], data)
        saved = trainer.capture(0)
        saved.tensors["params/0.weight"][0, 0] = bad
        trainer.restore(0, saved)
        first, second = trainer.run_epoch()
        assert np.isnan(first.loss)
        assert np.isfinite(second.loss)


class Elsewhere(BatchedEngine):
    """Its tensors are in memory of their own, as a GPU's are."""

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return super()._tensor(array).clone()


@pytest.mark.parametrize("episode", [1, 4])
def test_what_a_device_trains_in_memory_of_its_own_is_captured_restored_and_kept(episode: int) -> None:
    members = [replace(BASE, seed=seed, target_update_steps=5) for seed in (1, 2, 3)]

    def story(engine: EngineFactory) -> list[dict[str, Float]]:
        trainer = PackTrainer(members, dataset(episode=episode), engine=engine)
        train(trainer, 2)
        early = trainer.capture(1)
        train(trainer, 2)
        trainer.restore(1, early)  # the others stay where they are
        seen = [tensors(trainer, member) for member in range(3)]
        trainer.remove(0)
        train(trainer, 2)
        return [*seen, tensors(trainer, 0), tensors(trainer, 1), trainer.model(1).tensors]

    for here, there in zip(story(BatchedEngine), story(Elsewhere), strict=True):
        assert equal(here, there)
