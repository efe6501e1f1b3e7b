"""How many reports of workers a reader takes in: from the bytes of the message to its state, a process alone."""

import time
from types import MappingProxyType

import orjson

from cqltui.broker.protocol.codec import decode_event
from cqltui.broker.protocol.records import Claim
from cqltui.state.counting import counted
from cqltui.state.model import Lifecycle, RunState, Status, TaskInfo, TaskState
from cqltui.state.reduce import reduce
from tests.scale.workers import process_of, report

MESSAGES = 1_000


def taken_in(tasks: int, members: int, *, curve: bool) -> float:
    """Messages of packs of so many members that are taken in, one by one, in a second of the processor."""
    state = _running(tasks, members)
    messages = [_message(number, members, curve=curve) for number in range(min(MESSAGES, tasks // members))]
    began = time.process_time()
    for message in messages:
        if (event := decode_event(message)) is not None:
            state = reduce(state, event)
    took = time.process_time() - began
    assert all(task.live is not None for task in list(state.tasks.values())[: len(messages) * members])
    return len(messages) / took


def _running(tasks: int, members: int) -> RunState:
    """A run of which every task trains."""
    found = {}
    for number in range(tasks):
        life = Lifecycle((1, number + 1), Status.RUNNING, worker=f"n{number // members}", token=f"1-{number + 1}")
        found[f"{number:016x}"] = TaskState(TaskInfo(f"{number:016x}", "p", epochs=1000, epoch_steps=13), life)
    known = MappingProxyType(found)
    return RunState(tasks=known, counted=counted(known), epoch=1, seq=tasks, online=True)  # as who has read them has it


def _message(worker: int, members: int, *, curve: bool) -> bytes:
    """What the server sends on for a worker's report."""
    claims = [Claim(f"{n:016x}", f"1-{n + 1}", 1, 1, {}) for n in range(worker * members, (worker + 1) * members)]
    data = {
        "tasks": [claim.id for claim in claims], "members": [report(claim, 5, curve=curve) for claim in claims],
        "since": 5, "report": 3, **process_of(worker), "samples_per_s": 12345.6, "memory_bytes": 1 << 28,
    }  # fmt: skip
    about = {"kind": "progress", "task": "", "worker": f"n{worker}", "token": "", "attempt": 0}
    return orjson.dumps({"v": 1, "epoch": 1, "seq": 0, "ts": 1.8e9 + worker, **about, "data": data})
