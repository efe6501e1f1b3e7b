"""The end of a campaign in one page: best per phase, criteria, what failed, and where the files are."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cqltui.campaign.model import Campaign
from cqltui.results.record import TaskRecord
from cqltui.results.rundir import RunDir
from cqltui.state.model import FAILED, Status, Verdict
from cqltui.state.plain import headline, plain

ERROR_LIMIT = 2_000
"""Characters of a failed task's error."""
MAX_FAILURES = 10
VERDICT_WORDS = {True: "passed", False: "failed", None: "open"}


@dataclass(frozen=True, slots=True)
class Best:
    """The lowest value of a metric, and the task that has it."""

    metric: str
    value: float
    task_id: str
    task: str
    """Title and settings, for people."""
    alpha: float
    epoch: int
    baseline_loss: float | None


@dataclass(frozen=True, slots=True)
class PhaseSummary:
    """What a phase came to."""

    name: str
    title: str
    statuses: Mapping[Status, int]
    """Status -> number of tasks."""
    best: tuple[Best, ...]
    """The lowest loss, val_loss (both of the last epoch) and best_val_loss (of any epoch), as far as they are known."""
    best_by_alpha: tuple[Best, ...]
    """The lowest loss and val_loss of each alpha; empty if the phase has one alpha only."""
    verdicts: tuple[Verdict, ...]
    failures: tuple[str, ...]
    """A line for each task that is dead or cancelled."""
    seconds: float
    """Training time of all its tasks, one after another."""
    results_csv: str

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return sum(self.statuses.values())


@dataclass(frozen=True, slots=True)
class Summary:
    """What a campaign came to."""

    campaign: str
    title: str
    run_dir: str
    phases: tuple[PhaseSummary, ...]

    @property
    def done(self) -> int:
        """Tasks with a result."""
        return sum(phase.statuses.get(Status.DONE, 0) for phase in self.phases)

    @property
    def tasks(self) -> int:
        """All tasks."""
        return sum(phase.tasks for phase in self.phases)

    def to_json(self) -> dict[str, Any]:
        """For summary.json: losses that are no numbers are null."""
        return {
            "campaign": self.campaign,
            "title": self.title,
            "run_dir": self.run_dir,
            "tasks": self.tasks,
            "done": self.done,
            "phases": [_phase_json(phase) for phase in self.phases],
        }


def summarize(
    run_dir: RunDir, campaign: Campaign, records: Sequence[TaskRecord], verdicts: Mapping[str, tuple[Verdict, ...]]
) -> Summary:
    """The summary of a run. `verdicts` by phase, as of `judge.evaluate_all`."""
    phases = []
    for number, phase in enumerate(campaign.phases, start=1):
        own = [record for record in records if record.task.phase == phase.name]
        alphas = sorted({record.task.trainer.alpha for record in own})
        phases.append(
            PhaseSummary(
                name=phase.name,
                title=phase.title,
                statuses=dict(sorted(Counter(record.standing.status for record in own).items())),
                best=_best(own, ("loss", "val_loss", "best_val_loss")),
                best_by_alpha=tuple(
                    best
                    for alpha in alphas
                    if len(alphas) > 1
                    for best in _best([r for r in own if r.task.trainer.alpha == alpha], ("loss", "val_loss"))
                ),
                verdicts=verdicts[phase.name],
                failures=tuple(_failures(own)),
                seconds=sum(record.result.seconds for record in own if record.result),
                results_csv=str(run_dir.phase_csv(number, phase.name)),
            )
        )
    return Summary(campaign.name, campaign.title, str(run_dir.path), tuple(phases))


_MEASURES: dict[str, Callable[[TaskRecord], tuple[float | None, int | None]]] = {
    "loss": lambda record: (record.final.loss, record.final.epoch) if record.final else (None, None),
    "val_loss": lambda record: (record.final.val_loss, record.final.epoch) if record.final else (None, None),
    "best_val_loss": lambda r: (r.result.best_val_loss, r.result.best_val_epoch) if r.result else (None, None),
}


