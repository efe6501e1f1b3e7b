"""Wire values into the state's types. What comes over the wire is foreign: wrong types and nonsense become defaults."""

import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from msgspec.structs import replace

from cqltui.algorithms import ALGORITHMS, named
from cqltui.algorithms.base import told
from cqltui.algorithms.kinds import free_settings
from cqltui.campaign.occasion import Occasion
from cqltui.fields import INVALID
from cqltui.identity import ProcessIdentity
from cqltui.state.described import AnswerInfo, CampaignInfo, PhaseInfo, Verdict
from cqltui.state.forms import Filled, Form
from cqltui.state.model import Lifecycle, Progress, Status, TaskInfo, WorkerState
from cqltui.state.notify import NotifyInfo

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What the id of a task or a worker looks like. Ids become names of files, so that no other is taken from anywhere."""
TEXT_LIMIT = 10_000
BY_LIMIT = 100
"""Of who asked for something."""
LIST_LIMIT = 1000
"""Of phases, questions, criteria, a pack's members and points of a curve: more than there are of any."""
LATEST_TS = 1e11
"""Seconds since 1970: in the year 5138. Calendars fail far beyond."""
METRICS = tuple(dict.fromkeys(name for algorithm in ALGORITHMS.values() for name in algorithm.metric_names()))
_LISTS, _NUMBERS, _LARGEST_FLOAT = (list, tuple), (float, int), sys.float_info.max
LARGEST = 2**63 - 1
"""Of a whole number: what is computed from two of them still fits a float."""

MAPPINGS = (dict, Mapping)
"""A dictionary, as nearly all are, is told at once, any other mapping by its class: ten thousands are looked at when a
screen opens."""


def number(data: object, key: str, default: float = 0.0) -> float:
    """Return data[key] as a finite float, else the default. Numbers may come as strings, as Redis stores them."""
    value = data.get(key) if isinstance(data, MAPPINGS) else None
    try:
        result = float(value)  # type: ignore[arg-type]  # anything may come; what is no number raises
    except (TypeError, ValueError, OverflowError):
        return default
    return result if math.isfinite(result) else default


def stamp(data: object, key: str) -> float:
    """Return data[key] as seconds since 1970, 0 if it is none that a clock could show."""
    value = number(data, key)
    return value if is_stamp(value) else 0.0


def is_stamp(value: float) -> bool:
    """Return whether a calendar has such a moment."""
    return 0 <= value <= LATEST_TS


def optional(data: Mapping[str, Any], key: str) -> float | None:
    """Return data[key] as a finite float, or None."""
    value = number(data, key, math.inf)
    return None if value == math.inf else value


def whole(data: object, key: str) -> int:
    """Return data[key] as an int of at most 63 bits, 0 if it is none."""
    if isinstance(data, MAPPINGS) and type(value := data.get(key)) is int and -LARGEST <= value <= LARGEST:
        return value
    return max(-LARGEST, min(LARGEST, int(number(data, key))))


def text(data: Mapping[str, Any], key: str) -> str:
    """Return data[key] as a bounded string."""
    return _as_text(data.get(key))


