"""Tables and summary of a small run, every figure of which is known and differs from all others."""

import json
import math
from pathlib import Path

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from cqltui.algorithms import named
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir, read_json, write_json
from cqltui.results.summary import MAX_FAILURES, PhaseSummary, Summary, render
from cqltui.results.tables import write_results
from cqltui.state.model import Status
from tests.unit.small_run import finish, table
from trainer.progress import EpochMetrics

LAST = EpochMetrics(3, 0.30, 0.20, 0.10, 0.05, 1.5, 900.0, 0.44, 0.33, 0.22)


def finish_with(run_dir: RunDir, task: TaskSpec, last: EpochMetrics, **result: object) -> None:
    """A finished task whose last epoch is this one."""
    finish(run_dir, task, 9.0)
    known = read_json(run_dir.result_json(task.id))
    assert known is not None
    write_json(run_dir.result_json(task.id), known | {"metrics": to_builtins(last)} | result)


@pytest.fixture
def standings(run_dir: RunDir, campaign: Campaign) -> dict[str, TaskStanding]:
    """The first phase: a training that diverged, and a good one. The second: done, dead and cancelled."""
    good, diverged, first, dead, cancelled = campaign.tasks
    finish_with(run_dir, good, LAST, best_val_loss=0.41, best_val_epoch=2, seconds=7.0)
    nan = replace(LAST, loss=math.nan, val_loss=-math.inf)
    finish_with(run_dir, diverged, nan, best_val_loss=math.nan, best_val_epoch=1, seconds=5.0)
    finish_with(run_dir, first, replace(LAST, val_loss=None), best_val_loss=None, best_val_epoch=None, seconds=2.0)
    return {
        good.id: TaskStanding(Status.DONE, 2),
        diverged.id: TaskStanding(Status.DONE, 1),
        first.id: TaskStanding(Status.DONE, 1),
        dead.id: TaskStanding(Status.DEAD, 3, "ValueError: bad\nTraceback"),
        cancelled.id: TaskStanding(Status.CANCELLED, 1),
    }


def test_the_figures_of_the_table(run_dir: RunDir, campaign: Campaign, standings: dict[str, TaskStanding]) -> None:
    write_results(run_dir, campaign, standings)
    row = table(run_dir.phase_csv(1, "quality"))[0]
    names = ("loss", "td_loss", "cql_loss", "q_mean", "val_loss", "best_val_loss", "best_val_epoch", "seconds")
    assert [float(row[name]) for name in names] == [0.30, 0.20, 0.10, 0.05, 0.44, 0.41, 2, 7]
    assert float(row["improvement"]) == pytest.approx(0.25)  # 0.30 against 0.4


def test_what_diverged_is_never_the_best(
    run_dir: RunDir, campaign: Campaign, standings: dict[str, TaskStanding]
) -> None:
    summary = write_results(run_dir, campaign, standings)
    good = next(campaign.tasks).id
    quality, ensemble = summary.phases
    found = [(best.metric, best.value, best.epoch, best.task_id) for best in quality.best]
    assert found == [("loss", 0.30, 3, good), ("val_loss", 0.44, 3, good), ("best_val_loss", 0.41, 2, good)]
    assert [(best.metric, best.level) for best in quality.best_by_level] == [("loss", 0.3), ("val_loss", 0.3)]
    assert [best.metric for best in ensemble.best] == ["loss"], "nothing else was measured"
    assert (quality.seconds, ensemble.seconds) == (12.0, 2.0)


def test_the_lowest_of_several_is_the_best(run_dir: RunDir, campaign: Campaign) -> None:
    *_, one, two, three = campaign.tasks
    for task, loss, epoch in ((one, 0.5, 1), (two, 0.3, 3), (three, 0.4, 2)):
        finish_with(run_dir, task, replace(LAST, loss=loss, epoch=epoch))
    summary = write_results(run_dir, campaign, {task.id: TaskStanding(Status.DONE, 1) for task in (one, two, three)})
    best = summary.phases[1].best[0]
    assert (best.value, best.epoch, best.task_id) == (0.3, 3, two.id)
    assert best.task == "alpha 0.3, lr 0.0001, [64,32], seed 43"


def test_the_summary_for_programs(run_dir: RunDir, campaign: Campaign, standings: dict[str, TaskStanding]) -> None:
    write_results(run_dir, campaign, standings)
    saved = json.loads(run_dir.summary_json.read_bytes())
    good, diverged, first, dead, cancelled = campaign.tasks
    phases = saved.pop("phases")
    assert saved == {"campaign": "small", "title": "small", "run_dir": str(run_dir.path), "tasks": 5, "done": 3}
    quality, ensemble = phases
    assert quality.pop("best")[0] == {
        "metric": "loss",
        "value": 0.30,
        "task_id": good.id,
        "task": "Best, overall: alpha 0.3, lr 0.0001, [64,32], seed 42",
        "alpha": 0.3,
        "epoch": 3,
        "baseline_loss": 0.4,
    }
    assert [best["metric"] for best in quality.pop("best_by_alpha")] == ["loss", "val_loss"]
    criteria = quality.pop("criteria")
    assert criteria[0] == {
        "text": "Everything completes",
        "check": "all_done",
        "passed": True,
        "detail": "2 of 2 tasks done",
    }
    assert quality == {
        "name": "quality",
        "title": "Quality",
        "tasks": 2,
        "statuses": {"done": 2},
        "failures": [],
        "seconds": 12.0,
        "results_csv": str(run_dir.phase_csv(1, "quality")),
    }
    assert ensemble["statuses"] == {"cancelled": 1, "dead": 1, "done": 1}
    assert ensemble["failures"] == [f"{dead.id} seed 43: dead: ValueError: bad", f"{cancelled.id} seed 44: cancelled"]
    assert ensemble["results_csv"] == str(run_dir.phase_csv(2, "ensemble"))
    assert ensemble["title"] == "ensemble"
    assert first.id != diverged.id


