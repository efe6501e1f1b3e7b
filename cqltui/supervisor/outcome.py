"""How a run ends: with which code, and how long its workers have for it."""

from collections.abc import Iterable

from cqltui.errors import ExitCode
from cqltui.state.model import FAILED, Status

STOP_GRACE_S = 60.0


def outcome(statuses: Iterable[Status]) -> ExitCode:
    """Return the code of a run whose tasks have all ended, by their statuses."""
    return ExitCode.UNFINISHED if FAILED & set(statuses) else ExitCode.OK