def _best(records: Iterable[TaskRecord], metrics: Iterable[str]) -> tuple[Best, ...]:
    """For each metric its lowest finite value, if there is one."""
    found = []
    for metric in metrics:
        measured = [(*_MEASURES[metric](record), record) for record in records]
        finite = [(v, epoch, r) for v, epoch, r in measured if v is not None and math.isfinite(v)]
        if finite:
            value, epoch, record = min(finite, key=lambda entry: entry[0])
            task, trainer = record.task, record.task.trainer
            settings = f"alpha {trainer.alpha:g}, lr {trainer.lr:g}, {list(trainer.hidden_dims)}, seed {trainer.seed}"
            title = f"{task.description}: {settings}" if task.description else settings
            found.append(Best(metric, value, task.id, title, trainer.alpha, epoch or 0, task.baseline_loss))
    return tuple(found)


def _failures(records: Iterable[TaskRecord]) -> Iterable[str]:
    for record in records:
        if record.standing.status in FAILED:
            reason = plain(headline(record.standing.error), ERROR_LIMIT).strip()
            yield f"{record.task.id} {record.task.title}: {record.standing.status}{': ' if reason else ''}{reason}"


def _phase_json(phase: PhaseSummary) -> dict[str, Any]:
    return {
        "name": phase.name,
        "title": phase.title,
        "tasks": phase.tasks,
        "statuses": dict(phase.statuses),
        "best": [asdict(best) for best in phase.best],
        "best_by_alpha": [asdict(best) for best in phase.best_by_alpha],
        "criteria": [
            {"text": v.text, "check": v.check, "passed": v.passed, "detail": v.detail} for v in phase.verdicts
        ],
        "failures": list(phase.failures),
        "seconds": phase.seconds,
        "results_csv": phase.results_csv,
    }


def render(summary: Summary) -> str:
    """The summary as plain text, a newline at the end."""
    lines = [f"{summary.title} ({summary.campaign}): {summary.done} of {summary.tasks} tasks done"]
    for number, phase in enumerate(summary.phases, start=1):
        lines += ["", *_phase_lines(number, phase)]
    lines += [
        "",
        "Files",
        *(f"  {phase.results_csv}" for phase in summary.phases),
        f"  {summary.run_dir}/results/summary.json (this page for programs)",
        f"  {summary.run_dir}/tasks/<task_id>/ (model.safetensors, metrics.csv, result.json)",
    ]
    return "\n".join(lines) + "\n"


def _phase_lines(number: int, phase: PhaseSummary) -> list[str]:
    statuses = ", ".join(f"{count} {status}" for status, count in phase.statuses.items())
    lines = [f"Phase {number}, {phase.title} ({phase.name}): {statuses}{_trained(phase)}"]
    for best in phase.best:
        against = ""
        if best.metric == "loss" and best.baseline_loss:
            against = f"; baseline {best.baseline_loss:.4f}"
        lines.append(f"  {f'best {_WORDS[best.metric]}':<34}{best.value:>9.4f}  epoch {best.epoch:,}{against}")
        lines.append(f"  {'':<34}{'':>9}  {best.task_id} {best.task}")
    if phase.best_by_alpha:
        lines.append("  by alpha (loss = td_loss + alpha * cql_loss: losses of different alphas are not on one scale)")
        for alpha in sorted({best.alpha for best in phase.best_by_alpha}):
            figures = (f"{best.metric} {best.value:.4f}" for best in phase.best_by_alpha if best.alpha == alpha)
            lines.append(f"    alpha {alpha:g}: best {', best '.join(figures)}")
    lines += [line for verdict in phase.verdicts for line in _verdict_lines(verdict)]
    lines += [f"  failed: {failure}" for failure in phase.failures[:MAX_FAILURES]]
    if len(phase.failures) > MAX_FAILURES:
        lines.append(f"  failed: and {len(phase.failures) - MAX_FAILURES} more, see {phase.results_csv}")
    return lines


def _trained(phase: PhaseSummary) -> str:
    """How long the tasks with a result have trained: of the others it is not known."""
    if not phase.seconds:
        return ""
    whose = "" if phase.tasks == phase.statuses.get(Status.DONE, 0) else "what is done "
    return f"; {whose}trained for {phase.seconds:,.0f} s, each task of a pack counted"


_WORDS = {
    "loss": "training loss",
    "val_loss": "validation loss, last epoch",
    "best_val_loss": "validation loss, any epoch",
}


def _verdict_lines(verdict: Verdict) -> tuple[str, str]:
    return f"  [{VERDICT_WORDS[verdict.passed]:^6}] {verdict.text}", f"           {verdict.detail}"
