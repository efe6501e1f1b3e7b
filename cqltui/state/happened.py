"""What has happened to a run, and who did it, in the words of a list: events in, lines out. Pure."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from cqltui.state import decode
from cqltui.state.events import Event, Kind
from cqltui.state.model import Notice, Wanted
from cqltui.state.plain import headline, plain
from cqltui.state.untouched import queued_ids

MOST = 2_000
"""So many are kept, the newest."""
TEXT = 400
TOGETHER_S = 1.0
"""What happens to many tasks within it, one after the other and for the same reason, is told once."""
TASKS = {
    Kind.TASK_QUEUED: ("Q", "queued", "queued"),
    Kind.TASK_CLAIMED: ("R", "running", "started"),
    Kind.TASK_DONE: ("D", "done", "done"),
    Kind.TASK_DELAYED: ("W", "delayed", "failed, waits for its retry"),
    Kind.TASK_DEAD: ("X", "dead", "dead"),
    Kind.TASK_PAUSED: ("P", "paused", "paused"),
    Kind.TASK_CANCELLED: ("C", "cancelled", "cancelled"),
    Kind.TASK_WITHDRAWN: ("-", "withdrawn", "withdrawn from the file"),
    Kind.TASK_PRIORITY: ("±", "accent", "priority"),
}
"""Sign, role and words of what happens to a task; the signs are those of the task list."""
WORKERS = {
    Kind.WORKER_STARTED: ("●", "done", "worker started"),
    Kind.WORKER_STOPPED: ("○", "dim", "worker left"),
}
WANTED = {
    Wanted.RUNNING: "the run goes on",
    Wanted.PAUSED: "the run is paused",
    Wanted.DRAINING: "the run drains",
    Wanted.STOPPED: "the run is stopped",
}
LEVELS = {"error": ("!", "dead"), "warning": ("!", "warning")}
CRITERION = {True: ("✓", "done", "met"), False: ("✗", "dead", "failed"), None: ("·", "dim", "open again")}
REASONED = frozenset({Kind.TASK_DELAYED, Kind.TASK_DEAD})
"""Of these the error is told."""

Version = tuple[int, int, int]
"""(epoch, seq, and a number where one event tells several things)."""
NEVER: Version = (0, 0, -1)
"""Before all others."""


class Happening(Struct, frozen=True):
    """One thing that has happened."""

    version: Version
    ts: float
    sign: str
    role: str
    text: str
    """Foreign, but plain."""
    tasks: tuple[str, ...] = ()
    """Those it is about."""
    by: str = ""
    """Who asked for it; empty where nobody did."""
    worker: str = ""
    until: Version = NEVER
    """The version of the last one, where several are told as one."""

    @property
    def words(self) -> str:
        """What a filter looks at."""
        return f"{self.text} {self.by} {self.worker} {' '.join(self.tasks)}".casefold()


class Teller:
    """Takes events in order, and tells what they say that is new."""

    def __init__(self) -> None:
        self._wanted: str | None = None
        self._workers = 0
        self._verdicts: Mapping[tuple[str, str], bool | None] | None = None
        """By phase and criterion; None before any was told."""

    def tell(self, event: Event) -> list[Happening]:
        """Return what has happened; nothing for what no list needs, as checkpoints."""
        version = (event.epoch, event.seq, 0)
        if event.kind in TASKS:
            return [_task(event, version)]
        if event.kind is Kind.TASKS_QUEUED:
            ids = tuple(queued_ids(event.data))
            return [Happening(version, event.ts, *TASKS[Kind.TASK_QUEUED], ids)] if ids else []
        if event.kind in WORKERS:
            sign, role, words = WORKERS[event.kind]
            return [Happening(version, event.ts, sign, role, words, worker=plain(event.worker, 64))]
        if event.kind is Kind.NOTICE:
            sign, role = LEVELS.get(decode.text(event.data, "level"), ("·", "dim"))
            return [Happening(version, event.ts, sign, role, plain(decode.text(event.data, "text"), TEXT))]
        if event.kind in (Kind.WANTED, Kind.WORKERS, Kind.CAMPAIGN, Kind.FINISHED):
            found = self._campaign(event)
            return [replace(one, version=(*version[:2], number)) for number, one in enumerate(found)]
        return []

    def _campaign(self, event: Event) -> list[Happening]:
        """Return what differs from the campaign before."""
        version, data, found = (event.epoch, event.seq, 0), event.data, list[Happening]()
        wanted = decode.text(data, "wanted")
        if wanted in WANTED and self._wanted is not None and wanted != self._wanted:
            role = "done" if wanted == Wanted.RUNNING else "paused"
            by = plain(decode.text(data, "wanted_by"), decode.BY_LIMIT)
            found.append(Happening(version, event.ts, "■", role, WANTED[Wanted(wanted)], by=by))
        self._wanted = wanted or self._wanted
        workers = decode.whole(data, "asked_workers")
        if workers and workers != self._workers:
            by = plain(decode.text(data, "asked_workers_by"), decode.BY_LIMIT)
            text = f"{workers:,} worker{'s' if workers > 1 else ''} asked for"
            found.append(Happening(version, event.ts, "±", "accent", text, by=by))
        self._workers = workers
        found += self._criteria(event, version)
        if event.kind is Kind.FINISHED and decode.stamp(data, "finished_ts"):
            found.append(Happening(version, event.ts, "■", "done", "the run has ended"))
        return found

    def _criteria(self, event: Event, version: Version) -> list[Happening]:
        campaign = decode.campaign(event.data.get("campaign"))
        if campaign is None:
            return []
        before, found = self._verdicts, list[Happening]()
        self._verdicts = {
            (phase.name, verdict.text): verdict.passed for phase in campaign.phases for verdict in phase.verdicts
        }
        if before is None:
            return []
        for key, passed in self._verdicts.items():
            if passed is not before.get(key):
                sign, role, word = CRITERION[passed]
                found.append(Happening(version, event.ts, sign, role, plain(f"criterion {word}: {key[1]}", TEXT)))
        return found


def _task(event: Event, version: Version) -> Happening:
    sign, role, words = TASKS[event.kind]
    life = decode.lifecycle({**event.data, "report": None}, version[:2])
    worker = plain(event.worker or (life.worker if life else ""), 64)
    by = plain(life.by, decode.BY_LIMIT) if life else ""
    if life is not None and event.kind is Kind.TASK_PRIORITY:
        words = f"priority {life.priority:g}"
    elif life is not None and event.kind is Kind.TASK_CLAIMED and life.attempt > 1:
        words = f"started again, attempt {life.attempt:,}"
    elif life is not None and event.kind is Kind.TASK_QUEUED and life.attempt:
        words = "queued again"
    elif life is not None and event.kind is Kind.TASK_PAUSED and life.want == "pause":
        words = "is asked to pause"
    if life is not None and life.error and event.kind in REASONED:
        words = f"{words}: {plain(headline(life.error), TEXT)}"
    shown = worker if event.kind in (Kind.TASK_CLAIMED, Kind.TASK_DONE, *REASONED) else ""
    return Happening(version, event.ts, sign, role, words, (event.task,), by, shown)


def notices(found: Iterable[Notice]) -> list[Happening]:
    """Return the state's notices, as far as there is nothing else to tell."""
    return [
        Happening((*it.version, 0), it.ts, *LEVELS.get(it.level, ("·", "dim")), plain(it.text, TEXT)) for it in found
    ]


