"""A task as it travels: each field under its own name, and the worker's half reads what the other half wrote."""

import json
from pathlib import Path
from typing import Any

import pytest

import cqltui
from cqltui.campaign import payload
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, WorkersConfig
from cqltui.state import decode
from cqltui.state.model import TaskInfo
from trainer.config import Split

FILE = """
[campaign]
name = "small"
[data]
source = "logged"
path = "bets.csv"
split = { validation_fraction = 0.3, test_fraction = 0.1 }
[trainer]
epochs = 30
lr = 2e-4
hidden_dims = [64, 32]
seed = 42
batch_size = 50
gamma = 0.9
target_update_steps = 77
grad_clip = 5.0
validate_every = 3
precision = "fp32"
state_cols = { edge = "my_edge", p_hat = "p_hat" }
[workers]
checkpoint_s = 4.0
lease_s = 20.0
retry_s = 7.0
[[phase]]
name = "quality"
priority = 8
[[phase.task]]
description = "Best"
baseline_loss = 0.4
alpha = 0.3
[[phase.task]]
alpha = 0.5
hidden_dims = [64, 32]
[[phase.task]]
alpha = 0.5
batch_size = 60
"""
DATA = payload.DataSummary("d" * 64, 199, 20)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    path = tmp_path / "small.toml"
    path.write_text(FILE, encoding="utf-8")
    return load_campaign(path).identified("0123456789abcdef0123")


def travelled(value: dict[str, Any]) -> dict[str, Any]:
    """As it comes out of JSON."""
    read: dict[str, Any] = json.loads(json.dumps(value))
    return read


def test_what_lists_show_of_a_task(campaign: Campaign) -> None:
    task = next(campaign.tasks)
    info = decode.task_info(task.id, travelled(payload.task_info(campaign, task, 3, DATA)))
    assert info is not None
    assert {name: info.settings[name] for name in ("alpha", "lr", "hidden_dims", "seed")} == {
        "alpha": 0.3,
        "lr": 2e-4,
        "hidden_dims": (64, 32),
        "seed": 42,
    }
    assert info == TaskInfo(
        id=task.id,
        phase="quality",
        title="Best",
        description="Best",
        index=3,
        settings=task.algorithm.values(task.trainer),
        shape="64-32:50:fp32",
        pack="quality:cql:64-32:50:0.9:fp32:77:5.0:standard:dddddddddddddddd",
        epochs=30,
        batch_size=50,
        epoch_steps=3,  # of 199 rows, the last 49 are left out
        step_flops=campaign.quantity(task, 0).step_flops,
        # 2 features: (2+1) x 64 + (64+1) x 32 + (32+1) x 4 actions, and LayerNorm's 2 x (64 + 32)
        params=3 * 64 + 65 * 32 + 33 * 4 + 2 * 96,
        baseline_loss=0.4,
    )


def test_what_a_worker_trains_by(campaign: Campaign, tmp_path: Path) -> None:
    task = next(campaign.tasks)
    spec = travelled(payload.task_spec(campaign, task, DATA))
    assert payload.read_trainer(spec) == task.trainer
    data = payload.read_data(spec)
    assert data == campaign.data
    assert (data.path, data.split) == (tmp_path / "bets.csv", Split(validation_fraction=0.3, test_fraction=0.1))
    assert data.state_cols == (("edge", "my_edge"), ("p_hat", "p_hat"))
    assert task.trainer.gamma == 0.9
    assert {name: spec[name] for name in spec if name not in {"trainer", "data"}} == {
        "protocol": payload.PROTOCOL,
        "program": cqltui.__version__,
        "digest": task.digest,
        "phase": "quality",
        "params": campaign.quantity(task, 0).params,
        "epoch_steps": 3,
        "data_digest": "d" * 64,
        "checkpoint_s": 4.0,
        "lease_s": 20.0,
        "retry_s": 7.0,
    }


def test_tasks_that_differ_in_more_than_alpha_do_not_train_together(campaign: Campaign) -> None:
    first, second, third = (payload.pack_key(task, "a" * 64) for task in campaign.tasks)
    assert first == second == "quality:cql:64-32:50:0.9:fp32:77:5.0:standard:aaaaaaaaaaaaaaaa"
    assert third.startswith("quality:cql:64-32:60:")
    assert payload.fair_members(campaign, "a" * 64, 1) == {first: 2, third: 1}
    assert payload.fair_members(campaign, "a" * 64, 2) == {first: 1, third: 1}


def test_how_workers_run_if_the_file_does_not_say() -> None:
    assert WorkersConfig() == WorkersConfig(None, "auto", None, 1.0, 5.0, 30.0, 120.0, 3, 10.0)
