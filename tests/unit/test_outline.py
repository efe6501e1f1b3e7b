"""What campaign.json says but for its tasks."""

import json
from pathlib import Path
from typing import Any

import pytest

from cqltui.results import outline as module
from cqltui.results.outline import outline, read_outline
from cqltui.results.rundir import RunDir, parse_json, write_json
from cqltui.supervisor import manifest

SAID = {
    "created_ts": 5.0,
    "campaign": {
        "redis": {"url": "(set)", "namespace": "a"},
        "phases": [{"name": "p", "title": "P", "tasks": [{"title": "one"}]}, {"name": "q", "tasks": 3}, "no phase"],
    },
}
LEFT = {
    "created_ts": 5.0,
    "tasks": 1,
    "campaign": {
        "redis": {"url": "(set)", "namespace": "a"},
        "phases": [{"name": "p", "title": "P"}, {"name": "q"}, "no phase"],
    },
}


def test_all_but_the_tasks_is_read_once_until_there_is_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(path: Path) -> dict[str, Any]:
        read.append(path)
        return parse_json(path)

    monkeypatch.setattr(module, "parse_json", counted)
    run_dir = RunDir(tmp_path)
    write_json(run_dir.campaign_json, SAID)
    assert outline(run_dir) == LEFT
    assert manifest.is_own_server(run_dir)
    assert manifest.namespace(run_dir) == "a"
    assert manifest.known(run_dir) == SAID["campaign"], "all of it, for those who compare"
    assert outline(run_dir) is read_outline(run_dir)
    assert len(read) == 1
    write_json(run_dir.campaign_json, {"campaign": {"phases": 7, "redis": {"url": None}}})
    assert outline(run_dir) == {"campaign": {"phases": 7, "redis": {"url": None}}, "tasks": 0}
    assert not manifest.is_own_server(run_dir)
    assert len(read) == 2


@pytest.mark.parametrize(
    ("tasks", "count"),
    [
        ([{"title": "one"}, {"grid": {"seed": {"from": 3, "to": 12}, "alpha": [0.1, 0.2, 0.3]}}], 31),
        ([{"grid": {"seed": {"from": 3, "to": 2}}}, {"grid": {"seed": {"from": True, "to": 9}}}], 0),
        ([{"grid": {"seed": 4}}, {"grid": {"seed": {"from": 3}}}], 0),
        ([7, {"grid": 7}], 2),
    ],
)
def test_the_points_of_a_large_grid_are_counted_and_nonsense_counts_for_nothing(
    tmp_path: Path, tasks: list[object], count: int
) -> None:
    write_json(RunDir(tmp_path).campaign_json, {"campaign": {"phases": [{"tasks": tasks}, {"tasks": [{}]}]}})
    assert outline(RunDir(tmp_path))["tasks"] == count + 1


def test_what_cannot_be_read_is_asked_for_again(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    assert outline(run_dir) == {}
    with pytest.raises(FileNotFoundError):
        read_outline(run_dir)
    run_dir.campaign_json.write_text("no JSON")
    for _ in range(2):
        assert outline(run_dir) == {}
        with pytest.raises(json.JSONDecodeError):
            read_outline(run_dir)
    run_dir.campaign_json.unlink()
    run_dir.campaign_json.mkdir()
    assert outline(run_dir) == {}
