"""What the policies won on the rows of the evaluation, all of them and season by season, beside P(cover)."""

from collections.abc import Iterator, Sequence

from cqltui.judging.evaluated import at, figure_at
from cqltui.report.material import Material
from cqltui.report.reading import (
    Document,
    bankroll_of,
    bets_of,
    ends_at,
    method_said,
    no_policies,
    policies,
    record_text,
    rows_said,
    seasons_of,
    share,
    text_at,
    verdict_notes,
    verdict_text,
)
from cqltui.report.table import Cell, Column, Table, absent

COVER_MODELS = {
    "fitted": "P(cover), fitted",
    "half": "P(cover) = one half",
    "market": "P(cover) by the market, without vig",
}
"""Predictions of who covers, by their names in evaluation.json."""
STAKED = "Pushes return the stake and count in the stakes; the win rate is W / (W + L)."


def performance(material: Material) -> Table:
    """Return a row a policy: its record, win rate, ROI, Sharpe ratio and drawdown, and its verdict."""
    name, title = "cql_betting_performance_table", "Betting performance"
    columns = (
        Column("method", "Method"),
        Column("record", "W-L-P", help="Won, lost and pushed bets."),
        Column("bets", "Bets", "integer"),
        share("win_rate", "Win"),
        share("win_rate_lower", "Win from"),
        share("win_rate_upper", "Win to"),
        share("break_even", "Even at", help_text="The win rate at which these bets, at their prices, come out even."),
        share("roi", "ROI", signed=True, help_text="Profit / staked."),
        share("roi_lower", "ROI from", signed=True),
        share("roi_upper", "ROI to", signed=True),
        Column("sharpe", "Sharpe", "number", 2, help="Of weekly returns, idle weeks included, annualised."),
        share("max_drawdown", "Max DD", help_text="Largest fall of the bankroll, as a share of its peak."),
        Column("verdict", "Verdict"),
    )
    found = policies(material)
    caption = f"Bets of each policy on {rows_said(material)}, at the posted prices."
    if reason := no_policies(material):
        return absent(name, title, "Bets of each policy at the posted prices.", columns, reason)
    rows = tuple(_performance(policy) for policy in found)
    intervals = [at(policy, "whole", key) for policy in found for key in ("win_rate", "roi")]
    notes = (*_notes(found), *verdict_notes(row[-1] for row in rows))
    return Table(name, title, f"{caption} {method_said(material, intervals)}", columns, rows, notes)


def _performance(policy: Document) -> tuple[Cell, ...]:
    whole = at(policy, "whole")
    bank = bankroll_of(whole)
    return (
        text_at(policy, "name"),
        record_text(whole),
        bets_of(whole),
        *ends_at(whole, "win_rate"),
        figure_at(whole, "break_even"),
        *ends_at(whole, "roi"),
        figure_at(bank, "sharpe", "value"),
        figure_at(bank, "max_drawdown", "value"),
        verdict_text(policy, "verdict", "verdict"),
    )


def _notes(found: Sequence[Document]) -> tuple[str, ...]:
    stakes = sorted({it for policy in found if (it := figure_at(bankroll_of(at(policy, "whole")), "largest_stake"))})
    said = ", ".join(f"{100 * stake:g} %" for stake in stakes)
    return (STAKED, *([f"Sharpe and drawdown: of a bankroll whose largest stake is {said} of it."] if said else []))


def against_baselines(material: Material) -> Table:
    """Return a row a model: predictions of who covers have scores, policies have records."""
    name, title = "rl_vs_baseline_table", "Policies beside baselines"
    columns = (
        Column("model", "Model"),
        Column("brier", "Brier", "number", 4, help="Mean squared difference of probability and outcome."),
        Column("log_loss", "Log loss", "number", 4, help="Mean negative log likelihood, in nats."),
        share("ats", "ATS", help_text="Share of the decided bets against the spread that were won."),
        share("roi", "ROI", signed=True, help_text="Profit / staked."),
        Column("sharpe", "Sharpe", "number", 2, help="Of weekly returns, idle weeks included, annualised."),
        share("max_drawdown", "Max DD", help_text="Largest fall of the bankroll, as a share of its peak."),
    )
    found, cover = policies(material), at(material.evaluation, "cover")
    models = list(_cover_models(at(cover, "whole")))
    if reason := no_policies(material):
        return absent(name, title, "Scores of predictions and returns of policies.", columns, reason)
    rows: list[tuple[Cell, ...]] = [
        (label, figure_at(its, "brier"), figure_at(its, "log_loss"), None, None, None, None) for label, its in models
    ]
    for policy in found:
        _, _, _, win_rate, _, _, _, roi, _, _, sharpe, drawdown, _ = _performance(policy)
        rows.append((text_at(policy, "name"), None, None, win_rate, roi, sharpe, drawdown))
    games = figure_at(cover, "whole", "games")
    notes = ["A prediction of who covers has no bets, and a policy no probability: what does not exist is left out."]
    if models and games is not None:
        notes.append(f"Scores of P(cover) are of {games:,.0f} decided games.")
    elif why := text_at(cover, "reason"):
        notes.append(f"P(cover) has no scores: {why}.")
    caption = f"Scores of predictions of who covers and returns of policies on {rows_said(material)}."
    return Table(name, title, caption, columns, tuple(rows), (*notes, *_notes(found)))


def _cover_models(span: Document) -> Iterator[tuple[str, Document]]:
    for key, label in COVER_MODELS.items():
        if its := at(span, key):
            yield label, its


def season_record(material: Material) -> Table:
    """Return a row for each season and model: predictions of who covers first, then the policies."""
    name, title = "oos_record_table", "Record by season"
    columns = (
        Column("season", "Season"),
        Column("model", "Model"),
        Column("n", "N", "integer", help="Decided games of a prediction, bets of a policy."),
        Column("brier", "Brier", "number", 4, help="Mean squared difference of probability and outcome."),
        share("accuracy", "Accuracy", help_text="Won share of the decided bets."),
        share("roi", "ROI", signed=True, help_text="Profit / staked."),
        share("roi_lower", "ROI from", signed=True),
        share("roi_upper", "ROI to", signed=True),
    )
    if reason := no_policies(material):
        return absent(name, title, "Models and policies, season by season.", columns, reason)
    predicted = dict(seasons_of(at(material.evaluation, "cover")))
    by_policy = [(text_at(policy, "name"), dict(seasons_of(policy))) for policy in policies(material)]
    seasons = sorted({*predicted, *(season for _, its in by_policy for season in its)})
    rows: list[tuple[Cell, ...]] = []
    for season in seasons:
        games = figure_at(predicted.get(season), "games")
        for label, its in _cover_models(predicted.get(season, {})):
            count = None if games is None else int(games)
            rows.append((season, label, count, figure_at(its, "brier"), figure_at(its, "accuracy"), None, None, None))
        for policy, by_season in by_policy:
            if figures := by_season.get(season):
                rate, roi = figure_at(figures, "win_rate", "value"), ends_at(figures, "roi")
                rows.append((season, policy, bets_of(figures), None, rate, *roi))
    caption = f"Every season of {rows_said(material)}, alone."
    if not rows:
        return absent(name, title, caption, columns, "The evaluation has no figures of single seasons.")
    intervals = [at(its, "roi") for _, by_season in by_policy for its in by_season.values()]
    return Table(name, title, f"{caption} {method_said(material, intervals)}", columns, tuple(rows), (STAKED,))
