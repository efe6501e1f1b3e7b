"""What is read ends: a device or a pipe is not taken for a file, a line or a table is bounded by memory."""

import os
import time
import tracemalloc
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import pytest

from cqltui.broker.protocol.keys import Keys
from cqltui.broker.server.acl import OWNER
from cqltui.campaign.load import load_campaign
from cqltui.cli import main
from cqltui.errors import ExitCode, InputError
from cqltui.fields import LONGEST_NAME, MAX_PROBLEMS
from cqltui.logfile import bounded
from cqltui.results.rundir import RunDir, read_json, read_metrics
from trainer import allowance
from trainer.data.table import read_table
from trainer.data.types import DataError

SECONDS = 2.0


def _zero(folder: Path) -> Path:
    return Path("/dev/zero")


def _pipe(folder: Path) -> Path:
    os.mkfifo(path := folder / "pipe")
    return path


def _linked(folder: Path) -> Path:
    (path := folder / "linked").symlink_to("/dev/zero")
    return path


ENDLESS = [_zero, _pipe, _linked]


@pytest.mark.parametrize("endless", ENDLESS)
def test_as_a_campaign_file(
    tmp_path: Path, endless: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path, began = endless(tmp_path), time.process_time()
    assert main(["plan", str(path)]) == ExitCode.INPUT
    assert "it is a device or a pipe; expected a regular file" in capsys.readouterr().err
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("endless", ENDLESS)
def test_as_data(tmp_path: Path, endless: Callable[[Path], Path]) -> None:
    began = time.process_time()
    with pytest.raises(DataError, match="it is a device or a pipe; expected a regular file"):
        read_table(endless(tmp_path), ["a"])
    assert time.process_time() - began < SECONDS


@pytest.mark.timeout(90)
@pytest.mark.parametrize("name", ["/proc/kmsg", "/proc/self/mounts", "/proc/self/mem"])
def test_a_file_of_the_systems_as_data(name: str) -> None:
    """They say that they hold nothing: what is read of them waits for more, or never ends."""
    if not Path(name).is_file():
        pytest.skip(f"there is no {name}")
    began = time.process_time()
    with pytest.raises(DataError, match="the file is empty, or a system file: give a CSV on a disk"):
        read_table(Path(name), ["a"])
    assert time.process_time() - began < SECONDS


def test_data_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path := tmp_path / "growing.csv").write_text("a\n1\n2\n")

    def begin(file: BinaryIO, *, encoding: str, errors: str, newline: str) -> TextIOWrapper:
        path.write_text("a\n1\n2\n" + "3\n" * 100_000)
        return TextIOWrapper(file, encoding=encoding, errors=errors, newline=newline)

    monkeypatch.setattr("trainer.data.table.TextIOWrapper", begin)
    assert read_table(path, ["a"]).columns["a"] == ("1", "2")


@pytest.mark.parametrize("endless", ENDLESS)
def test_in_a_run_directory(tmp_path: Path, endless: Callable[[Path], Path]) -> None:
    path, began = endless(tmp_path), time.process_time()
    assert read_json(path) is None
    assert read_metrics(path) == ()
    assert time.process_time() - began < SECONDS


def test_a_campaign_file_that_is_none_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(1 << 27)
    with pytest.raises(InputError, match=r"it has 134,217,728 bytes; expected at most 1,048,576"):
        load_campaign(path)


