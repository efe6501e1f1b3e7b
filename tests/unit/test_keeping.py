"""Which epochs are kept and where a task stops early: functions of its metrics alone."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from cqltui.algorithms.keeping import best_epoch, chosen_epochs, end_epoch, expected_kept, kept_names
from cqltui.campaign import payload
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.errors import InputError
from trainer.config import EarlyStop, TrainerConfig
from trainer.progress import EpochMetrics

FILE = """
[campaign]
name = "kept"
[trainer]
epochs = 1000
alpha = 0.3
lr = 2e-4
hidden_dims = [64, 32]
seed = 42
[[phase]]
name = "quality"
priority = 8
[[phase.task]]
description = "one"
"""
CONFIG = TrainerConfig(100, 1e-3, 0.3, (8,), 1, validate_every=10)
NAN = float("nan")


def rows(*losses: float | None, config: TrainerConfig = CONFIG, epochs: int | None = None) -> list[EpochMetrics]:
    """Epochs up to that one; those that are multiples of `validate_every` have these validation losses, as does the
    last."""
    epochs = epochs or config.validate_every * len(losses)
    found = []
    for epoch in range(1, epochs + 1):
        due = epoch % config.validate_every == 0 or epoch == epochs
        value = losses[-(-epoch // config.validate_every) - 1] if due else None
        found.append(EpochMetrics(epoch, 1.0, 1 / epoch, 1.0, epoch / 10, 1.0, 1.0, value, value, value))
    return found


def loaded(folder: Path, trainer: str = "", *settings: str) -> Campaign:
    """The campaign with more lines in [trainer]."""
    path = folder / "kept.toml"
    path.write_text(FILE.replace("seed = 42\n", f"seed = 42\n{trainer}\n"), encoding="utf-8")
    return load_campaign(path, settings).identified("d" * 64)


def task(campaign: Campaign) -> TaskSpec:
    (found,) = campaign.tasks
    return found


def test_the_best_is_the_first_of_the_lowest() -> None:
    assert best_epoch(CONFIG, rows(0.5, 0.3, 0.3, NAN, 0.4)) == 20
    assert best_epoch(CONFIG, rows(None, None)) == 0
    assert best_epoch(CONFIG, rows(NAN, NAN)) == 0
    assert best_epoch(replace(CONFIG, keep_metric="td_loss"), rows(0.1, 0.2)) == 20, "measured in each epoch"
    assert best_epoch(replace(CONFIG, keep_metric="q_mean"), rows(0.1, 0.2)) == 20, "of which more is better"


def test_what_is_kept_of_a_finished_task() -> None:
    config = replace(CONFIG, keep=("last", "best", 20, 35, 200))
    assert kept_names(config) == ("model_best.safetensors", "model_e20.safetensors", "model_e35.safetensors")
    assert chosen_epochs(config) == {20, 35}
    chosen = {"model_e20.safetensors": 20, "model_e35.safetensors": 35}
    assert expected_kept(config, rows(0.5, 0.4, 0.3, 0.4)) == {"model_best.safetensors": 30, **chosen}
    assert expected_kept(config, rows(*[None] * 4)) == {"model_best.safetensors": 40, **chosen}, "without validation"
    assert expected_kept(config, rows(0.5, 0.4)) == {"model_best.safetensors": 20, "model_e20.safetensors": 20}
    assert expected_kept(replace(config, keep=("last",)), rows(0.5, 0.4)) == {}


def test_where_the_last_is_the_best_but_not_due_the_one_before_is_kept_for_a_longer_task() -> None:
    config = replace(CONFIG, epochs=25)
    assert expected_kept(config, rows(0.5, 0.4, 0.3, epochs=25)) == {
        "model_best.safetensors": 25,
        "model_e20.safetensors": 20,
    }
    assert expected_kept(config, rows(0.5, 0.4, 0.45, epochs=25)) == {"model_best.safetensors": 20}


@pytest.mark.parametrize(
    ("losses", "rule", "end"),
    [
        ((0.5, 0.4, 0.41, 0.42, 0.43, 0.1), EarlyStop(20), 40),
        ((0.5, 0.4, 0.41, 0.39, 0.43, 0.1), EarlyStop(20), 100),
        ((0.5, 0.4, 0.41, 0.39, 0.43, 0.1), EarlyStop(20, min_delta=0.05), 40),
        ((0.5, 0.4, NAN, NAN, 0.2), EarlyStop(20), 40),
        ((NAN, NAN, 0.2), EarlyStop(20), 20),
        ((0.5, 0.4, 0.4, 0.4, 0.4), EarlyStop(21), 50),
        ((0.5, 0.6, 0.7), EarlyStop(1), 20),
        ((0.5, 0.6, 0.7), EarlyStop(1, metric="td_loss"), 100),
        ((None,) * 9, EarlyStop(1), 100),
        ((0.5, 0.6, 0.7), None, 100),
    ],
)
def test_where_a_task_stops(losses: tuple[float | None, ...], rule: EarlyStop | None, end: int) -> None:
    assert end_epoch(replace(CONFIG, early_stop=rule), rows(*losses)) == end


def test_defaults_stay_out_of_the_id_and_keep_is_never_in_it(tmp_path: Path) -> None:
    plain = task(loaded(tmp_path)).id
    for same in (
        'keep = ["last", 50]',
        'keep_metric = "val_loss"',
        'early_stop = "off"',
        "validate_every = 3",
        'observation_scaler = "standard"',
    ):
        assert task(loaded(tmp_path, same)).id == plain, same
    stops = task(loaded(tmp_path, "early_stop = {patience = 100}"))
    others = [
        task(loaded(tmp_path, line)).id
        for line in (
            "early_stop = {patience = 101}",
            "early_stop = {patience = 100, min_delta = 0.1}",
            'early_stop = {patience = 100, metric = "val_loss"}',
            "early_stop = {patience = 100}\nvalidate_every = 3",
            'observation_scaler = "none"',
        )
    ]
    assert len({plain, stops.id, *others}) == 7


def test_they_reach_the_worker(tmp_path: Path) -> None:
    lines = 'keep = ["best", 7]\nearly_stop = {patience = 30, metric = "val_loss"}\nobservation_scaler = "none"'
    campaign = loaded(tmp_path, lines)
    spec = payload.task_spec(campaign, task(campaign), payload.DataSummary("d", 1675, 0))
    config = payload.read_trainer(spec)
    assert config == task(campaign).trainer
    assert (config.keep, config.early_stop) == (("best", 7), EarlyStop(30, "val_loss"))
    assert config.observation_scaler == "none"


def test_epochs_are_scaled(tmp_path: Path) -> None:
    lines = 'keep = ["last", 1, 50, 51, 200]\nearly_stop = {patience = 100}'
    config = task(loaded(tmp_path, lines, "epochs_scale=0.02")).trainer
    assert (config.epochs, config.keep, config.early_stop) == (20, ("last", 1, 4), EarlyStop(2))


def test_a_phase_may_turn_an_early_stop_off(tmp_path: Path) -> None:
    campaign = loaded(tmp_path, "early_stop = {patience = 100}", "phase.quality.early_stop=off")
    assert task(campaign).trainer.early_stop is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('keep = ["bset"]', r"trainer.keep\[0\]: expected one of last, best, found \"bset\""),
        ("keep = [0]", r"trainer.keep\[0\]: expected an integer from 1 to"),
        ("keep = []", 'trainer.keep: expected a list of 1 to 50 "last", "best" and epochs, found an empty list'),
        ("keep = [5, 5]", r"trainer.keep\[1\]: 5 repeats"),
        ('keep = "best"', 'trainer.keep: expected a list of 1 to 50 "last", "best" and epochs, found "best"'),
        ('keep_metric = "samples_per_s"', "trainer.keep_metric: expected one of loss, td_loss"),
        ("early_stop = true", "trainer.early_stop: expected {metric = METRIC, patience = EPOCHS, min_delta = NUMBER}"),
        ("early_stop = {}", "trainer.early_stop.patience: is missing"),
        ("early_stop = {patience = 0}", "trainer.early_stop.patience: expected an integer from 1"),
        ("early_stop = {patience = 9, min_delta = -1}", "trainer.early_stop.min_delta: expected a number >= 0"),
        ("early_stop = {patience = 9, patient = 1}", "trainer.early_stop.patient: unknown key; did you mean patience?"),
        ('early_stop = {patience = 9, metric = "x"}', "trainer.early_stop.metric: expected one of loss"),
        ('observation_scaler = "minmax"', 'trainer.observation_scaler: expected one of standard, none, found "minmax"'),
    ],
)
def test_wrong_values_are_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(InputError, match=said.replace("{", r"\{").replace("}", r"\}")):
        loaded(tmp_path, line)
