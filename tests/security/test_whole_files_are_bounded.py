"""Files that are read as a whole: what is too large is not, and says so."""

import os
import time
import tracemalloc
from pathlib import Path

import pytest

from cqltui.cli import main
from cqltui.results.left import from_disk
from cqltui.results.overview import LISTED_BYTES
from cqltui.results.rundir import SMALL_BYTES, RunDir, read_json, write_json
from tests.unit.made import leave_result
from trainer import allowance
from trainer.data.table import EMPTY_LINES, LINE_CHARACTERS, read_table
from trainer.data.types import DataError

PEAK = 20 << 20


@pytest.mark.parametrize(
    ("before", "many", "after", "problem"),
    [
        ("a,b\n", "x", "", "the line has 1,048,576 characters or more"),
        ('a,b\n"', "x", "", "the line has 1,048,576 characters or more"),
        ("a,b\n", ",", "", "the line has 1,048,576 characters or more"),
        ("", ",", "\n1,2\n", "the line has 1,048,576 characters or more"),
        ("a,b\n", "\n", "", "it is the 100,001th empty line: remove them"),
    ],
    ids=["text", "quote", "commas", "header", "empty"],
)
def test_a_csv_of_few_or_no_rows(tmp_path: Path, before: str, many: str, after: str, problem: str) -> None:
    (path := tmp_path / "data.csv").write_text(before + many * 40_000_000 + after)
    began = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=problem):
            read_table(path, ["a", "b"])
        assert tracemalloc.get_traced_memory()[1] < PEAK
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 2.0


def test_long_and_empty_lines_within_it_are_read(tmp_path: Path) -> None:
    columns = [f"c{n}" for n in range(20)]
    cells = ["x" * 50_000] * 20
    (path := tmp_path / "data.csv").write_text(f"{','.join(columns)}\n" + "\n" * EMPTY_LINES + ",".join(cells) + "\n")
    assert len(",".join(cells)) < LINE_CHARACTERS
    assert read_table(path, ["c3"]).columns["c3"] == (cells[3],)


def test_cells_count_by_what_they_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = 4 << 20
    monkeypatch.setattr(allowance, "memory", lambda: allowance.Allowed(memory, memory))
    (path := tmp_path / "data.csv").write_text("a\n" + ("x" * 100_000 + "\n") * 30)
    assert len(read_table(path, ["a"])) == 30
    path.write_text("a\n" + ("x" * 100_000 + "\n") * 41 + "x\n" * 400)
    with pytest.raises(DataError, match=r"from here on its rows take more than the 0\.0 GiB of memory"):
        read_table(path, ["a"])


def _run(folder: Path) -> RunDir:
    """A run with one task."""
    run_dir = RunDir(folder)
    write_json(run_dir.campaign_json, {"campaign": {"name": "x"}})
    leave_result(run_dir.task("a1"), "a1", 1, "1-7")
    write_json(run_dir.task_json("a1"), {"info": {"phase": "p"}, "life": {"status": "queued"}})
    return run_dir


@pytest.mark.parametrize("name", ["task.json", "supervisor.json", "connection.json"])
def test_a_document_of_a_task_is_small(tmp_path: Path, name: str) -> None:
    write_json(path := tmp_path / name, {"x": 1})
    assert read_json(path) == {"x": 1}
    with path.open("a") as file:
        file.write(" " * SMALL_BYTES)
    assert read_json(path) is None


def test_a_task_of_half_a_gibibyte_is_passed_over(tmp_path: Path) -> None:
    run_dir = _run(tmp_path)
    write_json(run_dir.task_json("b2"), {"info": {"phase": "p"}, "life": {"status": "queued"}})
    with run_dir.task_json("b2").open("a") as file:
        file.write(" " * (100 << 20))
    tracemalloc.start()
    try:
        assert list(from_disk(run_dir).tasks) == ["a1"]
        assert tracemalloc.get_traced_memory()[1] < PEAK
    finally:
        tracemalloc.stop()


def test_a_run_that_is_too_large_is_listed_without_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    _run(tmp_path / "runs" / "small")
    huge = _run(tmp_path / "runs" / "huge")
    os.truncate(huge.campaign_json, LISTED_BYTES + 1)
    tracemalloc.start()
    try:
        assert main(["ls"]) == 0
        assert tracemalloc.get_traced_memory()[1] < LISTED_BYTES
    finally:
        tracemalloc.stop()
    said = capsys.readouterr()
    assert [line.split()[:2] for line in said.out.splitlines()[1:]] == [["huge", "large"], ["small", "stopped"]]
    assert "huge/campaign.json has 16,777,217 bytes, of which a list reads 16,777,216 at most" in said.err
