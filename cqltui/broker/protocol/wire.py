"""The records as the scripts take and give them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from msgspec import to_builtins

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.records import (
    Claim,
    Cost,
    Directive,
    RefusedError,
    Report,
    Result,
    Submission,
    check_name,
    check_priority,
    clean,
)
from cqltui.broker.protocol.trouble import NONSENSE
from cqltui.errors import InputError
from cqltui.state.forms import Filled
from cqltui.state.model import Lifecycle


def submission(task: Submission) -> tuple[str | bytes, ...]:
    """Return the task as arguments of a script. Raises InputError for a wrong id or priority."""
    return enqueued(task)[:-1]


def row(task: Submission) -> tuple[str | bytes, ...] | None:
    """Return the task as `submit.lua` takes it; None for one that is not kept by forms. Raises InputError for a wrong
    id or priority."""
    info, spec = task.info, task.spec
    if not isinstance(info, Filled) or not isinstance(spec, Filled):
        return None
    check_name("task", task.id)
    check_priority(task.id, task.priority)
    pack = clean(task.pack)
    told = b'%d,"%b",[%b]]' % (task.priority, info.form.ref.encode(), info.lines())
    head = f"{task.digest}\n{_numbers(task.cost)}\n{pack}\n"
    return (task.id, str(task.priority), pack, told, head.encode() + spec.stored()) if head.count("\n") == 3 else None


def told_forms(tasks: Iterable[Submission]) -> bytes:
    """Return the forms by which tasks are told, as a JSON object."""
    found = {task.info.form.ref: task.info.form.text.decode() for task in tasks if isinstance(task.info, Filled)}
    return codec.encode_object(found)


def enqueued(task: Submission) -> tuple[str | bytes, ...]:
    """Return the same and the task's info as it is told: for the server it is much work to put one together."""
    check_name("task", task.id)
    check_priority(task.id, task.priority)
    spec = task.spec.stored() if isinstance(task.spec, Filled) else codec.encode_object(task.spec)
    if isinstance(task.info, Filled):
        info, told = task.info.written()
    else:
        info = told = codec.encode_object(task.info)
    return task.id, task.digest, info, spec, clean(task.pack), _numbers(task.cost), str(task.priority), told


def _numbers(cost: Cost) -> str:
    return f"{cost.epoch_flops} {cost.epochs} {cost.member_bytes} {cost.shared_bytes}"


def forms(tasks: Iterable[Submission]) -> list[str | bytes]:
    """Return name and text of each form that the tasks are of."""
    found = {
        said.form.ref: said.form.text for task in tasks for said in (task.info, task.spec) if isinstance(said, Filled)
    }
    return list(chain.from_iterable(found.items()))


def claim(row: Sequence[bytes]) -> Claim:
    """Return a claim as a script answers it; its spec is empty if it cannot be read. Raises RefusedError for no claim
    at all: its id and token become names of folders."""
    try:
        task_id, token, run, attempt, spec, epoch, checkpoint_token, deaths, key = row
        return Claim(
            id=check_name("task", task_id.decode()),
            token=check_name("token", token.decode()),
            run=int(run),
            attempt=int(attempt),
            spec=codec.decode_object(spec) or {},
            checkpoint_epoch=int(epoch),
            checkpoint_token=checkpoint_token.decode(),
            deaths=int(deaths),
            checkpoint_key=key.decode(),
        )
    except (*NONSENSE, InputError) as error:
        raise RefusedError(f"the server hands out what is no task: {' '.join(str(error).split())[:200]}") from None


def answered(task_ids: Sequence[str], answer: Sequence[bytes]) -> Report:
    """Return the answer to a heartbeat that told of these tasks."""
    registered, wanted, workers, *told = answer
    directives = dict(zip(task_ids, told, strict=True))
    leave = registered.decode(errors="replace").partition("leave:")[2]
    return Report(
        directives={task_id: Directive(raw.rstrip(b"+").decode()) for task_id, raw in directives.items()},
        wanted=codec.wanted(wanted),
        registered=registered == b"ok" or bool(leave),
        fenced=registered == b"fenced",
        leave=leave,
        workers=int(workers),
        looked=frozenset(task_id for task_id, raw in directives.items() if raw.endswith(b"+")),
    )


def lease(raw: bytes) -> tuple[str, int, str] | None:
    """Return (token, heartbeats, worker) of a running task; None for what no script of ours has stored."""
    token, beats, worker = (*raw.decode(errors="replace").split("|"), "", "", "")[:3]
    is_lease = raw.count(b"|") == 2 and beats.isascii() and beats.isdigit() and len(beats) <= codec.COUNT_DIGITS
    return (token, int(beats), worker) if is_lease else None


def result_object(result: Result) -> dict[str, Any]:
    """Return a result as it is stored."""
    return {
        "task": result.id,
        "run": result.run,
        "attempt": result.attempt,
        "token": result.token,
        "worker": result.worker,
        "ts": result.ts,
        "result": dict(result.data),
    }


def report(value: Mapping[str, Any] | None) -> bytes:
    """Return a task's report as the scripts take it, which date it themselves; empty for none."""
    return codec.encode_object({key: part for key, part in value.items() if key != "ts"}) if value else b""


def kept(life: Lifecycle) -> bytes:
    """Return what `new_run` in common.lua keeps of a done task: texts, as the server stores them."""
    names = ("run", "attempt", "worker", "token", "started_ts", "claimed_ts", "finished_ts", "error")
    texts = {name: str(getattr(life, name)) for name in names}
    own = b"" if life.report is None else codec.encode_object(to_builtins(life.report))
    return codec.encode_object(texts | {"report": own.decode()})


RESULT_BYTES = 16 << 20
"""A result takes a few kilobytes: figures, and a curve of a bounded number of points."""


def result(raw: bytes | None, place: str) -> Result | None:
    """Return the result stored at this place (id/run), None if there is none that can be read, or one that says that it
    is another's. Its id and token become names of folders."""
    value = codec.decode_object(raw) if raw is not None and len(raw) <= RESULT_BYTES else None
    if value is None or not isinstance(value.get("result"), dict):
        return None
    try:
        found = Result(
            id=check_name("task", str(value["task"])),
            run=int(value["run"]),
            attempt=int(value["attempt"]),
            token=check_name("token", str(value["token"])),
            worker=str(value["worker"]),
            ts=float(value["ts"]),
            data=value["result"],
        )
    except (KeyError, TypeError, ValueError, OverflowError, InputError):
        return None
    return found if f"{found.id}/{found.run}" == place else None
