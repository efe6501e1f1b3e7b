"""A campaign that is run again after its end: whether anything is left to do, and whether its report is due."""

import sys
import time
from typing import get_args

from msgspec.structs import replace

from cqltui.app.dataset import load_data
from cqltui.app.finished import look
from cqltui.app.started import recorded_campaign
from cqltui.campaign.compact import first_of
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.results.record import TaskResult
from cqltui.results.reported import is_due
from cqltui.results.rundir import RESULT_FILES, RunDir, read_json
from cqltui.results.standings import standings
from cqltui.state import decode
from cqltui.state.model import ENDED, RunState, Status, TaskState
from cqltui.supervisor import manifest
from cqltui.supervisor.reporting import report
from trainer.config import Precision

POLL_S = 0.1


def as_begun(campaign: Campaign, data: DataSummary, run_dir: RunDir) -> Campaign:
    """Return the campaign with the precision that "auto" came to when the run began."""
    phases = decode.dicts(manifest.known(run_dir).get("phases"))
    tasks = [first_of(item) for phase in phases for item in decode.dicts(phase.get("tasks"))]
    auto = [task.get("trainer") for task in tasks if task.get("auto_precision")]
    found = {decode.text(trainer, "precision") for trainer in decode.dicts(auto)}
    for precision in get_args(Precision):
        if precision in found:
            campaign = campaign.with_auto_precision(precision).identified(data.digest)
    return campaign


def has_nothing_left(run_dir: RunDir, campaign: Campaign) -> RunState | None:
    """Return how the run stands if this very campaign has come to its end there, with everything in place; else None.
    Raises InputError for the data."""
    state = look(run_dir)
    if state is None or manifest.is_own_server(run_dir):  # what its server knows may be newer
        return None
    campaign = as_begun(*load_data(campaign), run_dir)
    known = manifest.known(run_dir)
    mine = manifest.resolved(campaign, beside=known)
    skipped = {"path", "workers", "redis", "evaluate", "report"}
    if not isinstance(data := known.get("data"), dict) or "split" not in data:
        skipped.add("data")  # of an earlier version: the tasks' ids tell what was trained on
    same = all(known.get(key) == mine[key] for key in mine if key not in skipped)
    tasks = [task for task in state.tasks.values() if task.status is not Status.WITHDRAWN]
    if not same or {task.id for task in tasks} != {task.id for task in campaign.tasks}:
        return None
    ended = all(task.status in ENDED and task.life.finished_ts <= state.finished_ts for task in tasks)
    results = [run_dir.summary_txt, run_dir.summary_json]
    results += [run_dir.phase_csv(number, phase.name) for number, phase in enumerate(campaign.phases, start=1)]
    if any(question.answer for phase in campaign.phases for question in phase.questions):
        results.append(run_dir.answers_json)
    if ended and all(path.is_file() for path in results) and all(_is_published(run_dir, task) for task in tasks):
        return state
    return None


def report_if_due(run_dir: RunDir, campaign: Campaign, state: RunState) -> None:
    """Write the report of a run that has ended where there is none of what it holds, told on standard error."""

    def notice(level: str, text: str) -> None:
        print(text, file=sys.stderr)

    def is_stopped() -> bool:
        time.sleep(POLL_S)
        return False  # Ctrl-C ends this very process, and the report with it

    known = replace(recorded_campaign(run_dir), report=campaign.report)
    if is_due(run_dir, known, standings(state)):
        report(run_dir, notice, is_stopped)


def _is_published(run_dir: RunDir, task: TaskState) -> bool:
    if task.status is not Status.DONE:
        return True
    result = TaskResult.from_json(read_json(run_dir.result_json(task.id)) or {})
    whole = all((run_dir.task(task.id) / name).is_file() for name in RESULT_FILES)
    return whole and result is not None and result.token == task.life.token
