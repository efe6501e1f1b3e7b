"""Ctrl-C and its kin: workers write their checkpoints and leave, and the same command goes on."""

import json
import signal

import pytest

from cqltui.results.rundir import read_json, read_metrics
from cqltui.state.model import Status
from tests.integration.place import Place, Trained, until


def _saved(place: Place) -> dict[str, str]:
    """What task.json says of each task."""
    found = {}
    for folder in place.run_dir.tasks.iterdir():
        said = read_json(folder / "task.json")
        assert said is not None
        found[folder.name] = str(said["life"]["status"])
    return found


def check_shown(place: Place, stopped: set[str]) -> None:
    """What is shown of the tasks that were stopped, with the server gone, is what their checkpoints hold."""
    shown = json.loads(place.ask("status", "--json").out)["tasks"]
    for task in shown:
        folder = place.run_dir.task(task["id"])
        found = {int(path.stem.split("-")[1]): path for path in folder.glob("run-1/*/checkpoint-*.safetensors")}
        if task["status"] == "done" or not found:
            continue
        rows = read_metrics(found[max(found)].with_name("metrics.csv"))[: max(found)]
        known = [row.val_loss for row in rows if row.val_loss is not None]
        assert (task["epochs_done"], task["loss"]) == (max(found), rows[-1].loss)
        last = known[-1] if known else None
        assert (task["val_loss"], task["best_val_loss"]) == (last, min(known, default=None))
    assert all(task["epochs_done"] > 0 for task in shown if task["id"] in stopped)


def test_ctrl_c_and_sigterm_checkpoint_and_the_run_goes_on(place: Place, expected: dict[str, Trained]) -> None:
    quick = place.environment
    place.slow_down()  # what is under way has not ended before the signal arrives
    stopped: set[str] = set()
    for number in (signal.SIGINT, signal.SIGTERM):
        run = place.begin()
        until(place.under_way, "a task under way")
        stopped |= {task.id for task in place.running()}
        run.send(number)
        run.ends(130)
        assert "the same command goes on" in run.err
        assert place.processes() == [], "neither workers nor the server are left"
        assert set(_saved(place).values()) <= {Status.QUEUED, Status.DONE}
        check_shown(place, stopped)
    place.environment = quick
    place.complete()
    assert place.trained() == expected
    place.check_journal()
    assert all(f"{task_id} resumes at epoch " in place.log("w1") for task_id in stopped)
    assert "died" not in "".join(str(line["data"]) for line in place.journal()), "to leave on request is no death"


def test_a_second_ctrl_c_ends_the_workers_at_once(place: Place) -> None:
    run = place.begin()
    _, pid = place.freeze()  # a worker that does not answer
    run.send(signal.SIGINT)
    until(lambda: "stopping" in run.err, "the first answer")
    run.send(signal.SIGINT)
    run.ends(130)
    assert place.processes() == []
    assert pid not in {process.pid for process in place.processes()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_leaves_nothing_behind(place: Place, number: int) -> None:
    run = place.begin()
    until(lambda: (place.run_dir.path / "supervisor.json").exists(), "the supervisor")
    run.send(number)
    run.ends(130)
    assert place.processes() == []
