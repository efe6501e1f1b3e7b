"""An algorithm's tables: what is added to them appears wherever settings and metrics are shown."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from cqltui.algorithms import ALGORITHMS, named
from cqltui.algorithms.base import Metric, Setting
from cqltui.algorithms.cql import Cql
from cqltui.campaign import payload
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.campaign.plan import plan
from cqltui.commands.status import as_json
from cqltui.errors import InputError
from cqltui.fields import number
from cqltui.reporters.plan import plan_json, plan_table
from cqltui.reporters.tasks import task_table
from cqltui.results.record import TaskRecord, TaskResult, TaskStanding
from cqltui.results.tables import phase_table
from cqltui.results.tally import Tally
from cqltui.state import decode
from cqltui.state.eta import estimate
from cqltui.state.model import Lifecycle, RunState, Status, TaskState
from cqltui.ui.details.field import LABEL
from cqltui.ui.details.task import task_lines
from cqltui.ui.frame import Frame
from tests.unit.made import leave_result
from trainer.config import EarlyStop, TrainerConfig
from trainer.progress import EpochMetrics

FILE = """
[campaign]
name = "more"
[trainer]
epochs = 30
alpha = 0.3
lr = 2e-4
hidden_dims = [64, 32]
seed = 42
[[phase]]
name = "quality"
priority = 8
[phase.grid]
momentum = [0.5, 0.75]
"""
DATA = payload.DataSummary("d" * 64, 1675, 200)
NOW = 1_700_000_000.0


class MoreConfig(TrainerConfig, frozen=True):
    momentum: float = 0.9


class MoreMetrics(EpochMetrics, frozen=True):
    q_max: float = 0.0


class More(Cql):
    """CQL with a setting and a metric more."""

    config_type = MoreConfig
    settings = (
        *Cql.settings,
        Setting(
            "momentum",
            "momentum",
            number("a share", lambda share: 0 <= share < 1),
            "Momentum of the optimizer.",
            0.9,
            identity="unless default",
        ),
    )
    metrics = (*Cql.metrics, Metric("q_max", "largest Q", "training", better="higher"))


@pytest.fixture
def more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The algorithm in the place of CQL."""
    monkeypatch.setitem(ALGORITHMS, "cql", More())
    monkeypatch.setattr(decode, "METRICS", More().metric_names())


@pytest.fixture
def campaign(more: None, tmp_path: Path) -> Campaign:
    return loaded(tmp_path, FILE)


def loaded(folder: Path, text: str) -> Campaign:
    """The campaign of that file."""
    path = folder / "more.toml"
    path.write_text(text, encoding="utf-8")
    return load_campaign(path).identified(DATA.digest)


def trained(campaign: Campaign) -> TaskState:
    """Its first task, done, as a screen reads it."""
    task = next(campaign.tasks)
    info = decode.task_info(task.id, json.loads(json.dumps(payload.task_info(campaign, task, 0, DATA))))
    assert info is not None
    tally = Tally(task.algorithm, 30, 13, 128)
    tally.add(MoreMetrics(30, 0.1, 0.1, 0.3, 0.05, 1.5, 900.0, 0.5, 0.4, 0.6, q_max=7.25))
    report = decode.progress(json.loads(json.dumps(tally.report())), NOW)
    return TaskState(info, Lifecycle(status=Status.DONE, finished_ts=NOW, report=report))


def test_an_added_setting_is_in_plan_and_list(campaign: Campaign) -> None:
    planned = plan(campaign, DATA.rows)
    assert [task["momentum"] for task in plan_json(planned)["tasks"]] == [0.5, 0.75]
    shown = io.StringIO()
    Console(file=shown, width=160).print(plan_table(planned))
    assert "momentum 0.75" in shown.getvalue()
    assert "momentum 0.5" in task_table([trained(campaign)], None)[1]


def test_an_added_setting_and_metric_are_in_the_details(campaign: Campaign) -> None:
    state = RunState(tasks={"t": (task := trained(campaign))})
    frame = Frame(state, estimate(state, NOW), NOW)
    lines = ["".join(text for text, _ in line) for line in task_lines(frame, task, None, 60)]
    assert any(line.startswith(f"{'momentum':{LABEL}}0.5") for line in lines)
    assert f"{'largest Q':{LABEL}}7.2500" in lines


def test_an_added_setting_and_metric_are_in_the_json(campaign: Campaign) -> None:
    task = trained(campaign)
    told = as_json(RunState(tasks={task.id: task}), NOW, "done")["tasks"][0]
    assert (told["settings"]["momentum"], told["q_max"]) == (0.5, 7.25)


def test_an_added_setting_and_metric_are_in_the_table(campaign: Campaign, tmp_path: Path) -> None:
    task = next(campaign.tasks)
    result = TaskResult.from_json(leave_result(tmp_path, task.id, 1, "1-1", epochs=30))
    assert result is not None
    result = replace(result, metrics=MoreMetrics(30, 0.1, 0.1, 0.3, 0.05, 1.5, 900.0, q_max=7.25))
    record = TaskRecord(task, TaskStanding(Status.DONE, 1), result)
    row = next(csv.DictReader(io.StringIO(phase_table(campaign, [record]))))
    assert (row["momentum"], row["q_max"]) == ("0.5", "7.25")


def test_an_added_setting_reaches_the_worker(campaign: Campaign) -> None:
    task = next(campaign.tasks)
    spec = json.loads(json.dumps(payload.task_spec(campaign, task, DATA)))
    assert payload.read_trainer(spec) == task.trainer
    assert task.trainer == MoreConfig(30, 2e-4, 0.3, (64, 32), 42, momentum=0.5)


def test_a_wrong_value_of_it_is_refused(more: None, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"momentum\[0\]: expected a share, found 1.5"):
        loaded(tmp_path, FILE.replace("0.5,", "1.5,"))


def test_its_default_stays_out_of_the_ids_of_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = FILE.replace("momentum = [0.5, 0.75]", "alpha = [0.3]")
    before = loaded(tmp_path, plain)
    monkeypatch.setitem(ALGORITHMS, "cql", More())
    with_default = loaded(tmp_path, plain.replace("[0.3]", "[0.3]\nmomentum = [0.9, 0.8]"))
    assert [task.id for task in before.tasks] == [next(with_default.tasks).id]
    assert len({task.id for task in with_default.tasks}) == 2


VARIANTS: tuple[Mapping[str, Any], ...] = (
    {"alpha": 0.5}, {"lr": 1.0}, {"seed": 1}, {"epochs": 2}, {"validate_every": 3}, {"hidden_dims": (64,)},
    {"batch_size": 7}, {"gamma": 0.5}, {"precision": "bf16"}, {"target_update_steps": 9}, {"grad_clip": 1.0},
    {"observation_scaler": "none"}, {"keep": ("last",)}, {"keep_metric": "loss"}, {"early_stop": EarlyStop(9)},
)  # fmt: skip


def test_every_setting_says_whether_it_may_differ_within_a_pack() -> None:
    config = MoreConfig(30, 2e-4, 0.3, (64, 32), 42)
    cql = named("cql")
    assert {name for variant in VARIANTS for name in variant} == {s.name for s in cql.settings} - {"algorithm"}
    together = [name for v in VARIANTS for name in v if cql.pack_key(replace(config, **v)) == cql.pack_key(config)]
    assert together == ["alpha", "lr", "seed", "epochs", "validate_every", "keep", "keep_metric", "early_stop"]
