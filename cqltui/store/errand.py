"""What a worker asks the supervisor for: that they see the same folder, a checkpoint, the data."""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from cqltui.broker.protocol.queue import Queue

PATIENCE_S = 10.0
"""A supervisor looks twice a second, if there is one."""
PAUSE_S = 0.1


def ask(
    queue: Queue,
    worker_id: str,
    question: Mapping[str, Any],
    patience_s: float = PATIENCE_S,
    is_over: Callable[[], bool] = lambda: False,
) -> dict[str, Any] | None:
    """Return the supervisor's answer; None if none comes in time. Raises RedisError."""
    nonce = secrets.token_hex(8)
    queue.ask_errand(worker_id, {**question, "nonce": nonce})
    end = time.monotonic() + patience_s
    while time.monotonic() < end and not is_over():
        answer = queue.errand_answer(worker_id)
        if answer.get("nonce") == nonce:
            return answer
        time.sleep(PAUSE_S)
    return None
