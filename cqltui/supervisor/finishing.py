"""What is left to do at a run's end: the results, without which it has not ended, and the evaluation."""

import logging
from collections.abc import Callable
from functools import partial

from cqltui.broker.protocol.trouble import NONSENSE
from cqltui.errors import CqltuiError
from cqltui.state.model import RunState
from cqltui.supervisor.hooks import Hooks

log = logging.getLogger(__name__)


def evaluate(hooks: Hooks, state: RunState, notice: Callable[[str, str], None]) -> None:
    """Evaluate what was trained; a run that cannot be evaluated has ended all the same.

    `notice` takes a level and a text, which the screens and the reporters show at once.
    """
    notice("info", "evaluating what was trained")
    try:
        hooks.evaluate(state, partial(notice, "info"))
    except (CqltuiError, OSError, *NONSENSE, MemoryError) as error:
        log.warning("the run was not evaluated", exc_info=error)
        notice("warning", f"the run was not evaluated: {error or type(error).__name__}")


def conclude(hooks: Hooks, state: RunState) -> float:
    """Write the results as they are; when the run ended. Raises CqltuiError if they cannot be written."""
    try:
        return hooks.conclude(state)
    except OSError as error:
        again = "free some space, then run the same command again"
        raise CqltuiError(f"the results could not be written: {error}; {again}") from error
    except (*NONSENSE, MemoryError) as error:  # of a file in the run directory
        log.exception("the results could not be written")
        what = f"{error} ({type(error).__name__}); the log says where"
        raise CqltuiError(f"the results could not be written: {what}") from error
