"""A task that kills or hangs its worker each time ends as dead, and its pack mates as if it had never been there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cqltui.state.model import Status
from tests.integration.place import Place, Trained, hooked
from tests.integration.sessions import trained_alone

CAMPAIGN = Path(__file__).with_name("poison.toml")
LIMIT_S = 150.0
"""Several workers start one after another, with pauses that double."""


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """What the tasks give where none is poisoned."""
    return trained_alone(CAMPAIGN, tmp_path_factory.mktemp("healthy"))


@pytest.fixture
def poison(tmp_path: Path) -> Path:
    """The file that says what the poisoned task does."""
    return tmp_path / "poison"


@pytest.fixture
def place(tmp_path: Path, poison: Path) -> Iterator[Place]:
    """A place whose workers can be poisoned."""
    made = Place(tmp_path / "place", campaign=CAMPAIGN, environment=hooked({}, POISON=str(poison), RESTART_S="0.1"))
    yield made
    made.end_all()


def tasks(place: Place) -> dict[str, dict[str, Any]]:
    """Every task by title, as `cqltui status --json` tells it."""
    said = json.loads(place.ask("status", "--json").out)
    return {task["title"]: task for task in said["tasks"]}


def claims(place: Place, task_id: str) -> int:
    """How often the task was claimed."""
    return sum(line["kind"] == "task.claimed" and line["task"] == task_id for line in place.journal())


def test_a_task_that_kills_its_worker_ends_dead_with_all_that_is_known_of_it(
    place: Place, poison: Path, healthy: dict[str, Trained]
) -> None:
    poison.write_text("abort", encoding="utf-8")
    run = place.begin().ends(1, LIMIT_S)
    found = tasks(place)
    dead = found["seed 13"]
    assert {title: task["status"] for title, task in found.items()} == dict.fromkeys(found, Status.DONE) | {
        "seed 13": Status.DEAD
    }
    assert place.trained() == {task_id: result for task_id, result in healthy.items() if task_id != dead["id"]}
    assert claims(place, dead["id"]) == 4, "with its mates, and three times alone"
    reason, *more = dead["error"].splitlines()
    assert reason == "its worker w1 died (signal 6)"
    text = "\n".join(more)
    assert "Epoch 1/60" in text, "the last lines of the log"
    assert "Fatal Python error: Aborted" in text
    assert "in run_epoch" in text or "in changed" in text
    assert "seed 11" not in text
    assert more[-1] == f"run it again with: cqltui resubmit {dead['id']}"
    assert "3 of 4 tasks done" in run.out
    table = place.run_dir.phase_csv(1, "ensemble").read_text(encoding="utf-8")
    shown = (run.out, run.err, table, place.ask("status", "--tasks").out)
    assert all("Fatal Python" not in part for part in shown), "lists and lines tell the reason alone"
    assert f"{reason}\n" in run.err

    poison.unlink()
    place.ask("resubmit", dead["id"])
    place.complete()
    assert place.trained() == healthy


def test_a_task_that_hangs_once_is_done_by_the_next_worker(
    place: Place, poison: Path, healthy: dict[str, Trained]
) -> None:
    poison.write_text("hang once", encoding="utf-8")
    run = place.begin().ends(0, LIMIT_S)
    assert " is stalled: no step for " in run.err
    assert " hangs: worker w1 is restarted" in run.err
    assert place.trained() == healthy
