"""Ctrl-C and its kin: workers write their checkpoints and leave, and the same command goes on."""

import signal

import pytest

from cqltui.results.rundir import read_json
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


def test_ctrl_c_and_sigterm_checkpoint_and_the_run_goes_on(place: Place, expected: dict[str, Trained]) -> None:
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
