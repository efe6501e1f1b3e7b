"""A CSV of logged decisions: state columns, `action`, `r`, and optionally `game_id, season, week, b_prob`; with scores,
`home_score, away_score`, also what each decision could have won (`trainer.data.outcomes`)."""

import re
from datetime import date
from pathlib import Path

import numpy as np

from trainer.config import ACTIONS, DataConfig, Split
from trainer.data.behaviour import MEDIUM_BELOW, SMALL_BELOW, bet_size
from trainer.data.conventions import long_weeks, reversed_spread
from trainer.data.features import check_features
from trainer.data.outcomes import GAMEDAY, OUTCOME_COLUMNS, SPREAD, decisions_of, reward_warnings
from trainer.data.split import Parts, spares_seasons, split_by_time
from trainer.data.table import Table, read_table
from trainer.data.types import DataError, Dataset, Double, Float, Int, Transitions, Unrewarded

FALLBACK = Split(validation_fraction=0.2, test_fraction=0.0)
DEFAULT_SPLIT = Split(validation_seasons=2, test_seasons=0)
ACTION, REWARD, EDGE = "action", "r", "edge"
GAME_ID, SEASON, WEEK, PROPENSITY = "game_id", "season", "week", "b_prob"
WEEKS_A_SEASON = 100
"""More than there are."""
_DATED = re.compile(r"(\d{4})_(\d{2})(_|$)")
"""How the ids of games begin that tell season and week."""


def load_logged(path: Path, config: DataConfig) -> Dataset:
    """Return the rows with a state, an action and a reward, by season and week where the file has them, else in its
    order.

    Split as `config.split` says; if it says nothing, by season as `DEFAULT_SPLIT`, and as `FALLBACK` where there is no
    `season` column or it has too few.

    Raises:
        DataError: file, column and row of what cannot be used.
    """
    features = check_features(config.state_cols)
    columns = [column for _, column in config.state_cols]
    needed = tuple(dict.fromkeys((*columns, ACTION, REWARD)))
    everything = read_table(path, needed, (EDGE, GAME_ID, SEASON, WEEK, PROPENSITY, *OUTCOME_COLUMNS))
    told = np.isfinite(np.stack([everything.numbers(column) for column in needed]))
    complete = told.all(axis=0)
    notes: list[str] = []
    if not complete.all():
        missing = int((~complete).sum())
        notes.append(f"{missing} of {len(everything)} rows dropped: a state, the action or the reward is missing")
    if not complete.any():
        raise DataError("no row has all of its states, an action and a reward", path=path)
    table = _by_time(everything.take(np.flatnonzero(complete)), notes)
    rows = _transitions(table, columns, config, notes)
    parts = _split(rows, config.split, table, notes)
    if len(np.unique(parts.train.actions)) == 1:
        name = ACTIONS[int(parts.train.actions[0])]
        count = len(parts.train)
        problem = f"all {count} training rows have the action {name}: there is nothing to learn from one action"
        raise table.error(problem, ACTION)
    warnings = [*reward_warnings(rows, REWARD)]
    if (known := rows.decisions) is not None:
        column = dict(config.state_cols).get(SPREAD, SPREAD)
        warnings = [*reversed_spread(column, known.spread, known.market_prob), *warnings]
        warnings += long_weeks(known.seasons, known.weeks, known.days)
    decided = told[[column in (*columns, ACTION) for column in needed]].all(axis=0)
    lacking = everything.take(np.flatnonzero(decided & ~complete))
    return Dataset(
        features,
        *parts,
        tuple(notes),
        tuple(warnings),
        _unrewarded(lacking, columns, dict(config.state_cols).get(EDGE, EDGE), table, parts),
    )


