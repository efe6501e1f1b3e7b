"""The end of a campaign in one page: best per phase, criteria, what failed, and where the files are."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, to_builtins

from cqltui.algorithms.base import Algorithm, setting_text
from cqltui.campaign.model import Campaign
from cqltui.judging.answers import Answered
from cqltui.results.answers import answer_lines
from cqltui.results.record import TaskRecord
from cqltui.results.rundir import RunDir
from cqltui.state.described import Verdict
from cqltui.state.model import FAILED, Status
from cqltui.state.plain import headline, plain

ERROR_LIMIT = 2_000
"""Characters of a failed task's error."""
MAX_FAILURES = 10
VERDICT_WORDS = {True: "passed", False: "failed", None: "open"}


class Best(Struct, frozen=True):
    """The lowest value of a metric, and the task that has it."""

    metric: str
    value: float
    task_id: str
    task: str
    """Title and settings, for people."""
    level: Any
    """The value of the algorithm's scale setting: values of other levels cannot be compared with it."""
    epoch: int
    baseline_loss: float | None


class PhaseSummary(Struct, frozen=True):
    """What a phase came to."""

    name: str
    title: str
    algorithm: Algorithm
    statuses: Mapping[Status, int]
    """Status -> number of tasks."""
    best: tuple[Best, ...]
    """The best headline and validation metric of the last epoch, and the best validation of any, where known."""
    best_by_level: tuple[Best, ...]
    """The best headline and validation metric of each value of `Algorithm.scale`; empty if the phase has one only."""
    verdicts: tuple[Verdict, ...]
    failures: tuple[str, ...]
    """A line for each task that is dead or cancelled."""
    seconds: float
    """Training time of all its tasks, one after another."""
    results_csv: str
    answers: tuple[Answered, ...] = ()
    """To its questions, where figures answer them."""

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return sum(self.statuses.values())


class Summary(Struct, frozen=True):
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
    run_dir: RunDir,
    campaign: Campaign,
    records: Sequence[TaskRecord],
    verdicts: Mapping[str, tuple[Verdict, ...]],
    answers: Sequence[Answered] = (),
) -> Summary:
    """Return the summary of a run. `verdicts` by phase, as of `judge.evaluate_all`; `answers` of all phases."""
    phases = []
    for number, phase in enumerate(campaign.phases, start=1):
        own = [record for record in records if record.task.phase == phase.name]
        algorithm = phase.tasks[0].algorithm
        levels = sorted({_level(record) for record in own})
        last = (algorithm.headline, algorithm.validation)
        phases.append(
            PhaseSummary(
                name=phase.name,
                title=phase.title,
                algorithm=algorithm,
                statuses=dict(sorted(Counter(record.standing.status for record in own).items())),
                best=_best(own, (*last, BEST + algorithm.validation)),
                best_by_level=tuple(
                    best
                    for level in levels
                    if len(levels) > 1
                    for best in _best([record for record in own if _level(record) == level], last)
                ),
                verdicts=verdicts[phase.name],
                failures=tuple(_failures(own)),
                seconds=sum(record.result.seconds for record in own if record.result),
                results_csv=str(run_dir.phase_csv(number, phase.name)),
                answers=tuple(each for each in answers if each.phase == phase.name),
            )
        )
    return Summary(campaign.name, campaign.title, str(run_dir.path), tuple(phases))


BEST = "best_"
"""Before the name of a validation metric: its best value of any epoch."""


def _level(record: TaskRecord) -> Any:
    return getattr(record.task.trainer, record.task.algorithm.scale, None)


def _measured(record: TaskRecord, metric: str) -> tuple[float | None, int | None]:
    """Return (value, epoch) of the last epoch, or of the best one for `best_<metric>`."""
    if record.result is None:
        return None, None
    if metric.startswith(BEST):
        return record.result.best_val_loss, record.result.best_val_epoch
    return getattr(record.result.metrics, metric), record.result.metrics.epoch


