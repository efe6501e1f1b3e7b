"""How the bets of a ledger stand, beside what a run's evaluation expected of them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from msgspec import Struct

from cqltui.errors import InputError
from cqltui.judging.evaluated import at, figure_at
from cqltui.ledger.model import Entry
from cqltui.results.evaluated import read_evaluation
from cqltui.results.rundir import RunDir
from cqltui.state.plain import plain, word
from trainer.data.decisions import own_side_first
from trainer.evaluation.taken import Account, Alarm, Taken, account

SEED = 0
"""Of the resamples: the same ledger gives the same intervals."""


class Expected(Struct, frozen=True):
    """What an evaluation says of the policy by which the bets were taken. What it does not tell is None."""

    run: str
    policy: str
    verdict: str
    grade: str
    """Of the leak audit."""
    bets: int
    weeks: int
    win_rate: dict[str, float | None]
    roi: dict[str, float | None]
    """Value, lower and upper end."""
    drawdowns: dict[float, dict[str, float | None]]
    """By the largest stake."""


class Standing(Struct, frozen=True):
    """A ledger as `show` tells of it."""

    entries: Sequence[Entry]
    account: Account | None
    """None where no bet is settled yet."""
    expected: Expected | None

    @property
    def settled(self) -> list[Entry]:
        """The bets whose result is known."""
        return [entry for entry in self.entries if entry.result is not None]

    @property
    def alarms(self) -> list[Alarm]:
        """All that were looked for."""
        if self.account is None:
            return []
        return [alarm for alarm in (self.account.losing, self.account.short) if alarm is not None]

    @property
    def is_alarmed(self) -> bool:
        """Whether any has gone off."""
        return any(alarm.when is not None for alarm in self.alarms)


def standing(entries: Sequence[Entry], expected: Expected | None) -> Standing:
    """Return how the bets stand."""
    settled = [entry for entry in entries if entry.result is not None]
    if not settled:
        return Standing(entries, None, expected)
    roi = None if expected is None else expected.roi["value"]
    return Standing(entries, account(taken_bets(entries), np.random.default_rng(SEED), expected_roi=roi), expected)


def expectation(run_dir: RunDir, policy: str) -> Expected:
    """Return what the run's evaluation on the test rows says of a policy. Raises InputError.

    The file may be somebody else's: numbers are bounded, text is plain.
    """
    found = read_evaluation(run_dir.evaluation_json)
    if found is None:
        raise InputError(
            f"{run_dir.evaluation_json}: there is no evaluation: `cqltui evaluate {word(str(run_dir.path))}` makes one"
        )
    policies = [at(item) for item in listed] if isinstance(listed := found.get("policies"), list) else []
    its = next((item for item in policies if item.get("name") == policy), None)
    if its is None:
        names = ", ".join(plain(str(item.get("name", "")), 40) for item in policies[:20])
        raise InputError(f"{run_dir.evaluation_json}: has no policy {policy!r}: name one with --policy ({names})")
    roi = _interval(its, "whole", "roi")
    if roi["value"] is None or not -1 < roi["value"] < 1:
        raise InputError(
            f"{run_dir.evaluation_json}: {policy!r} has no ROI on the test rows: name another with --policy"
        )
    banks = at(its, "whole").get("bankrolls")
    return Expected(
        run=plain(str(run_dir.path)),
        policy=policy,
        verdict=plain(str(at(its, "verdict").get("verdict", "")), 60),
        grade=plain(str(at(found, "leak_audit").get("grade", "")), 20),
        bets=sum(int(figure_at(its, "whole", "record", name) or 0) for name in ("wins", "losses", "pushes")),
        weeks=int(figure_at(its, "whole", "weeks") or 0),
        win_rate=_interval(its, "whole", "win_rate"),
        roi=roi,
        drawdowns={
            largest: _interval(at(bank), "max_drawdown")
            for bank in (banks if isinstance(banks, list) else [])
            if (largest := figure_at(bank, "largest_stake")) is not None
        },
    )


def _interval(value: Mapping[str, Any], *path: str) -> dict[str, float | None]:
    return {end: figure_at(value, *path, end) for end in ("value", "lower", "upper")}


def taken_bets(entries: Sequence[Entry]) -> Taken:
    """Return the settled bets as the evaluation takes them, at least one.

    A week counts for the alarm once none of its bets is open, or a later week has a result: a game that was cancelled
    has none, ever.
    """
    settled = [(entry, entry.bet, entry.result) for entry in entries if entry.result is not None]
    weeks = [(result.season, result.week) for _, _, result in settled]
    last = max(weeks)
    is_open = any(entry.result is None and (entry.bet.season, entry.bet.week) == last for entry in entries)
    homes = np.array([bet.side == "home" for _, bet, _ in settled])
    closes = np.array([_known(result.close_spread) for _, _, result in settled])
    odds = [(_known(result.close_home_odds), _known(result.close_away_odds)) for _, _, result in settled]
    return Taken(
        game_ids=tuple(bet.game_id for _, bet, _ in settled),
        seasons=np.array([season for season, _ in weeks]),
        weeks=np.array([week for _, week in weeks]),
        days=np.array([date.fromisoformat(result.gameday).toordinal() for _, _, result in settled]),
        spread=np.array([bet.spread for _, bet, _ in settled]),
        net_odds=np.array([bet.net_odds for _, bet, _ in settled]),
        stake=np.array([bet.stake for _, bet, _ in settled]),
        margin=np.array([entry.margin for entry, _, _ in settled], dtype=np.float64),
        close=np.where(homes, closes, -closes),
        close_odds=own_side_first(homes, np.array(odds)),
        before_close=np.array([entry.before_close for entry, _, _ in settled]),
        counted=np.array([not is_open or week != last for week in weeks]),
    )


def _known(value: float | None) -> float:
    return np.nan if value is None else value
