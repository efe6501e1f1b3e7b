"""What the journal tells of the past: earlier attempts, pauses, servers that were lost."""

from pathlib import Path

import pytest

from cqltui.app.past import JournalPast
from cqltui.broker.protocol.codec import encode_event
from cqltui.state.events import Event, Kind
from cqltui.state.lanes import Attempt, Past, Shown, Sign
from cqltui.state.past import MOST_MARKS, Chronicle
from tests.unit.runs import LAUNCH


def at(seconds: float, kind: Kind, task: str = "", worker: str = "", epoch: int = 1, **data: object) -> Event:
    """An event so long after the launch."""
    return Event(kind, LAUNCH + seconds, epoch, int(seconds) + 1, task, worker, data=data)


STORY = (
    at(0, Kind.WANTED, wanted="running"),
    at(1, Kind.TASK_CLAIMED, "a", "w1", status="running"),
    at(2, Kind.TASK_CLAIMED, "b", "w2", status="running"),
    at(3, Kind.TASK_CHECKPOINT, "a", "w1", status="running"),
    at(4, Kind.TASK_DELAYED, "a", status="delayed"),
    at(5, Kind.TASK_PRIORITY, "a", status="queued"),
    at(6, Kind.TASK_CLAIMED, "a", "w2", status="running"),
    at(7, Kind.TASK_DONE, "b", "w2", status="done"),
    at(8, Kind.WANTED, wanted="paused"),
    at(9, Kind.CAMPAIGN, wanted="paused"),
    at(10, Kind.WANTED, wanted="running"),
    at(11, Kind.TASK_CLAIMED, "a", "w1", epoch=2, status="running"),
    at(12, Kind.TASK_CLAIMED, "b", "w1", epoch=2, status="running"),
)
TOLD = (
    Attempt("a", "w1", LAUNCH + 1, LAUNCH + 4),
    Attempt("a", "w2", LAUNCH + 6, LAUNCH + 11),  # the server was lost: nobody has said when it ended
    Attempt("b", "w2", LAUNCH + 2, LAUNCH + 7, Shown.DONE),
)


def told(past: Past) -> list[tuple[float, Sign]]:
    """When what was marked."""
    return [(mark.ts - LAUNCH, mark.sign) for mark in past.marks]


def test_attempts_before_the_latest_and_what_happened_to_the_run() -> None:
    chronicle = Chronicle()
    for event in STORY:
        chronicle.add(event)
    past = chronicle.past()
    assert past.attempts == TOLD
    assert told(past) == [(8.0, Sign.PAUSE), (10.0, Sign.RESUME), (11.0, Sign.FAULT)]


def test_nonsense_is_left_out_and_the_past_is_bounded() -> None:
    chronicle = Chronicle()
    for event in (
        at(1, Kind.WANTED, wanted="soon"),
        at(2, Kind.TASK_DONE, "x", status="done"),
        at(3, Kind.TASK_CLAIMED),
    ):
        chronicle.add(event)
    chronicle.add(at(4, Kind.TASK_CLAIMED))
    assert chronicle.past() == Past()
    for n in range(2 * MOST_MARKS):
        chronicle.add(at(n, Kind.WANTED, wanted=("paused", "running")[n % 2]))
    assert len(chronicle.past().marks) == MOST_MARKS


def test_the_journal_is_read_on_and_from_its_beginning_when_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    past = JournalPast(path)
    assert past() == Past()
    lines = [encode_event(event) + b"\n" for event in STORY]
    path.write_bytes(b"".join(lines[:9]) + b"no event\n" + lines[9][:40])
    assert told(past()) == [(8.0, Sign.PAUSE)]
    with path.open("ab") as file:
        file.write(lines[9][40:] + b"".join(lines[10:]))
    assert past().attempts == TOLD
    assert past().attempts == TOLD, "nothing is told twice"
    path.write_bytes(lines[0] + lines[8])
    assert past() == Past((), past().marks)
    assert told(past()) == [(8.0, Sign.PAUSE)]
    monkeypatch.setattr("cqltui.app.journalfile.LONGEST_LINE", 64)
    path.write_bytes(b"x" * 70 + b"\n")
    past(), past()
    assert told(past()) == []
    path.unlink()
    path.mkdir()
    assert past() == Past()
