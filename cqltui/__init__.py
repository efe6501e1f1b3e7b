"""Campaigns of CQL training runs: file, queue, workers, screen, results. `load` gives what was trained."""

# Nothing is imported here: `python -m cqltui` comes by before the user's folder, with files of any name, is out of the
# way; and the command starts without NumPy.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cqltui.policy import Policy, Which

__version__ = "0.1.0"


def load(path: "str | Path | Iterable[str | Path]", *, which: "Which" = "last", phase: str | None = None) -> "Policy":
    """Return what was trained, to be asked for Q values and actions; see `cqltui.policy.load`."""
    from cqltui import policy

    return policy.load(path, which=which, phase=phase)
