"""What has happened, in words: each kind of event, who did it, and what is told once."""

from pathlib import Path

import pytest

from cqltui.app.past import JournalHappenings
from cqltui.broker.protocol.codec import encode_event
from cqltui.state.events import Event, Kind
from cqltui.state.happened import MOST, Happening, Teller, extended, matches, merged, together
from cqltui.state.model import Notice


def told(*events: Event) -> list[tuple[str, str, str]]:
    """Sign, text and who, of all."""
    teller = Teller()
    return [(one.sign, one.text, one.by) for event in events for one in teller.tell(event)]


def task(kind: Kind, seq: int = 1, task_id: str = "a", ts: float = 1.0, **data: object) -> Event:
    return Event(kind, ts, 1, seq, task_id, "w1", data=data)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (task(Kind.TASK_CLAIMED, status="running", attempt=1), ("R", "started", "")),
        (task(Kind.TASK_CLAIMED, status="running", attempt=2), ("R", "started again, attempt 2", "")),
        (task(Kind.TASK_QUEUED, status="queued", attempt=2, by="anna"), ("Q", "queued again", "anna")),
        (Event(Kind.TASKS_QUEUED, 1.0, 1, 1, data={"rows": [["a"], ["b"], "odd", [], [7]]}), ("Q", "queued", "")),
        (task(Kind.TASK_DELAYED, status="delayed", error="E\nboom"), ("W", "failed, waits for its retry: E", "")),
        (task(Kind.TASK_PAUSED, status="running", want="pause", by="b"), ("P", "is asked to pause", "b")),
        (task(Kind.TASK_PRIORITY, status="queued", priority=9, by="b"), ("±", "priority 9", "b")),
        (task(Kind.TASK_CANCELLED, status="nonsense"), ("C", "cancelled", "")),
        (Event(Kind.NOTICE, 1.0, 1, 1, data={"level": "error", "text": "a\x1b[2Jb"}), ("!", "ab", "")),
        (Event(Kind.WORKER_STOPPED, 1.0, 1, 1, worker="w1"), ("○", "worker left", "")),
    ],
)
def test_events_in_words(event: Event, said: tuple[str, str, str]) -> None:
    assert told(event) == [said]


def test_of_many_new_tasks_it_is_told_which() -> None:
    rows = [["a"], ["b"], "odd", [], [7]]
    (one,) = Teller().tell(Event(Kind.TASKS_QUEUED, 1.0, 1, 1, data={"rows": rows}))
    assert one.tasks == ("a", "b")
    assert Teller().tell(Event(Kind.TASKS_QUEUED, 1.0, 1, 1, data={"rows": "odd"})) == []


def test_of_the_campaign_what_differs_is_told() -> None:
    def campaign(seq: int, passed: bool | None, kind: Kind = Kind.CAMPAIGN, **data: object) -> Event:
        phase = {"name": "p", "verdicts": [{"text": "falls", "passed": passed}]}
        return Event(kind, 1.0, 1, seq, data={"wanted": "running", "campaign": {"phases": [phase]}} | data)

    assert told(
        campaign(1, None),
        campaign(2, None),
        campaign(3, True),
        campaign(4, True, Kind.WANTED, wanted="paused", wanted_by="anna"),
        campaign(5, False, wanted="paused"),
        campaign(6, False, Kind.WORKERS, asked_workers=3, asked_workers_by="ben"),
        campaign(7, False, Kind.FINISHED, asked_workers=3, finished_ts=9.0),
    ) == [
        ("✓", "criterion met: falls", ""),
        ("■", "the run is paused", "anna"),
        ("✗", "criterion failed: falls", ""),
        ("■", "the run goes on", ""),
        ("±", "3 workers asked for", "ben"),
        ("■", "the run has ended", ""),
    ]
    assert told(task(Kind.TASK_CHECKPOINT, status="running"), Event(Kind.PROGRESS, 1.0)) == []


