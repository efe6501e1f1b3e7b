"""A ledger for other programs: as JSON, and as CSV."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cqltui.errors import InputError
from cqltui.ledger.model import Entry, american
from cqltui.ledger.standing import Standing, taken_bets
from cqltui.results.evaluation import as_json
from cqltui.results.tables import cell, expect_target
from trainer.evaluation.taken import Alarm, bets_by_close
from trainer.files import write_bytes

FORMAT = "cqltui.ledger/1"
EXPORT_COLUMNS = (
    "bet_id",
    "season",
    "week",
    "game_id",
    "gameday",
    "side",
    "spread",
    "price",
    "net_odds",
    "stake",
    "taken_at",
    "home_score",
    "away_score",
    "outcome",
    "profit",
    "close_spread",
    "close_net_odds",
    "clv_bps",
)
BASIS_POINTS = 10_000


def document(standing: Standing) -> dict[str, Any]:
    """Return `cqltui ledger show --json`."""
    found: dict[str, Any] = {
        "format": FORMAT,
        "bets": len(standing.entries),
        "settled": len(standing.settled),
        "open": len(standing.entries) - len(standing.settled),
        "alarm": standing.is_alarmed,
        "figures": None,
        "seasons": None,
        "closing_line_value": None,
        "alarms": [_alarm(alarm) for alarm in standing.alarms],
        "expected": as_json(standing.expected),
    }
    if standing.account is not None:
        found["figures"] = as_json(standing.account.figures.whole)
        found["seasons"] = as_json(standing.account.figures.seasons)
        if standing.account.closing is not None:
            found["closing_line_value"] = as_json(standing.account.closing) | {"assumed": standing.account.assumed}
    return found


def told(file: str, standing: Standing) -> dict[str, Any]:
    """Return the same for a report: with the ledger's name, and under "taken" of each bet when it was, what it was
    worth at the close, or why that is not measurable."""
    found = bets_by_close(taken_bets(standing.entries)) if standing.settled else (np.empty(0), np.empty(0))
    values, worths = (iter(its.tolist()) for its in found)
    bets = []
    for entry in standing.entries:
        when = entry.bet if entry.result is None else entry.result
        value, posted = (np.nan, np.nan) if entry.result is None else (next(values), next(worths))
        bets.append(
            {
                "season": when.season,
                "week": when.week,
                "outcome": entry.outcome,
                "clv_bps": None if np.isnan(value) else BASIS_POINTS * value,
                "posted_bps": None if np.isnan(posted) else BASIS_POINTS * posted,
                "not_measurable": _unmeasured(entry),
            }
        )
    return {"file": file, **document(standing), "taken": bets}


def _unmeasured(entry: Entry) -> str | None:
    """Return why the bet has no closing line value, to be read behind a number of bets."""
    if entry.result is None:
        return "without a result yet"
    if not entry.before_close:
        return "not taken before the kick-off, or not known to be"
    return "whose closing line is not known" if entry.result.close_spread is None else None


def _alarm(alarm: Alarm) -> dict[str, Any]:
    process = alarm.process
    return {
        "null": f"each bet returns {process.least:+.4f} of its stake or more in expectation",
        "least": process.least,
        "e_value": process.now,
        "largest": process.largest,
        "alarm": alarm.when is not None,
        "season": None if alarm.when is None else alarm.when[0],
        "week": None if alarm.when is None else alarm.when[1],
        "bets": alarm.bets,
        "weeks": alarm.weeks,
    }


def export_csv(entries: Sequence[Entry]) -> str:
    """Return a row for each bet, in the order in which they were taken. Text is no formula (see `results.tables.cell`);
    spreads are of the side."""
    values = iter(bets_by_close(taken_bets(entries))[0].tolist() if any(entry.result for entry in entries) else ())
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(EXPORT_COLUMNS)
    for entry in entries:
        bet, result = entry.bet, entry.result
        row = [cell(bet.bet_id), bet.season, bet.week, cell(bet.game_id), None, bet.side, bet.spread]
        row += [american(bet.net_odds), bet.net_odds, bet.stake, bet.taken_at]
        if result is not None:
            row[1:3], row[4] = (result.season, result.week), result.gameday
            at_home = bet.side == "home"
            close = result.close_spread if at_home or result.close_spread is None else -result.close_spread
            close_odds = result.close_home_odds if at_home else result.close_away_odds
            value = next(values)
            row += [result.home_score, result.away_score, entry.outcome, entry.profit, close, close_odds]
            row += [None if np.isnan(value) else BASIS_POINTS * value]
        else:
            row += [None, None, entry.outcome]
        writer.writerow(["" if item is None else item for item in row + [None] * (len(EXPORT_COLUMNS) - len(row))])
    return out.getvalue()


def write_export(path: Path, entries: Sequence[Entry]) -> None:
    """Write the CSV atomically, in place of nothing but an earlier one. Raises InputError."""
    expect_target(path, ",".join(EXPORT_COLUMNS), "export of a ledger")
    try:
        write_bytes(path, export_csv(entries).encode(), private=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; choose another file") from error