def test_the_summary_for_people(run_dir: RunDir, campaign: Campaign, standings: dict[str, TaskStanding]) -> None:
    lines = render(write_results(run_dir, campaign, standings)).splitlines()
    good, _, first, *_ = campaign.tasks
    assert lines[0] == "small (small): 3 of 5 tasks done"
    start = lines.index("Phase 1, Quality (quality): 2 done; trained for 12 s, each task of a pack counted")
    assert lines[start - 1] == ""
    assert [line.rstrip() for line in lines[start + 1 : start + 9]] == [
        "  best training loss                   0.3000  epoch 3; baseline 0.4000",
        f"  {'':<43}  {good.id} Best, overall: alpha 0.3, lr 0.0001, [64,32], seed 42",
        "  best validation loss, last epoch     0.4400  epoch 3",
        f"  {'':<43}  {good.id} Best, overall: alpha 0.3, lr 0.0001, [64,32], seed 42",
        "  best validation loss, any epoch      0.4100  epoch 2",
        f"  {'':<43}  {good.id} Best, overall: alpha 0.3, lr 0.0001, [64,32], seed 42",
        "  by alpha (loss = td_loss + alpha * cql_loss: losses of different alphas are not on one scale)",
        "    alpha 0.3: best loss 0.3000, best val_loss 0.4400",
    ]
    second = next(line for line in lines if line.startswith("Phase 2"))
    assert second == (
        "Phase 2, ensemble (ensemble): 1 cancelled, 1 dead, 1 done; what is done trained for 2 s, "
        "each task of a pack counted"
    )
    after = lines[lines.index(second) :]
    assert f"  {'':<43}  {first.id} alpha 0.3, lr 0.0001, [64,32], seed 42" in after
    assert not any("by alpha" in line or "baseline" in line for line in after)


def test_a_phase_without_results_has_no_time(run_dir: RunDir, campaign: Campaign) -> None:
    standings = {task.id: TaskStanding(Status.QUEUED, 0) for task in campaign.tasks}
    assert "Phase 2, ensemble (ensemble): 3 queued" in render(write_results(run_dir, campaign, standings)).splitlines()


def test_each_alpha_has_its_own_best(run_dir: RunDir, campaign: Campaign) -> None:
    for task, loss in zip(campaign.tasks, (0.3, 0.2), strict=False):
        finish_with(run_dir, task, replace(LAST, loss=loss))
    text = render(write_results(run_dir, campaign, {task.id: TaskStanding(Status.DONE, 1) for task in campaign.tasks}))
    assert "    alpha 0.3: best loss 0.3000, best val_loss 0.4400\n" in text
    assert "    alpha 0.5: best loss 0.2000, best val_loss 0.4400\n" in text


@pytest.mark.parametrize(("count", "more"), [(MAX_FAILURES, 0), (MAX_FAILURES + 3, 3)])
def test_many_failures_are_counted(tmp_path: Path, count: int, more: int) -> None:
    failures = tuple(f"task {n}" for n in range(count))
    phase = PhaseSummary("p", "P", named("cql"), {Status.DEAD: count}, (), (), (), failures, 0.0, "p.csv")
    lines = render(Summary("c", "C", "/run", (phase,))).splitlines()
    assert sum(line.startswith("  failed: task ") for line in lines) == MAX_FAILURES
    assert [line for line in lines if "more, see" in line] == (
        [f"  failed: and {more} more, see p.csv"] if more else []
    )


def test_where_everything_lies() -> None:
    run = RunDir(Path("r"))
    paths = {
        "campaign.json": run.campaign_json,
        "journal.jsonl": run.journal,
        "server": run.server,
        "logs/w1.log": run.log("w1"),
        "results/summary.json": run.summary_json,
        "results/summary.txt": run.summary_txt,
        "results/phase2_seeds_results.csv": run.phase_csv(2, "seeds"),
        "tasks/a1/task.json": run.task_json("a1"),
        "tasks/a1/result.json": run.result_json("a1"),
        "tasks/a1/metrics.csv": run.metrics_csv("a1"),
        "tasks/a1/model.safetensors": run.model("a1"),
        "tasks/a1/q_heldout.safetensors": run.q_heldout("a1"),
        "tasks/a1/run-3/1-7": run.attempt("a1", 3, "1-7"),
    }
    assert {str(path.relative_to("r")) for path in paths.values()} == set(paths)
    assert all(str(path) == f"r/{name}" for name, path in paths.items())
