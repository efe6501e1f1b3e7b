"""The supervisor looks at what its criteria need of many finished tasks a few at a time, and once."""

from pathlib import Path

import pytest

from cqltui.broker.protocol.queue import Queue
from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState, TaskState
from cqltui.supervisor import judging
from cqltui.supervisor.publish import Publisher
from tests.contract.helpers import claim_one, eventually, task, worker
from tests.contract.test_stop_ends import Running

TASKS = tuple("abcdef")


class Watched:
    """A supervisor's hooks and reporter in one: what it does, in order."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.done: list[str] = []

    def study(self, found: TaskState) -> None:
        """Meanwhile something else happens."""
        self.done.append(f"study {found.id}")
        self.queue.notice("info", f"after {found.id}")

    def describe(self, state: RunState) -> None:
        self.done.append("describe")

    def handle(self, before: RunState, event: Event, after: RunState) -> None:
        if event.kind is Kind.NOTICE:
            self.done.append(str(event.data["text"]))

    def tick(self, state: RunState, now: float) -> None:
        """Time passes."""


def test_a_supervisor_hears_what_happens_while_it_looks_at_finished_tasks(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in TASKS:  # all done before the supervisor comes
        queue.enqueue(task(name))
        claim = claim_one(queue, worker(queue, f"w-{name}"))
        assert queue.complete(name, claim.token, {"loss": 0.5})
    queue.enqueue(task("last"))
    queue.set_filled()
    monkeypatch.setattr(judging, "STUDY_S", 0.0)  # one task a round
    monkeypatch.setattr(Publisher, "publish", lambda self, found: None)  # their files are in place
    watched = Watched(queue)
    ids = frozenset({*TASKS, "last"})
    run = Running(queue, tmp_path / "run", ids, watched.study, watched.describe, [watched])
    try:
        eventually(lambda: "describe" in watched.done)
    finally:
        run.supervisor.ask_stop()
        run.close()
    done = watched.done
    assert [said for said in done if said.startswith("study")] == [f"study {name}" for name in TASKS]
    assert done.index("study a") < done.index("after a") < done.index("study f"), done
    assert done.index("describe") > done.index("study f"), "told once all are known"
