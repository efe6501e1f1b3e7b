"""history.jsonl of a prepared run, and logs that are none: nothing of another file travels into the run, nobody waits,
and memory stays small."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cqltui.errors import InputError
from cqltui.results.rundir import RunDir
from cqltui.state.model import RunState
from cqltui.supervisor import history
from cqltui.supervisor.history import History
from cqltui.supervisor.lastwords import last_words
from cqltui.supervisor.lock import RunLock
from cqltui.ui.logs import FileLogs
from trainer.files import replace_file

SECRET = b"one line\nand the rest of another that is not ended"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file for the user alone."""
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    return path


def test_a_link_in_its_place_is_not_read(tmp_path: Path, secret: Path) -> None:
    path = tmp_path / "run" / "history.jsonl"
    path.parent.mkdir()
    path.symlink_to(secret)
    with pytest.raises(InputError, match="is a link"):
        RunLock(RunDir(path.parent))
    History(path).tick(RunState(), 1.0)
    assert path.is_symlink()
    assert secret.read_bytes() == SECRET


@pytest.mark.parametrize("most", [1, 20_000])
def test_another_name_of_a_private_file_stays_private(
    tmp_path: Path, secret: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_LINES", most)
    path = tmp_path / "history.jsonl"
    path.hardlink_to(secret)
    History(path).tick(RunState(), 1.0)
    assert secret.read_bytes() == SECRET
    assert not path.samefile(secret)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_copy_of_a_private_file_is_private(tmp_path: Path, secret: Path) -> None:
    replace_file(secret, tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def grown(path: Path) -> int:
    """Bytes that a process takes more at its peak once it has opened that history."""
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from cqltui.supervisor.history import History\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "History(Path(sys.argv[1]))\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


def test_a_large_one_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"\n" * (16 << 20))
    assert grown(path) < 8 << 20


def test_what_is_no_line_of_ours_goes_as_the_others_are_thinned_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LONGEST_LINE", 100)
    monkeypatch.setattr(history, "MOST_LINES", 8)
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"{}\n" * 50 + b"x" * 350 + b"\n" + b"torn")
    History(path).tick(RunState(), 1.0)
    first, *_, last = path.read_bytes().splitlines()
    assert (first, last[:6]) == (b"{}", b'{"ts":')
    assert 2 < len(path.read_bytes().splitlines()) <= 8


@pytest.mark.timeout(90)
def test_nobody_waits_for_a_pipe_in_the_place_of_a_log(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    run_dir.logs.mkdir()
    for path in (run_dir.log("w1"), run_dir.history):
        os.mkfifo(path)
    assert FileLogs(tmp_path).tail("w1", 10) == []
    assert last_words(run_dir.log("w1")) == []
    History(run_dir.history).tick(RunState(), 1.0)


def test_the_last_words_are_not_those_of_another_file(tmp_path: Path, secret: Path) -> None:
    """They go to the server, and are kept with the task."""
    (tmp_path / "w1.log").symlink_to(secret)
    assert last_words(tmp_path / "w1.log") == []
