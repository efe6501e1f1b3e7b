"""What a failed training means: how long until the next attempt, and what its user reads first."""

import errno

import pytest

from cqltui.errors import ServerError
from cqltui.worker.failure import MAX_ATTEMPTS, MAX_RETRY_S, TRACEBACK_CHARS, message, retry_s
from trainer.data.types import DataError

FULL = OSError(errno.ENOSPC, "No space left on device", "/runs/deep/metrics.csv")


def test_failures_are_tried_again_after_longer_and_longer() -> None:
    error = RuntimeError("boom")
    assert [retry_s(error, attempt, 10.0) for attempt in range(1, MAX_ATTEMPTS + 1)] == [10.0, 20.0, None]
    assert retry_s(ValueError("wrong"), 1, 10.0) is None


def test_a_full_disk_is_waited_for_however_long_it_lasts() -> None:
    waits = [retry_s(FULL, attempt, 10.0) for attempt in (1, 2, 3, 4, 1000)]
    assert waits == [10.0, 20.0, 40.0, MAX_RETRY_S, MAX_RETRY_S]
    assert retry_s(OSError(errno.EIO, "Input/output error"), MAX_ATTEMPTS, 10.0) is None


@pytest.mark.parametrize(
    ("error", "first"),
    [
        (FULL, "No space left on device: /runs/deep/metrics.csv: free some space; the task is tried again by itself"),
        (DataError("data.csv: no rows"), "DataError: data.csv: no rows"),
        (ServerError("gone"), "ServerError: gone"),
    ],
)
def test_what_the_user_can_mend_is_told_in_one_line(error: Exception, first: str) -> None:
    assert message(error) == first


def test_a_bug_leaves_its_traceback_behind_the_reason() -> None:
    def deep(calls: int) -> None:
        if calls:
            deep(calls - 1)
        raise RuntimeError("boom " + "x" * TRACEBACK_CHARS)

    with pytest.raises(RuntimeError) as raised:
        deep(100)
    reason, *trace = message(raised.value).splitlines()
    assert reason.startswith("RuntimeError: boom xxx")
    assert trace[-1].endswith("xxx")
    assert len("\n".join(trace)) <= TRACEBACK_CHARS
    with pytest.raises(ZeroDivisionError) as divided:
        _ = 1 / (len("a") - 1)
    assert "ZeroDivisionError: division by zero\nTraceback (most recent call last):" in message(divided.value)
