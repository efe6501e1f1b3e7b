"""How the screen is arranged, from one start to the next."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from cqltui.app.remembering import LARGEST, keep, load
from cqltui.ui.memory import Memory
from cqltui.ui.remembered import LONGEST, MOST, Field, Remembered, read_field, remembered

ARRANGED = Remembered(hidden=("log", "events"), tab="curves")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is kept."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "cqltui" / "screen.json"


def test_what_is_kept_is_there_at_the_next_start_for_the_user_alone(path: Path) -> None:
    assert load() == Remembered()
    umask = os.umask(0)
    try:
        keep(ARRANGED)
    finally:
        os.umask(umask)
    assert load() == ARRANGED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    keep(replace(ARRANGED, tab="log"))
    assert load().tab == "log", "the last one wins"
    assert [found.name for found in path.parent.iterdir()] == ["screen.json"]


@pytest.mark.parametrize("content", [
    b"", b"\xff", b"[]", b"null", b'{"hidden": ', b"[" * 60_000, b'"' + b"a" * LARGEST + b'"',
])  # fmt: skip
def test_what_is_no_such_file_is_as_none(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert load() == Remembered()


def test_a_file_that_never_ends_is_not_read(path: Path) -> None:
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert load() == Remembered()


@pytest.mark.parametrize("hidden", [
    "log", ["log", 1], ["\x1b[2J"], ["\ud800"], ["a" * (LONGEST + 1)], ["a"] * (MOST + 1), {"log": 1}, None,
])  # fmt: skip
def test_a_field_that_cannot_be_has_its_default_and_the_others_are_taken(hidden: object) -> None:
    assert remembered({"hidden": hidden, "tab": "curves", "of a later version": 1}) == Remembered(tab="curves")


@pytest.mark.parametrize(("value", "default", "read"), [
    ("val", "", "val"), (1, "", ""), (["a", "b"], (), ("a", "b")), (["a"] * MOST, (), ("a",) * MOST), ("a", (), ()),
    (True, False, True), (1, False, False), (7, 3, 7), (True, 3, 3), (2**31, 3, 3), (-(2**31), 3, 3),
    (2**31 - 1, 3, 2**31 - 1), (1.5, 3, 3), (None, True, True), ("a" * LONGEST, "", "a" * LONGEST),
])  # fmt: skip
def test_a_field_is_of_its_default_s_kind(value: object, default: Field, read: Field) -> None:
    assert (found := read_field(value, default)) == read
    assert type(found) is type(default)


def test_a_link_is_replaced_and_what_it_leads_to_stays(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    path.parent.mkdir(parents=True)
    path.symlink_to(other)
    keep(ARRANGED)
    assert other.read_text() == "mine"
    assert (
        remembered(json.loads(path.read_bytes()))
        == ARRANGED
        == remembered(json.loads(json.dumps(to_builtins(ARRANGED))))
    )


def test_where_nothing_can_be_written_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "state").write_text("no folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    keep(ARRANGED)
    assert load() == Remembered()
    monkeypatch.setattr("cqltui.app.remembering.state_dir", lambda: None)
    keep(ARRANGED)
    assert load() == Remembered()


def test_changes_while_one_is_written_are_written_once_and_the_last_is() -> None:
    written: list[Remembered] = []
    begun, free = threading.Event(), threading.Event()

    def slow(what: Remembered) -> None:
        written.append(what)
        begun.set()
        assert free.wait(30)

    died: list[Exception] = []
    memory = Memory(Remembered(), slow, died.append)
    memory.start()
    memory.put(Remembered())
    assert memory.settled(0), "nothing has changed"
    memory.put(Remembered(tab="a"))
    assert begun.wait(30)
    for tab in "bcd":
        memory.put(Remembered(tab=tab))
    assert memory.now.tab == "d"
    assert not memory.settled(0)
    free.set()
    assert memory.settled(30)
    assert [found.tab for found in written] == ["a", "d"]
    memory.put(Remembered(tab="e"))
    assert memory.settled(30)
    assert written[-1].tab == "e"
    memory.stop()
    assert not died


def test_nothing_is_written_while_changes_come_and_all_of_it_when_somebody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cqltui.ui.memory.REST_S", 1e6)
    written: list[Remembered] = []
    memory = Memory(Remembered(), written.append, lambda error: pytest.fail(str(error)))
    memory.start()
    for tab in "abc":
        memory.put(Remembered(tab=tab))
    assert not written
    assert memory.settled(30)
    assert [found.tab for found in written] == ["c"]
    memory.stop()


def test_what_was_put_last_is_written_where_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.ui.memory.REST_S", 0.001)
    written: list[Remembered] = []
    last = threading.Event()

    def write(what: Remembered) -> None:
        written.append(what)
        last.set()

    memory = Memory(Remembered(), write, lambda error: pytest.fail(str(error)))
    memory.start()
    memory.put(Remembered(tab="a"))
    assert last.wait(30)
    memory.stop()
    assert [found.tab for found in written] == ["a"]
