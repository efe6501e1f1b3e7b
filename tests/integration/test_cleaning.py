"""`cqltui clean`: what nothing needs is removed from a run that rests, and the run goes on afterwards."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cqltui.broker.server.server import EmbeddedServer
from tests.integration.place import TASKS, Place, until
from tests.integration.terminal import Terminal
from tests.integration.test_other_file import files_of

MORE = ("--set", "phase.ensemble.epochs=60", "--yes")
ROOM = 100_000


@pytest.fixture
def place(ended: Place) -> Iterator[Place]:
    """A run that has ended, with server data set aside."""
    aside = ended.run_dir.server / "damaged-20261126-180211-x1y2z3"
    (aside / "appendonlydir").mkdir(parents=True)
    (aside / "appendonlydir" / "appendonly.aof").write_bytes(b"x" * ROOM)
    yield ended
    ended.end_all()


def clean(place: Place, *arguments: str, code: int = 0) -> str:
    """What `cqltui clean` says, which ends with this code."""
    said = place.ask("clean", *arguments, code=code)
    return said.out + said.err


def attempts(place: Place) -> list[Path]:
    """The folders of attempts."""
    return list(place.run_dir.tasks.glob("*/run-*/*"))


def kept(place: Place) -> dict[str, bytes]:
    """All that is to stay: everything but attempts, data set aside and what tells who holds the run."""
    left = {name: content for name, content in files_of(place).items() if "/run-" not in name}
    return {name: content for name, content in left.items() if "damaged-" not in name and "supervisor." not in name}


def test_a_run_that_was_cleaned_opens_and_goes_on_from_its_last_checkpoints(place: Place) -> None:
    before, trained, tokens = kept(place), place.trained(), place.tokens()
    assert len(attempts(place)) >= TASKS
    refused = place.ask("clean", code=2)
    assert "--yes does it unasked" in refused.err
    assert "attempts of finished tasks" in refused.out
    assert "server data that was set aside  " in refused.out
    assert "97.7 KiB" in refused.out
    assert len(attempts(place)) >= TASKS, "nobody has said yes"

    done = place.ask("clean", "small", "--yes", "--json")
    said = json.loads(done.out)
    assert said["freed_bytes"] > ROOM
    assert {one["kind"] for one in said["kinds"]} == {"attempts of finished tasks", "server data that was set aside"}
    assert attempts(place) == []
    assert not list(place.run_dir.tasks.glob("*/run-*"))
    assert not list(place.run_dir.server.glob("damaged-*"))
    assert kept(place) == before
    assert "there is nothing to remove" in clean(place)

    assert "finished" in place.ask("status").out
    assert "this run ended at" in place.complete().err
    again = place.complete(*MORE)
    assert "2 continued" in again.err
    assert place.log("w1").count("resumes at epoch 40") == 2
    assert {task_id: place.trained()[task_id] for task_id in trained} == trained
    assert {task_id: place.tokens()[task_id] for task_id in tokens} == tokens, "nothing was trained anew"


def test_without_last_checkpoints_more_epochs_are_trained_anew_and_both_say_so(place: Place) -> None:
    trained = place.trained()
    said = clean(place, "--all", "--yes")
    assert "last checkpoints" in said
    assert "tasks of more epochs will be trained anew" in said
    assert not list(place.run_dir.tasks.rglob("checkpoint-*"))
    assert place.trained() == trained
    again = place.complete(*MORE)
    assert "no checkpoint of it was kept" in again.err
    assert "resumes at epoch 40" not in place.log("w1")


def test_the_question_at_a_terminal(place: Place) -> None:
    for answer, code in (("\n", 2), ("y\n", 0)):
        assert attempts(place)
        terminal = Terminal([sys.executable, "-m", "cqltui", "clean", "small"], place.folder, place.environment)
        try:
            shown = terminal.wait(lambda text: "[y/N]" in text, "the question")
            assert "attempts of finished tasks" in shown
            terminal.press(answer)
            assert terminal.wait_end() == code
        finally:
            terminal.close()
    assert not attempts(place)


def test_a_former_result_and_a_run_that_is_under_way_are_kept(place: Place) -> None:
    task_id = min(place.tokens())
    folder = place.run_dir.task(task_id)
    former = [path.name for path in (folder / "run-1").iterdir()]
    place.ask("resubmit", task_id, "--yes")
    clean(place, "--yes")
    assert [path.name for path in (folder / "run-1").iterdir()] == former, "it is to come back with a cancel"
    place.complete()
    assert place.result(task_id)["run"] == 2
    clean(place, "--yes")
    assert [path.name for path in folder.glob("run-*")] == ["run-1"]
    assert (folder / "run-1" / former[0] / "model.safetensors").is_file()
    assert "former results" in clean(place, "--yes", "--all")
    assert not list(folder.glob("run-*"))


def test_a_run_at_work_is_refused_and_checkpoints_of_a_cancelled_task_go_those_of_a_stopped_one_stay(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path / "place")
    quick = place.environment
    place.slow_down()
    try:
        run = place.begin("--workers", "1")
        until(place.under_way, "a task with a checkpoint")
        assert "has a supervisor already" in clean(place, "--yes", code=2)
        run.kill()
        until(lambda: place.worker_pids(), "its worker lives on")
        (pid,) = place.worker_pids().values()
        said = clean(place, "--yes", code=2)
        assert f"workers of this run are at work (process {pid})" in said
        assert "cqltui stop" in said
        task = place.running(checkpointed=False)[0]
        place.ask("stop")

        found = sorted(path.name for path in place.run_dir.tasks.rglob("checkpoint-*"))
        assert list(place.run_dir.task(task.id).rglob("checkpoint-*"))
        assert "nothing to remove" in clean(place, "--yes")
        assert sorted(path.name for path in place.run_dir.tasks.rglob("checkpoint-*")) == found
        place.ask("cancel", task.id)
        assert "checkpoints of dead and cancelled tasks" in clean(place, "--yes"), "the command's server is waited for"
        assert not list(place.run_dir.task(task.id).rglob("checkpoint-*"))
        place.ask("resubmit", task.id)
        place.environment = quick
        place.complete()
    finally:
        place.end_all()


def test_a_server_with_users_is_refused(place: Place) -> None:
    share = EmbeddedServer(place.run_dir.path).start()
    try:
        said = clean(place, "--yes", code=2)
        assert "its server is in use" in said
        assert attempts(place)
    finally:
        share.leave()
    clean(place, "--yes")
    assert not attempts(place)


def test_links_lead_nowhere(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    precious = outside / "result.json"
    precious.write_text("precious", encoding="utf-8")
    first, second, third = sorted(place.tokens())[:3]
    (attempt,) = place.run_dir.run(first, 1).iterdir()
    (attempt / "link").symlink_to(outside)
    place.run_dir.run(second, 1).joinpath("1-1").symlink_to(outside)
    shutil.rmtree(place.run_dir.run(third, 1))
    place.run_dir.run(third, 1).symlink_to(outside)
    (place.run_dir.server / "damaged-20261126-180211-link").symlink_to(outside)
    assert "damaged-20261126-180211-link: is a link" in clean(place, "--yes", code=2)
    assert attempt.exists()
    (place.run_dir.server / "damaged-20261126-180211-link").unlink()
    clean(place, "--yes", "--all")
    assert precious.read_text(encoding="utf-8") == "precious"
    assert not attempt.exists()
    assert place.run_dir.run(third, 1).is_symlink(), "nothing of ours"


def test_a_folder_that_is_no_run_is_left_alone(place: Place) -> None:
    other = place.folder / "other"
    (other / "server" / "damaged-20261126-180211-x").mkdir(parents=True)
    assert "is not a run directory" in clean(place, "other", "--yes", code=2)
    (other / "campaign.json").write_text("{}", encoding="utf-8")
    assert "holds other files" in clean(place, "other", "--yes", code=2)
    assert (other / "server" / "damaged-20261126-180211-x").is_dir()
