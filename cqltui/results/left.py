"""The run as its directory tells of it, where no server does, or none has answered yet: each task with what is accepted
or saved of it."""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from cqltui.algorithms import named
from cqltui.errors import InputError
from cqltui.later import Later
from cqltui.results.outline import COUNT, outline
from cqltui.results.rundir import RunDir, read_json, read_metrics, why_unreadable
from cqltui.results.tally import Tally
from cqltui.state import decode
from cqltui.state.counting import counted
from cqltui.state.described import CampaignInfo
from cqltui.state.model import ENDED, Lifecycle, Progress, RunState, Status, TaskInfo, TaskState, Wanted
from cqltui.state.report import report_of

if TYPE_CHECKING:
    from cqltui.results import planned
else:  # for very many tasks only
    planned = Later("cqltui.results.planned")

MOST = 3_000
"""Tasks that are read at a glance: in about the time that a server takes to be reached and to tell them. Of more those
that nobody has touched have no task.json."""
_CHECKPOINT = re.compile(r"checkpoint-(\d{1,12})\.safetensors")


def from_disk(run_dir: RunDir) -> RunState:
    """Return what the run directory knows: where each task was when it was last written down. Raises InputError."""
    raw = outline(run_dir)
    tasks: dict[str, TaskState] = {}
    for path in sorted(run_dir.tasks.glob("*/task.json")):
        if (task := _written(path)) is not None:
            report = left_of(run_dir, task.info, task.life)
            tasks[task.id] = replace(task, life=replace(task.life, report=report))
    if is_large(raw) and run_dir.journal.exists():
        tasks |= planned.untouched(run_dir, tasks)
    if not tasks:
        expect_readable(run_dir)
        raise InputError(f"{run_dir.path}: nothing has run here yet")
    campaign = _campaign(run_dir, raw)
    finished_ts = decode.stamp(raw, "finished_ts")
    if not finished_ts and "finished_ts" not in raw and all(task.status in ENDED for task in tasks.values()):
        finished_ts = max(task.life.finished_ts for task in tasks.values())  # of a version that did not write it
    return RunState(campaign=campaign, tasks=tasks, wanted=Wanted.STOPPED, finished_ts=finished_ts)


def is_large(raw: Mapping[str, Any]) -> bool:
    """Return whether a run has so many tasks that those which nobody has touched are not written down. `raw`: its
    `outline`."""
    return decode.whole(raw, COUNT) > MOST


def expect_readable(run_dir: RunDir) -> None:
    """Raise InputError if there is a campaign.json that cannot be read."""
    if why := why_unreadable(run_dir.campaign_json):
        raise InputError(f"{run_dir.campaign_json}: {why}: restore it, or run the campaign file again")


def at_a_glance(
    run_dir: RunDir, raw: Mapping[str, Any], within_s: float, monotonic: Callable[[], float] = time.monotonic
) -> RunState:
    """Return a run that goes on as it was last written down, by its campaign.json (`raw`) and the tasks' task.json
    alone: offline since its journal was last written to. What is damaged is left out. Without tasks if there are more
    than `MOST`, or reading them takes longer than `within_s`: a part of them would look like all."""
    end = monotonic() + within_s
    tasks: dict[str, TaskState] = {}
    folders = [] if is_large(raw) else list(run_dir.tasks.glob("*"))
    for folder in folders if len(folders) <= MOST else ():
        if monotonic() >= end:
            tasks = {}
            break
        if (task := _written(folder / "task.json")) is not None:
            tasks[task.id] = task
    known = MappingProxyType(tasks)
    return RunState(
        campaign=_campaign(run_dir, raw),
        tasks=known,
        counted=counted(known),
        finished_ts=decode.stamp(raw, "finished_ts"),
        offline_since=_written_ts(run_dir.journal) or _written_ts(run_dir.campaign_json),
    )


def _written(path: Path) -> TaskState | None:
    """Return the task of a task.json; None if it is none."""
    task_id = path.parent.name
    if not decode.NAME.fullmatch(task_id):
        return None
    said = read_json(path) or {}
    info = decode.task_info(task_id, said.get("info"))
    life = decode.lifecycle(known, (0, 1)) if isinstance(known := said.get("life"), Mapping) else None
    return TaskState(info, life) if info is not None and life is not None else None


