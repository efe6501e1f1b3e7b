"""What a leak audit looks at, and what it finds: findings with a grade each, of which the worst is the audit's."""

import math
from enum import IntEnum

from msgspec import Struct

from trainer.config import STAKES
from trainer.data.decisions import Decisions
from trainer.data.types import Bool, Double, Float, Int

PARTS = ("train", "validation", "test")
"""By the labels 0, 1 and 2."""


class Grade(IntEnum):
    """How bad a finding is; from WRONG on, no figure computed from the data can be believed."""

    UNTESTED = 0
    """The data lacks what the check needs: its sentence says what."""
    CLEAN = 1
    SUSPECT = 2
    """Unlikely by chance, and not large enough to be sure."""
    WRONG = 3
    """The data contradicts itself: a convention is not the expected one, or rows are not what they say."""
    LEAK = 4
    """The features know the outcome, or rows that are to test know the training rows."""


class Log(Struct, frozen=True, eq=False):
    """N decisions to be audited, in the order of their source. What is None cannot be tested, and the audit says so."""

    states: Float | Double
    """[N, D], as in the source: not standardised."""
    names: tuple[str, ...]
    """D names of features."""
    decisions: Decisions | None = None
    """The same N rows."""
    actions: Int | None = None
    """[N], index into `stakes`; the bets are on side 0."""
    rewards: Float | Double | None = None
    """[N]"""
    propensities: Float | Double | None = None
    """[N], of the logged action, or [N, A], of every action."""
    parts: Int | None = None
    """[N], index into PARTS."""
    stakes: tuple[float, ...] = STAKES
    """A stakes, by action; a bet is an action whose stake is not 0."""

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            ValueError: an array has another number of rows, columns or actions.
        """
        count = len(self)
        if self.states.shape != (count, len(self.names)):
            raise ValueError(f"states {self.states.shape} do not have {len(self.names)} columns, one a name")
        for name in ("decisions", "actions", "rewards", "propensities", "parts"):
            given = getattr(self, name)
            if given is not None and len(given) != count:
                raise ValueError(f"{len(given)} {name} for {count} states")
        if self.actions is not None and count and not (self.actions.min() >= 0 and self.actions.max() < self.choices):
            raise ValueError(f"actions have to be 0 to {self.choices - 1}")
        if self.propensities is not None and self.propensities.shape not in ((count,), (count, self.choices)):
            raise ValueError(f"propensities {self.propensities.shape} are neither [N] nor [N, {self.choices}]")

    def __len__(self) -> int:
        return len(self.states)

    @property
    def choices(self) -> int:
        """Return the number of actions."""
        return len(self.stakes)

    def bets(self, actions: Int) -> Bool:
        """Return which of the actions [N] bet."""
        no_stake = [action for action, stake in enumerate(self.stakes) if stake == 0]
        chosen: Bool = (actions[:, None] != no_stake).all(axis=1)
        return chosen


class Finding(Struct, frozen=True):
    """What one check says of one subject."""

    check: str
    """Which check, such as "feature_auc"."""
    subject: str
    """What it looked at: a feature, or a part of the data."""
    value: float
    """What was measured; NaN where nothing was."""
    bound: float
    """What the value is compared with; NaN where there is nothing to compare."""
    grade: Grade
    sentence: str
    """The finding in words, without a full stop."""

    def to_document(self) -> dict[str, str | float | None]:
        """Return it for JSON; NaN becomes null, infinity the largest double."""
        return {
            "check": self.check,
            "subject": self.subject,
            "value": _number(self.value),
            "bound": _number(self.bound),
            "grade": self.grade.name,
            "sentence": self.sentence,
        }


class Audit(Struct, frozen=True):
    """All findings, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def grade(self) -> Grade:
        """The worst of the findings; UNTESTED where nothing could be tested."""
        return max((finding.grade for finding in self.findings), default=Grade.UNTESTED)

    @property
    def trusted(self) -> bool:
        """Whether no finding forbids believing figures that are computed from the data."""
        return self.grade < Grade.WRONG

    def of(self, check: str) -> tuple[Finding, ...]:
        """Return the findings of a check."""
        return tuple(finding for finding in self.findings if finding.check == check)

    def to_document(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "grade": self.grade.name,
            "trusted": self.trusted,
            "findings": [finding.to_document() for finding in self.findings],
        }


def untested(check: str, subject: str, reason: str) -> Finding:
    """Return the finding that nothing was tested, and why."""
    return Finding(check, subject, math.nan, math.nan, Grade.UNTESTED, f"not tested: {reason}")


def _number(value: float) -> float | None:
    if math.isnan(value):
        return None
    largest = 1.7976931348623157e308
    return max(-largest, min(largest, value))
