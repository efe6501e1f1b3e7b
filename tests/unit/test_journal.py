"""The journal: every event once and in order, whatever was missed and however its writer ended."""

from pathlib import Path

from cqltui.broker.protocol import codec
from cqltui.state.events import Event, Kind
from cqltui.supervisor.journal import Journal


def _event(seq: int, epoch: int = 1) -> Event:
    return Event(Kind.TASK_QUEUED, 1.0, epoch, seq, task=f"t{seq}")


def _places(path: Path) -> list[tuple[int, int]]:
    events = [codec.decode_event(line) for line in path.read_bytes().splitlines()]
    return [(event.epoch, event.seq) for event in events if event is not None]


def test_each_event_is_written_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append([_event(1), _event(2)])
    journal.append([_event(2), _event(3)])
    journal.close()
    assert _places(tmp_path / "journal.jsonl") == [(1, 1), (1, 2), (1, 3)]


def test_a_gap_is_seen(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append([_event(1)])
    assert journal.follows(_event(1))
    assert journal.follows(_event(2))
    assert not journal.follows(_event(3))
    assert not journal.follows(_event(2, epoch=2)), "another life of the server has events of its own"
    journal.close()


def test_the_next_writer_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal(path)
    first.append([_event(1), _event(2)])
    first.close()
    whole = path.read_bytes()
    path.write_bytes(whole + codec.encode_event(_event(3))[:20])
    second = Journal(path)
    assert second.version == (1, 2)
    assert path.read_bytes() == whole
    second.append([_event(3)])
    second.close()
    assert _places(path) == [(1, 1), (1, 2), (1, 3)]


def test_an_empty_or_foreign_file_has_no_events(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"hello\n{}\n")
    journal = Journal(path)
    assert journal.version == (0, 0)
    journal.append([_event(1)])
    journal.close()
    assert path.read_bytes().startswith(b"hello\n{}\n{")


def test_events_that_the_server_had_lost_are_told_of(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append([_event(1), _event(5)])
    assert journal.version == (1, 5)
    journal.close()
    assert _places(tmp_path / "journal.jsonl") == [(1, 1), (1, 4), (1, 5)]
    gap = codec.decode_event((tmp_path / "journal.jsonl").read_bytes().splitlines()[1])
    assert gap is not None
    assert (gap.kind, gap.data["from"]) == (Kind.NOTICE, 2)
    assert "its events 2 to 4" in gap.data["text"]
