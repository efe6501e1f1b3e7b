"""`python -m tests.benchmarks.judging`: how long judging holds the supervisor when the last of many tasks ends.

A run directory of finished tasks is made up, with curves of as many epochs, and with every criterion and question that
looks at curves.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import to_builtins

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.results.record import TaskResult, TaskStanding
from cqltui.results.rundir import METRICS_HEADER, RunDir, metrics_lines, write_json
from cqltui.results.study import Study
from cqltui.results.tables import write_results
from cqltui.state.model import Status
from trainer.progress import EpochMetrics

FILE = """
[campaign]
name = "many"
[trainer]
epochs = {epochs}
lr = 1e-4
hidden_dims = [64]
[[phase]]
name = "all"
priority = 8
questions = [
    {{ text = "a", answer = "convergence" }},
    {{ text = "b", answer = "best_loss" }},
    {{ text = "c", answer = "setting", setting = "alpha", seeds_from = "all" }},
    {{ text = "d", answer = "architectures", compare = ["reference", "depth", "width", "best"], seeds_from = "all" }},
    {{ text = "e", answer = "q_spread" }},
]
[phase.grid]
alpha = [0.2, 0.3]
seed = {{ from = 1, to = {seeds} }}
"""
CRITERIA = (
    'check = "all_done"',
    'metric = "loss"\nop = "<"\nvalue = 1.0',
    'check = "still_falling"\nafter_epoch = {after}',
    'check = "smooth"',
    'check = "conclusive"\nseeds_from = "all"\nwithin = ""',
    'check = "alpha_sensitivity"',
    'check = "no_overfitting"',
)
TOKEN = "1-1"

Made = TypeVar("Made")


def campaign_of(tasks: int, epochs: int, folder: Path) -> Campaign:
    """A phase of so many tasks with every criterion that looks at curves."""
    criteria = (f'[[phase.criterion]]\ntext = "a"\n{criterion}\n' for criterion in CRITERIA)
    text = FILE.format(epochs=epochs, seeds=tasks // 2) + "".join(criteria).format(after=max(epochs // 5, 1))
    path = folder / "many.toml"
    path.write_text(text, encoding="utf-8")
    return load_campaign(path).identified("data")


def finish(run_dir: RunDir, task: TaskSpec) -> TaskStanding:
    """Leave in the task's folder what a worker does, validated as it says."""
    epochs, every = task.trainer.epochs, task.trainer.validate_every
    curve = [0.05 + 0.5 / epoch + task.trainer.seed * 1e-5 for epoch in range(1, epochs + 1)]
    rows = [
        EpochMetrics(n, v, v / 2, v, 0.1, 1.0, 1e4 / 3, *((v, v / 2, v) if n % every == 0 or n == epochs else ()))
        for n, v in enumerate(curve, start=1)
    ]
    run_dir.task(task.id).mkdir(parents=True)
    run_dir.metrics_csv(task.id).write_bytes(METRICS_HEADER + metrics_lines(rows))
    counts, times = (1, 1, 1, TOKEN, "w1", "cpu"), (1.0, 2.0, 1.0, 1e4)
    result = TaskResult(task.id, task.digest, task.phase, *counts, *times, epochs, 1, rows[-1], None, None, {})
    write_json(run_dir.result_json(task.id), to_builtins(result))
    return TaskStanding(Status.DONE, 1, "", TOKEN)


def timed(what: str, do: Callable[[], Made]) -> Made:
    """Print how long it takes, in milliseconds."""
    began = time.perf_counter()
    made = do()
    print(f"{what:<58}{1000 * (time.perf_counter() - began):>9.1f} ms")
    return made


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=1000)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        campaign, run_dir = campaign_of(asked.tasks, asked.epochs, Path(name)), RunDir(Path(name) / "run")
        standings = {task.id: finish(run_dir, task) for task in campaign.tasks}
        last = [*standings][-1]
        print(f"{len(standings):,} finished tasks of {asked.epochs:,} epochs, {len(CRITERIA)} criteria")
        timed("all read anew, as at each task's end before", lambda: Study(run_dir, campaign).verdicts(standings))
        study = Study(run_dir, campaign)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for task_id in [*standings][:-1]:
            study.take(task_id, standings[task_id])
        timed("the last task ends: its curve is read and looked at", lambda: study.take(last, standings[last]))
        timed("its criteria are judged, by the figures of all", lambda: study.verdicts(standings))
        timed("its questions are answered, by the figures of all", lambda: study.answers(standings, None))
        timed(
            "the results are written at the end of the run", lambda: write_results(run_dir, campaign, standings, study)
        )
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"{'memory for the figures, at most':<58}{grown:>9.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
