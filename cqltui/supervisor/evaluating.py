"""The evaluation at a run's end: told of as it goes, and no reason for the run not to end."""

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
