"""`cqltui worker --shared`: one process trains the campaigns of a server, whoever they belong to."""

import signal
import threading
from pathlib import Path

from cqltui.app.asker import asker
from cqltui.broker.protocol.census import namespaces
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.connect import connect_url
from cqltui.results.rundir import RunDir
from tests.contract.servers import user_server
from tests.integration.command import Command
from tests.integration.place import TASKS, Place, Trained, until


def test_one_shared_worker_trains_two_campaigns_as_their_own_workers_would(
    tmp_path: Path, expected: dict[str, Trained]
) -> None:
    with user_server(tmp_path / "server") as port:
        place = Place(tmp_path / "place", f"redis://127.0.0.1:{port}/0")
        try:
            _train_both(place, expected)
        finally:
            place.end_all()


def _train_both(place: Place, expected: dict[str, Trained]) -> None:
    place.ask(
        "quota", asker().partition("@")[0], "0"
    )  # which holds for a campaign's own workers, and for no shared one
    started: list[Command] = []

    def share() -> None:
        until(lambda: _filled(place.url or "") == {"one", "two"}, "both campaigns")
        started.append(place.start("worker", "--worker-id", "s1", "--shared", "--poll-interval", "0.1"))

    other = threading.Thread(target=share)
    other.start()
    first = place.begin("--run-dir", "runs/one", "--set", "redis.namespace=one", "--set", "workers.count=0")
    second = ("--run-dir", "runs/two", "--set", "redis.namespace=two", "--set", "phase.quality.epochs=2")
    said = place.complete(*second)
    other.join()
    first.ends(0)
    (worker,) = started
    worker.send(signal.SIGTERM)
    worker.ends(0)

    assert "may have 0 workers on this server" in said.err
    assert "not all of this run's 1 work at once" in said.err
    claims = []
    for name, count in (("one", TASKS), ("two", TASKS - 2)):
        place.run_dir = RunDir(place.folder / "runs" / name)
        trained = place.trained()
        assert len(trained) == TASKS
        assert len(trained.items() & expected.items()) == count
        assert {place.result(task_id)["worker"] for task_id in trained} == {"s1"}
        claims += [(event["ts"], name) for event in place.journal() if event["kind"] == "task.claimed"]
    order = [name for _, name in sorted(claims)]
    assert order not in (sorted(order), sorted(order, reverse=True)), "it goes from one to the other, and back"


def _filled(url: str) -> set[str]:
    with connect_url(url) as client:
        return {name for name in namespaces(client) if Queue(client, name).depth() == TASKS}
