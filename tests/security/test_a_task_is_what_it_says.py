"""A server may say how a task stands, and not what it is: the campaign says that, and the task's id stands for it."""

import json
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from cqltui.app.dataset import load_data
from cqltui.broker.protocol.queue import Queue
from cqltui.campaign import payload
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, settings_digest
from cqltui.campaign.payload import DataSummary, SpecError, check_spec
from cqltui.results.rundir import read_json
from cqltui.results.standings import standings
from cqltui.results.tables import write_results
from cqltui.state.model import Status, Wanted
from cqltui.supervisor.records import Records
from cqltui.supervisor.submissions import planned, submissions
from cqltui.worker.main import Worker, WorkerOptions
from cqltui.worker.session import Session
from tests.contract.helpers import eventually, life, state, task, worker
from tests.contract.test_stop_ends import Running
from tests.integration.sessions import ONE, OneTask

SHORT = ONE.replace("epochs = 1000000", "epochs = 3")
HOSTILE: dict[str, Any] = {
    "phase": "another",
    "title": "=another",
    "description": "another",
    "index": 7,
    "alpha": 9.0,
    "lr": 9.0,
    "hidden_dims": [9, 9],
    "seed": 9,
    "epochs": 9,
    "batch_size": 9,
    "epoch_steps": 9,
    "step_flops": 9,
    "params": 9,
    "baseline_loss": 9.0,
}


class Campaigned(OneTask):
    """The task with its campaign."""

    campaign: Campaign
    data: DataSummary

    def __init__(self, queue: Queue, folder: Path) -> None:
        super().__init__(queue, folder, SHORT)
        self.campaign, self.data = load_data(load_campaign(folder / "one.toml"))

    def store(self, name: str, value: object) -> None:
        """Change the task on the server, as whoever operates it can."""
        self.queue.client.hset(self.queue.keys.task(self.claim.id), name, orjson.dumps(value))

    @contextmanager
    def supervised(self) -> Iterator[Running]:
        """A supervisor at work."""
        self.queue.set_filled()
        tasks = planned(self.campaign, self.data)
        run = Running(self.queue, self.run_dir.path, frozenset({self.claim.id}), planned=tasks)
        try:
            eventually(lambda: self.claim.id in run.supervisor.state.tasks)
            yield run
        finally:
            run.supervisor.ask_stop()
            run.close()


@pytest.fixture
def one(queue: Queue, tmp_path: Path) -> Campaigned:
    return Campaigned(queue, tmp_path)


def test_the_campaigns_file_says_what_a_task_is(one: Campaigned) -> None:
    one.store("info", HOSTILE)
    with one.supervised() as run:
        one.train()
        eventually(lambda: one.run_dir.result_json(one.claim.id).is_file())
        eventually(lambda: run.supervisor.state.tasks[one.claim.id].status is Status.DONE)
        shown = run.supervisor.state
    assert shown.tasks[one.claim.id].info == planned(one.campaign, one.data)[one.claim.id].info
    assert state(one.queue).tasks[one.claim.id].info.title == "=another", "the server still says so"
    (submitted,) = submissions(one.campaign, one.data)
    kept = read_json(one.run_dir.task_json(one.claim.id)) or {}
    assert kept["info"] == {"id": one.claim.id, **json.loads(orjson.dumps(submitted.info))}
    write_results(one.run_dir, one.campaign, standings(shown))
    for path in (*one.run_dir.results.iterdir(), one.run_dir.task_json(one.claim.id)):
        assert "another" not in path.read_text(encoding="utf-8"), path


def test_tasks_that_only_the_server_knows_leave_nothing(one: Campaigned) -> None:
    assert one.queue.release(one.claim.id, one.claim.token)
    one.queue.enqueue(task("made-up", 9))
    (claim,) = one.queue.claim(worker(one.queue, "w2"))
    assert one.queue.complete("made-up", claim.token, {"loss": 0.5})
    with one.supervised() as run:
        eventually(lambda: one.run_dir.task_json(one.claim.id).is_file())
        assert "made-up" not in run.supervisor.state.tasks
    assert not one.run_dir.task("made-up").exists()
    assert life(one.queue, "made-up").run == 1, "nor is it trained again"


def test_a_task_that_has_left_the_campaign_is_what_the_run_directory_says(one: Campaigned) -> None:
    known = state(one.queue).tasks[one.claim.id]
    one.run_dir.path.mkdir()
    for title, campaigns in (("before", None), ("after", {})):
        with closing(Records(one.run_dir, campaigns)) as records:
            records.remember(replace(known, info=replace(known.info, title=title)))
        assert (read_json(one.run_dir.task_json(one.claim.id)) or {})["info"]["title"] == "before"


def _trainer(**changed: object) -> Callable[[dict[str, Any]], object]:
    return lambda spec: spec["trainer"].update(changed)


