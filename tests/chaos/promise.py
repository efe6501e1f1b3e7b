"""What has to hold at the end of a run, whatever happened on its way."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct, field
from msgspec.structs import asdict

from cqltui.results.rundir import RunDir, read_json, read_metrics
from tests.integration.place import Trained, read_trained


class Tally(Struct):
    """Counted over one run, or summed over many."""

    tasks: int = 0
    executions: int = 0
    """Claims that the journal tells of."""
    results: int = 0
    duplicates: int = 0
    """Results that were recorded for a run of a task beyond the first."""
    lost: int = 0
    """Tasks without a result."""
    gaps: int = 0
    """Epochs that metrics.csv lacks, or has more than once."""
    different: int = 0
    """Results that are not those of the undisturbed run, bit for bit."""
    left: int = 0
    """Processes that live on two minutes after all users of their server were killed."""
    complaints: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Sum up."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return not (self.duplicates or self.lost or self.gaps or self.different or self.left or self.complaints)


def digest(trained: Mapping[str, Trained]) -> str:
    """SHA-256 over all final weights."""
    return hashlib.sha256("".join(f"{task} {trained[task].model}\n" for task in sorted(trained)).encode()).hexdigest()


def judge(run_dir: RunDir, expected: Mapping[str, Trained]) -> Tally:
    """Look at the run directory of a run that has ended."""
    trained = {task: found for task in expected if (found := read_trained(run_dir, task)) is not None}
    tally = Tally(
        tasks=len(expected),
        results=len(trained),
        lost=len(expected.keys() - trained.keys()),
        gaps=sum(_gaps(run_dir, task) for task in expected),
        different=sum(found != expected[task] for task, found in trained.items()),
    )
    _journal(run_dir, tally)
    _table(run_dir, tally)
    return tally


def _gaps(run_dir: RunDir, task: str) -> int:
    said = read_json(run_dir.result_json(task)) or {}
    counted = Counter(row.epoch for row in read_metrics(run_dir.metrics_csv(task)))
    wanted = set(range(1, int(said.get("epochs", 0)) + 1))
    return len(wanted ^ counted.keys()) + sum(count - 1 for count in counted.values())


def _journal(run_dir: RunDir, tally: Tally) -> None:
    """Every event once and in order, and one result a run of a task."""
    lines = [json.loads(line) for line in run_dir.journal.read_text(encoding="utf-8").splitlines()]
    places = [(line["epoch"], line["seq"]) for line in lines]
    told = {(line["epoch"], line["seq"]): line["data"]["from"] for line in lines if "from" in line["data"]}
    """Losses that the journal tells of: the last number lost to the first."""
    if places != sorted(set(places)):
        tally.complaints.append("the journal has events twice, or out of order")
    for (epoch, seq), (next_epoch, next_seq) in pairwise(places):
        if epoch == next_epoch and told.get((next_epoch, next_seq), next_seq) != seq + 1:
            tally.complaints.append(f"the journal lacks what is between {epoch}-{seq} and {next_epoch}-{next_seq}")
    tally.executions = len({line["token"] for line in lines if line["kind"] == "task.claimed"})
    done = {(line["task"], line["data"]["run"], line["token"]) for line in lines if line["kind"] == "task.done"}
    tally.duplicates = len(done) - len({(task, run) for task, run, _ in done})


def _table(run_dir: RunDir, tally: Tally) -> None:
    """The tables have a row a task, and each says that it is done."""
    rows: list[str] = []
    for path in run_dir.results.glob("phase*_results.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows += [row["status"] for row in csv.DictReader(file)]
    if rows != ["done"] * tally.tasks:
        tally.complaints.append(f"the tables say {dict(Counter(rows))}, expected {tally.tasks} done")
