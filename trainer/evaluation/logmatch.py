"""How far networks do what the log did, and what either won."""

from msgspec import Struct

from trainer.data.types import Int, Transitions
from trainer.evaluation.payoffs import profits
from trainer.evaluation.policies import sized


class LogMatch(Struct, frozen=True):
    """A network, or an ensemble, beside the policy that made the log."""

    task: str
    """"ensemble" of the ensemble."""
    which: str
    rows: int
    match_rate: float
    """Share of the rows in which its greedy action is the logged one."""
    policy_reward: float | None
    """Mean reward of its greedy actions, in units of the largest stake; None where outcomes are not known."""
    logged_reward: float
    """Mean reward of the logged actions, in the same units."""


def log_match(task: str, which: str, actions: Int, rows: Transitions) -> LogMatch:
    """Return how actions [N] compare with those of the N >= 1 rows."""
    known = rows.outcomes
    return LogMatch(
        task=task,
        which=which,
        rows=len(rows),
        match_rate=float((actions == rows.actions).mean()),
        policy_reward=None if known is None else float(profits(sized(actions), known).mean()),
        logged_reward=float(rows.rewards.mean(dtype="float64")),
    )