CHANGES: tuple[tuple[Callable[[dict[str, Any]], object], str], ...] = (
    (_trainer(lr=0.5), "are not those that its id stands for"),
    (_trainer(epochs=1), "are not those that its id stands for"),
    (_trainer(seed="42"), 'seed: expected an integer from 0 to 4,294,967,295, found "42"'),
    (lambda spec: spec.update(phase="another"), "are not those that its id stands for"),
    (lambda spec: spec.update(data_digest="0" * 64), "are not those that its id stands for"),
    (lambda spec: spec.update(digest="0" * 64), "are not those that its id stands for"),
    (
        _trainer(hidden_dims=[16] * 1_000_000),
        "hidden_dims: expected a list of 1 to 32 layer widths, found a list of 1000000",
    ),
    (_trainer(hidden_dims=[]), "hidden_dims: expected a list of 1 to 32 layer widths, found an empty list"),
    (_trainer(hidden_dims=[10**9]), "hidden_dims[0]: expected an integer from 1 to 16,384, found 1000000000"),
    (_trainer(validate_every=0), "validate_every: expected an integer from 1 to 10,000,000, found 0"),
    (_trainer(unknown=1), "unknown: there is no such setting"),
    (lambda spec: spec.pop("trainer"), "'trainer' is missing"),
    (lambda spec: spec.pop("data"), "'data' is missing"),
    (lambda spec: spec.pop("lease_s"), "'lease_s' is missing"),
    (lambda spec: spec.update(lease_s="soon"), "could not convert string to float"),
    (lambda spec: spec.update(lease_s=-1), "lease_s is out of range"),
    (lambda spec: spec.update(retry_s=1e300), "retry_s is out of range"),
    (lambda spec: spec.update(epoch_steps=0), "epoch_steps is out of range"),
    (lambda spec: spec.clear(), "'trainer' is missing"),
)


@pytest.mark.parametrize(("change", "said"), CHANGES, ids=[said[:40] for _, said in CHANGES])
def test_settings_that_are_not_the_tasks_are_not_trained(
    one: Campaigned, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    spec = json.loads(orjson.dumps(dict(one.claim.spec)))
    check_spec(one.claim.id, spec)
    change(spec)
    with pytest.raises(SpecError, match=re.escape(said)):
        check_spec(one.claim.id, spec)
    Session(one.context, [replace(one.claim, spec=spec)]).run()
    found = life(one.queue, one.claim.id)
    assert found.status is Status.DEAD
    assert said in found.error
    assert "run the campaign's command again, which puts them right, then resubmit the task" in found.error
    assert len(found.error) < 1000
    assert not one.folder.exists()


def test_a_worker_outlives_what_it_refuses(one: Campaigned, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec that is no JSON, and one without a lease, stand before the task that it trains."""
    first, second = replace(task("t1", 9), spec={"trainer": 1}), task("t2", 8)
    queue.enqueue_many([first, second])
    queue.client.hset(queue.keys.task("t2"), "spec", b"{")
    assert queue.release(one.claim.id, one.claim.token)
    monkeypatch.setattr("cqltui.worker.main.IDLE_LEAVE_S", 0.0)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    options = WorkerOptions("w2", "cpu", poll_interval_s=0.01)
    assert Worker(queue, Queue(one.queue.client), one.run_dir, options).run() == 0
    found = {task_id: life(queue, task_id).status for task_id in ("t1", "t2", one.claim.id)}
    assert found == {"t1": Status.DEAD, "t2": Status.DEAD, one.claim.id: Status.DONE}


def test_the_owners_command_puts_the_settings_right(one: Campaigned) -> None:
    one.store("spec", {})
    assert one.queue.release(one.claim.id, one.claim.token)
    one.claim_again()
    one.train()
    assert life(one.queue, one.claim.id).status is Status.DEAD
    one.queue.enqueue_many(submissions(one.campaign, one.data))
    assert one.queue.resubmit(one.claim.id)
    one.claim_again()
    one.train()
    assert life(one.queue, one.claim.id).status is Status.DONE


def test_a_result_of_other_settings_is_refused(one: Campaigned) -> None:
    """Whose worker trains by what the server says, of settings whose digest begins as the id does."""
    with one.supervised():
        one.train()
        eventually(lambda: one.run_dir.result_json(one.claim.id).is_file())
    before = (read_json(one.run_dir.result_json(one.claim.id)) or {})["digest"]
    assert before == settings_digest("quality", payload.read_trainer(one.claim.spec), one.data.digest)
    assert one.queue.resubmit(one.claim.id)
    one.queue.want(Wanted.RUNNING)
    one.claim_again()
    other = before[:8] + "0" * 56
    one.train()
    raw = json.loads(one.queue.client.execute_command("HGET", one.queue.keys.results, f"{one.claim.id}/2"))
    raw["result"]["digest"] = other
    one.queue.client.hset(one.queue.keys.results, f"{one.claim.id}/2", orjson.dumps(raw))
    with one.supervised():
        eventually(lambda: f"is of other settings: digest '{other}'" in one.notices())
    assert (read_json(one.run_dir.result_json(one.claim.id)) or {})["run"] == 1
