"""Values that only a hostile worker or operator stores: each ends neither the supervisor nor a screen."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from redis.connection import AbstractConnection
from safetensors.numpy import save

from cqltui.broker.feed.stream import events_after
from cqltui.broker.protocol import codec, wire
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import RefusedError
from cqltui.results.record import read_q_heldout
from cqltui.results.rundir import METRICS_HEADER, RunDir, metrics_lines, read_metrics
from cqltui.state import decode
from cqltui.state.events import Event, Kind
from cqltui.supervisor.journal import Journal
from tests.contract.helpers import claim_one, task, worker
from tests.contract.readers import reader
from trainer.progress import EpochMetrics

DIGITS = b"9" * 5000


def nested(depth: int) -> object:
    """A list in a list in a list."""
    value: object = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("stored", [b"garbage", b"\xff|\xff", b"t|%b|w" % DIGITS, b"a|1|b|c", "t|²|w".encode(), b""])
def test_a_lease_that_is_none_is_passed_over(stored: bytes, queue: Queue) -> None:
    queue.enqueue(task("t1"))
    claim_one(queue, worker(queue, "w1"))
    (own,) = queue.leases()
    queue.client.execute_command("HSET", queue.keys.leases, b"\xfe", stored)
    assert queue.leases() == [own]


def test_a_count_of_thousands_of_digits_is_none() -> None:
    assert codec.whole(DIGITS) == 0
    assert codec.whole(b"12") == 12
    assert wire.lease(b"1-2|3|w1") == ("1-2", 3, "w1")


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2"])
def test_q_values_of_a_type_that_numpy_lacks_are_none(dtype: str, tmp_path: Path) -> None:
    size = 2 if dtype == "BF16" else 1
    header = f'{{"q":{{"dtype":"{dtype}","shape":[1,4],"data_offsets":[0,{4 * size}]}}}}'.encode()
    path = tmp_path / "q.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4 * size))
    assert read_q_heldout(path) is None
    path.write_bytes(save({"q": np.ones((1, 4), np.float32)}))
    assert read_q_heldout(path) is not None


def test_metrics_end_before_a_field_that_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    row = EpochMetrics(1, 0.5, 0.4, 0.3, 0.2, 0.1, 100.0)
    path.write_bytes(METRICS_HEADER + metrics_lines([row]) + b"1" * 140_000 + b"\n" + metrics_lines([row]))
    assert read_metrics(path) == (row,)
    path.write_bytes(b"1" * 140_000 + b"\n")
    assert read_metrics(path) == ()


@pytest.mark.parametrize("depth", [300, 900, 1000])
def test_text_that_is_nested_is_none_and_the_journal_goes_on(depth: int, tmp_path: Path) -> None:
    value = nested(depth)
    assert decode.text({"title": value}, "title") == ""
    assert decode.strings([value, "a", 1, None]) == ("", "a", "1", "")
    run_dir = RunDir(tmp_path)
    journal = Journal(run_dir.journal)
    try:
        for seq, data in ((1, {"text": value}), (2, {"text": "fine"})):
            journal.append([Event(Kind.NOTICE, 1.0, 1, seq, data=data)])
        assert journal.version == (1, 2)
    finally:
        journal.close()
    assert b"fine" in run_dir.journal.read_bytes()


META = [b"1", b"2", b"0", b"running", b"{}", b"0", b"", b"0", b""]
ROWS = ([b"t", b"{}", b"1", b"", 7], [b"t", b"{}", b"1", b"", [b"1"]], [b"t"], 7)
"""Of tasks, that no script answers."""
ABOUT, WITH_ROWS = {"about": [META, b""]}, {"about": [META, b"1"]}


@pytest.mark.parametrize(
    "answer", [1, [b"0", [[b"x"]]], None, b"text", *([META, b"0", [b"order"], [], r] for r in ROWS)]
)
def test_an_answer_of_another_type_is_no_end_of_a_feed(
    answer: object, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = reader(queue)
    run: Callable[..., object] = lambda _, name, *__: ABOUT.get(name, answer)  # noqa: E731
    monkeypatch.setattr("cqltui.broker.protocol.scripts.Scripts.run", run)
    try:
        (lost,) = feed.poll(0.2)
        assert (lost.kind, lost.data["online"]) == (Kind.CONNECTION, False)
        assert lost.data["why"] == "the server does not answer as a Redis server does"
        monkeypatch.undo()
        found: list[Event] = []
        while not any(event.kind is Kind.SNAPSHOT for event in found):
            found += feed.poll(1.0)
    finally:
        feed.close()


def test_a_conversation_without_an_end_is_given_up(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ABOUT | {"promote": 1, "reconcile": [1, b"1", 1], "snapshot": [META, b"1", [], [], []]}
    monkeypatch.setattr("cqltui.broker.protocol.scripts.Scripts.run", lambda _, name, *__: answers[name])
    with pytest.raises(RefusedError, match="no end of the delayed tasks"):
        queue.promote()
    with pytest.raises(RefusedError, match="no end of the queue"):
        queue.reconcile()
    with pytest.raises(RefusedError, match="no end of its tasks"):
        queue.snapshot()
    answers |= WITH_ROWS
    scans_are_answered(monkeypatch, [b"1", []])
    with pytest.raises(RefusedError, match="no end of its tasks"):
        queue.snapshot()
    monkeypatch.undo()
    monkeypatch.setattr(AbstractConnection, "can_read", lambda *_: False)  # the last answer is still on its way
    assert queue.client.execute_command("ECHO", b"mine") == b"mine"


def scans_are_answered(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """Give this answer to each HSCAN."""
    read: Callable[..., object] = AbstractConnection.read_response
    send: Callable[..., None] = AbstractConnection.send_command
    asked = dict[AbstractConnection, object]()

    def sent(self: AbstractConnection, *words: object, **options: object) -> None:
        asked[self] = words[0]
        send(self, *words, **options)

    def answered(self: AbstractConnection, *args: object, **options: object) -> object:
        true = read(self, *args, **options)
        return answer if asked.get(self) == "HSCAN" else true

    monkeypatch.setattr(AbstractConnection, "send_command", sent)
    monkeypatch.setattr(AbstractConnection, "read_response", answered)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        [b"0", 7],
        [b"0", [b"a", 7]],
        [b"0", [b"a", [b"x"]]],
        [b"0"],
        [b"0", [b"a", None]],
        [[b"1"], []],
        [b"x", []],
    ],
)
def test_untouched_tasks_of_another_type_are_no_end_of_a_feed(
    answer: object, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqltui.broker.protocol.scripts.Scripts.run", lambda _, name, *__: WITH_ROWS[name])
    scans_are_answered(monkeypatch, answer)
    with pytest.raises(RefusedError, match="does not answer as a Redis server does"):
        queue.snapshot()


def test_events_without_an_end_or_an_order_are_given_up(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.broker.protocol.bounded.MOST_PARTS", 5)
    monkeypatch.setattr("cqltui.broker.feed.stream.PAGE", 2)
    places = iter(range(1, 1000))
    endless: Callable[..., object] = lambda *_: [(b"1-%d" % next(places), {b"e": b"x"}) for _ in range(2)]  # noqa: E731
    monkeypatch.setattr(queue.client, "execute_command", endless)
    with pytest.raises(RefusedError, match="no end of the events"):
        list(events_after(queue, (1, 0)))
    monkeypatch.setattr(queue.client, "execute_command", lambda *_: [(b"1-7", {}), (b"1-7", {})])
    with pytest.raises(RefusedError, match="not in order"):
        list(events_after(queue, (1, 0)))
