"""What other programs print is read to its end, and kept within bounds."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cqltui.pipes import Heard
from cqltui.placement import tools
from cqltui.placement.protocol import PlacementError
from cqltui.placement.tools import run_tool
from tests.contract.helpers import eventually

LIMIT_S = 60.0
MUCH = "import sys\nfor n in range(200): sys.stdout.buffer.write(b'%05d' % n * 2000)\n"
"""Two megabytes, of which a pipe holds a thirtieth."""


@pytest.mark.parametrize(("last", "kept"), [(False, b"00000" * 3), (True, b"00199" * 3)])
def test_all_is_read_and_an_end_of_it_kept(last: bool, kept: bytes) -> None:
    process = subprocess.Popen([sys.executable, "-c", MUCH], stdout=subprocess.PIPE, bufsize=0)
    assert process.stdout is not None
    heard = Heard(process.stdout, len(kept), last=last)
    assert process.wait(LIMIT_S) == 0, "nobody reads what it prints"
    assert heard.said(LIMIT_S) == kept


def test_a_list_that_is_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "OUTPUT_BYTES", 1 << 20)
    with pytest.raises(PlacementError, match=r"has printed more than 1 MiB"):
        run_tool([sys.executable, "-c", MUCH])
    monkeypatch.setattr(tools, "OUTPUT_BYTES", 2 << 20)
    assert len(run_tool([sys.executable, "-c", MUCH])) == 2_000_000


def test_with_one_that_does_not_answer_go_those_that_it_has_started(tmp_path: Path) -> None:
    with pytest.raises(PlacementError, match="did not answer"):
        run_tool(["sh", "-c", f"sleep 600 & echo $! > {tmp_path}/child; wait"], limit_s=1.0)
    child = int((tmp_path / "child").read_text())
    eventually(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_what_a_program_has_left_behind_is_waited_for_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "READ_S", 0.5)
    assert run_tool(["sh", "-c", "sleep 20 & echo done"]) == "done\n"


@pytest.mark.parametrize("reads", ["cat", "true"])
def test_it_may_read_what_it_is_given_or_not(reads: str) -> None:
    given = "a line\n" * 100_000
    assert run_tool([reads], given) == (given if reads == "cat" else "")
