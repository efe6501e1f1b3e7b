"""The SQLite file under a ledger: where it may lie, how it begins, and what to do where it cannot be used.

The file may be somebody else's: it is opened only where nobody else can put another in its place, and only with the
tables that this program makes, so that nothing in it acts.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cqltui.errors import CqltuiError, InputError
from cqltui.ledger.schema import APPLICATION_ID, TABLES, VERSION
from cqltui.state.plain import plain, word
from trainer.private import open_to_others

PATIENCE_S = 30.0
"""For which another process may write to the ledger before we give up."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, which say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise CqltuiError(f"{path}: another process has been writing to it for long: try again") from error
        if code == sqlite3.SQLITE_FULL:
            raise CqltuiError(f"{path}: the disk is full: free some space, then run the same command again") from error
        if code in (sqlite3.SQLITE_NOTADB,):
            raise InputError(f"{path}: is no ledger: name another file with --ledger FILE") from error
        # 0 is Python's own: text that is no UTF-8.
        if code in (0, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH):
            raise damaged(path, str(error)) from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR):
            raise InputError(
                f"{path}: cannot be read and written ({error}): its folder has to be yours, on a local disk"
            ) from error
        raise


@contextmanager
def connected(path: Path, *, create: bool, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the file, once it is seen to be a ledger; `create` begins one where there is none, `read_only` changes
    nothing in it. Each change is on disk once its transaction is. Raises InputError and CqltuiError."""
    _check_place(path, create=create)
    with told(path):
        uri = f"{path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE_S, isolation_level=None)
        try:
            _prepare(path, connection, read_only=read_only)
            yield connection
        finally:
            connection.close()


def _check_place(path: Path, *, create: bool) -> None:
    """Raise InputError where the file is none of ours, or others could put theirs in its place."""
    try:
        if create and not path.parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}: make it, or name another with --ledger FILE")
        if create:
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        found = path.lstat()
        place = open_to_others(path.parent)
    except (FileNotFoundError, NotADirectoryError):
        fix = (
            f"begin one with cqltui ledger add --ledger {word(str(path))} BETS.csv, or name another with --ledger FILE"
        )
        raise InputError(f"{path}: there is no ledger: {fix}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror}; name another with --ledger FILE") from error
    if stat.S_ISLNK(found.st_mode):
        raise InputError(f"{path}: is a link, which a ledger must not be: name what it leads to")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: is a folder, a device or a pipe: name a file with --ledger FILE")
    if found.st_size == 0 and not create:
        raise InputError(f"{path}: is an empty file, and no ledger: name another with --ledger FILE")
    if found.st_uid != os.geteuid():
        raise InputError(f"{path}: is another user's ledger (uid {found.st_uid}): make a copy of your own")
    if found.st_nlink > 1:
        raise InputError(f"{path}: has other names (hard links), under which it could be damaged: remove them")
    if place is not None:
        raise InputError(
            f"{path}: others can write to {place}, and put another ledger in its place: keep it in a folder of your "
            f"own, or close that one (chmod go-w {word(str(place))})"
        )


def _prepare(path: Path, connection: sqlite3.Connection, *, read_only: bool) -> None:
    """Make the tables where there are none yet, and see that they are ours. Raises InputError."""
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "synchronous = FULL", "fullfsync = ON"):
        connection.execute(f"PRAGMA {pragma}")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    elif _tables(connection) == {} and _number(connection, "application_id") == 0:
        _create(connection)
    application, version = _number(connection, "application_id"), _number(connection, "user_version")
    if application != APPLICATION_ID:
        raise InputError(f"{path}: is a database of another program: name another file with --ledger FILE")
    if version != VERSION:
        raise InputError(f"{path}: is of format {version}, and this version of cqltui knows {VERSION}: update cqltui")
    (damage,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if damage != "ok":
        raise damaged(path, str(damage))
    if _tables(connection) != TABLES:
        raise damaged(path, "its tables are not those of a ledger")
    if not read_only and connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        with suppress(sqlite3.OperationalError):  # another process is in it, which is as safe without, and will do it
            connection.execute("PRAGMA journal_mode = WAL")


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables in one transaction, unless another process has just done so. The write-ahead log comes after it:
    the file itself then says what it is, whenever the process is killed."""
    connection.execute("BEGIN EXCLUSIVE")
    try:
        if not _tables(connection):
            for sql in TABLES.values():
                connection.execute(sql)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _tables(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return the statement by which each thing in the file was made; those that SQLite makes itself have none."""
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    return dict(found.fetchall())


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def damaged(path: Path, how: str) -> InputError:
    """Return the error of a ledger that cannot be believed."""
    return InputError(
        f"{path}: is damaged ({plain(how)}): put a copy of it back; "
        f"sqlite3 {word(str(path))} .recover shows what can be saved"
    )
