"""Campaigns of CQL training runs: file, queue, workers, screen, results. `load` gives what was trained."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cqltui.policy import Policy, Which

__version__ = "0.1.0"


def load(path: "str | Path | Iterable[str | Path]", *, which: "Which" = "last", phase: str | None = None) -> "Policy":
    """Return what was trained, to be asked for Q values and actions; see `cqltui.policy.load`."""
    from cqltui import policy  # here: the command starts without NumPy

    return policy.load(path, which=which, phase=phase)