def _split(rows: Transitions, chosen: Split | None, table: Table, notes: list[str]) -> Parts:
    split = chosen or DEFAULT_SPLIT
    by_share = split.validation_fraction is not None
    spared = rows.seasons is not None and spares_seasons(rows.seasons, split)
    if not by_share and not spared and split.train_until is None and not split.test_seasons:
        split, by_share = FALLBACK, True
        cause = "no season column" if rows.seasons is None else "too few seasons to spare whole ones"
        parts = split_by_time(rows, split, table.path)
        notes.append(f"{cause}: the last {len(parts.validation)} of {len(rows)} rows are for validation")
    if by_share and (SEASON not in table or WEEK not in table):  # else they were sorted
        _check_order(table)
    if by_share and rows.seasons is None:
        notes.append("no season column: the rows are taken to be in order of time")
    return split_by_time(rows, split, table.path)


def _check_order(table: Table) -> None:
    """Check that days, and ids that tell season and week, are in order of time, so far as the file has them: a share
    of other rows is of no time at all. Raises DataError."""
    fix = f"sort the rows by time, or add columns {SEASON} and {WEEK}"
    latest = date.min
    for index, day in enumerate(_days(table)):
        if day is not None and day < latest:
            raise table.error(f"{table.cell(GAMEDAY, index)} comes after {latest}: {fix}", GAMEDAY, index)
        latest = day or latest
    before = (0, 0)
    for index, game_id in enumerate(table.columns.get(GAME_ID, ())):
        told = _DATED.match(game_id)
        now = (int(told[1]), int(told[2])) if told else before
        if now < before:
            raise table.error(
                f"{table.cell(GAME_ID, index)} comes after a game of {before[0]}, week {before[1]}: {fix}",
                GAME_ID,
                index,
            )
        before = now


def _days(table: Table) -> list[date | None]:
    """Return the day of each row; None where none is told, which is an error only where it is needed."""
    found: list[date | None] = []
    for cell in table.columns.get(GAMEDAY, ()):
        try:
            found.append(date.fromisoformat(cell))
        except ValueError:
            found.append(None)
    return found


def _transitions(table: Table, columns: list[str], config: DataConfig, notes: list[str]) -> Transitions:
    states = np.stack([table.numbers(column) for column in columns], axis=1).astype(np.float32)
    names = dict(config.state_cols)
    return Transitions(
        states=states,
        actions=_actions(table, names.get(EDGE, EDGE), notes),
        rewards=table.numbers(REWARD).astype(np.float32),
        next_states=np.zeros_like(states),
        terminals=np.ones(len(table), dtype=np.bool_),
        propensities=_propensities(table) if PROPENSITY in table else None,
        game_ids=table.texts(GAME_ID) if GAME_ID in table else None,
        seasons=table.integers(SEASON) if SEASON in table else None,
        weeks=table.integers(WEEK) if WEEK in table else None,
        decisions=decisions_of(table, names, notes),
        chances=_chances(table, names.get(EDGE, EDGE)) if PROPENSITY in table else None,
    )


def _actions(table: Table, edge_column: str, notes: list[str]) -> Int:
    """Index into ACTIONS [N]. A bet of a 0/1 file gets its size from |edge|."""
    logged = table.numbers(ACTION)
    for index in np.flatnonzero(~np.isin(logged, np.arange(len(ACTIONS)))).tolist():
        fix = f"use 0 to {len(ACTIONS) - 1} ({', '.join(ACTIONS)}), or 0 and 1"
        raise table.error(f"{table.cell(ACTION, index)} is no action: {fix}", ACTION, index)
    actions = logged.astype(np.int64)
    seen = np.unique(actions)
    if len(seen) == 1:
        raise table.error(f"every row has the action {seen[0]}: there is nothing to learn from one action", ACTION)
    if seen.max() > 1:
        return actions
    if edge_column not in table:
        problem = "the file has no such column, which sizes the bets of a 0/1 file: add it, or use actions 0 to 3"
        raise table.error(problem, edge_column)
    bets = actions == 1
    edge = table.numbers(edge_column)
    for index in np.flatnonzero(bets & np.isnan(edge)).tolist():
        raise table.error("the cell is empty, but sizes the bet of this row: fill it in", edge_column, index)
    sizes = f"small (|edge| < {SMALL_BELOW}), medium (< {MEDIUM_BELOW}) or large"
    notes.append(f"actions are 0 and 1: {bets.sum()} bets became {sizes}")
    actions[bets] = bet_size(edge[bets])
    return actions