def _best(records: Iterable[TaskRecord], metrics: Iterable[str]) -> tuple[Best, ...]:
    """For each metric its lowest finite value, if there is one."""
    found = []
    for metric in metrics:
        measured = [(*_measured(record, metric), record) for record in records]
        finite = [(v, epoch, r) for v, epoch, r in measured if v is not None and math.isfinite(v)]
        if finite:
            value, epoch, record = min(finite, key=lambda entry: entry[0])
            task = record.task
            settings = task.algorithm.title(task.trainer)
            title = f"{task.description}: {settings}" if task.description else settings
            found.append(Best(metric, value, task.id, title, _level(record), epoch or 0, task.baseline_loss))
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
        "best": [_best_json(best, phase.algorithm.scale) for best in phase.best],
        f"best_by_{phase.algorithm.scale}": [_best_json(best, phase.algorithm.scale) for best in phase.best_by_level],
        "criteria": [
            {"text": v.text, "check": v.check, "passed": v.passed, "detail": v.detail} for v in phase.verdicts
        ],
        "failures": list(phase.failures),
        "seconds": phase.seconds,
        "results_csv": phase.results_csv,
    }


def _best_json(best: Best, scale: str) -> dict[str, Any]:
    return {scale if name == "level" else name: value for name, value in to_builtins(best).items()}


def render(summary: Summary, evaluation: Sequence[str] = ()) -> str:
    """Return the summary as plain text, a newline at the end. `evaluation`: lines of what the networks are worth."""
    lines = [f"{summary.title} ({summary.campaign}): {summary.done} of {summary.tasks} tasks done"]
    for number, phase in enumerate(summary.phases, start=1):
        lines += ["", *_phase_lines(number, phase)]
    if evaluation:
        lines += ["", *evaluation]
    answered = any(phase.answers for phase in summary.phases)
    lines += [
        "",
        "Files",
        *(f"  {phase.results_csv}" for phase in summary.phases),
        f"  {summary.run_dir}/results/summary.json (this page for programs)",
        *([f"  {summary.run_dir}/results/answers.json (the answers for programs)"] if answered else []),
        *([f"  {summary.run_dir}/evaluation/evaluation.json (every figure with its interval)"] if evaluation else []),
        f"  {summary.run_dir}/tasks/<task_id>/ (model.safetensors, metrics.csv, result.json)",
    ]
    return "\n".join(lines) + "\n"


def _phase_lines(number: int, phase: PhaseSummary) -> list[str]:
    statuses = ", ".join(f"{count} {status}" for status, count in phase.statuses.items())
    lines = [f"Phase {number}, {phase.title} ({phase.name}): {statuses}{_trained(phase)}"]
    for best in phase.best:
        against = ""
        if best.metric == phase.algorithm.headline and best.baseline_loss:
            against = f"; baseline {best.baseline_loss:.4f}"
        lines.append(
            f"  {f'best {_words(phase.algorithm, best.metric)}':<34}{best.value:>9.4f}  epoch {best.epoch:,}{against}"
        )
        lines.append(f"  {'':<34}{'':>9}  {best.task_id} {best.task}")
    if phase.best_by_level:
        lines.append(f"  by {phase.algorithm.scale} ({phase.algorithm.scale_note})")
        for level in sorted({best.level for best in phase.best_by_level}):
            figures = (f"{best.metric} {best.value:.4f}" for best in phase.best_by_level if best.level == level)
            lines.append(f"    {phase.algorithm.scale} {setting_text(level)}: best {', best '.join(figures)}")
    lines += [line for verdict in phase.verdicts for line in _verdict_lines(verdict)]
    lines += answer_lines(phase.answers)
    lines += [f"  failed: {failure}" for failure in phase.failures[:MAX_FAILURES]]
    if len(phase.failures) > MAX_FAILURES:
        lines.append(f"  failed: and {len(phase.failures) - MAX_FAILURES} more, see {phase.results_csv}")
    return lines


def _trained(phase: PhaseSummary) -> str:
    """Return how long the tasks with a result have trained: of the others it is not known."""
    if not phase.seconds:
        return ""
    whose = "" if phase.tasks == phase.statuses.get(Status.DONE, 0) else "what is done "
    return f"; {whose}trained for {phase.seconds:,.0f} s, each task of a pack counted"


def _words(algorithm: Algorithm, metric: str) -> str:
    """Return `training loss`, `validation loss, last epoch` or `validation loss, any epoch`."""
    what = algorithm.label(algorithm.headline)
    if metric == algorithm.headline:
        return f"training {what}"
    return f"validation {what}, {'any' if metric.startswith(BEST) else 'last'} epoch"


def _verdict_lines(verdict: Verdict) -> tuple[str, str]:
    return f"  [{VERDICT_WORDS[verdict.passed]:^6}] {verdict.text}", f"           {verdict.detail}"
