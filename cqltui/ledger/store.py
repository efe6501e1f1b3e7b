"""The bets and results of a ledger: one transaction a command, on disk before it is told of."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Literal, TypeVar

from msgspec import Struct, field, to_builtins
from msgspec.structs import astuple

from cqltui.errors import InputError
from cqltui.ledger.database import connected, damaged, told
from cqltui.ledger.model import Bet, Entry, Result, timestamp
from cqltui.state.plain import plain

SHOWN = 10
"""Problems of one kind that are named before the others are counted."""
T = TypeVar("T", Bet, Result)


class Added(Struct):
    """What became of bets that were to be added."""

    added: list[Bet] = field(default_factory=list)
    known: list[Bet] = field(default_factory=list)
    """Those that were there already."""
    corrected: list[tuple[Bet, list[str]]] = field(default_factory=list)
    again: list[Bet] = field(default_factory=list)
    """Of those added: on a side that another bet was on already."""


class Settled(Struct):
    """What became of results that were to be taken."""

    settled: list[Result] = field(default_factory=list)
    known: list[Result] = field(default_factory=list)
    corrected: list[tuple[Result, list[str]]] = field(default_factory=list)
    refused: list[tuple[Result, list[str]]] = field(default_factory=list)
    """Those that differ from what is known, and were not to be corrected."""


class Ledger:
    """An open ledger."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def add(self, bets: Sequence[tuple[Bet, bool]], now: datetime, *, correct: bool = False) -> Added:
        """Add the bets, all or none; they are on disk when this returns. With each: whether its time was told.

        Raises InputError where a bet of that id is there that differs, unless it is to be corrected.
        """
        found = Added()
        changed: list[str] = []
        with self._transaction():
            for bet, with_time in bets:
                before = self._one(Bet, "bets", "bet_id", bet.bet_id)
                if before is None:
                    others = "SELECT 1 FROM bets WHERE game_id = ? AND side = ?"
                    if self._connection.execute(others, (bet.game_id, bet.side)).fetchone():
                        found.again.append(bet)
                    self._write("bets", bet)
                    found.added.append(bet)
                elif not (differs := before.differences(bet, with_time=with_time)):
                    found.known.append(bet)
                elif correct:
                    self._keep("bet", bet.bet_id, before, now)
                    self._write("bets", bet)
                    found.corrected.append((bet, differs))
                else:
                    changed.append(f"bet {plain(bet.bet_id)!r}: {plain('; '.join(differs))}")
            if changed:
                raise InputError(
                    f"{self.path}: nothing was added, since {len(changed)} of the bets are there otherwise:",
                    *(f"  {line}" for line in changed[:SHOWN]),
                    *([f"  and {len(changed) - SHOWN} more"] if len(changed) > SHOWN else []),
                    "give a second bet on the same side a time (--at) or an id (--id) of its own; if the ledger is "
                    "wrong, --correct takes the new one",
                )
        return found

    def settle(self, results: Iterable[Result], now: datetime, *, correct: bool = False) -> Settled:
        """Take the results of the games that were bet on; those of other games are passed over.

        Raises InputError where a game is of another season or week than the bet says.
        """
        found = Settled()
        with self._transaction():
            for result in results:
                bets = self._bets_on(result.game_id)
                if not bets:
                    continue
                _check_week(bets, result)
                before = self._one(Result, "results", "game_id", result.game_id)
                if before is None:
                    self._write("results", result)
                    found.settled.append(result)
                elif not (differs := before.differences(result)):
                    found.known.append(result)
                elif correct:
                    self._keep("result", result.game_id, before, now)
                    self._write("results", result)
                    found.corrected.append((result, differs))
                else:
                    found.refused.append((result, differs))
        return found

    def games(self) -> set[str]:
        """Return the ids of the games that were bet on."""
        with self._told():
            return {str(row[0]) for row in self._connection.execute("SELECT game_id FROM bets")}

    def entries(self) -> list[Entry]:
        """Return all bets in the order in which they were taken, as they are at one moment."""
        with self._transaction("DEFERRED"):
            results = {result.game_id: result for result in self._all(Result, "results", "game_id")}
            bets = self._all(Bet, "bets", "taken_at, bet_id")
        for result in results.values():
            try:
                date.fromisoformat(result.gameday)
            except ValueError as error:
                raise damaged(self.path, f"result of {result.game_id}: {error}") from error
        return [Entry(bet, results.get(bet.game_id)) for bet in bets]

    def _bets_on(self, game_id: str) -> list[Bet]:
        return self._select(Bet, "bets", "WHERE game_id = ?", (game_id,))

    def _one(self, kind: type[T], table: str, key: str, value: str) -> T | None:
        return next(iter(self._select(kind, table, f"WHERE {key} = ?", (value,))), None)

    def _all(self, kind: type[T], table: str, order: str) -> list[T]:
        return self._select(kind, table, f"ORDER BY {order}", ())

    def _select(self, kind: type[T], table: str, how: str, values: tuple[str, ...]) -> list[T]:
        names = ", ".join(kind.__struct_fields__)
        return [kind(*row) for row in self._connection.execute(f"SELECT {names} FROM {table} {how}", values)]

    def _write(self, table: str, row: Bet | Result) -> None:
        values = astuple(row)
        names = ", ".join(row.__struct_fields__)
        places = ", ".join("?" * len(values))
        self._connection.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({places})", values)

    def _keep(self, kind: str, name: str, before: Bet | Result, now: datetime) -> None:
        """Write down what is about to be replaced."""
        self._connection.execute(
            "INSERT INTO changes (changed_at, kind, id, was) VALUES (?, ?, ?, ?)",
            (timestamp(now), kind, name, json.dumps(to_builtins(before))),
        )

    @contextmanager
    def _transaction(self, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE") -> Iterator[None]:
        """Do all of it or nothing; a deferred one reads, and waits for nobody who writes."""
        with self._told():
            self._connection.execute(f"BEGIN {kind}")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled back already
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        with told(self.path):
            yield


@contextmanager
def opened(path: Path, *, create: bool = False, read_only: bool = False) -> Iterator[Ledger]:
    """Open a ledger; `create` begins one where there is none, `read_only` changes nothing in it. Raises InputError and
    CqltuiError."""
    with connected(path, create=create, read_only=read_only) as connection:
        yield Ledger(path, connection)


def _check_week(bets: list[Bet], result: Result) -> None:
    for bet in bets:
        told_of = bet.season, bet.week
        if None not in told_of and told_of != (result.season, result.week):
            raise InputError(
                f"bet {plain(bet.bet_id)!r} is of season {bet.season}, week {bet.week}, and the game's result of "
                f"season {result.season}, week {result.week}: is it the file of these games? If the bet is wrong, add "
                "it again with --correct"
            )
