"""What becomes of a task whose training failed: whether and when it is tried again, and what its user is told."""

import errno
import traceback

from cqltui.backoff import pause_s
from cqltui.errors import CqltuiError
from trainer.checkpoint import CheckpointError
from trainer.data.types import DataError

MAX_ATTEMPTS = 3
MAX_RETRY_S = 60.0
"""Looking whether there is room again costs little, and whoever made some waits for it."""
HOPELESS = (DataError, CheckpointError, CqltuiError, ValueError, KeyError, TypeError)
"""What another attempt would meet again."""
TOLD = (DataError, CheckpointError, CqltuiError)
"""Errors whose message says all: a traceback would add nothing."""
OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")
"""What a RuntimeError of PyTorch says, on a CPU (of several systems), with CUDA, or on MPS."""
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
TRACEBACK_CHARS = 4_000
"""Of a traceback, the end of which is kept."""


def is_out_of_memory(error: Exception) -> bool:
    """Return whether less work at once might do."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(said in str(error) for said in OUT_OF_MEMORY)
    )


def is_disk_full(error: Exception) -> bool:
    """Return whether there was no room to write: no fault of the task's, and fixed by making some."""
    return isinstance(error, OSError) and error.errno in DISK_FULL


def retry_s(error: Exception, attempt: int, first_s: float) -> float | None:
    """Return the seconds until the next attempt after a failure of this one; None: no more. `first_s`: after the
    first."""
    if not is_disk_full(error) and (isinstance(error, HOPELESS) or attempt >= MAX_ATTEMPTS):
        return None
    return pause_s(attempt, first_s, MAX_RETRY_S)


def message(error: Exception) -> str:
    """Return what is kept with the task: the reason in the first line, then, where it helps, the traceback."""
    if is_disk_full(error):
        return f"{written(error)}: free some space; the task is tried again by itself"
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, TOLD):
        return reason
    trace = "".join(traceback.format_exception(error)).rstrip()
    return f"{reason}\n{trace[-TRACEBACK_CHARS:]}"


def written(error: Exception) -> str:
    """Return what a failed write says: "No space left on device: /runs/deep/tasks/..."."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
