"""`python -m tests.benchmarks.curves`: what the curves of the screen cost, in milliseconds of one core.

Eight tasks of 2,000 epochs, their losses with two percent of noise, on 160x48; the median of ten rounds. The table is
Markdown.
"""

import random
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from statistics import median

from cqltui.results.curves import CurveFiles, CurveSubject, CurveWish
from cqltui.results.rundir import METRICS_HEADER, RunDir, metrics_lines
from cqltui.state.curve import Curve, band, curve
from cqltui.ui.chart.draw import Memo, draw
from cqltui.ui.chart.model import Chart, Options, Series
from trainer.progress import EpochMetrics

TASKS, EPOCHS, ROUNDS = 8, 2_000, 10
CELLS, ROWS = 156, 44
"""Of a panel that has all of a terminal of 160x48."""


def losses(number: int) -> list[float]:
    """Return the losses of a task."""
    noise = random.Random(number)
    return [
        (0.05 + 0.01 * number + 0.9 * (epoch + 2) ** -0.62) * noise.uniform(0.98, 1.02)
        for epoch in range(1, EPOCHS + 1)
    ]


def measured(work: Callable[[], object]) -> float:
    """Return the milliseconds of the process's time that it takes."""
    times = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        times.append(1_000 * (time.process_time() - begin))
    return median(times)


def write(folder: Path) -> CurveWish:
    """Write the tasks' files, and return the wish for them."""
    subjects = []
    for number in range(TASKS):
        subject = CurveSubject(f"task{number}", 1, "1-1")
        path = RunDir(folder).attempt(subject.task_id, 1, "1-1")
        path.mkdir(parents=True)
        rows = [EpochMetrics(n, loss, loss, loss, 0.1, 1.0, 1e5) for n, loss in enumerate(losses(number), 1)]
        (path / "metrics.csv").write_bytes(METRICS_HEADER + metrics_lines(rows))
        subjects.append(subject)
    return CurveWish(tuple(subjects), ("loss",))


def main() -> None:
    """Measure, and print the table."""
    epochs = array("q", range(1, EPOCHS + 1))
    lines: list[Curve] = [curve(epochs, array("d", losses(number))) for number in range(TASKS)]
    one = Chart((Series("training", lines[0]),))
    many = Chart(tuple(Series(f"task {n}", line, n, n + 1) for n, line in enumerate(lines)))
    group = Chart(band=band(lines))
    memo = Memo()
    with tempfile.TemporaryDirectory() as folder:
        wish = write(Path(folder))
        files = CurveFiles(Path(folder))
        rows = [
            ("one curve, drawn", measured(lambda: draw(one, CELLS, ROWS, Options()))),
            ("eight curves, drawn", measured(lambda: draw(many, CELLS, ROWS, Options()))),
            ("eight curves, smoothed and drawn", measured(lambda: draw(many, CELLS, ROWS, Options(smoothing=2)))),
            ("eight curves, read at another epoch", measured(lambda: draw(many, CELLS, ROWS, Options(epoch=9), memo))),
            ("median and band, drawn", measured(lambda: draw(group, CELLS, ROWS, Options()))),
            ("median and band of eight, computed (in the background)", measured(lambda: band(lines))),
            ("eight files, read (in the background)", measured(lambda: CurveFiles(Path(folder)).read(wish))),
            ("eight files, nothing new", measured(lambda: files.read(wish))),
        ]
    print("| 160x48, 2,000 epochs | ms |\n| --- | --- |")
    for name, ms in rows:
        print(f"| {name} | {ms:.1f} |")


if __name__ == "__main__":
    main()
