"""`cqltui ls`, and naming a run by its name."""

import argparse
import json
import re
from pathlib import Path

import pytest
from msgspec import to_builtins

from cqltui import cli
from cqltui.app import finished, options
from cqltui.errors import InputError
from cqltui.results.rundir import RunDir, write_json
from cqltui.state.model import Lifecycle, Progress, Status, TaskInfo

STARTED = 1_700_000_000.0


def made(folder: Path, name: str, *statuses: Status, started_ts: float = STARTED) -> RunDir:
    """A run directory with a task for each status; those that are done have validated at 0.5, 0.25, ..."""
    run_dir = RunDir(folder / "runs" / name)
    run_dir.tasks.mkdir(parents=True)
    write_json(run_dir.campaign_json, {"created_ts": started_ts, "campaign": {"name": name}, "finished_ts": 0.0})
    for number, status in enumerate(statuses):
        info = TaskInfo(f"a{number}", "p", epochs=9)
        report = Progress(epoch=9, best=0.5 / (number + 1)) if status is Status.DONE else None
        life = Lifecycle(status=status, report=report)
        (run_dir.tasks / info.id).mkdir()
        write_json(run_dir.task_json(info.id), {"info": to_builtins(info), "life": to_builtins(life)})
    return run_dir


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_run_in_a_line_the_newest_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done, dead, queued, left = Status.DONE, Status.DEAD, Status.QUEUED, Status.WITHDRAWN
    made(folder, "ended", done, dead, done, left)
    made(folder, "cut", done, queued, started_ts=STARTED + 60)
    made(folder, "bare", started_ts=STARTED - 60)
    assert cli.main(["ls", "--json"]) == 0
    told = [{name: one[name] for name in ("name", "state", "tasks", "done", "failed", "best")}
            for one in json.loads(capsys.readouterr().out)]  # fmt: skip
    assert told == [
        {"name": "cut", "state": "stopped", "tasks": 2, "done": 1, "failed": 0, "best": 0.5},
        {"name": "ended", "state": "finished", "tasks": 3, "done": 2, "failed": 1, "best": 0.5 / 3},
        {"name": "bare", "state": "empty", "tasks": 0, "done": 0, "failed": 0, "best": None},
    ]
    assert cli.main(["ls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["cut", "stopped", "1/2"],
        ["ended", "finished", "2/3"],
        ["bare", "empty", "0/0"],
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b'{"campaign":\n {"na', "is no JSON: Unterminated string starting at: line 2"),
        (b"[1]", "is no JSON: expected an object, found list"),
        (b"\xff{}", "is no JSON: 'utf-8' codec can't decode"),
        (b"[" * 100_000, "is no JSON: its brackets are nested too deeply"),
        (rb'{"a": "\ud800"}', "is no JSON: 'utf-8' codec can't encode"),
        (None, "cannot be read: "),
    ],
)
def test_a_run_whose_campaign_cannot_be_read_says_so_and_why(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, why: str
) -> None:
    for name, statuses in (("bare", ()), ("cut", (Status.DONE, Status.QUEUED))):
        run_dir = made(folder, name, *statuses)
        run_dir.campaign_json.unlink()
        if content is None:
            run_dir.campaign_json.mkdir()
        else:
            run_dir.campaign_json.write_bytes(content)
    assert cli.main(["ls"]) == 0
    said = capsys.readouterr()
    assert [line.split() for line in said.out.splitlines()[1:]] == [
        ["bare", "unreadable"],
        ["cut", "unreadable", "1/2", "0.5000"],
    ]
    assert f"runs/bare/campaign.json {why}" in said.err
    assert f"runs/cut/campaign.json {why}" in said.err
    assert cli.main(["ls", "--json"]) == 0
    assert all(why in one["why"] for one in json.loads(capsys.readouterr().out))
    if content is not None:
        assert cli.main(["status", "bare"]) == 2
        assert f"runs/bare/campaign.json: {why}" in capsys.readouterr().err
        with pytest.raises(InputError, match=re.escape(why)):  # for `attach`, and Enter in the list
            finished.look_or_say(RunDir(folder / "runs" / "cut"))


def test_without_a_run_it_says_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ls"]) == 0
    assert "there is no run in" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["two"], ["runs/two"], ["--run-dir", "two"], ["--run-dir", "one", "two"]])
def test_a_run_is_named_by_position_or_option(folder: Path, words: list[str]) -> None:
    made(folder, "one", Status.QUEUED)
    two = made(folder, "two", Status.QUEUED)
    parser = argparse.ArgumentParser()
    options.add_place(parser, by_position=True)
    found = options.existing_run(parser.parse_args(words).run_dir)
    assert found.path == two.path


def test_no_name_is_none(folder: Path) -> None:
    parser = argparse.ArgumentParser()
    options.add_place(parser, by_position=True)
    assert parser.parse_args([]).run_dir is None
    assert parser.parse_args(["--run-dir", "one"]).run_dir == Path("one")
    with pytest.raises(InputError, match=r"nix: is not a run directory \(it has no campaign.json\)$"):
        options.existing_run(Path("nix"))
    made(folder, "deep", Status.QUEUED)
    with pytest.raises(InputError, match=r"depe: is not a run directory .*; did you mean deep\?"):
        options.existing_run(Path("depe"))


def test_a_directory_here_goes_before_a_name(folder: Path) -> None:
    made(folder, "one", Status.QUEUED)
    (folder / "one").mkdir()
    with pytest.raises(InputError, match="one: is not a run directory"):
        options.existing_run(Path("one"))
