"""What the contract tests share: tasks, a worker, and a look at a task's state."""

import time
from collections.abc import Callable

import redis

import cqltui
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Claim, Cost, Registration, Submission
from cqltui.state.events import Event
from cqltui.state.forms import Filled, Form
from cqltui.state.model import Lifecycle, RunState, Status
from cqltui.state.reduce import reduce

DEADLINE_S = 60.0


def task(task_id: str, priority: int = 5, pack: str = "", digest: str = "d", **info: object) -> Submission:
    """A submission with a little of everything."""
    return Submission(task_id, digest, {"phase": "p", "epochs": 10, **info}, {"lr": 1e-4}, pack, priority)


INFO_FORM = Form.of(
    {
        "phase": "p",
        "title": "",
        "description": "",
        "index": 0,
        "epochs": 10,
        "settings": {"seed": 1},
        "baseline_loss": None,
    },
    [("title",), ("description",), ("index",), ("settings", "seed"), ("baseline_loss",)],
)
SPEC_FORM = Form.of({"digest": "", "lr": 1e-4}, [("digest",)], {"protocol": 3})


def formed(task_id: str, priority: int = 5, pack: str = "", digest: str = "d", title: str = "") -> Submission:
    """A submission of which others have the form."""
    info = Filled(INFO_FORM, (title, "", 3, 42, None))
    return Submission(task_id, digest, info, Filled(SPEC_FORM, (digest,)), pack, priority, Cost(10, 10, 2, 3))


def campaign_of(client: redis.Redis, name: str, owner: str = "anna@lab1") -> Queue:
    """The queue of a campaign that tells whose it is."""
    queue = Queue(client, name)
    queue.set_campaign({"name": name, "owner": owner})
    return queue


def worker(queue: Queue, worker_id: str = "w1") -> Registration:
    """A registered worker."""
    return queue.register_worker(worker_id, {"pid": 1, "device": "cpu", "program": cqltui.__version__})


def claimed(queue: Queue, who: Registration, limit: int = 1) -> list[str]:
    """Claims, and gives the ids."""
    return [claim.id for claim in queue.claim(who, limit=limit)]


def claim_one(queue: Queue, who: Registration) -> Claim:
    """Claims exactly one task."""
    (claim,) = queue.claim(who)
    return claim


def state(queue: Queue) -> RunState:
    """The run as a late reader sees it."""
    return reduce(RunState(), queue.snapshot())


def life(queue: Queue, task_id: str) -> Lifecycle:
    """A task's lifecycle."""
    return state(queue).tasks[task_id].life


def put_into(queue: Queue, status: Status, task_id: str = "x") -> Claim | None:
    """Submits the task and takes it into the state; returns the claim of one that runs."""
    queue.enqueue(task(task_id))
    who = worker(queue, "maker")
    match status:
        case Status.QUEUED:
            return None
        case Status.PAUSED:
            queue.pause(task_id)
            return None
        case Status.CANCELLED:
            queue.cancel(task_id)
            return None
        case Status.WITHDRAWN:
            queue.withdraw([task_id])
            return None
    claim = claim_one(queue, who)
    match status:
        case Status.RUNNING:
            return claim
        case Status.DONE:
            assert queue.complete(task_id, claim.token, {"loss": 0.5})
        case Status.DEAD:
            assert queue.fail(task_id, claim.token, "boom", None)
        case Status.DELAYED:
            assert queue.fail(task_id, claim.token, "boom", 3600.0)
    return None


def eventually(check: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Waits until the check holds, or fails."""
    end = time.monotonic() + deadline_s
    while not check():
        assert time.monotonic() < end, "it did not come to hold in time"
        time.sleep(0.01)


def after(events: list[Event], run: RunState | None = None) -> RunState:
    """The state after the events."""
    run = run or RunState()
    for event in events:
        run = reduce(run, event)
    return run
