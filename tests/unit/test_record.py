"""What files tell of a task: its attempts and how each ended, its files, and what its phase sets."""

import json
import os
from pathlib import Path
from typing import Any

from cqltui.broker.protocol.codec import encode_event
from cqltui.campaign.load import load_campaign
from cqltui.results.taskrecord import MOST_FILES, TaskRecords
from cqltui.state.events import Event, Kind
from cqltui.state.model import Lifecycle, Status
from cqltui.state.record import (
    KEPT,
    LEASE_EXPIRED,
    REPLACED,
    Attempt,
    Attempts,
    TaskSubject,
    with_current,
    with_folders,
)
from cqltui.supervisor.manifest import resolved

TASK = "0a1b2c3d"
SUBJECT = TaskSubject(TASK, "quality", "cql")


class Story:
    """The events of a task, one after the other, ten seconds apart."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._life: dict[str, Any] = {"run": 1, "attempt": 0, "deaths": 0, "token": "", "worker": "", "error": ""}

    def then(self, status: str, **life: Any) -> "Story":
        """The task is so now."""
        self._life |= {"status": status, **life}
        seq = len(self.events) + 1
        kind = Kind.TASK_CLAIMED if status == "running" else Kind(f"task.{status}")
        self.events.append(Event(kind, 10.0 * seq, 1, seq, TASK, data=dict(self._life)))
        return self

    def claimed(self, number: int, run: int = 1) -> "Story":
        """A worker takes it."""
        ts = 10.0 * (len(self.events) + 1)
        token = f"1-{run}{number:05}"
        return self.then("running", run=run, attempt=number, worker=f"w{number}", token=token, claimed_ts=ts, error="")

    def told(self) -> tuple[Attempt, ...]:
        """The attempts by these events."""
        attempts = Attempts(TASK)
        for event in (*self.events, *self.events):  # those that are read twice count once
            attempts.add(event)
        return attempts.told()


def test_each_attempt_tells_how_it_ended() -> None:
    story = Story().then("queued")
    story.claimed(1).then("queued", deaths=1, error="its worker w1 died (signal 9)")
    story.claimed(2).then("delayed", deaths=2, error=f"{LEASE_EXPIRED}: worker w2 was silent")
    story.claimed(3).then("running", deaths=0)  # its first checkpoint clears the deaths
    story.then("queued", deaths=1, error=f"its worker w3 {REPLACED}")
    story.claimed(4).then("delayed", error="ValueError: no")
    story.claimed(5).then("paused", paused_by="user").then("queued")
    story.claimed(6).then("queued")
    story.claimed(7).then("done").then("queued", run=2)
    story.claimed(1, run=2).then("cancelled")
    story.claimed(2, run=2).then("withdrawn", token="1-100007").then("queued")
    story.claimed(3, run=2).then("done", token="1-100007", run=1)
    story.claimed(9)
    ends = [attempt.end for attempt in story.told()]
    assert ends[:7] == ["died", "lease lost", "replaced", "failed", "paused", "given back", "done"]
    assert ends[7:] == ["cancelled", "withdrawn", "cancelled", ""], "a result that came back is none of the new run"
    first = story.told()[0]
    assert (first.number, first.worker, first.ended_ts - first.claimed_ts) == (1, "w1", 10.0)
    assert first.why == "its worker w1 died (signal 9)"
    assert [attempt.why for attempt in story.told()][5:7] == ["", ""]


def test_of_very_many_attempts_the_newest_are_kept() -> None:
    story = Story()
    for number in range(KEPT + 20):
        story.claimed(number).then("queued")
    told = story.told()
    assert (len(told), told[-1].number) == (KEPT, KEPT + 19)


def test_folders_and_the_lifecycle_tell_of_attempts_that_the_journal_does_not() -> None:
    known = Story().claimed(1).then("done").told()
    found = with_folders(known, [(1, "1-100001"), (1, "1-1795766374448369"), (1, "1-99999999999999999999")])
    assert [(attempt.number, attempt.end) for attempt in found] == [(1, "done"), (0, "not told"), (0, "not told")]
    assert found[1].claimed_ts == 1795766374.448369
    assert found[2].claimed_ts == 0.0, "no clock shows it"
    life = Lifecycle(status=Status.RUNNING, token="1-7", attempt=2, worker="w9", claimed_ts=5.0)
    assert with_current(known, life)[-1] == Attempt(1, 2, "1-7", "w9", 5.0)
    died = Lifecycle(status=Status.DEAD, token="1-7", attempt=2, worker="w9", deaths=3, error="e", finished_ts=9.0)
    assert with_current((), died) == (Attempt(1, 2, "1-7", "w9", 0.0, 9.0, "died", "e"),)
    assert with_current(known, Lifecycle(status=Status.QUEUED)) == known


def made(folder: Path, story: Story) -> TaskRecords:
    """A run directory with that journal."""
    (folder / "journal.jsonl").write_bytes(b"".join(encode_event(event) + b"\n" for event in story.events))
    return TaskRecords(folder)


def test_a_journal_that_grows_is_read_on(tmp_path: Path) -> None:
    story = Story().claimed(1).then("queued")
    records = made(tmp_path, story)
    assert [attempt.end for attempt in records.read(SUBJECT).attempts] == ["given back"]
    with (tmp_path / "journal.jsonl").open("ab") as file:
        line = encode_event(story.claimed(2).events[-1]) + b"\n"
        file.write(b"\xff no JSON " + TASK.encode() + b"\n" + line[:40])
        file.flush()
        assert len(records.read(SUBJECT).attempts) == 1, "of a line that is still written nothing is believed"
        file.write(line[40:])
    assert [attempt.end for attempt in records.read(SUBJECT).attempts] == ["given back", ""]
    assert records.read(TaskSubject("other", "quality", "cql")).attempts == ()
    assert len(records.read(SUBJECT).attempts) == 2
    (tmp_path / "journal.jsonl").unlink()
    assert records.read(SUBJECT).attempts == ()


def test_of_a_large_journal_the_end_is_read(tmp_path: Path, monkeypatch: Any) -> None:
    story = Story()
    for number in range(40):
        story.claimed(number).then("queued")
    size = sum(len(encode_event(event)) + 1 for event in story.events)
    monkeypatch.setattr("cqltui.results.taskrecord.JOURNAL_BYTES", size // 2)
    monkeypatch.setattr("cqltui.results.taskrecord.PIECE_BYTES", 1_000)
    record = made(tmp_path, story).read(SUBJECT)
    assert record.cut
    assert 15 <= len(record.attempts) <= 20
    assert record.attempts[-1].number == 39


def test_files_are_listed_with_sizes_and_nothing_is_followed(tmp_path: Path, monkeypatch: Any) -> None:
    task = tmp_path / "tasks" / TASK
    attempt = task / "run-1" / "1-7"
    attempt.mkdir(parents=True)
    (task / "model.safetensors").write_bytes(b"x" * 300)
    (task / ".model.tmp").write_bytes(b"half")
    (task / "secret").symlink_to("/etc/passwd")
    (task / "run-1" / "elsewhere").symlink_to("/etc")
    (attempt / "metrics.csv").write_bytes(b"x" * 7)
    os.mkfifo(attempt / "pipe")
    for newer in ("run-1/1-8", "run-2/1-9", "run-10/1-10"):
        (task / newer).mkdir(parents=True)
        (task / newer / "metrics.csv").touch()
    record = TaskRecords(tmp_path).read(SUBJECT)
    listed = [(entry.folder, entry.name, entry.size) for entry in record.files]
    assert listed[0] == ("", "model.safetensors", 300)
    assert listed[-1] == ("run-1/1-7", "metrics.csv", 7)
    assert [folder for folder, _, _ in listed] == ["", "run-10/1-10", "run-2/1-9", "run-1/1-8", "run-1/1-7"]
    assert [attempt.token for attempt in record.attempts] == ["1-7", "1-8", "1-9", "1-10"]
    assert {attempt.end for attempt in record.attempts} == {"not told"}
    assert record.troubles == ()
    monkeypatch.setattr("cqltui.results.taskrecord.MOST_ENTRIES", 300)
    for number in range(400):
        (attempt / f"{number}").touch()
    record = TaskRecords(tmp_path).read(SUBJECT)
    assert len(record.files) == MOST_FILES
    assert "more than 300 files" in record.troubles[0]
    assert TaskRecords(tmp_path).read(TaskSubject("../..", "quality", "cql")).files == ()
    (tmp_path / "tasks" / "linked").symlink_to("/etc")
    assert TaskRecords(tmp_path).read(TaskSubject("linked", "quality", "cql")).files == ()
    assert TaskRecords(tmp_path / "elsewhere").read(SUBJECT).troubles == (
        "The folder of the run is not on this machine.",
    )


def test_what_stands_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    for name in ("journal.jsonl", "campaign.json"):
        os.mkfifo(tmp_path / name)
    record = TaskRecords(tmp_path).read(SUBJECT)
    assert len(record.troubles) == 2
    assert "journal.jsonl cannot be read: it is a device or a pipe" in record.troubles[0]
    assert record.files == ()
    for nonsense in (b"\xff", b"[]", b'{"campaign": {"phases": [7, {"criteria": [{"check": "conclusive"}]}]}}'):
        (tmp_path / "campaign.json").unlink()
        (tmp_path / "campaign.json").write_bytes(nonsense)
        assert TaskRecords(tmp_path).read(SUBJECT).watchers == ()


def test_a_campaign_tells_the_defaults_of_the_phase_and_who_else_judges_it(tmp_path: Path) -> None:
    criterion = {"text": "It is better", "check": "conclusive", "params": [["seeds_from", "quality"], ["x", 1]]}
    phases = [{"name": "quality", "criteria": []}, {"name": "exploration", "criteria": [criterion]}]
    defaults = {"quality": {"alpha": 0.3, "hidden_dims": [256, 128], "nonsense": 1, "lr": "high"}}
    path = tmp_path / "campaign.json"
    path.write_text(json.dumps({"campaign": {"phases": phases, "defaults": defaults}}))
    records = TaskRecords(tmp_path)
    record = records.read(SUBJECT)
    assert record.defaults is not None
    assert record.defaults["alpha"] == 0.3
    assert set(record.defaults) == {"alpha", "hidden_dims"}, "of what is no setting nothing is shown"
    assert record.watchers == (("exploration", "It is better"),)
    path.write_text(json.dumps({"campaign": {"phases": phases[:1]}}))
    again = records.read(SUBJECT)
    assert (again.defaults, again.watchers) == (None, ())


def test_campaign_json_holds_what_the_phases_set(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(
        '[campaign]\nname = "small"\n[trainer]\nalpha = 0.3\nepochs = 10\nlr = 1e-4\nhidden_dims = [8]\n'
        '[[phase]]\nname = "quality"\nepochs = 20\nprecision = "auto"\n'
        "[[phase.task]]\nseed = 1\nalpha = 0.5\n[[phase.task]]\nseed = 2\n"
    )
    campaign = load_campaign(file, ["epochs_scale=2"])
    written = resolved(campaign)
    (tmp_path / "campaign.json").write_text(json.dumps({"campaign": written}))
    defaults = TaskRecords(tmp_path).read(SUBJECT).defaults
    assert defaults is not None
    assert (defaults["alpha"], defaults["epochs"], defaults["batch_size"]) == (0.3, 40, 128)
    assert "precision" not in defaults, "the machine decides"
    assert "defaults" not in written["phases"][0], "phases are compared with those of earlier versions"
