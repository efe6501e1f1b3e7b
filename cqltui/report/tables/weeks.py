"""The weeks in which policies do not bet, and Sharpe ratios beside how often they do."""

from collections.abc import Iterator

from cqltui.judging.evaluated import at, figure_at
from cqltui.report.material import Material
from cqltui.report.reading import (
    Document,
    bankroll_of,
    ends_at,
    method_said,
    objects,
    policies,
    rows_said,
    share,
    text_at,
    whole_at,
)
from cqltui.report.series import why_not
from cqltui.report.table import Cell, Column, Table, absent

REASONS = (
    ("not_confident", "Unsure", "A bet promises a profit of which the policy is not sure enough."),
    ("no_edge", "No edge", "No bet that the policy may make promises a profit."),
    ("not_known", "Not known", "A price or a probability that the policy goes by is not known."),
    ("by_rule", "By rule", "The policy goes by no expectation, and leaves such games out."),
    ("no_game", "No game", "Nothing was offered in a week between others of the season."),
)
"""Reasons of a week without a bet as evaluation.json names them, how they read, and what they say."""


def zero_weeks(material: Material) -> Table:
    """Return a row a policy and season: its weeks without a bet, by reason."""
    name, title = "zero_weeks_table", "Weeks without a bet"
    columns = (
        Column("strategy", "Strategy"),
        Column("season", "Season"),
        Column("weeks", "Weeks", "integer", help="From the first to the last with a game in these rows."),
        Column("without_bet", "Without a bet", "integer"),
        *(Column(reason, label, "integer", help=says) for reason, label, says in REASONS),
    )
    rows = tuple(row for policy in policies(material) for row in _seasons(policy))
    if not rows:
        caption = "Weeks without a bet by policy, season and reason."
        return absent(name, title, caption, columns, why_not(material, "the weeks without a bet"))
    caption = f"Weeks without a bet by policy, season and reason, of {rows_said(material)}."
    notes = (
        "A week has one reason, that of the game that came closest to a bet; the reasons stand in that order.",
        *(f"{label}: {says}" for _, label, says in REASONS),
    )
    return Table(name, title, caption, columns, rows, notes)


def _seasons(policy: Document) -> Iterator[tuple[Cell, ...]]:
    for its in objects(policy, "activity", "seasons"):
        season = whole_at(its, "season")
        counts = (whole_at(its, "reasons", reason) for reason, _, _ in REASONS)
        yield (
            text_at(policy, "name"),
            None if season is None else str(season),
            whole_at(its, "weeks"),
            whole_at(its, "without_bet"),
            *counts,
        )


def adjusted_sharpe(material: Material) -> Table:
    """Return a row a policy: its Sharpe ratio, and the one that does not ask how often it bets."""
    name, title = "utilization_adjusted_sharpe_table", "Sharpe ratio and utilisation"
    columns = (
        Column("strategy", "Strategy"),
        Column("sharpe", "Sharpe", "number", 2, help="Of weekly returns, idle weeks included, annualised."),
        Column("sharpe_lower", "Sharpe from", "number", 2),
        Column("sharpe_upper", "Sharpe to", "number", 2),
        share("utilization", "Utilisation", help_text="Share of the weeks with games in which it bets."),
        Column("adjusted_sharpe", "Adjusted Sharpe", "number", 2, help="Sharpe / sqrt(utilisation)."),
        Column("adjusted_sharpe_lower", "Adjusted from", "number", 2),
        Column("adjusted_sharpe_upper", "Adjusted to", "number", 2),
        share("max_drawdown", "Max DD", help_text="Largest fall of the bankroll, as a share of its peak."),
    )
    told = [policy for policy in policies(material) if at(policy, "activity")]
    if not told:
        caption = "Sharpe ratio and share of the weeks with a bet, by policy."
        return absent(name, title, caption, columns, why_not(material, "the weeks with a bet"))
    method = method_said(material, [at(bankroll_of(at(policy, "whole")), "sharpe") for policy in told])
    caption = (
        f"Sharpe ratio and share of the weeks with a bet, by policy, of {rows_said(material)}. Adjusted Sharpe = "
        f"Sharpe / sqrt(utilisation). {method}"
    )
    notes = (
        *_stakes(told),
        "The Sharpe ratio counts weeks without a bet as returns of 0; the adjusted one is that of the weeks with a "
        "bet, up to terms of the square of a week's ratio, and its interval is scaled alike.",
    )
    return Table(name, title, caption, columns, tuple(map(_adjusted, told)), notes)


def _adjusted(policy: Document) -> tuple[Cell, ...]:
    bankrolls, bankroll = objects(policy, "whole", "bankrolls"), bankroll_of(at(policy, "whole"))
    # Adjusted ratios stand in the order of the bankrolls.
    ratios = objects(policy, "activity", "adjusted_sharpe")
    place = next((place for place, its in enumerate(bankrolls) if its is bankroll), len(ratios))
    return (
        text_at(policy, "name"),
        *ends_at(bankroll, "sharpe"),
        figure_at(policy, "activity", "utilisation"),
        *ends_at({"it": ratios[place]} if len(ratios) == len(bankrolls) > place else {}, "it"),
        figure_at(bankroll, "max_drawdown", "value"),
    )


def _stakes(told: list[Document]) -> Iterator[str]:
    stakes = sorted({it for policy in told if (it := figure_at(bankroll_of(at(policy, "whole")), "largest_stake"))})
    if stakes:
        yield f"Of a bankroll whose largest stake is {', '.join(f'{100 * stake:g} %' for stake in stakes)} of it."
