"""The run directory, its files, and the tables and summary made of them."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from cqltui.campaign.model import Campaign
from cqltui.results.record import TaskStanding, read_q_heldout
from cqltui.results.rundir import RunDir, read_json, read_metrics, write_json
from cqltui.results.summary import render
from cqltui.results.tables import improvement, result_columns, write_results
from cqltui.state.model import Status
from tests.unit.small_run import finish, finish_all, metrics_of, table, write_metrics
from trainer.files import replace_file, replaced
from trainer.progress import EpochMetrics


def test_paths(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert run.attempt("938fc1bd", 2, "3-17") == tmp_path / "tasks/938fc1bd/run-2/3-17"
    assert run.phase_csv(1, "quality") == tmp_path / "results/phase1_quality_results.csv"
    assert run.log("w1") == tmp_path / "logs/w1.log"


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "/etc", ".hidden", "a\0", "a\nb", "x" * 200])
def test_a_foreign_name_does_not_lead_out_of_the_directory(tmp_path: Path, name: str) -> None:
    run = RunDir(tmp_path)
    for path in (run.task, run.log, lambda text: run.attempt("938fc1bd", 1, text), lambda text: run.phase_csv(1, text)):
        with pytest.raises(ValueError, match="cannot name a file"):
            path(name)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.json"
    write_json(path, {"a": 1})

    def break_off() -> None:
        with replaced(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert read_json(path) == {"a": 1}
    assert [entry.name for entry in path.parent.iterdir()] == ["x.json"]
    umask = os.umask(0o022)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_replace_file(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b" / "c"
    with pytest.raises(FileNotFoundError):
        replace_file(source, target)
    assert not target.parent.exists()
    source.write_bytes(b"x" * 3_000_000)
    replace_file(source, target)
    assert target.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"\xff", b"[" * 200_000])
def test_json_that_is_no_object_is_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    assert read_json(path) is None


def test_metrics_come_back_as_they_were(tmp_path: Path) -> None:
    written = [*metrics_of(1 / 3), EpochMetrics(4, math.pi, 1e-17, 2.0, -0.5, 1.0, 7.0)]
    write_metrics(tmp_path / "metrics.csv", written)
    assert read_metrics(tmp_path / "metrics.csv") == tuple(written)


def test_metrics_end_at_the_first_damage(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    assert read_metrics(path) == ()
    write_metrics(path, metrics_of(0.1))
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        assert read_metrics(path) == tuple(metrics_of(0.1))[: max(0, whole[:cut].count(b"\n") - 1)]
    lines = whole.splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1] + b"\0\xff,torn\n" + lines[2])
    assert read_metrics(path) == tuple(metrics_of(0.1))[:1]
    path.write_bytes(b"other,columns\n" + lines[1])
    assert read_metrics(path) == ()
    path.write_bytes(lines[0].replace(b"td_loss", b"loss", 1) + lines[1])
    assert read_metrics(path) == (), "a column twice"


def test_metrics_of_an_earlier_and_of_a_later_version_are_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    head, figures = "samples_per_s,epoch,loss,td_loss,cql_loss,q_mean,grad_norm", "700.0,1,0.5,0.4,0.3,0.2,0.1"
    path.write_text(f"{head}\n{figures}\n", encoding="utf-8")
    expected = EpochMetrics(1, 0.5, 0.4, 0.3, 0.2, 0.1, 700.0)
    assert read_metrics(path) == (expected,)
    path.write_text(f"{head},val_loss,q_max\n{figures},,7.5\n", encoding="utf-8")
    assert read_metrics(path) == (expected,)


def test_q_of_the_validation_rows(tmp_path: Path) -> None:
    path = tmp_path / "q.safetensors"
    assert read_q_heldout(path) is None
    save_file({"q": np.arange(8, dtype=np.float32).reshape(2, 4)}, path)
    read = read_q_heldout(path)
    assert read is not None
    assert read.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    path.write_bytes(path.read_bytes()[:-3])
    assert read_q_heldout(path) is None


def test_the_tables_of_a_finished_run(run_dir: RunDir, campaign: Campaign) -> None:
    write_results(run_dir, campaign, finish_all(run_dir, campaign))
    rows = table(run_dir.results / "phase1_quality_results.csv")
    assert list(rows[0]) == result_columns(next(campaign.tasks).algorithm)
    first, second = rows
    task = next(campaign.tasks)
    assert first == {
        "task_id": task.id,
        "description": "Best, overall",
        "alpha": "0.3",
        "lr": "0.0001",
        "hidden_dims": "64-32",
        "epochs": "3",
        "seed": "42",
        "batch_size": "128",
        "gamma": "0.99",
        "precision": "fp32",
        "target_update_steps": "1000",
        "grad_clip": "10.0",
        "validate_every": "10",
        "observation_scaler": "standard",
        "keep": "last-best",
        "keep_metric": "val_td_loss",
        "early_stop": "",
        "algorithm": "cql",
        "params": str(campaign.quantity(task, 0).params),
        "loss": "0.1",
        "td_loss": "0.1",
        "cql_loss": "0.3",
        "q_mean": "0.05",
        "grad_norm": "1.5",
        "val_loss": "0.51",
        "val_td_loss": "0.4",
        "val_cql_loss": "0.6",
        "best_val_loss": "0.5",
        "best_val_epoch": "2",
        "baseline_loss": "0.4",
        "improvement": repr((0.4 - 0.1) / 0.4),
        "ended_epoch": "3",
        "stopped_early": "",
        "seconds": "12.5",
        "samples_per_s": repr(1000.0 / 3),
        "worker": "w1",
        "device": "cpu",
        "attempts": "2",
        "status": "done",
    }
    assert (second["baseline_loss"], second["improvement"]) == ("", "")
    assert float(second["loss"]) == 0.1 + 1 / 7
    members = table(run_dir.results / "phase2_ensemble_results.csv")
    assert [row["description"] for row in members] == ["seed 42", "seed 43", "seed 44"]


def test_a_row_for_every_task_done_or_not(run_dir: RunDir, campaign: Campaign) -> None:
    done, dead, *rest = campaign.tasks
    finish(run_dir, done, 0.1)
    finish(run_dir, rest[0], 0.2)  # an old result of a task that was resubmitted
    standings = {
        done.id: TaskStanding(Status.DONE, 1),
        dead.id: TaskStanding(Status.DEAD, 3, "ValueError: bad\x1b[2J"),
        rest[0].id: TaskStanding(Status.QUEUED, 1),
        "ffffffff": TaskStanding(Status.DONE, 1),
    }
    summary = write_results(run_dir, campaign, standings)
    rows = table(run_dir.phase_csv(1, "quality")) + table(run_dir.phase_csv(2, "ensemble"))
    assert [row["status"] for row in rows] == ["done", "dead", "queued", "queued", "queued"]
    assert [row["loss"] for row in rows] == ["0.1", "", "", "", ""]
    assert [row["attempts"] for row in rows] == ["1", "3", "1", "0", "0"]
    assert (summary.done, summary.tasks) == (1, 5)
    text = run_dir.summary_txt.read_text(encoding="utf-8")
    assert f"failed: {dead.id} Other: dead: ValueError: bad\n" in text
    assert "[failed] Everything completes" in text
    assert "[ open ] They differ" in text


def test_done_without_its_files_is_a_row_without_figures(run_dir: RunDir, campaign: Campaign) -> None:
    task = next(campaign.tasks)
    write_results(run_dir, campaign, {task.id: TaskStanding(Status.DONE, 1)})
    row = table(run_dir.phase_csv(1, "quality"))[0]
    assert (row["status"], row["loss"], row["worker"]) == ("done", "", "")


def failed(campaign: Campaign, start: int) -> dict[str, TaskStanding]:
    """All tasks but the first ones are dead."""
    return {task.id: TaskStanding(Status.DEAD, 3, "ValueError: bad") for task in [*campaign.tasks][start:]}


def test_a_result_without_its_curve_counts_with_its_last_epoch(run_dir: RunDir, campaign: Campaign) -> None:
    task = next(campaign.tasks)
    finish(run_dir, task, 0.25)
    run_dir.metrics_csv(task.id).unlink()
    summary = write_results(run_dir, campaign, {task.id: TaskStanding(Status.DONE, 1)} | failed(campaign, 1))
    low = summary.phases[0].verdicts[1]
    assert (low.passed, low.detail.startswith("best loss 0.2500 ")) == (False, True)


def test_the_summary(run_dir: RunDir, campaign: Campaign) -> None:
    summary = write_results(run_dir, campaign, finish_all(run_dir, campaign))
    quality, ensemble = summary.phases
    assert [(best.metric, best.value, best.epoch) for best in quality.best] == [
        ("loss", 0.1, 3),
        ("val_loss", 0.51, 3),
        ("best_val_loss", 0.5, 2),
    ]
    assert [(best.metric, best.level) for best in quality.best_by_level] == [
        ("loss", 0.3),
        ("val_loss", 0.3),
        ("loss", 0.5),
        ("val_loss", 0.5),
    ]
    assert ensemble.best_by_level == ()
    assert [verdict.passed for verdict in quality.verdicts] == [True, True]
    assert ensemble.verdicts[0].passed is True
    assert quality.seconds == 25.0
    saved = json.loads(run_dir.summary_json.read_bytes())
    assert saved["phases"][0]["criteria"][1]["passed"] is True
    assert (saved["done"], saved["tasks"]) == (5, 5)
    text = run_dir.summary_txt.read_text(encoding="utf-8")
    assert text == render(summary)
    assert "[passed] Low loss" in text
    assert "0.1000  epoch 3; baseline 0.4000" in text
    for phase in summary.phases:
        assert phase.results_csv in text
        assert Path(phase.results_csv).is_file()


def test_the_same_run_gives_the_same_bytes(run_dir: RunDir, campaign: Campaign) -> None:
    standings = finish_all(run_dir, campaign)
    write_results(run_dir, campaign, standings)
    before = {path.name: path.read_bytes() for path in run_dir.results.iterdir()}
    write_results(run_dir, campaign, dict(reversed(standings.items())))
    assert {path.name: path.read_bytes() for path in run_dir.results.iterdir()} == before
    assert len(before) == 4


def test_improvement_is_a_share_of_the_baseline() -> None:
    assert improvement(0.3, 0.4) == pytest.approx(0.25)
    assert improvement(0.5, 0.4) == pytest.approx(-0.25)
    assert improvement(0.5, None) is None
    assert improvement(0.5, 0.0) is None