def dicts(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings in a list; nothing if it is none."""
    if isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, MAPPINGS))


def few(value: object) -> Iterator[Mapping[str, Any]]:
    """Return the same, at most `LIST_LIMIT`."""
    return islice(dicts(value), LIST_LIMIT)


def items(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the (key, mapping) pairs of a mapping of mappings."""
    if isinstance(value, Mapping):
        yield from ((str(k), v) for k, v in value.items() if isinstance(v, MAPPINGS))


def strings(value: object) -> tuple[str, ...]:
    """Return the items of a list as strings, at most `LIST_LIMIT`."""
    return tuple(map(_as_text, value[:LIST_LIMIT])) if isinstance(value, list | tuple) else ()


def _as_text(value: object) -> str:
    """Return what can be said in a line; nothing of lists and objects, which may be nested deeper than can be
    written."""
    if type(value) is str:
        return value if len(value) <= TEXT_LIMIT else value[:TEXT_LIMIT]
    return str(value)[:TEXT_LIMIT] if isinstance(value, str | int | float) else ""


def _shared(said: str) -> str:
    """Return the text as one object for all that say it: what a phase's tasks have in common is kept once."""
    return sys.intern(str(said))


def task_info(task_id: str, raw: object) -> TaskInfo | None:
    """Return the fixed part of a task, or None if there is nothing to read."""
    if not isinstance(raw, MAPPINGS):
        return None
    if type(raw) is Filled:
        return filled_info(task_id, raw.form, raw.own)
    algorithm = named(text(raw, "algorithm"))
    settings = raw.get("settings")
    # Earlier versions wrote the settings beside the rest, and knew neither shape nor pack.
    accepted = algorithm.accepted(settings if isinstance(settings, MAPPINGS) else raw)
    shape = text(raw, "shape") or algorithm.shape_of(accepted)
    return TaskInfo(
        id=task_id,
        phase=_shared(text(raw, "phase")),
        title=text(raw, "title"),
        description=_shared(text(raw, "description")),
        index=whole(raw, "index"),
        algorithm=algorithm.name,
        settings={name: told(value) for name, value in accepted.items()},
        shape=_shared(shape),
        pack=_shared(text(raw, "pack") if "pack" in raw or not shape else f"{text(raw, 'phase')}:{shape}"),
        epochs=whole(raw, "epochs"),
        batch_size=whole(raw, "batch_size"),
        epoch_steps=whole(raw, "epoch_steps"),
        step_flops=whole(raw, "step_flops"),
        params=whole(raw, "params"),
        baseline_loss=optional(raw, "baseline_loss"),
    )


_OWN = ("title", "description", "index", "baseline_loss")
"""What tasks of one form may differ in, beside free settings, that nothing else is read by."""


def filled_info(task_id: str, form: Form, own: Sequence[Any]) -> TaskInfo | None:
    """Return the same of a task whose form many have, by its own values: what they have in common is read once."""
    if (reading := _form_info(form)) is None:
        return task_info(task_id, form.object(own))
    base, (title, description, index, baseline), free = reading
    settings = dict(base.settings)
    for name, place, accepted in free:
        if (value := accepted(own[place])) is INVALID:
            return task_info(task_id, form.object(own))
        settings[name] = value
    said, place, loss = own[description], own[index], own[baseline]
    if type(place) is not int or not 0 <= place <= LARGEST:
        place = whole({"": place}, "")
    return TaskInfo(  # `replace` takes twice as long
        task_id, base.phase, _as_text(own[title]), _shared(_as_text(said)) if said else "", place, base.algorithm,
        settings, base.shape, base.pack, base.epochs, base.batch_size, base.epoch_steps, base.step_flops, base.params,
        None if loss is None else optional({"": loss}, ""),
    )  # fmt: skip


@lru_cache(256)
def _form_info(form: Form) -> tuple[TaskInfo, list[int], list[tuple[str, int, Callable[[object], Any]]]] | None:
    """Return a task of the form, and the places of its values: of a task's own, and of free settings with how they are
    read. None for a form that has others, or lacks one."""
    paths = {path: place for place, path in enumerate(form.paths)}
    base = task_info("", form.object([None] * len(paths)))
    if base is None:
        return None
    algorithm = named(base.algorithm)
    own = [paths.pop((name,)) for name in _OWN if (name,) in paths]
    free = {name: paths.pop(path) for name in free_settings(algorithm) if (path := ("settings", name)) in paths}
    if paths or len(own) < len(_OWN):
        return None
    order = [setting.name for setting in algorithm.settings if setting.name in base.settings or setting.name in free]
    reads = [(name, place, algorithm.acceptance(name)) for name, place in free.items()]
    return replace(base, settings={name: base.settings.get(name) for name in order}), own, reads


def lifecycle(raw: Mapping[str, Any], version: tuple[int, int]) -> Lifecycle | None:
    """Return a task's lifecycle, or None if its status is unknown."""
    try:
        status = Status(text(raw, "status"))
    except ValueError:
        return None
    told = {name: read(raw, name) for name in raw if (read := _LIFE.get(name)) is not None}
    return Lifecycle(version=version, status=status, **told)


def _report(raw: Mapping[str, Any], key: str) -> Progress | None:
    report = raw.get(key)
    return progress(report, stamp(report, "ts")) if isinstance(report, MAPPINGS) else None


_LIFE: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    "priority": number,
    **dict.fromkeys(("order", "attempt", "deaths"), whole),
    "run": lambda raw, key: max(1, whole(raw, key)),
    **dict.fromkeys(("queued_ts", "started_ts", "claimed_ts", "finished_ts", "ready_ts"), stamp),
    **dict.fromkeys(("worker", "token", "paused_by", "want", "error"), text),
    "by": lambda raw, key: text(raw, key)[:BY_LIMIT],
    "report": _report,
}
"""How what is told of a lifecycle is read. What is not told, as most of a task that waits, is as `Lifecycle` has it."""


def progress(raw: Mapping[str, Any], ts: float) -> Progress:
    """Return a member's report."""
    return Progress(
        token=text(raw, "token"),
        step=whole(raw, "step"),
        epoch=whole(raw, "epoch"),
        epochs=whole(raw, "epochs"),
        resumed_epoch=whole(raw, "resumed_epoch"),
        elapsed_s=number(raw, "elapsed_s"),
        trained_s=optional(raw, "trained_s"),
        ts=ts,
        metrics=_metrics(raw),
        best=optional(raw, "best" if "best" in raw else "best_val_loss"),  # as earlier versions called it
        best_epoch=whole(raw, "best_epoch"),
        curve=_curve(raw.get("curve")),
        stopped_early=text(raw, "stopped_early"),
    )


