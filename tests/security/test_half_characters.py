"""Halves of surrogate pairs in a run's JSON, which JSON can hold and UTF-8 cannot: nothing of ours stops over them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cqltui.broker.protocol.queue import Queue
from cqltui.cli import main
from cqltui.results.left import from_disk
from cqltui.results.rundir import RunDir, read_json, write_json
from cqltui.state.model import Lifecycle, Status, TaskInfo
from cqltui.supervisor.publish import Publisher
from cqltui.supervisor.records import Records
from tests.contract.helpers import claim_one, state, task, worker
from tests.unit.made import leave_result

HALF = "\ud800"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": "\\ud800"}', None),
        (b'{"a": "\\uDFFF tail"}', None),
        (b'{"a": {"\\udc00": [1]}}', None),
        (b'{"a": "\xed\xa0\x80"}', None),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\N{GRINNING FACE}"}),
        ('{"a": "\N{GRINNING FACE}"}'.encode(), {"a": "\N{GRINNING FACE}"}),
        (b'{"a": "\\\\ud800"}', {"a": "\\ud800"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    ],
)
def test_a_file_with_a_half_holds_no_object(tmp_path: Path, content: bytes, expected: dict[str, Any] | None) -> None:
    (tmp_path / "file.json").write_bytes(content)
    assert read_json(tmp_path / "file.json") == expected


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    write_json(tmp_path / "file.json", {"command": ["cqltui", f"{HALF}.toml"]})
    assert read_json(tmp_path / "file.json") == {"command": ["cqltui", "?.toml"]}


def planted(folder: Path, task_id: str, run: int, token: str) -> None:
    """A result that is whole, but for a text with a half in it."""
    document = leave_result(folder, task_id, run, token)
    (folder / "result.json").write_text(json.dumps(document | {"device": HALF, HALF: 1}))


def test_a_result_with_one_is_none_and_the_task_is_trained_again(tmp_path: Path, queue: Queue) -> None:
    """The supervisor tried to publish it in each round, for ever."""
    queue.enqueue(task("a1"))
    claimed = claim_one(queue, worker(queue))
    run_dir = RunDir(tmp_path)
    planted(run_dir.attempt("a1", claimed.run, claimed.token), "a1", claimed.run, claimed.token)
    records = Records(run_dir)
    try:
        assert records.finished("a1", claimed.run, claimed.token) is None, "nothing to hand over"
        assert queue.complete("a1", claimed.token, {"token": claimed.token})
        done = state(queue).tasks["a1"]
        queue.client.execute_command("DEL", queue.keys.results)  # the server's own copy is lost
        assert records.result("a1", done.life) is None
        Publisher(queue, records).publish(done)
    finally:
        records.close()
    assert state(queue).tasks["a1"].status is Status.QUEUED
    assert read_json(run_dir.result_json("a1")) is None


def test_looking_at_a_run_passes_over_them(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    life = Lifecycle(status=Status.DONE, run=1, token="1-1")
    for name, title in (("a1", "fine"), ("a2", HALF)):
        run_dir.task(name).mkdir(parents=True)
        info = {"phase": "p", "title": title, "epochs": 10}
        run_dir.task_json(name).write_text(json.dumps({"info": info, "life": {"status": "queued", "run": 1}}))
    planted(run_dir.task("a1"), "a1", 1, "1-1")
    for path in (run_dir.campaign_json, run_dir.summary_json):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"campaign": {"name": HALF}, "phases": [{"name": HALF}]}))
    assert list(from_disk(run_dir).tasks) == ["a1"]
    records = Records(run_dir)
    try:
        assert records.lifecycle("a2") is None
        assert records.earlier(TaskInfo("a1", "p"), "d", life) is None
    finally:
        records.close()


def test_a_folder_whose_name_is_no_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was an internal error."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/x\xff"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has names of UTF-8 only")
    file = Path(__file__).parents[1] / "integration" / "small.toml"
    assert main([str(file), "--no-ui", "--run-dir", str(folder)]) == 2
    assert "its name is not UTF-8: choose another, or rename it (mv $'" in capsys.readouterr().err
    (folder / "games.csv").touch()
    (tmp_path / "link.csv").symlink_to(folder / "games.csv")
    more = ("--set", "data.source=games", "--set", f"data.path={tmp_path / 'link.csv'}")
    assert main([str(file), "--no-ui", *more, "--run-dir", str(tmp_path / "run")]) == 2
    assert "its name is not UTF-8, as workers are told it" in capsys.readouterr().err
