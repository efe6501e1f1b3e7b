"""A file of data that is replaced under a run: what trains goes on, nothing trains on other data unasked."""

import os
import signal

from cqltui.state.model import Status
from tests.integration.place import TASKS, Place, until
from tests.trainer.test_data_logged import bets, write

# --yes: the leak audit finds invented bets wrong.
LONG = ("--yes", "--set", "phase.quality.epochs=100000")
SHORT = ("--yes", "--set", "trainer.epochs=2", "--set", "phase.quality.epochs=2")
ROWS = 600


def test_other_data_is_refused_and_taken_up_by_the_next_start(place: Place) -> None:
    text = place.campaign.read_text(encoding="utf-8")
    place.campaign.write_text(
        text.replace('source = "simulated"', 'source = "logged"\npath = "bets.csv"'), encoding="utf-8"
    )
    rows = bets(ROWS)
    write(place.folder / "bets.csv", rows)
    run = place.begin(*LONG)
    until(place.under_way, "a task under way")
    (task,) = place.running()
    rows[0]["r"] = 0.5
    write(place.folder / "bets.csv", rows)
    reached = place.look().tasks[task.id].epochs_done
    until(lambda: place.look().tasks[task.id].epochs_done > reached, "an epoch more on the data that it began with")

    os.kill(place.worker_pids()["w1"], signal.SIGKILL)  # the next one has to read the file
    until(lambda: place.look().tasks[task.id].status is Status.DEAD, "the refusal")
    error = place.look().tasks[task.id].life.error
    assert "bets.csv: the data is not what the task was submitted with" in error.splitlines()[0]
    run.ends(1)
    assert place.trained() == {}

    place.complete(*SHORT)
    assert len(place.trained()) == TASKS
    assert task.id not in place.trained(), "other data, other tasks"
    assert place.run_dir.task(task.id).is_dir(), "what was trained on the former data stays"
