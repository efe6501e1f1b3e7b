"""Tells those who do not look at the screen: what `cqltui.state.alerts` decides, by a program and a webhook."""

import json
import logging
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from datetime import time as Hour  # noqa: N812
from typing import Any

from cqltui.campaign.model import NotifyConfig
from cqltui.campaign.occasion import Occasion
from cqltui.results.rundir import RunDir, read_json, write_json
from cqltui.state import alerts, select
from cqltui.state.alerts import Alert, Told
from cqltui.state.eta import Estimate, estimate
from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState
from cqltui.supervisor import program
from cqltui.supervisor.courier import Courier
from cqltui.supervisor.webhook import Webhook

log = logging.getLogger(__name__)

FORMAT = "cqltui.notice/1"
TELLING = frozenset({Kind.TASK_DEAD, Kind.CAMPAIGN, Kind.FINISHED, Kind.SNAPSHOT})
"""After these there may be something to tell."""
GATHER_S = 60.0
"""So long after a notice others are gathered: when everything fails, it does so one after the other."""
EXPECT_S = 10.0
"""So often the hour is looked at."""
LEAVE_S = program.LIMIT_S
"""What the end of a run waits for its last notice: as long as a program has for any, on a machine that may be busy."""


def next_hour(hour: Hour | None, now: float) -> float:
    """Return when the machine's clock next shows the hour, in seconds since 1970; 0 for none."""
    if hour is None:
        return 0.0
    then = datetime.combine(datetime.fromtimestamp(now).date(), hour)
    if then.timestamp() <= now:
        then += timedelta(days=1)
    return then.timestamp()


def clock(ts: float) -> str:
    """Return a moment as people read it."""
    return time.strftime("%a %H:%M", time.localtime(ts))


def couriers(config: NotifyConfig) -> list[Courier]:
    """Return who takes notices along, started; nobody where nothing is set."""
    found = []
    if config.command:
        told = program.Program(config.command)
        found.append(Courier("notify command", told.run, told.stop))
    if config.webhook is not None:
        webhook = Webhook(config.webhook)
        found.append(Courier(f"webhook at {webhook.host}", webhook.post))
    return found


class Notifying:
    """Decides with each event and as time passes; a reporter. What has been told is in the run directory before it
    goes out, so that whoever supervises the run next does not tell it again."""

    def __init__(self, run_dir: RunDir, couriers: Sequence[Courier]) -> None:
        self._run_dir = run_dir
        self._couriers = couriers
        self._told = Told(frozenset(strings_of(read_json(run_dir.notified_json))))
        self._is_news = False
        self._next_s = self._expect_s = 0.0
        """When there may be another notice, and when the hour is looked at; monotonic."""

    def __enter__(self) -> "Notifying":
        return self

    def __exit__(self, *_: object) -> None:
        deadline = time.monotonic() + LEAVE_S
        for courier in self._couriers:
            courier.leave(deadline)

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        """Look soon, and at verdicts and the end of the run at once: after the last task, time passes without ticks."""
        self._is_news |= event.kind in TELLING
        if event.kind is Kind.FINISHED and after.finished_ts:
            self._look(after, time.time(), None)
        elif event.kind is Kind.CAMPAIGN:
            self.tick(after, time.time())

    def tick(self, state: RunState, now: float) -> None:
        """Look if there may be something to tell."""
        passed = time.monotonic()
        expects = state.campaign.notify.late_ts > 0 and Occasion.LATE in state.campaign.notify.on
        is_hour = expects and passed >= self._expect_s
        if not self._couriers or passed < self._next_s or not (self._is_news or is_hour):
            return
        if is_hour:
            self._expect_s = passed + EXPECT_S
        self._look(state, now, estimate(state, now) if is_hour else None)

    def _look(self, state: RunState, now: float, expected: Estimate | None) -> None:
        self._is_news = False
        found, told = alerts.look(state, expected, now, self._told, clock)
        is_new, self._told = told.keys != self._told.keys, told
        if is_new:
            self._keep()
        for alert in found:
            log.info("notice: %s", alert.text)
            notice = json.dumps(payload(alert, state, now, str(self._run_dir.path))).encode()
            for courier in self._couriers:
                courier.give(notice)
            self._next_s = time.monotonic() + GATHER_S

    def _keep(self) -> None:
        try:
            write_json(self._run_dir.notified_json, {"told": sorted(self._told.keys)})
        except OSError as error:
            log.warning("%s cannot be written: %s", self._run_dir.notified_json.name, error)


def strings_of(said: Mapping[str, Any] | None) -> list[str]:
    """Return what a notified.json says that was told."""
    told = (said or {}).get("told")
    return [key for key in told if isinstance(key, str)] if isinstance(told, list) else []


def payload(alert: Alert, state: RunState, now: float, run_dir: str) -> dict[str, Any]:
    """Return what is told, as docs/notify.md has it."""
    done, total = alerts.done_of(state)
    return {
        "format": FORMAT,
        "event": alert.occasion,
        "text": alert.text,
        "content": alert.text,
        "ts": round(now, 3),
        "time": datetime.fromtimestamp(now).astimezone().isoformat(timespec="seconds"),
        "campaign": state.campaign.name,
        "title": state.campaign.title,
        "run_dir": run_dir,
        "host": socket.gethostname(),
        "done": done,
        "total": total,
        "tasks": {str(status): count for status, count in select.counts(state).items() if count},
        "data": dict(alert.data),
    }