HEAD = '[campaign]\nname = "x"\n'
PHASE = '[[phase]]\nname = "p"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("".join(f"k{n}=1\n" for n in range(20_000)) + HEAD, "and 19,961 more problems"),
        (HEAD + "".join(f"k{n}=1\n" for n in range(20_000)), "and 19,961 more problems"),
        (
            HEAD + "".join(f'[[phase]]\nname="p{n}"\n' for n in range(1001)),
            "1,001 phases; a campaign has at most 1,000",
        ),
        (HEAD + PHASE + "[[phase.task]]\n" * 1001, "has 1,001 tasks; a campaign has at most 1,000"),
        (HEAD + PHASE + "[[phase.criterion]]\n" * 1001, "there are 1,001 criteria; a phase has at most 1,000"),
        (HEAD + "a." * 40_000 + "a = 1\n", "line 3: a key of more than 10 parts"),
        (HEAD + "[" + '"a" . ' * 40_000 + "a]\n", "line 3: a key of more than 10 parts"),
        (HEAD + "a" * 1_000_000 + " = 1\n", "unknown key"),
    ],
    ids=["top", "keys", "phases", "tasks", "criteria", "dotted", "header", "long"],
)
def test_a_campaign_file_that_is_full_of_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    """Each problem is counted, and no more is done for those that are not told: 300,000 took 17 s."""
    compared: list[str] = []

    def compare(name: str, *_: object, **__: object) -> list[str]:
        compared.append(name)
        return []

    monkeypatch.setattr("difflib.get_close_matches", compare)
    monkeypatch.setattr("cqltui.campaign.load.MAX_TASKS", 1000)
    (path := tmp_path / "full.toml").write_text(text, encoding="utf-8")
    began = time.process_time()
    with pytest.raises(InputError, match=problem) as raised:
        load_campaign(path)
    assert time.process_time() - began < SECONDS
    assert len(compared) <= MAX_PROBLEMS
    assert all(len(name) <= LONGEST_NAME for name in compared)
    assert len(raised.value.problems) <= MAX_PROBLEMS + 1
    assert len(str(raised.value)) < 20_000


def test_data_larger_than_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(1 << 24)
    monkeypatch.setattr(allowance, "memory", lambda: allowance.Allowed(1 << 23, 1 << 23))
    with pytest.raises(DataError, match=r"it has 16,777,216 bytes; expected at most 8,388,608"):
        read_table(path, ["a"])


def test_more_rows_than_there_is_memory_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "1,2\n" * 30_000)
    assert len(read_table(path, ["a", "b"])) == 30_000
    monkeypatch.setattr(allowance, "memory", lambda: allowance.Allowed(4 << 20, 4 << 20))
    with pytest.raises(DataError, match=r"more than the 0\.0 GiB of memory that this process may use: give fewer rows"):
        read_table(path, ["a", "b"])


def test_a_log_with_a_line_of_a_gigabyte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = RunDir(tmp_path / "run")
    run_dir.logs.mkdir(parents=True)
    run_dir.campaign_json.write_text("{}")
    with run_dir.log("w1").open("wb") as file:
        file.write(b"begin ")
        file.truncate(1 << 26)  # as far as it matters
        file.seek(0, os.SEEK_END)
        file.write(b"\nthe end\n")
    tracemalloc.start()
    try:
        assert main(["logs", "w1", "--run-dir", str(run_dir.path)]) == 0
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    first, last = capsys.readouterr().out.splitlines()
    assert (first[:6], last) == ("begin ", "the end")
    assert most < 1 << 24


def test_lines_are_cut_and_none_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.logfile.LINE_CHARS", 4)
    (path := tmp_path / "log").write_text("abc\nabcd\nabcde\n\nabcdefghi\nend")
    with path.open() as file:
        assert list(bounded(file)) == ["abc", "abcd", "abcd", "", "abcd", "end"]


def test_a_namespace_whose_keys_would_be_anothers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "~cq:*" in OWNER.rules(Keys()).split(), "the campaign without a namespace has all of these"
    with pytest.raises(ValueError, match="not 'cq'"):
        Keys("cq")
    with pytest.raises(SystemExit):
        main(["redis-acl", "--namespace", "cq"])
    (path := tmp_path / "a.toml").write_text('[campaign]\nname = "a"\n[redis]\nnamespace = "cq"\n')
    with pytest.raises(InputError, match=r"redis\.namespace: expected at most 32 letters, digits, - and _, not cq"):
        load_campaign(path)
    for fine in ("cq2", "cqx", "CQ", "c", "a-cq"):
        assert Keys(fine).own == f"{fine}:cq:*"


def test_the_rights_of_a_worker_are_called_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["redis-acl", "--namespace", "night"]) == ExitCode.OK
    answer = capsys.readouterr()
    assert "full control of the campaign" in answer.err
    owner, worker = answer.out.splitlines()
    assert "+script|kill" in owner.split()
    assert "+script|kill" not in worker.split()