def _campaign(run_dir: RunDir, raw: Mapping[str, Any]) -> CampaignInfo:
    """Return the campaign of campaign.json."""
    campaign = decode.campaign(_described(run_dir, raw.get("campaign"))) or CampaignInfo()
    return replace(campaign, run_dir=str(run_dir.path), started_ts=decode.stamp(raw, "created_ts"))


def left_of(run_dir: RunDir, info: TaskInfo, life: Lifecycle) -> Progress | None:
    """Return what there is of the task's training: its accepted result if it is done, else its newest checkpoint."""
    accepted = accepted_report(run_dir, info, life)
    if life.status is Status.DONE or (accepted is not None and life.status is Status.WITHDRAWN):
        return accepted or life.report
    saved = _saved_report(run_dir, info, life)
    # A worker of another machine has its checkpoints there.
    known = [report for report in (life.report, saved) if report is not None]
    return max(known, key=lambda report: report.epoch, default=None)


def accepted_report(run_dir: RunDir, info: TaskInfo, life: Lifecycle) -> Progress | None:
    """Return the report of the published result, if it is that of this attempt."""
    result = read_json(run_dir.result_json(info.id)) or {}
    report = report_of(result) if result.get("token") == life.token else None
    if report is None:
        return None
    if "curve" not in report:  # of a version that did not write it
        report["curve"] = _tally(info, run_dir.metrics_csv(info.id), info.epochs).curve()
    return decode.progress(report, life.finished_ts or decode.stamp(result, "finished_ts"))


def earlier_result(run_dir: RunDir, info: TaskInfo, digest: str, life: Lifecycle) -> Lifecycle | None:
    """Return how the task was done in a run before this one, whose result is still published; None if it never was."""
    result = read_json(run_dir.result_json(info.id)) or {}
    run = decode.whole(result, "run")
    if life.status is Status.DONE or result.get("digest") != digest or not 0 < run < life.run:
        return None
    started_ts = decode.stamp(result, "started_ts")
    before = Lifecycle(
        status=Status.DONE,
        run=run,
        attempt=decode.whole(result, "attempt"),
        worker=decode.text(result, "worker"),
        token=decode.text(result, "token"),
        started_ts=started_ts,
        claimed_ts=started_ts,
        finished_ts=decode.stamp(result, "finished_ts"),
    )
    return replace(before, report=accepted_report(run_dir, info, before))


def _saved_report(run_dir: RunDir, info: TaskInfo, life: Lifecycle) -> Progress | None:
    """As of the newest checkpoint of this run that has its metrics beside it."""
    found = [
        (int(name[1]), path)
        for path in run_dir.run(info.id, life.run).glob("*/checkpoint-*.safetensors")
        if (name := _CHECKPOINT.fullmatch(path.name)) is not None
    ]
    for epoch, path in sorted(found, reverse=True):
        tally = _tally(info, path.with_name("metrics.csv"), epoch)
        if 0 < tally.epoch == epoch <= info.epochs:
            return decode.progress(tally.report() | {"token": path.parent.name}, _written_ts(path))
    return None


def _written_ts(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _tally(info: TaskInfo, path: Path, epochs: int) -> Tally:
    """Of the first epochs in a metrics.csv."""
    tally = Tally(named(info.algorithm), info.epochs, info.epoch_steps, info.batch_size)
    for row in read_metrics(path):
        if row.epoch > epochs:
            break
        tally.add(row)
    return tally


def _described(run_dir: RunDir, campaign: object) -> object:
    """Return the campaign of campaign.json with the criteria and answers of the results, as `decode.campaign` reads
    it."""
    if not isinstance(campaign, dict):
        return campaign
    summary, answered = (read_json(path) or {} for path in (run_dir.summary_json, run_dir.answers_json))
    criteria = {decode.text(phase, "name"): phase.get("criteria") for phase in decode.dicts(summary.get("phases"))}
    answers: dict[str, list[object]] = {}
    for answer in decode.dicts(answered.get("answers")):
        answers.setdefault(decode.text(answer, "phase"), []).append(answer)
    phases = [
        {**phase, "verdicts": criteria.get(name), "answers": answers.get(name)}
        for phase in decode.dicts(campaign.get("phases"))
        for name in [decode.text(phase, "name")]
    ]
    return {**campaign, "phases": phases, "workers": _count(campaign.get("workers"))}


def _count(workers: object) -> Any:
    return workers.get("count") if isinstance(workers, Mapping) else workers
