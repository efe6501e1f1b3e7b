"""Runs beside each other: who belongs to whom, what differs, and differences worked out by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import fields, replace

from cqltui.campaign.load import load_campaign
from cqltui.report.compare.comparing import Comparison, compare
from cqltui.report.compare.paired import difference_of
from cqltui.report.compare.tablepage import FIRST_LINE, render_tables
from cqltui.report.figure import Line, Points
from cqltui.report.material import Curves, Material, Provenance
from cqltui.report.table import Cell, Table
from cqltui.results.record import TaskRecord, TaskResult, TaskStanding
from cqltui.results.summary import Summary
from cqltui.state.model import Status
from tests.unit.small_run import FILE, metrics_of

Make = Callable[..., Material]
close: Any = pytest.approx


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Runs of the small campaign, whose tasks are done with the losses that a seed is given."""

    def made(
        name: str, loss: dict[int, float], digest: str = "d" * 64, old: str = "", new: str = "", **more: Any
    ) -> Material:
        path = tmp_path / f"{name}.toml"
        path.write_text(FILE.replace(old, new) if old else FILE)
        campaign = load_campaign(path).identified(digest)
        records, curves = [], {}
        for task in campaign.tasks:
            if (last := loss.get(task.trainer.seed)) is None:
                records.append(TaskRecord(task, TaskStanding(), None))
                continue
            rows = metrics_of(last)
            told: dict[str, Any] = {
                "task_id": task.id,
                "digest": task.digest,
                "phase": task.phase,
                "token": "1-1",
                "worker": "w1",
            }
            counts: dict[str, Any] = {
                "run": 1,
                "attempt": 1,
                "attempts": 1,
                "epochs": 3,
                "params": 1,
                "metrics": rows[-1],
                "versions": {},
            }
            times: dict[str, Any] = {"started_ts": 1.0, "finished_ts": 2.0, "seconds": 1.0, "samples_per_s": 1.0}
            best: dict[str, Any] = {"best_val_loss": None, "best_val_epoch": None, "device": "cpu"}
            records.append(TaskRecord(task, TaskStanding(Status.DONE), TaskResult(**told, **counts, **times, **best)))
            curves[task.id] = Curves(np.arange(1.0, 4.0), {"loss": np.array([row.loss for row in rows])})
        known: dict[str, Any] = {"run": name, "git_commit": "c" * 40, "data_source": "simulated", "data_digest": digest}
        known |= {"versions": {"cqltui": "1"}, "rows": {}, "platform": "Linux", "data_path": ""}
        told_of: dict[str, Any] = {it.name: known.get(it.name) for it in fields(Provenance) if it.required}
        provenance = Provenance(**told_of)
        return Material(campaign, tuple(records), Summary("", "", "", ()), provenance, curves, **more)

    return made


def rows_of(found: Comparison, name: str) -> list[dict[str, Cell]]:
    table = next(table for table in found.tables if table.name == name)
    return [dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows]


def table_of(found: Comparison, name: str) -> Table:
    return next(table for table in found.tables if table.name == name)


def test_a_difference_is_that_of_pairs_with_students_interval() -> None:
    # Differences 1, 2, 6: mean 3, standard deviation sqrt(7), t(2, .975) = 4.302653.
    found = difference_of([(1.0, 2.0), (4.0, 6.0), (0.0, 6.0), (None, 1.0), (2.0, float("inf"))])
    assert (found.n, found.first, found.other, found.value) == (3, close(5 / 3), close(14 / 3), 3.0)
    half = 4.302652730 * (7 / 3) ** 0.5
    assert (found.lower, found.upper) == (close(3 - half, abs=1e-6), close(3 + half, abs=1e-6))
    assert difference_of([(1.0, 2.5)]) == replace(found, n=1, first=1.0, other=2.5, value=1.5, lower=None, upper=None)
    apart = difference_of([(1.0, 2.0), (4.0, 6.0)], is_comparable=False)
    assert (apart.n, apart.first, apart.value, apart.lower) == (2, 2.5, None, None)
    assert difference_of([(None, 1.0)]).n == 0


def test_tasks_are_paired_by_settings_and_seed(make: Make) -> None:
    first = make("a", {42: 0.5, 43: 0.6, 44: 0.7})
    other = make("b", {42: 0.6, 43: 0.8, 44: 1.3}, old="lr = 1e-4", new="lr = 5e-4")
    found = compare([first, other])
    rows = [row for row in rows_of(found, "compare_metrics") if row["metric"] == "loss"]
    assert [(row["phase"], row["settings"], row["n"]) for row in rows] == [
        ("quality", "alpha 0.3, learning rate 0.0001 → 0.0005", 1),
        ("quality", "alpha 0.5, learning rate 0.0001 → 0.0005", 1),
        ("ensemble", "learning rate 0.0001 → 0.0005", 3),
    ]
    # Differences .1, .2, .6.
    assert rows[2]["difference"] == close(0.3)
    assert rows[2]["upper"] == close(0.3 + 0.1 * 4.302652730 * (7 / 3) ** 0.5)
    assert rows[0]["lower"] is None
    assert {row["what"]: (row["run_1"], row["run_2"]) for row in rows_of(found, "compare_configuration")} == {
        "quality: lr": ("0.0001", "0.0005"),
        "ensemble: lr": ("0.0001", "0.0005"),
    }
    curves, differences = found.figures
    assert [panel.title for panel in curves.panels] == ["quality: loss", "ensemble: loss"]
    median = [mark for mark in curves.panels[1].marks if isinstance(mark, Line) and not mark.faint]
    assert [(line.label, line.color, round(line.y[-1], 9)) for line in median] == [("a", 0, 0.6), ("b", 1, 0.8)]
    (points, _) = differences.panels[0].marks
    assert isinstance(points, Points)
    assert points.names == ("b · ensemble · learning rate 0.0001 → 0.0005",)
    assert differences.panels[0].y.categories == ("b: ensemble",)
    assert points.x == (close(0.3),)


