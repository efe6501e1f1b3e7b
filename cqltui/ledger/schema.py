"""The tables of a ledger. Other programs may read them; docs/deploying.md explains the columns.

A change of them is a new VERSION, and a step in `store.py` that brings earlier ones up to it. What a column may hold is
said here, since other programs may write to the file too.
"""

from cqltui.ledger.model import LARGEST_ODDS, LARGEST_SCORE, LARGEST_SPREAD, LARGEST_WEEK, LONGEST_ID, SIDES, YEARS

APPLICATION_ID = 0x43514C42
"""What tells SQLite's files of ours from others: "CQLB"."""
VERSION = 1
_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_MOMENT = f"{_DAY}T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z"


def _column(name: str, kind: str, holds: str, *, optional: bool = False, key: bool = False) -> str:
    typed = f"typeof({name}) = '{kind.lower()}' AND {holds}"
    if optional:
        return f"{name} {kind} CHECK ({name} IS NULL OR ({typed}))"
    return f"{name} {kind}{' PRIMARY KEY' if key else ''} NOT NULL CHECK ({typed})"


def _text(name: str, *, key: bool = False) -> str:
    return _column(name, "TEXT", f"length({name}) BETWEEN 1 AND {LONGEST_ID}", key=key)


def _form(name: str, form: str, *, optional: bool = False) -> str:
    return _column(name, "TEXT", f"{name} GLOB '{form}'", optional=optional)


def _whole(name: str, least: int, most: int, *, optional: bool = False) -> str:
    return _column(name, "INTEGER", f"{name} BETWEEN {least} AND {most}", optional=optional)


def _spread(name: str, *, optional: bool = False) -> str:
    return _column(name, "REAL", f"abs({name}) <= {LARGEST_SPREAD}", optional=optional)


def _positive(name: str, most: int, *, optional: bool = False) -> str:
    return _column(name, "REAL", f"{name} > 0 AND {name} <= {most}", optional=optional)


def _table(name: str, *columns: str) -> str:
    return f"CREATE TABLE {name} (\n  " + ",\n  ".join(columns) + "\n)"


TABLES = {
    "bets": _table(
        "bets",
        _text("bet_id", key=True),
        _text("game_id"),
        _column("side", "TEXT", f"side IN {SIDES}"),
        _spread("spread"),
        _positive("net_odds", LARGEST_ODDS),
        _positive("stake", 1),
        _form("taken_at", _MOMENT),
        _whole("season", *YEARS, optional=True),
        _whole("week", 0, LARGEST_WEEK, optional=True),
    ),
    "results": _table(
        "results",
        _text("game_id", key=True),
        _whole("season", *YEARS),
        _whole("week", 0, LARGEST_WEEK),
        _form("gameday", _DAY),
        _form("kick_off", _MOMENT, optional=True),
        _whole("home_score", 0, LARGEST_SCORE),
        _whole("away_score", 0, LARGEST_SCORE),
        _spread("close_spread", optional=True),
        _positive("close_home_odds", LARGEST_ODDS, optional=True),
        _positive("close_away_odds", LARGEST_ODDS, optional=True),
    ),
    "changes": _table(
        "changes",
        "change_id INTEGER PRIMARY KEY",
        _form("changed_at", _MOMENT),
        _column("kind", "TEXT", "kind IN ('bet', 'result')"),
        _text("id"),
        "was TEXT NOT NULL",
    ),
}
"""The statement that makes each table."""
