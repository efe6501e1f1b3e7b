"""Events, handed to a reporter, and a run that they could be of."""

import io
import re
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from cqltui.reporters.jsonl import JsonReporter
from cqltui.reporters.lines import LineReporter
from cqltui.state.described import CampaignInfo, PhaseInfo
from cqltui.state.events import Event, Kind
from cqltui.state.forms import Form
from cqltui.state.model import RunState, TaskInfo
from cqltui.state.reduce import reduce
from tests.unit.runs import LAUNCH, info, play, queued


def tell(reporter: LineReporter | JsonReporter, events: Iterable[Event], state: RunState | None = None) -> RunState:
    """Hand the events to the reporter, with the states around each."""
    before = state or RunState()
    for event in events:
        after = reduce(before, event)
        reporter.handle(before, event, after)
        before = after
    return before


def lines_of(*events: Event, state: RunState | None = None) -> list[str]:
    """The lines that the events give, without their times."""
    out = io.StringIO()
    tell(LineReporter(out), events, state)
    return [re.sub(r"^[0-9-]{2}:[0-9-]{2}:[0-9-]{2} ", "", line) for line in out.getvalue().splitlines()]


def life(status: str, seq: int, **data: Any) -> Event:
    """A task's lifecycle event."""
    about = {"phase": "quality", "title": "Best overall (938fc1bd)"}
    kind = {"running": Kind.TASK_CLAIMED}.get(status) or Kind(f"task.{status}")
    return Event(kind, LAUNCH + seq, 1, seq, "938fc1bd", data={"status": status, "info": about, **data})


_FORM = Form.of({"phase": "p", "title": "", "epochs": 100, "epoch_steps": 10, "batch_size": 10}, [("title",)])


def queued_together(ids: Iterable[str], seq: int = 1, ts: float = LAUNCH) -> Event:
    """The event of very many new tasks."""
    rows = [[task_id, seq, 1 + n, ts, 5, _FORM.ref, [f"no. {n}"]] for n, task_id in enumerate(ids)]
    return Event(Kind.TASKS_QUEUED, ts, 1, seq, data={"forms": {_FORM.ref: _FORM.text.decode()}, "rows": rows})


def _alone(number: int, phase: str) -> TaskInfo:
    return info(number, phase, (256, 128, 64 + number))


def campaign_at(share: float) -> tuple[RunState, float]:
    """A state in the middle of a run of two phases, whose networks differ so that each trains alone, and its time."""
    tasks = [replace(queued(info(n, "quality"), 8.0), info=_alone(n, "quality")) for n in range(4)]
    tasks += [replace(queued(info(n), 6.0), info=_alone(n, "ensemble")) for n in range(4, 10)]
    played = play(tasks, 2, lambda task: 1e-3, noise=0.0)
    now = LAUNCH + (played.finish_ts - LAUNCH) * share
    phases = (PhaseInfo("quality", "Quality", 8), PhaseInfo("ensemble", "Ensemble", 6))
    return replace(played.at(now), campaign=CampaignInfo("deep", started_ts=LAUNCH, workers=2, phases=phases)), now
