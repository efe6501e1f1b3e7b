"""The same name with another file: nothing that was trained is withdrawn unasked, and more epochs go on."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cqltui.results.rundir import read_json
from tests.integration.place import ONE_WORKER, TASKS, TWO, Place
from tests.integration.sessions import trained_alone
from tests.integration.terminal import Terminal

OTHER = (
    """
[campaign]
name = "small"
[trainer]
precision = "fp32"
alpha = 0.3
lr = 1e-3
seed = 42
hidden_dims = [16]
keep = ["last", "best", 7, 33, 45]
validate_every = 15  # the former ends, at epoch 40, were validated for being ends
"""
    + ONE_WORKER
    + """[[phase]]
name = "exploration"
priority = 7
epochs = 50
[phase.grid]
hidden_dims = [[16], [32, 16]]
[[phase]]
name = "ensemble"
priority = 6
epochs = 40
[phase.grid]
seed = [1, 3]
"""
)
"""Of small.toml: exploration with more epochs, quality gone, another seed in ensemble."""
SCREEN = b"\x1b[?1049h"
"""What opens a program's own screen."""


def files_of(place: Place) -> dict[str, bytes]:
    """Everything in the run directory, by name."""
    found = (path for path in place.run_dir.path.rglob("*") if path.is_file())
    return {str(path.relative_to(place.run_dir.path)): path.read_bytes() for path in found}


def results_of(place: Place) -> dict[str, bytes]:
    """The tables and the summary as they are now, by name."""
    return {path.name: path.read_bytes() for path in place.run_dir.results.iterdir() if path.is_file()}


@pytest.fixture
def terminal(ended: Place) -> Iterator[Terminal]:
    """The command on the changed file, in a terminal."""
    ended.campaign.write_text(OTHER, encoding="utf-8")
    made = Terminal([sys.executable, "-m", "cqltui", ended.campaign.name], ended.folder, ended.environment)
    yield made
    made.close()
    ended.end_all()


def test_what_was_done_is_withdrawn_with_a_yes_only_and_comes_back(ended: Place, tmp_path: Path) -> None:
    former_file, former, results = ended.campaign.read_text(encoding="utf-8"), ended.trained(), results_of(ended)
    tokens, whole = ended.tokens(), files_of(ended)
    ended.campaign.write_text(OTHER, encoding="utf-8")

    refused = ended.complete(code=2)
    assert "this file would withdraw what the run has trained, 3 tasks:" in refused.err
    assert "quality, Best small network (" in refused.err
    assert "--yes withdraws them" in refused.err
    assert "another name, or --run-dir DIR" in refused.err
    said = json.loads(ended.ask("plan", ended.campaign.name, "--json").out)["difference"]
    assert (len(said["new"]), len(said["kept"]), len(said["continued"])) == (1, 1, 2)
    assert [task["done"] for task in said["withdrawn"]] == [True] * 3
    assert files_of(ended) == whole, "neither has touched a thing"

    ended.complete("--yes")
    alone = trained_alone(ended.campaign, tmp_path)
    trained = ended.trained()
    new = {task["id"] for task in [*said["new"], *said["continued"]]}
    assert len(new) == 3
    assert {task_id: trained[task_id] for task_id in new} == {task_id: alone[task_id] for task_id in new}
    for task in said["continued"]:
        assert task["epoch"] == 40
        assert f"{task['id']} resumes at epoch 40" in ended.log("w1")
        best = [row for row in trained[task["id"]].metrics if row[6] is not None]
        assert ended.result(task["id"])["best_val_epoch"] == min(best, key=lambda row: row[6])[0]
    assert {task_id: trained[task_id] for task_id in former} == former, "their results stay"
    assert "phase3_ensemble_results.csv" not in results_of(ended)
    earlier = ended.run_dir.earlier
    for name, content in results.items():
        stem, _, suffix = name.rpartition(".")
        assert (earlier / f"{stem}-1.{suffix}").read_bytes() == content

    ended.campaign.write_text(former_file, encoding="utf-8")
    again = ended.complete("--yes", *TWO)
    assert f"{TASKS} kept ({TASKS} done, 5 of them back in the file)" in again.err
    assert {task_id: ended.tokens()[task_id] for task_id in tokens} == tokens, "nothing was trained anew"
    for name in ("phase2_quality_results.csv", "phase3_ensemble_results.csv"):
        assert results_of(ended)[name] == results[name]
    assert len(list(earlier.glob("summary-2.*"))) == 2


def test_a_no_leaves_everything_as_it_is(terminal: Terminal, ended: Place) -> None:
    whole = files_of(ended)
    shown = terminal.wait(lambda text: "[y/N]" in text, "the question")
    assert "1 new, 1 kept (1 done), 2 continued, 3 withdrawn (3 done)" in shown
    terminal.press("\n")
    assert terminal.wait_end() == 2
    assert "nothing was changed" in terminal.text()
    assert files_of(ended) == whole


def test_a_yes_at_the_terminal_is_heard_by_the_supervisor(terminal: Terminal, ended: Place) -> None:
    terminal.wait(lambda text: "[y/N]" in text, "the question")
    terminal.press("y\n")

    def phases() -> list[str]:
        said = read_json(ended.run_dir.campaign_json)
        return [phase["name"] for phase in said["campaign"]["phases"]] if said else []

    assert phases() == ["exploration", "quality", "ensemble"]
    terminal.wait(lambda _: phases() == ["exploration", "ensemble"], "the run is of the other file")
    terminal.wait(lambda _: SCREEN in terminal.output, "the screen")
