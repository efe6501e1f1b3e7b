"""What `cqltui ledger` does: bets and results are read, checked and put into the ledger, and told of."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from cqltui.app import options
from cqltui.errors import InputError
from cqltui.ledger.bets import bet_of_options, bets_of_file, reversed_spreads
from cqltui.ledger.games import results_of_file
from cqltui.ledger.model import Entry
from cqltui.ledger.standing import Standing, expectation, standing
from cqltui.ledger.store import SHOWN, opened
from cqltui.reporters.ledger import count
from cqltui.state.plain import plain

DEFAULT = Path("ledger.sqlite")
"""In the current folder, beside `runs/`: bets outlive the run that advised them."""


def add(
    ledger: Path, file: Path | None, told: Mapping[str, str | None], now: datetime, *, correct: bool
) -> Iterator[str]:
    """Add the bets of a file, or the one that options tell; yield what became of them, once it is on disk. Raises
    InputError and CqltuiError."""
    if file is not None and any(value is not None for value in told.values()):
        raise InputError("give a file of bets or the options of one bet, not both")
    bets, without = ([bet_of_options(told, now)], 0) if file is None else bets_of_file(file, now)
    with opened(ledger, create=True) as place:
        found = place.add(bets, now, correct=correct)
    for bet, differs in found.corrected[:SHOWN]:
        yield f"corrected: {plain(bet.bet_id)}: {plain('; '.join(differs))}"
    for bet in found.again[:SHOWN]:
        yield f"note: {plain(bet.bet_id)}: another bet on the same side of the game is in the ledger too"
    parts = [f"{len(found.added)} added", f"{len(found.known)} there already", f"{len(found.corrected)} corrected"]
    parts += [f"{count(without, 'row')} without a bet"] if without else []
    yield f"{plain(str(ledger))}: {', '.join(parts)}"


def settle(ledger: Path, file: Path, now: datetime, *, correct: bool) -> tuple[list[str], bool]:
    """Take the results of a file of games; return what became of them, and whether all were taken. Raises InputError
    and CqltuiError."""
    with opened(ledger) as place:
        results, unplayed = results_of_file(file, place.games())
        found = place.settle(results, now, correct=correct)
        entries = place.entries()
    lines = [f"corrected: {plain(it.game_id)}: {plain('; '.join(differs))}" for it, differs in found.corrected[:SHOWN]]
    lines += [
        f"not taken: {plain(it.game_id)}: {plain('; '.join(differs))}; if the file is right, --correct takes it"
        for it, differs in found.refused[:SHOWN]
    ]
    lines += [
        f"warning: {plain(bet.bet_id)}: its spread of {bet.spread:g} is far from the close, and nearer to that of the "
        "other side; if the sign is wrong, add it again with --correct"
        for bet in reversed_spreads(entries)[:SHOWN]
    ]
    games = [f"{count(len(found.settled), 'game')} settled", f"{len(found.known)} there already"]
    games += [f"{len(found.corrected)} corrected"] if found.corrected else []
    games += [f"{len(found.refused)} differ and were not taken"] if found.refused else []
    games += [f"{unplayed} without a result yet"] if unplayed else []
    still = sum(entry.result is None for entry in entries)
    lines.append(f"{plain(str(ledger))}: {', '.join(games)}; {still} of {count(len(entries), 'bet')} open")
    return lines, not found.refused


def show(ledger: Path, run: Path | None, policy: str) -> Standing:
    """Return how the bets stand, and beside it what a run's evaluation expected. Raises InputError and CqltuiError."""
    expected = None if run is None else expectation(options.existing_run(run), policy)
    return standing(entries(ledger), expected)


def entries(ledger: Path) -> list[Entry]:
    """Return all bets of a ledger, in which nothing is changed. Raises InputError and CqltuiError."""
    with opened(ledger, read_only=True) as place:
        return place.entries()
