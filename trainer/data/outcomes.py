"""What logged decisions could have won, where the file has the scores: both sides, their prices and the result."""

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np

from trainer.config import STAKES
from trainer.data.decisions import Decisions, american_to_net, own_side_first, unit_returns
from trainer.data.table import Table
from trainer.data.types import Bool, Double, Int, Transitions

HOME_SCORE, AWAY_SCORE = "home_score", "away_score"
HOME_ODDS, AWAY_ODDS = "home_spread_odds", "away_spread_odds"
GAMEDAY, BET_HOME = "gameday", "bet_home"
SPREAD, MARKET_PROB, P_HAT = "spread_close", "market_prob", "p_hat"
OUTCOME_COLUMNS = (HOME_SCORE, AWAY_SCORE, HOME_ODDS, AWAY_ODDS, GAMEDAY, BET_HOME, SPREAD, MARKET_PROB, P_HAT)
FIRST_YEAR, LAST_YEAR = 1900, 2200
STANDARD_ODDS = -110.0
"""American odds that are assumed where a file has none."""


def decisions_of(table: Table, names: Mapping[str, str], notes: list[str]) -> Decisions | None:
    """Return what was offered and how it came out; None, and a note, where the file does not tell.

    `names`: the column of each feature. A state is seen from the side that a bet is on: the home team unless `bet_home`
    is 0. Odds are American, -110 where the file has none. Raises DataError.
    """
    lacking = [name for name in (HOME_SCORE, AWAY_SCORE, "season", "week") if name not in table]
    spread_column = names.get(SPREAD, SPREAD)
    if spread_column not in table:
        lacking.append(spread_column)
    if lacking:
        if HOME_SCORE not in lacking or AWAY_SCORE not in lacking:
            notes.append(f"no column {', '.join(lacking)}: what the decisions could have won is not known")
        return None
    home = bet_home(table)
    margin = np.where(home, 1.0, -1.0) * (table.numbers(HOME_SCORE) - table.numbers(AWAY_SCORE))
    spread = table.numbers(spread_column)
    net_odds = american_to_net(own_side_first(home, spread_odds(table, notes)))
    unknown = np.full(len(table), np.nan)
    market_prob, p_hat = (
        table.numbers(column) if (column := names.get(name, name)) in table else unknown
        for name in (MARKET_PROB, P_HAT)
    )
    seasons, weeks = table.integers("season"), table.integers("week")
    return Decisions(
        game_ids=table.columns.get("game_id", tuple(map(str, range(len(table))))),
        seasons=seasons,
        weeks=weeks,
        days=_days(table, seasons, weeks),
        home=home,
        spread=spread,
        margin=margin,
        market_prob=market_prob,
        p_hat=p_hat,
        net_odds=net_odds,
        returns=unit_returns(np.sign(margin - spread), net_odds),
        true_returns=np.full((len(table), 2), np.nan),
    )


def reward_warnings(rows: Transitions, column: str) -> Iterator[str]:
    """Yield a line if rewards contradict the scores: a bet that won with a loss, or one that lost with a profit."""
    if rows.decisions is None:
        return
    bet = np.asarray(STAKES)[rows.actions] > 0
    told = bet & np.isfinite(rows.decisions.margin)
    wrong, reversed_ = (
        int((np.sign(rows.rewards) != np.sign(rows.decisions.margin - sign * rows.decisions.spread))[told].sum())
        for sign in (1, -1)
    )
    if wrong:
        also = f"; with the sign of the spread reversed it would be {reversed_:,}" if 2 * reversed_ < wrong else ""
        yield f"column {column!r}: {wrong:,} of {told.sum():,} rewards of bets contradict the scores{also}"


def bet_home(table: Table) -> Bool:
    """Return whether each state [N] is seen from the home team: unless `bet_home` is 0. Raises DataError."""
    if BET_HOME not in table:
        return np.ones(len(table), dtype=np.bool_)
    told = table.numbers(BET_HOME)
    for index in np.flatnonzero(~np.isin(told, (0, 1))).tolist():
        raise table.error(
            f"{table.cell(BET_HOME, index)}: use 1 for the home side, 0 for the away side", BET_HOME, index
        )
    return np.asarray(told == 1)


def american_odds(table: Table, column: str) -> Double:
    """Return American odds [N], NaN where there are none. Raises DataError."""
    if column not in table:
        return np.full(len(table), np.nan)
    odds = table.numbers(column)
    for index in np.flatnonzero(np.abs(odds) < 100).tolist():
        problem = f"{table.cell(column, index)} is no American price: use at most -100 or at least 100"
        if odds[index] > 1:
            decimal = float(odds[index])
            price = f"{100 * (decimal - 1):+.0f}" if decimal >= 2 else f"{-100 / (decimal - 1):.0f}"
            problem += f" (as a decimal price it is {price})"
        raise table.error(problem, column, index)
    return odds


def spread_odds(table: Table, notes: list[str]) -> Double:
    """Return the American odds of the home and the away side [N, 2]; -110 for both where either is absent."""
    odds = np.stack([american_odds(table, column) for column in (HOME_ODDS, AWAY_ODDS)], axis=1)
    absent = np.asarray(np.isnan(odds).any(axis=1))
    if absent.any():
        notes.append(f"{absent.sum()} of {len(table)} games have no spread odds: -110 is assumed for both sides")
    return np.where(absent[:, None], STANDARD_ODDS, odds)


def _days(table: Table, seasons: Int, weeks: Int) -> Int:
    """Return the day of each game; the first of its week where the file has no `gameday`. Raises DataError."""
    if GAMEDAY in table:
        return dates(table, GAMEDAY)
    for index in np.flatnonzero((seasons < FIRST_YEAR) | (seasons > LAST_YEAR)).tolist():
        problem = f"{table.cell('season', index)} is no season: use the year in which it begins"
        raise table.error(problem, "season", index)
    return np.array([date(season, 9, 1).toordinal() for season in seasons.tolist()], dtype=np.int64) + 7 * (weeks - 1)


def dates(table: Table, column: str) -> Int:
    """Return a column of dates as `date.toordinal()` [N], however they are written in ISO 8601. Raises DataError."""
    found = []
    for index, day in enumerate(table.texts(column)):
        try:
            found.append(date.fromisoformat(day).toordinal())
        except ValueError:
            problem = f"{table.cell(column, index)} is no date: use the form 2021-09-09"
            raise table.error(problem, column, index) from None
    return np.array(found, dtype=np.int64)
