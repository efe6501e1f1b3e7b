"""A campaign from file to results, and the same command again."""

import csv
import json
import shutil
import time

from cqltui.algorithms import named
from cqltui.results.rundir import read_json
from cqltui.results.tables import result_columns
from tests.integration.place import TASKS, Place, Trained

RERUN_S = 25.0
"""Less than it takes for the workers of before to count as gone."""


def test_each_phase_has_a_table_with_a_row_a_task(undisturbed: Place) -> None:
    rows = 0
    for number, phase in enumerate(("exploration", "quality", "ensemble"), start=1):
        with undisturbed.run_dir.phase_csv(number, phase).open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file)
            assert table.fieldnames == result_columns(named("cql"))
            for row in table:
                rows += 1
                assert row["status"] == "done"
                assert row["attempts"] == "1"
                result = undisturbed.result(row["task_id"])
                assert float(row["loss"]) == result["metrics"]["loss"]
                assert row["worker"] == result["worker"]
    assert rows == TASKS


def test_the_run_directory_holds_what_it_promises(undisturbed: Place, expected: dict[str, Trained]) -> None:
    for task_id in expected:
        folder = undisturbed.run_dir.task(task_id)
        assert {path.name for path in folder.iterdir()} >= {"task.json", "q_heldout.safetensors"}
        assert not list(folder.glob("run-*/*/checkpoint-*")), "checkpoints are removed once they have served"
    said = read_json(undisturbed.run_dir.campaign_json) or {}
    assert set(said["versions"]) >= {"python", "cqltui", "torch", "numpy"}
    assert len(said["data"]["digest"]) == 64
    assert said["campaign"]["workers"]["count"] == 2
    assert said["placing"]["wanted"] == "cpu"
    assert said["placing"]["places"] == ["cpu", "cpu"]
    assert undisturbed.run_dir.summary_txt.read_text(encoding="utf-8").startswith("A small campaign")


def test_tasks_are_taken_by_priority_then_first_in_first_out(undisturbed: Place) -> None:
    undisturbed.check_journal()
    lines = undisturbed.journal()
    titles = {line["task"]: line["data"]["info"]["title"] for line in lines if line["data"].get("info")}
    taken = [titles[line["task"]] for line in lines if line["kind"] == "task.claimed"]
    assert taken == ["Best small network", "Best alpha", "[16]", "[32,16]", "seed 1", "seed 2"]


def test_nothing_is_left_running(undisturbed: Place) -> None:
    assert undisturbed.processes() == []
    assert not (undisturbed.run_dir.server / "connection.json").exists()


def test_logs_are_read_with_tail_and_grep(undisturbed: Place) -> None:
    logs = [undisturbed.log("w1"), undisturbed.log("w2")]
    assert all("Epoch 150/150 | Loss: " in log for log in logs), "each worker trained one of the long tasks"
    assert not any("ERROR" in log or "Warning" in log for log in logs)


def test_running_it_again_repeats_nothing(ended: Place, expected: dict[str, Trained]) -> None:
    tokens, started = ended.tokens(), time.monotonic()
    again = ended.complete()
    assert time.monotonic() - started < RERUN_S
    assert ended.tokens() == tokens
    assert ended.trained() == expected
    assert "6 of 6 tasks done" in again.out
    ended.check_journal()


def test_a_changed_file_and_lost_data_keep_what_is_done(ended: Place, expected: dict[str, Trained]) -> None:
    text = ended.campaign.read_text(encoding="utf-8")
    ended.campaign.write_text(text.replace("Best alpha", "Other words").replace("to = 2", "to = 3"), encoding="utf-8")
    tokens = ended.tokens()
    shutil.rmtree(ended.run_dir.server / "appendonlydir")
    ended.complete()
    now = ended.tokens()
    assert {task_id: now[task_id] for task_id in tokens} == tokens
    (added,) = set(now) - set(tokens)
    assert ended.result(added)["phase"] == "ensemble"
    assert now[added].startswith("2-"), "tokens from before the loss are never valid again"
    assert "Other words" in ended.run_dir.phase_csv(2, "quality").read_text(encoding="utf-8")
    assert {task_id: ended.trained()[task_id] for task_id in expected} == expected
    shutil.rmtree(ended.run_dir.server)  # its epoch too
    ended.complete()
    assert ended.tokens() == now
    ended.check_journal()


def _frozen(place: Place) -> dict[str, bytes]:
    """Every file of the run, but for the locks that a look takes."""
    return {
        str(path.relative_to(place.run_dir.path)): path.read_bytes()
        for path in sorted(place.run_dir.path.rglob("*"))
        if path.is_file() and path.suffix not in {".lock", ".socket"}
    }


def test_a_finished_run_is_looked_at_and_run_again_without_a_change(ended: Place) -> None:
    before = _frozen(ended)
    shown = json.loads(ended.ask("status", "--json").out)
    assert shown["status"] == "finished"
    assert shown["finished_ts"] == (read_json(ended.run_dir.campaign_json) or {})["finished_ts"] > 0
    for task in shown["tasks"]:
        result = ended.result(task["id"])
        told = (task["epochs_done"], task["loss"], task["val_loss"], task["best_val_loss"], task["seconds"])
        metrics = result["metrics"]
        of_file = (result["epochs"], metrics["loss"], metrics["val_loss"], result["best_val_loss"], result["seconds"])
        assert told == of_file
    again = ended.complete()
    assert "6 of 6 tasks done" in again.out
    assert "nothing is started" in again.err
    looked = ended.ask("attach")
    assert "6 of 6 tasks done" in looked.out
    (line,) = map(json.loads, ended.ask("attach", "--json").out.splitlines())
    assert line["kind"] == "snapshot"
    assert line["data"]["meta"]["finished_ts"] == shown["finished_ts"]
    assert {task["life"]["status"] for task in line["data"]["tasks"].values()} == {"done"}
    assert _frozen(ended) == before, "nothing was written"
    assert json.loads(ended.ask("status", "--json").out) == shown


def test_a_finished_run_that_lacks_something_is_completed_and_keeps_its_time(ended: Place) -> None:
    said = read_json(ended.run_dir.campaign_json) or {}
    ended.run_dir.summary_txt.unlink()
    again = ended.complete()
    assert "nothing is started" not in again.err
    assert "6 of 6 tasks done" in again.out
    now = read_json(ended.run_dir.campaign_json) or {}
    assert (now["finished_ts"], now["created_ts"]) == (said["finished_ts"], said["created_ts"])
    assert now["started_ts"] > said["started_ts"]
