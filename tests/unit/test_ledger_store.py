"""The ledger's file: each bet once, nothing by halves, and no file that is none of ours."""

import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from cqltui.errors import CqltuiError, InputError
from cqltui.ledger import database
from cqltui.ledger.model import Bet, Entry, Result
from cqltui.ledger.schema import VERSION
from cqltui.ledger.store import Ledger, opened

NOW = datetime(2022, 9, 10, 12, tzinfo=UTC)
BET = Bet("b", "g", "home", 3.0, 10 / 11, 0.5, "2022-09-07T12:00:00Z", 2022, 1)
RESULT = Result("g", 2022, 1, "2022-09-11", None, 24, 17, 3.0, 0.9, 0.92)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a ledger with one bet is."""
    path = tmp_path / "ledger.sqlite"
    with opened(path, create=True) as ledger:
        ledger.add([(BET, True)], NOW)
    return path


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """It, open."""
    with opened(path) as ledger:
        yield ledger


def changes(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT changed_at, kind, id, was FROM changes").fetchall()
    connection.close()
    return found


def test_the_same_bet_twice_is_one(ledger: Ledger) -> None:
    again = ledger.add([(replace(BET, net_odds=0.909), True), (BET, True)], NOW)
    assert (len(again.added), len(again.known), again.again) == (0, 2, [])
    untold = replace(BET, taken_at="2022-09-10T12:00:00Z")
    assert ledger.add([(untold, False)], NOW).known == [untold]
    assert ledger.entries() == [Entry(BET, None)], "and it keeps the time at which it was taken"


def test_a_changed_bet_is_refused_and_nothing_beside_it_is_added(ledger: Ledger, path: Path) -> None:
    new, changed = replace(BET, bet_id="new"), replace(BET, stake=1.0)
    with pytest.raises(InputError) as refused:
        ledger.add([(new, False), (changed, False)], NOW)
    assert "nothing was added, since 1 of the bets are there otherwise" in str(refused.value)
    assert "  bet 'b': stake 1 was 0.5" in str(refused.value)
    assert "--correct" in str(refused.value)
    assert ledger.entries() == [Entry(BET, None)]
    found = ledger.add([(new, False), (changed, False)], NOW, correct=True)
    assert (found.added, found.corrected, found.again) == ([new], [(changed, ["stake 1 was 0.5"])], [new])
    assert {entry.bet for entry in ledger.entries()} == {new, changed}
    ((at, kind, name, was),) = changes(path)
    assert (at, kind, name) == ("2022-09-10T12:00:00Z", "bet", "b")
    assert '"stake": 0.5' in str(was)


def test_results_are_taken_once_and_changed_ones_only_if_asked(ledger: Ledger, path: Path) -> None:
    found = ledger.settle([RESULT, replace(RESULT, game_id="other")], NOW)
    assert found.settled == [RESULT], "games without a bet are passed over"
    assert ledger.settle([RESULT], NOW).known == [RESULT]
    changed = replace(RESULT, home_score=23)
    assert ledger.settle([changed], NOW).refused == [(changed, ["home_score 23 was 24"])]
    assert ledger.entries() == [Entry(BET, RESULT)]
    assert ledger.settle([changed], NOW, correct=True).corrected == [(changed, ["home_score 23 was 24"])]
    assert ledger.entries() == [Entry(BET, changed)]
    assert [row[1:3] for row in changes(path)] == [("result", "g")]


def test_a_game_of_another_week_is_refused_and_nothing_is_settled(ledger: Ledger) -> None:
    ledger.add([(replace(BET, bet_id="c", game_id="h", season=None), False)], NOW)
    with pytest.raises(InputError, match="bet 'b' is of season 2022, week 1, and the game's result of season 2022, w"):
        ledger.settle([replace(RESULT, game_id="h", week=2), replace(RESULT, week=2)], NOW)
    assert [entry.result for entry in ledger.entries()] == [None, None]


def test_it_is_private_durable_and_open_to_other_programs(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    with opened(path) as ledger:
        ledger.add([(replace(BET, bet_id="c"), False)], NOW)
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
        settings = [
            ledger._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("synchronous", "journal_mode", "trusted_schema")
        ]
        assert settings == [2, "wal", 0]
        other = sqlite3.connect(path)
        assert other.execute("SELECT bet_id FROM bets ORDER BY bet_id").fetchall() == [("b",), ("c",)]
        other.close()


def refused(path: Path) -> str:
    """Why it is."""
    with pytest.raises(InputError) as refused, opened(path, create=True):
        pytest.fail("it was opened")
    return str(refused.value)


def changed_by_hand(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_file_that_is_no_ledger_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    text, other = tmp_path / "bets.csv", tmp_path / "other.sqlite"
    text.write_text("game_id,side\n" * 100, encoding="utf-8")
    changed_by_hand(other, "CREATE TABLE mine (x)")
    for path, said in ((text, "is no ledger"), (other, "is a database of another program")):
        before = path.read_bytes()
        assert said in refused(path)
        assert path.read_bytes() == before
    (tmp_path / "empty").touch(0o600)
    with pytest.raises(InputError, match="is an empty file"), opened(tmp_path / "empty"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bets.csv", "empty", "other.sqlite"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (f"PRAGMA user_version = {VERSION + 1}", f"is of format {VERSION + 1}, and this version of cqltui knows"),
        ("CREATE TRIGGER t AFTER INSERT ON bets BEGIN DELETE FROM bets; END", "its tables are not those of a ledger"),
        ("DROP TABLE results", "its tables are not those of a ledger"),
        ("UPDATE bets SET stake = 1e9", "is damaged (CHECK constraint failed in bets)"),
        ("UPDATE bets SET taken_at = 'x'", "is damaged (CHECK constraint failed in bets)"),
        ("UPDATE bets SET bet_id = CAST(x'ff' AS TEXT)", "is damaged (Could not decode to UTF-8"),
        (
            "INSERT INTO results VALUES ('g', 2022, 1, '2022-02-30', NULL, 1, 2, NULL, NULL, NULL)",
            "is damaged (result of g: day is out of range",
        ),
    ],
)
def test_a_ledger_that_was_tampered_with_is_refused(path: Path, statement: str, said: str) -> None:
    changed_by_hand(path, "PRAGMA ignore_check_constraints = ON", statement)
    with pytest.raises(InputError) as refused, opened(path) as ledger:
        ledger.entries()
    assert said in str(refused.value)


def test_a_damaged_ledger_is_refused_with_what_to_do(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 : 4096 + 200] = b"\xff" * 200  # the first page after the header's
    path.write_bytes(content)
    assert "is damaged (" in (said := refused(path))
    assert "put a copy of it back" in said


def test_a_file_of_others_or_under_other_names_is_refused(path: Path, tmp_path: Path) -> None:
    link, hard = tmp_path / "link", tmp_path / "hard"
    link.symlink_to(path)
    assert "is a link" in refused(link)
    assert "is a folder, a device or a pipe" in refused(tmp_path)
    hard.hardlink_to(path)
    assert "has other names (hard links)" in refused(path)
    hard.unlink()
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    assert f"others can write to {shared}" in refused(shared / "ledger.sqlite")
    with pytest.raises(InputError, match="there is no folder"), opened(tmp_path / "no" / "x", create=True):
        pytest.fail("it was opened")
    assert not (tmp_path / "no").exists(), "a name that is rather mistyped"
    with (
        pytest.raises(InputError, match="there is no ledger: begin one with cqltui ledger add"),
        opened(tmp_path / "x"),
    ):
        pytest.fail("it was opened")


def test_another_users_ledger_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    assert "is another user's ledger (uid" in refused(path)


def test_who_waits_too_long_for_another_writer_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE_S", 0.05)
    with opened(path) as one, opened(path) as other:
        one._connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(CqltuiError, match="another process has been writing to it for long"):
            other.add([(BET, True)], NOW)


def test_a_full_disk_loses_nothing(path: Path) -> None:
    with opened(path) as ledger:
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
        many = [(replace(BET, bet_id=f"{number:0100}"), False) for number in range(200)]
        with pytest.raises(CqltuiError, match="the disk is full: free some space"):
            ledger.add(many, NOW)
        assert ledger.entries() == [Entry(BET, None)]


def test_reading_changes_nothing_in_the_file(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    with opened(path, read_only=True) as ledger:
        assert ledger.entries() == [Entry(BET, None)]
        with pytest.raises(InputError):
            ledger.settle([RESULT], NOW)
    assert path.read_bytes() == before
    empty = tmp_path / "empty.sqlite"
    empty.touch(0o600)
    with pytest.raises(InputError, match="is an empty file"), opened(empty, read_only=True):
        pass
    assert empty.read_bytes() == b""


def test_who_reads_does_not_wait_for_who_writes(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with opened(path, read_only=True) as ledger:
        assert ledger.entries() == [Entry(BET, None)]
    other.close()