def _metrics(raw: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics that some algorithm declares; earlier versions wrote them beside the rest."""
    metrics = raw.get("metrics")
    source = metrics if isinstance(metrics, MAPPINGS) else raw
    found = {name: optional(source, name) for name in METRICS if name in source}
    return {name: value for name, value in found.items() if value is not None}


def _curve(raw: object) -> tuple[tuple[int, float], ...]:
    points = raw[:LIST_LIMIT] if isinstance(raw, list | tuple) else ()
    # No call, and no union of types made for each: a pack's report has a thousand points, several times a second.
    return tuple(
        [
            (point[0], float(point[1]))
            for point in points
            if isinstance(point, _LISTS)
            and len(point) == 2
            and isinstance(point[0], int)
            and isinstance(point[1], _NUMBERS)
            and -_LARGEST_FLOAT <= point[1] <= _LARGEST_FLOAT
        ]
    )


def worker(worker_id: str, raw: Mapping[str, Any], ts: float, epoch: int) -> WorkerState:
    """Return a worker as it describes itself, in a progress message or its hash, in that epoch."""
    members = tuple(text(member, "task") for member in few(raw.get("members")))
    return WorkerState(
        id=worker_id,
        version=worker_version(raw, epoch),
        ts=ts,
        pid=whole(raw, "pid"),
        process=process(raw.get("process")),
        host=text(raw, "host"),
        device=text(raw, "device"),
        started_ts=stamp(raw, "started_ts"),
        samples_per_s=number(raw, "samples_per_s"),
        memory_bytes=whole(raw, "memory_bytes"),
        memory_total_bytes=whole(raw, "memory_total_bytes"),
        program=text(raw, "program"),
        tasks=members or strings(raw.get("tasks")),
    )


def worker_version(raw: Mapping[str, Any], epoch: int) -> tuple[int, int, int]:
    """Return the place of what a worker says of itself among all that it has said."""
    return epoch, whole(raw, "since"), whole(raw, "report")


def process(raw: object) -> ProcessIdentity:
    """Return which process it is; one of which nothing can be told if it is not said, as by earlier versions."""
    if not isinstance(raw, Mapping):
        return ProcessIdentity()
    return ProcessIdentity(
        machine=text(raw, "machine"),
        boot=text(raw, "boot"),
        pid_namespace=whole(raw, "pid_namespace"),
        uid=int(number(raw, "uid", -1)),
        pid=whole(raw, "pid"),
        started=number(raw, "started"),
    )


def _verdict(raw: Mapping[str, Any]) -> Verdict:
    passed = raw.get("passed")
    told = passed if isinstance(passed, bool) else None
    return Verdict(text(raw, "text"), told, text(raw, "detail"), text(raw, "check"))


def _answer(raw: Mapping[str, Any]) -> AnswerInfo:
    return AnswerInfo(text(raw, "question"), strings(raw.get("lines")))


def _questions(value: object) -> tuple[str, ...]:
    """Return the texts of questions; campaign.json has a table where figures answer one."""
    items = value[:LIST_LIMIT] if isinstance(value, list | tuple) else ()
    return tuple(text(item, "text") if isinstance(item, Mapping) else _as_text(item) for item in items)


def _notify(raw: object) -> NotifyInfo:
    """Return what is told and how; all of it, as long as nothing is said."""
    if not isinstance(raw, Mapping):
        return NotifyInfo()
    said = strings(raw.get("on"))
    on = frozenset(occasion for occasion in Occasion if occasion in said or "on" not in raw)
    return NotifyInfo(raw.get("bell") is not False, stamp(raw, "late_ts"), on)


def campaign(raw: object) -> CampaignInfo | None:
    """Return the run's description, or None if there is nothing to read."""
    if not isinstance(raw, Mapping):
        return None
    phases = tuple(
        PhaseInfo(
            name=text(phase, "name"),
            title=text(phase, "title"),
            priority=whole(phase, "priority"),
            goal=text(phase, "goal"),
            questions=_questions(phase.get("questions")),
            expected=text(phase, "expected"),
            verdicts=tuple(_verdict(verdict) for verdict in few(phase.get("verdicts"))),
            answers=tuple(map(_answer, few(phase.get("answers")))),
        )
        for phase in few(raw.get("phases"))
    )
    return CampaignInfo(
        name=text(raw, "name"),
        title=text(raw, "title"),
        description=text(raw, "description"),
        run_dir=text(raw, "run_dir"),
        started_ts=stamp(raw, "started_ts"),
        workers=whole(raw, "workers"),
        workers_limit=whole(raw, "workers_limit"),
        phases=phases,
        notify=_notify(raw.get("notify")),
    )
