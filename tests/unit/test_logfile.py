"""The end of a log, whoever shows it."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cqltui.logfile import last_lines
from cqltui.supervisor.lastwords import last_words
from cqltui.ui.logs import FileLogs


def test_the_end_of_a_log(tmp_path: Path) -> None:
    (log := tmp_path / "log").write_bytes(b"first\nsecond\r\n\xffird\nlast")
    assert last_lines(log, 100) == ["first", "second", "\ufffdird", "last"]
    assert last_lines(log, 100, start=6) == ["second", "\ufffdird", "last"]
    assert last_lines(log, 8) == ["last"], "of a line that is cut off nothing is shown"
    assert last_lines(log, 3) == []


def _shown(log: Path) -> list[str]:
    return FileLogs(log.parent.parent).tail("w1", 5)


@pytest.mark.parametrize("read", [last_words, _shown])
def test_a_pipe_in_the_place_of_a_log_holds_nobody_up(tmp_path: Path, read: Callable[[Path], list[str]]) -> None:
    (tmp_path / "logs").mkdir()
    os.mkfifo(log := tmp_path / "logs" / "w1.log")
    found: list[list[str]] = []
    reading = threading.Thread(target=lambda: found.append(read(log)), daemon=True)
    reading.start()
    reading.join(60.0)
    assert found == [[]]