def together(found: Iterable[Happening]) -> tuple[Happening, ...]:
    """Return the same, the oldest first, what happened to several tasks at once as one thing."""
    told: list[Happening] = []
    members: list[str] = []
    start_ts, until = 0.0, NEVER

    def close() -> None:
        if len(members) > 1:
            told[-1] = replace(told[-1], tasks=tuple(members), until=until)

    for one in found:
        last = told[-1] if told else None
        same = last is not None and (last.sign, last.text, last.by, last.worker) == (
            *(one.sign, one.text, one.by, one.worker),
        )
        if same and one.tasks and members and abs(one.ts - start_ts) <= TOGETHER_S:
            members += one.tasks
            until = max(one.version, one.until)
            continue
        close()
        told.append(one)
        members, start_ts, until = list(one.tasks), one.ts, one.until
    close()
    return tuple(told[-MOST:])


def extended(told: tuple[Happening, ...], newer: Iterable[Happening]) -> tuple[Happening, ...]:
    """Return what was put together already, and what has happened since. All but the last of `told` is as it was."""
    return (*told[:-1], *together((*told[-1:], *newer)))[-MOST:]


def merged(
    journal: tuple[Happening, ...], seen: tuple[Happening, ...], told: Iterable[Notice]
) -> tuple[Happening, ...]:
    """Return what the journal tells, which is put together already, and what was seen since, the oldest first. Where
    there is no journal, the state's notices are what is known of before."""
    last = max(journal[-1].version, journal[-1].until) if journal else NEVER
    newer = {one.version: one for one in (*(() if journal else notices(told)), *seen) if one.version > last}
    return extended(journal, (newer[version] for version in sorted(newer)))


def matches(happening: Happening, words: Iterable[str]) -> bool:
    """Return whether all words are in it; one that begins with ! must not be."""
    text = happening.words
    return all((word[1:] not in text) if word.startswith("!") and len(word) > 1 else word in text for word in words)
