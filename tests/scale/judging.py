"""Many finished long tasks: what looking at one more, and judging by all, take of the supervisor."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from cqltui.results.rundir import RunDir
from cqltui.results.study import Study
from tests.benchmarks.judging import campaign_of, finish

TIMES = 5


def judged(tasks: int, epochs: int) -> tuple[float, float]:
    """Return seconds of the processor for a look at one finished task, and for the verdicts and answers by all."""
    with TemporaryDirectory() as name:
        campaign, run_dir = campaign_of(tasks, epochs, Path(name)), RunDir(Path(name) / "run")
        standings = {task.id: finish(run_dir, task) for task in campaign.tasks}
        study = Study(run_dir, campaign)
        look_s = _spent(lambda: [study.take(task_id, standing) for task_id, standing in standings.items()])

        def judge() -> None:
            assert study.verdicts(standings)
            assert study.answers(standings, None)

        judge()  # what is worked out once
        return look_s / tasks, median(_spent(judge) for _ in range(TIMES))


def _spent(do: Callable[[], object]) -> float:
    began = time.process_time()
    do()
    return time.process_time() - began
