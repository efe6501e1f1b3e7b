"""When a report is due by itself, and that a price is none of what figures depend on."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cqltui.campaign.model import Campaign, EvaluateConfig
from cqltui.campaign.recorded import read_recorded
from cqltui.errors import InputError
from cqltui.results import evaluated, reported
from cqltui.results.digest import FORMAT as EVALUATION
from cqltui.results.evaluated import results_digest
from cqltui.results.record import TaskStanding
from cqltui.results.reported import FORMAT, is_due, made_of
from cqltui.results.rundir import RunDir, write_json
from cqltui.state.model import Status
from cqltui.supervisor import manifest
from tests.report.materials import CAMPAIGN, campaign
from trainer.config import DataConfig

DONE = TaskStanding(Status.DONE, token="1-1")


def ended(planned: Campaign, *others: TaskStanding) -> dict[str, TaskStanding]:
    """Every task done, but for the first ones."""
    ids = [task.id for task in planned.tasks]
    return dict.fromkeys(ids, DONE) | dict(zip(ids, others, strict=False))


def write(run_dir: RunDir, standings: dict[str, TaskStanding]) -> None:
    """Have a report of these results there."""
    write_json(run_dir.report_json, {"format": FORMAT, "made_of": made_of(standings, None)})
    run_dir.report_html.write_text("a page")


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign, where reports can be written."""
    monkeypatch.setattr(reported, "missing_packages", list)
    return campaign()


def test_it_is_due_once_every_task_has_ended(planned: Campaign, tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    assert is_due(run_dir, planned, ended(planned))
    assert is_due(run_dir, planned, ended(planned, TaskStanding(Status.DEAD), TaskStanding(Status.CANCELLED)))
    for status in (Status.QUEUED, Status.RUNNING, Status.PAUSED, Status.DELAYED):
        assert not is_due(run_dir, planned, ended(planned, TaskStanding(status)))
    assert not is_due(run_dir, planned, {})


def test_it_is_not_due_where_it_is_not_wanted_or_cannot_be(
    planned: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwanted = replace(planned, report=replace(planned.report, auto=False))
    assert not is_due(RunDir(tmp_path), unwanted, ended(planned))
    monkeypatch.setattr(reported, "missing_packages", lambda: ["jinja2"])
    assert not is_due(RunDir(tmp_path), planned, ended(planned))


def test_it_is_due_again_once_results_or_evaluation_are_others(planned: Campaign, tmp_path: Path) -> None:
    run_dir, known = RunDir(tmp_path), ended(planned)
    write(run_dir, known)
    assert not is_due(run_dir, planned, known)
    assert is_due(run_dir, planned, ended(planned, replace(DONE, token="1-2")))
    provenance = {"results": results_digest(known), "ts": 5.0}
    write_json(run_dir.evaluation_json, {"format": EVALUATION, "part": "test", "provenance": provenance})
    assert is_due(run_dir, planned, known)
    run_dir.evaluation_json.unlink()
    run_dir.report_html.unlink()
    assert is_due(run_dir, planned, known)
    write(run_dir, known)
    run_dir.report_json.write_text('{"format": "another"}')
    assert is_due(run_dir, planned, known)


def test_what_is_not_installed_is_found_without_loading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reported, "NEEDS", ("json", "no_such_package"))
    assert reported.missing_packages() == ["no_such_package"]


def test_a_price_changes_neither_ids_nor_what_an_evaluation_depends_on(tmp_path: Path) -> None:
    priced = campaign(CAMPAIGN + "\n[evaluate]\nprice_per_hour = 2\n")
    assert priced.evaluate.price_per_hour == 2.0
    assert [task.id for task in priced.tasks] == [task.id for task in campaign().tasks]
    known = ended(priced)
    settings = {"automatic": True, "confident": 0.2, "resamples": 2_000, "seed": 16}
    document: dict[str, Any] = {"format": EVALUATION, "part": "test"}
    document["provenance"] = {"results": results_digest(known), "settings": settings}
    write_json(RunDir(tmp_path).evaluation_json, document)
    assert not evaluated.is_due(RunDir(tmp_path), priced, known)
    other = replace(priced, evaluate=replace(priced.evaluate, seed=17))
    assert evaluated.is_due(RunDir(tmp_path), other, known)
    assert not manifest.is_other(RunDir(tmp_path), priced)


def test_a_run_directory_keeps_the_price(tmp_path: Path) -> None:
    for text, price in (("price_per_hour = 2.5", 2.5), ("seed = 3", None)):
        planned = campaign(CAMPAIGN + f"\n[evaluate]\n{text}\n")
        recorded = manifest.resolved(planned)
        assert read_recorded(recorded, DataConfig(), tmp_path).evaluate == planned.evaluate
        assert planned.evaluate.price_per_hour == price
        assert json.loads(json.dumps(recorded)) == recorded
    del recorded["evaluate"]
    assert read_recorded(recorded, DataConfig(), tmp_path).evaluate == EvaluateConfig(), "an earlier version's"
    for wrong in ({"price_per_hour": -1}, {"price_per_hour": "2"}, "cheap"):
        with pytest.raises(InputError, match=r"campaign\.evaluate"):
            read_recorded(recorded | {"evaluate": wrong}, DataConfig(), tmp_path)
