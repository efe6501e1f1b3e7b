"""Predictions for people: how far the networks were found good, then a line a game."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from cqltui.results.predictions import About, Row
from cqltui.state.plain import plain
from trainer.config import ACTIONS

HEADINGS = (
    "week",
    "game",
    "day",
    "action",
    "side",
    "price",
    "stake",
    "Q mean",
    "Q std",
    "advantage",
    "uncertain",
    "why",
)
LEFT = ("game", "day", "action", "side", "why")
NO_BET = ACTIONS[0]


def head_lines(about: About) -> Iterator[str]:
    """Yield what is to be read before any bet."""
    told = about.told
    if not about.trusted:
        verdict = f"the leak audit says {about.leak_audit}" if told is None else f"the verdict is {told.verdict}"
        yield f"DO NOT BET ON THIS: {verdict}"
    if told is None:
        yield f"no verdict on {about.policy}: {about.caveat}"
    else:
        yield f"verdict on {told.policy}: {told.verdict}; it rests on {told.bets:,} test bets ({told.record})"
        yield f"  {told.sentence}"
        if about.caveat:
            yield f"  {about.caveat}"
    yield f"leak audit: {about.leak_audit}"
    networks = "1 network" if about.networks == 1 else f"{about.networks} networks"
    yield f"{networks}, {plain(about.source)}, {about.chosen_by}"
    if about.networks == 1:
        yield "a single network does not tell how certain it is: Q std and confidence are not known"
    elif about.share is None:
        yield "no cut: every bet with the largest Q counts; --confident 0.2 keeps the most confident fifth"
    elif about.threshold is None:
        yield "no bet counts as confident: the ensemble made none on validation rows"
    else:
        yield (
            f"confident: an uncertainty of at most {about.threshold:.4g}, which kept the most confident "
            f"{about.share:.0%} of the validation bets"
        )


def count_line(rows: Sequence[Row]) -> str:
    """Return how many games were predicted, and how many are to be bet on."""
    bets = sum(row["action"] != NO_BET for row in rows)
    lost = sum(row["q_action"] is None for row in rows)
    games = "1 game" if len(rows) == 1 else f"{len(rows):,} games"
    return f"{games} without a result: {bets:,} to bet on" + (f", {lost:,} that cannot be computed" if lost else "")


def prediction_table(rows: Sequence[Row]) -> Table:
    """Return a line a game. The side has the points that it is given, as bookmakers write them."""
    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=heading != "why", justify="left" if heading in LEFT else "right")
    for row in rows:
        bet = row["action"] != NO_BET
        cells = (
            "" if row["week"] is None else str(row["week"]),
            row["game_id"] or f"row {row['row']}",
            row["gameday"],
            row["action"],
            f"{row['side']} {_signed(row['handicap'], 'g')}".strip(),
            _signed(row["price"], ".0f"),
            f"{row['stake']:g}" if bet else "",
            _signed(row["q_mean"], ".4f"),
            _figure(row["q_std"]),
            _signed(row["advantage"], ".4f"),
            _figure(row["uncertainty"]),
            row["reason"],
        )
        table.add_row(*(Text(plain(cell, 120), style="bold green" if bet else "") for cell in cells))
    return table


def _signed(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:+{form}}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
