"""The campaign files that come with the project, and the ids of their tasks."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import FORMER_ID_LENGTH, Campaign, task_digest
from cqltui.campaign.plan import plan
from cqltui.errors import InputError

CAMPAIGNS = Path(__file__).parents[2] / "campaigns"
ARCHITECTURES = [
    (256, 128, 64),
    (512, 256, 128),
    (256, 128, 64, 32),
    (512, 256, 128, 64),
    (1024, 512, 256),
    (1024, 512, 256, 128),
    (2048, 1024, 512),
    (2048, 1024, 512, 256),
]
IDS = ["a2d6e6c6", "4059731c", "acc49bc8", "84b9412e", "dfa539f2", "5dbcf9d7"]
QUALITY = [
    (0.3, 1e-4, (256, 128, 64), "Best overall (938fc1bd)", 0.0949),
    (0.3, 1e-4, (128, 64, 32), "Best small network (ad38a4ca)", 0.1052),
    (0.3, 5e-5, (256, 128, 64), "Best lower LR (8c4a39b3)", 0.1237),
    (0.5, 1e-4, (256, 128, 64), "Best alpha=0.5 (8fc9e305)", 0.1406),
    (0.7, 1e-4, (256, 128, 64), "Best alpha=0.7 (49fa87bc)", 0.1416),
]
CHECKS = {
    "quality": ["all_done", "still_falling", "metric", "smooth"],
    "exploration": ["all_done", "conclusive", "alpha_sensitivity", "no_overfitting"],
    "ensemble": ["all_done", "ensemble_diversity", "uncertainty_correlates", "deployment_ready"],
}


@pytest.fixture(scope="module")
def deep() -> Campaign:
    return load_campaign(CAMPAIGNS / "deep.toml")


@pytest.fixture(scope="module")
def quick() -> Campaign:
    return load_campaign(CAMPAIGNS / "quick.toml")


def test_deep_has_the_phases_that_were_asked_for(deep: Campaign) -> None:
    assert [(p.name, p.title, p.goal, p.priority, len(p.tasks)) for p in deep.phases] == [
        (
            "quality",
            "Quality - Extended Training",
            "Achieve the absolute best loss by training 10x longer (200 -> 2000 epochs)",
            8,
            5,
        ),
        (
            "exploration",
            "Exploration - Architecture Search",
            "Validate the architecture, find if larger networks improve performance",
            7,
            24,
        ),
        (
            "ensemble",
            "Robustness - Ensemble",
            "Production-ready ensemble for uncertainty quantification",
            6,
            20,
        ),
    ]
    assert {(t.trainer.batch_size, t.trainer.gamma, t.trainer.precision) for t in deep.tasks} == {(128, 0.99, "fp32")}
    assert all(phase.questions and phase.expected for phase in deep.phases)


def test_deep_quality(deep: Campaign) -> None:
    tasks = deep.phase("quality").tasks
    settings = [(t.trainer.alpha, t.trainer.lr, t.trainer.hidden_dims, t.description, t.baseline_loss) for t in tasks]
    assert settings == QUALITY
    assert {(t.trainer.epochs, t.trainer.seed) for t in tasks} == {(2000, 42)}


def test_deep_exploration(deep: Campaign) -> None:
    tasks = deep.phase("exploration").tasks
    expected = [(alpha, dims) for alpha in (0.2, 0.25, 0.3) for dims in ARCHITECTURES]
    assert [(t.trainer.alpha, t.trainer.hidden_dims) for t in tasks] == expected
    assert {(t.trainer.epochs, t.trainer.seed, t.trainer.lr) for t in tasks} == {(500, 42, 1e-4)}
    assert tasks[1].title == "alpha 0.2, [512,256,128]"


def test_deep_ensemble(deep: Campaign) -> None:
    tasks = deep.phase("ensemble").tasks
    assert [t.trainer.seed for t in tasks] == list(range(42, 62))
    assert {replace(t.trainer, seed=0) for t in tasks} == {replace(tasks[0].trainer, seed=0)}
    trainer = tasks[0].trainer
    assert (trainer.epochs, trainer.alpha, trainer.lr, trainer.hidden_dims) == (1000, 0.3, 1e-4, (256, 128, 64))
    assert tasks[1].title == "seed 43"


def test_the_criteria(deep: Campaign, quick: Campaign) -> None:
    for campaign in (deep, quick):
        assert {phase.name: [c.check for c in phase.criteria] for phase in campaign.phases} == CHECKS
    quality = deep.phase("quality").criteria
    assert quality[1].param("after_epoch") == 200
    assert quality[2].params == (("metric", "loss"), ("reduce", "best"), ("op", "<"), ("value", 0.08))
    assert deep.phase("exploration").criteria[3].param("max_rise") == 0.1


def test_quick_is_deep_with_fewer_epochs(deep: Campaign, quick: Campaign) -> None:
    def shape(campaign: Campaign) -> list[object]:
        return [replace(t, trainer=replace(t.trainer, epochs=1, validate_every=1)) for t in campaign.tasks]

    assert shape(quick) == shape(deep)
    assert [(p.name, p.title, p.goal) for p in quick.phases] == [(p.name, p.title, p.goal) for p in deep.phases]
    assert max(task.trainer.epochs for task in quick.tasks) <= 200
    assert plan(quick, rows=1675, workers=2).seconds < 40


def test_ids_are_what_they_were() -> None:
    """A change here makes everybody's finished tasks count as not done."""
    deep = load_campaign(CAMPAIGNS / "deep.toml").identified("data")
    assert [task.id[:FORMER_ID_LENGTH] for task in deep.tasks][:6] == IDS
    assert {len(task.id) for task in deep.tasks} == {16}
    former = replace(deep, id_length=FORMER_ID_LENGTH).identified("data")
    assert [task.id for task in former.tasks][:6] == IDS, "of a run that began with these"
    assert len({task.id for task in deep.tasks}) == 49


def test_an_id_depends_on_what_determines_the_weights(deep: Campaign) -> None:
    task = next(deep.tasks)
    digest = task_digest(task, "data")
    words = replace(task, title="t", description="d", priority=1, baseline_loss=None)
    assert task_digest(words, "data") == digest
    assert task_digest(replace(task, trainer=replace(task.trainer, validate_every=3)), "data") == digest
    assert task_digest(task, "other data") != digest
    assert task_digest(replace(task, phase="other"), "data") != digest
    trainers = [
        replace(task.trainer, seed=43),
        replace(task.trainer, lr=2e-4),
        replace(task.trainer, alpha=0.31),
        replace(task.trainer, epochs=1999),
        replace(task.trainer, hidden_dims=(256, 128)),
        replace(task.trainer, batch_size=64),
        replace(task.trainer, gamma=0.9),
        replace(task.trainer, precision="bf16"),
        replace(task.trainer, grad_clip=5.0),
        replace(task.trainer, target_update_steps=10),
    ]
    others = {task_digest(replace(task, trainer=trainer), "data") for trainer in trainers}
    assert len(others | {digest}) == len(trainers) + 1


def test_a_collision_is_reported(deep: Campaign) -> None:
    phase = deep.phases[0]
    twice = replace(deep, phases=(replace(phase, tasks=(phase.tasks[0], replace(phase.tasks[0], title="again"))),))
    with pytest.raises(InputError, match=r"'again' have the same id [0-9a-f]{16}: change the seed"):
        twice.identified("data")