def happening(seq: int, text: str = "done", ts: float = 0.0, by: str = "", *tasks: str) -> Happening:
    return Happening((1, seq, 0), ts, "D", "done", text, tasks or (f"t{seq}",), by)


def test_what_happens_to_many_at_once_is_told_once() -> None:
    found = together(
        [happening(1), happening(2, ts=0.5), happening(3, ts=1.5), happening(4, by="anna", ts=1.5), happening(5, "x")]
    )
    assert [(one.text, one.by, one.tasks) for one in found] == [
        ("done", "", ("t1", "t2")),
        ("done", "", ("t3",)),
        ("done", "anna", ("t4",)),
        ("x", "", ("t5",)),
    ]
    assert len(together(happening(n, str(n)) for n in range(MOST + 5))) == MOST


def test_what_is_put_together_bit_by_bit_is_as_at_once() -> None:
    one_by_one: tuple[Happening, ...] = ()
    all_of_them = [happening(n, "done" if n % 5 else "x", ts=n / 4) for n in range(30)]
    for number, one in enumerate(all_of_them):
        before, one_by_one = one_by_one, extended(one_by_one, [one])
        assert one_by_one == together(all_of_them[: number + 1])
        assert all(a is b for a, b in zip(before[:-1], one_by_one, strict=False)), "what is known is not made anew"


def test_what_the_screen_sees_of_a_group_that_the_journal_tells_is_no_news() -> None:
    journal = together([happening(1, "a"), happening(2, "done"), happening(3, "done")])
    seen = (happening(2, "done"), happening(3, "done"), happening(4, "done", ts=0.2), happening(5, "b"))
    assert [(one.text, one.tasks) for one in merged(journal, seen, ())] == [
        ("a", ("t1",)),
        ("done", ("t2", "t3", "t4")),
        ("b", ("t5",)),
    ]


def test_journal_and_screen_are_put_together_without_repetition() -> None:
    journal, seen = (happening(1, "a"), happening(2, "b")), (happening(2, "b"), happening(3, "c"))
    notices = (Notice(1.0, "info", "n", (1, 1)),)
    assert [one.text for one in merged(journal, seen, notices)] == ["a", "b", "c"]
    assert [one.text for one in merged((), seen, notices)] == ["n", "b", "c"]


def test_all_words_have_to_be_there_and_those_with_a_mark_must_not() -> None:
    one = Happening((1, 1, 0), 0.0, "P", "paused", "Paused", ("1a2b",), "anna@host screen", "w1")
    assert all(matches(one, words) for words in ((), ("paused", "anna"), ("1a2",), ("!done",), ("w1",)))
    assert not any(matches(one, words) for words in (("done",), ("paused", "ben"), ("!anna",)))


def test_the_journal_is_read_on_and_only_its_end_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    look = JournalHappenings(path)
    assert look() == ()
    lines = [encode_event(task(Kind.TASK_DONE, n, f"t{n}", status="done")) + b"\n" for n in range(1, 5)]
    checkpoint = encode_event(task(Kind.TASK_CHECKPOINT, 5, status="running")) + b"\n"
    assert b'"kind":"task.checkpoint"' in checkpoint, "it is told from the others by its bytes"
    path.write_bytes(b"".join(lines[:2]) + checkpoint + lines[2][:-9])
    assert [one.tasks for one in look()] == [("t1", "t2")], "put together: they are of one moment"
    assert look() is look()
    path.write_bytes(b"".join(lines[:2]) + checkpoint + lines[2])
    assert [one.tasks for one in look()] == [("t1", "t2", "t3")]
    path.write_bytes(lines[3])
    assert [one.tasks for one in look()] == [("t4",)], "another run's"
    monkeypatch.setattr("cqltui.app.past.TAIL_BYTES", len(lines[3]) + 5)
    path.write_bytes(b"".join(lines))
    assert [one.tasks for one in JournalHappenings(path)()] == [("t4",)], "not the line that the cut went through"
