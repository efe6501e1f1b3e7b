"""What the bets that were really taken were worth at the close: closing line value needs a price taken before it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from cqltui.judging.evaluated import at, figure_at
from cqltui.report.material import Material
from cqltui.report.reading import Document, ends_at, objects, share, text_at, whole_at
from cqltui.report.table import Cell, Column, Table, absent

BASIS_POINTS = 10_000
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
ROUNDING = 1e-5
"""Basis points: a bet at the closing terms is worth as much as these, but for this."""


def closing_values(material: Material) -> Table:
    """Return how closing line values are distributed, of all bets of the ledger and season by season, in basis points
    of the stake."""
    name, title = "clv_distribution_table", "Closing line value"
    columns = (
        Column("season", "Season"),
        Column("bets", "Bets", "integer", help="In the ledger."),
        Column("measured", "Measured", "integer", help="Taken before a close that is known."),
        Column("mean_bps", "Mean", "number", 1, signed=True),
        Column("lower_bps", "from", "number", 1, signed=True),
        Column("upper_bps", "to", "number", 1, signed=True),
        *(Column(f"q{100 * it:02.0f}_bps", f"{100 * it:.0f} %", "number", 1, signed=True) for it in QUANTILES),
        share("beat", "Beat close", help_text="Share of the bets that are worth something by the close without vig."),
        share("better", "Better terms", help_text="Share of the bets at better terms than the close posted."),
    )
    caption = (
        "Expected return of a unit at the terms taken, by the closing prices without vig, in basis points; of the bets "
        "that were really taken."
    )
    if material.ledger is None:
        return absent(
            name,
            title,
            caption,
            columns,
            "Not measurable: it needs the prices of bets that were really taken, before the close, and there is no "
            "ledger of them: `cqltui ledger add` begins one, and `cqltui report --ledger FILE` names it.",
        )
    bets = objects(material.ledger, "taken")
    notes = tuple(_notes(material.ledger, bets))
    if not any(figure_at(bet, "clv_bps") is not None for bet in bets):
        why = " ".join(notes) if bets else "The ledger has no bets."
        return absent(name, title, caption, columns, f"Not measurable: no bet has a closing line value. {why}")
    closing = at(material.ledger, "closing_line_value")
    interval = tuple(None if end is None else BASIS_POINTS * end for end in ends_at(closing, "value"))
    whole = _row("all", bets)
    rows = [(*whole[:3], *interval, *whole[6:])]
    seasons = sorted({season for bet in bets if (season := whole_at(bet, "season")) is not None})
    if len(seasons) > 1:
        rows += [_row(str(season), [bet for bet in bets if whole_at(bet, "season") == season]) for season in seasons]
    method = text_at(closing, "value", "method")
    said = f" The interval: 95 %, {method}." if method else ""
    return Table(name, title, f"{caption}{said}", columns, tuple(rows), notes)


def _row(season: str, bets: Sequence[Document]) -> tuple[Cell, ...]:
    pairs = [(figure_at(bet, "clv_bps"), figure_at(bet, "posted_bps")) for bet in bets]
    measured = [value for value, _ in pairs if value is not None]
    if not measured:
        return season, len(bets), 0, *(None,) * (5 + len(QUANTILES))
    quantiles = np.quantile(measured, QUANTILES).tolist()
    better = [value > posted + ROUNDING for value, posted in pairs if value is not None and posted is not None]
    return (
        season,
        len(bets),
        len(measured),
        float(np.mean(measured)),
        None,
        None,
        *quantiles,
        sum(value > 0 for value in measured) / len(measured),
        sum(better) / len(better) if better else None,
    )


def _notes(ledger: Document, bets: Sequence[Document]) -> list[str]:
    file = text_at(ledger, "file")
    notes = [f"Ledger: {file}, {len(bets):,} bets. It outlives runs: by whose advice a bet was taken it does not tell."]
    reasons = Counter(why for bet in bets if (why := text_at(bet, "not_measurable", limit=200)))
    if reasons:
        told = "; ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
        notes.append(f"Not measurable: {told}.")
    assumed = whole_at(ledger, "closing_line_value", "assumed")
    if assumed:
        notes.append(f"Of {assumed:,} closing lines no prices are known: -110 was assumed for both sides.")
    return notes