def test_what_has_no_counterpart_is_counted_and_a_task_that_is_not_done_takes_no_part(make: Make) -> None:
    first = make("a", {42: 0.5, 43: 0.6})
    other = make("b", {42: 0.5, 43: 0.7, 44: 0.7, 45: 0.8}, old="to = 44", new="to = 45")
    found = compare([first, other])
    ensemble = [row for row in rows_of(found, "compare_metrics") if row["phase"] == "ensemble"]
    assert [(row["n"], row["settings"]) for row in ensemble] == [(2, "all tasks"), (2, "all tasks")]
    assert (
        "b: 5 pairs of tasks; without a counterpart are 0 of a and 1 of b." in table_of(found, "compare_metrics").notes
    )


def test_losses_of_other_scales_are_not_subtracted_and_their_parts_are(make: Make) -> None:
    first = make("a", {42: 0.5, 43: 0.6})
    other = make("b", {42: 0.5, 43: 0.7}, old="alpha = 0.3\n[phase.grid]", new="alpha = 0.4\n[phase.grid]")
    found = compare([first, other])
    rows = {row["metric"]: row for row in rows_of(found, "compare_metrics") if row["phase"] == "ensemble"}
    assert (rows["loss"]["first"], rows["loss"]["difference"]) == (close(0.55), None)
    assert rows["validation"]["difference"] is None
    assert (rows["TD loss"]["difference"], rows["TD loss"]["lower"]) == (0.0, 0.0)
    assert any("not on one scale" in note for note in table_of(found, "compare_metrics").notes)


def evaluated(returns: dict[str, float], roi: float) -> dict[str, Any]:
    tasks = [{"chosen": {"task": task}, "compared": {"value": value}} for task, value in returns.items()]
    interval = {"value": roi, "lower": roi - 0.1, "upper": roi + 0.1}
    record = {"wins": 5, "losses": 4, "pushes": 1}
    whole = {"record": record, "roi": interval, "win_rate": {"value": 5 / 9, "lower": 0.4, "upper": 0.7}}
    policy = {"name": "CQL <ensemble>", "whole": whole, "verdict": {"verdict": "loses"}}
    return {"part": "test", "tasks": tasks, "policies": [policy, "damaged"]}


def test_returns_are_paired_by_seed_and_policies_have_no_interval(make: Make) -> None:
    losses = {42: 0.5, 43: 0.6, 44: 0.7}
    first, other = make("a", losses), make("a", losses)
    ids = [record.task.id for record in first.records if record.task.phase == "ensemble"]
    first = replace(first, evaluation=evaluated(dict(zip(ids, (0.0, 0.1, 0.2), strict=True)), -0.05))
    other = replace(other, evaluation=evaluated(dict(zip(ids, (0.1, 0.3, 0.8), strict=True)), 0.02))
    found = compare([first, other])
    (row,) = rows_of(found, "compare_returns")
    assert (row["run"], row["n"], row["difference"]) == ("a (2)", 3, close(0.3))
    policies = rows_of(found, "compare_policies")
    assert [(it["run"], it["bets"], it["roi_difference"]) for it in policies] == [
        ("a (1)", 10, None),
        ("a (2)", 10, close(0.07)),
    ]
    assert table_of(found, "compare_configuration").reason
    page = render_tables("T <b>", found.tables, found.figures, {"compare_curves": "<svg>drawn</svg>"})
    assert page.startswith(FIRST_LINE + "\n")
    assert "CQL &lt;ensemble&gt;" in page
    assert "<svg>drawn</svg>" in page
    assert "CQL <ensemble>" not in page
    assert "<title>T &lt;b&gt;</title>" in page
    document = json.loads(json.dumps(found.document()))
    assert document["tables"]["compare_returns"]["rows"][0]["first"] == close(0.1)


def test_other_data_gives_no_difference(make: Make) -> None:
    losses = {42: 0.5, 43: 0.6, 44: 0.7}
    first, other = make("a", losses), make("b", losses, digest="e" * 64)
    first = replace(first, evaluation=evaluated({first.records[0].task.id: 0.1}, -0.05))
    other = replace(other, evaluation=evaluated({other.records[0].task.id: 0.2}, 0.02))
    found = compare([first, other])
    for name, values in (("compare_metrics", 6), ("compare_returns", 1)):
        rows = rows_of(found, name)
        assert [(row["difference"], row["lower"]) for row in rows] == [(None, None)] * values
        assert all(row["n"] for row in rows)
        assert any("dddddddd and eeeeeeee" in note for note in table_of(found, name).notes)
    assert [row["roi_difference"] for row in rows_of(found, "compare_policies")] == [None, None]
    assert found.figures[1].reason


def test_nothing_in_common_says_so(make: Make) -> None:
    found = compare([make("a", {42: 0.5}), make("b", {}, old='name = "ensemble"', new='name = "other"')])
    assert rows_of(found, "compare_metrics") == []
    assert table_of(found, "compare_metrics").reason == "No two tasks that belong together are both done."
    assert "cqltui evaluate" in table_of(found, "compare_returns").reason
    with pytest.raises(ValueError, match="two runs"):
        compare([make("a", {})])