def _chances(table: Table, edge_column: str) -> Float | None:
    """Return the probability of each action [N, A] in a 0/1 file, where that of the logged one tells them all; None of
    other files."""
    logged = table.numbers(ACTION)
    if logged.max() > 1:
        return None
    taken = _propensities(table)
    betting = np.where(logged == 1, taken, 1 - taken)
    chances = np.zeros((len(table), len(ACTIONS)), dtype=np.float32)
    chances[:, 0] = 1 - betting
    # A row without a bet may have no edge. Any size will do then: what is weighed is whether it bets.
    sizes = bet_size(np.nan_to_num(table.numbers(edge_column)))
    chances[np.arange(len(table)), sizes] = betting
    return chances


def _unrewarded(
    lacking: Table, columns: list[str], edge_column: str, kept: Table, parts: Parts
) -> dict[str, Unrewarded]:
    """Return the bets without a reward that are of the time of validation and of test.

    `kept` are the rows that are split into `parts`, in order. Bets after the last of them are not settled yet, which
    has nothing to do with how they will end: they are left out.
    """
    bets = lacking.take(np.flatnonzero(np.isin(lacking.numbers(ACTION), np.arange(1, len(ACTIONS)))))
    if not len(bets):
        return {}
    states = np.stack([bets.numbers(column) for column in columns], axis=1).astype(np.float32)
    actions = bets.numbers(ACTION).astype(np.int64)
    if kept.numbers(ACTION).max() <= 1:
        actions = bet_size(np.nan_to_num(bets.numbers(edge_column)))
    times, kept_times = _moments(bets), _moments(kept)
    found = {}
    start = len(parts.train)
    for name, part in (("validation", parts.validation), ("test", parts.test)):
        stop = start + len(part)
        if len(part):
            until = times < kept_times[stop] if stop < len(kept) else times <= kept_times[-1]
            inside = (times >= kept_times[start]) & until
            found[name] = Unrewarded(states[inside], actions[inside])
        start = stop
    return found


def _moments(table: Table) -> Double:
    """Return a number [N] that grows with time; NaN where the row does not tell its season."""
    if SEASON not in table:
        return table.rows.astype(np.float64)
    weeks = np.nan_to_num(table.numbers(WEEK)) if WEEK in table else 0.0
    return np.asarray(WEEKS_A_SEASON * table.numbers(SEASON) + weeks)


def _by_time(table: Table, notes: list[str]) -> Table:
    """Return the rows by season and week, and by day where every row has one; others stay in the order of the file."""
    if SEASON not in table:
        return table
    weeks = table.integers(WEEK) if WEEK in table else np.zeros(len(table), dtype=np.int64)
    told = [day.toordinal() for day in _days(table) if day is not None]
    by_day = len(told) == len(table)
    days = np.array(told) if by_day else np.zeros_like(weeks)
    order = np.lexsort((days, weeks, table.integers(SEASON)))
    if moved := int((order != np.arange(len(order))).sum()):
        by = ", ".join(
            column for column in (SEASON, WEEK, GAMEDAY) if column in table and (column != GAMEDAY or by_day)
        )
        notes.append(f"{moved} of {len(table)} rows were not in order of time: sorted by {by}")
    return table.take(order)


def _propensities(table: Table) -> Float:
    """Return [N], each in (0, 1]."""
    chances = table.numbers(PROPENSITY)
    for index in np.flatnonzero(~((chances > 0) & (chances <= 1))).tolist():
        problem = f"{table.cell(PROPENSITY, index)} is no probability of a logged action: use a number in (0, 1]"
        raise table.error(problem, PROPENSITY, index)
    return chances.astype(np.float32)
